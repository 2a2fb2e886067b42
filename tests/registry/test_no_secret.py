"""A password in a store's address is in nothing that a model takes along or a machine writes.

It is planted by ``${NAME}``, as people are told to, and in the whole config that an earlier release
wrote into ``model.json``. Then everything that was written is searched for it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sparrow.config import Config, ServiceConfig, StoresConfig
from sparrow.inference.model_folder import read_info
from sparrow.served_settings import ServedSettings, read_served_settings, write_served_settings

SECRET = "Zq7-unlikely.pa55word"  # no character that a URL would quote
NAME = "test-detector"
REPO = Path(__file__).parents[2]
BUILD = """
import sys
from pathlib import Path
import bentoml
from sparrow.registry.bundle import build_bento
from sparrow.served_settings import ServedSettings, read_served_settings

settings = read_served_settings(Path(sys.argv[2]))
print(bentoml.get(build_bento(Path(sys.argv[1]), settings)).path)
"""


def files_with_the_secret(root: Path) -> list[Path]:
    return [
        path
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.is_symlink() and SECRET.encode() in path.read_bytes()
    ]


def earlier_config() -> dict[str, object]:
    """A whole config as an earlier release wrote it, its passwords included, which was legal."""
    whole = Config().model_dump(mode="json")
    for name in ("tracking", "registry", "tuning", "promotion_log", "prediction_log"):
        whole["stores"][name] = f"postgresql://birds:{SECRET}@db.example/{name}"
    whole["stores"]["artifacts"] = f"s3://{SECRET}@box/artifacts"
    whole["service"]["require_api_key"] = True
    return whole


def export(model: Path, into: Path) -> None:
    from sparrow.cli.main import main

    assert main(["export-space", str(into), "--model", str(model)]) == 0


def bento_of(model: Path, settings: Path, home: Path) -> Path:
    environment = {**os.environ, "BENTOML_HOME": str(home)}
    environment.pop("SPARROW_API_KEY", None)  # whoever trains does not have it
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(model), str(settings)],
        cwd=REPO, env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert SECRET not in done.stdout + done.stderr
    return Path(done.stdout.splitlines()[-1]) / "src"


def test_a_model_of_an_earlier_release_leaves_its_stores_here_and_keeps_its_key(
    write_small_model: Callable[..., Path], tmp_path: Path
) -> None:
    model = write_small_model(tmp_path / "model", config=earlier_config())
    assert files_with_the_secret(tmp_path)  # it is there to be found
    export(model, tmp_path / "space")
    assert files_with_the_secret(tmp_path / "space") == []
    inside = read_info(tmp_path / "space" / "model")
    assert not {"stores", "service"} & set(inside.config)
    assert "root" not in inside.config["data"]
    assert inside.threshold == read_info(model).threshold
    served = read_served_settings(tmp_path / "space" / "model")
    assert served is not None
    assert served.service.require_api_key


@pytest.mark.slow
def test_what_was_registered_published_bundled_and_exported_holds_no_secret(
    write_small_model: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """The stores are files with the secret in their names: it has to be put in to open them."""
    from sparrow.registry.registry import Registry
    from sparrow.registry.tracking import RunFacts, flat_params, make_client, start_run

    monkeypatch.setenv("PLANTED", SECRET)
    home = tmp_path / "state"
    stores = StoresConfig(
        tracking=f"sqlite:///{home}/${{PLANTED}}.mlflow.db",
        promotion_log=f"sqlite:///{home}/${{PLANTED}}.promotions.db",
        prediction_log="postgresql://birds:${PLANTED}@db.example/log",
        artifacts=str(home / "artifacts"),
        champion=str(home / "champion"),
    )
    config = Config(name=NAME, stores=stores, service=ServiceConfig(require_api_key=True))
    model = write_small_model(tmp_path / "model", config=config.of_the_training())
    client = make_client(stores)
    skip = ("stores", "service", "tuning")
    params = flat_params(config.model_dump(mode="json"), skip=skip)
    run = start_run(client, NAME, stores.artifacts, tmp_path / "note", RunFacts(params))
    registry = Registry(stores, NAME)
    number = registry.register(model, run, "run/1", {}).number
    settings = ServedSettings(
        name=NAME, version=str(number), service=config.service, stores=config.stores
    )
    write_served_settings(registry.published_folder(number), settings)
    registry.promote(number, "the first")
    assert (home / f"{SECRET}.mlflow.db").is_file()  # the variable was put in
    space = tmp_path / "space"
    export(home / "champion", space)
    bento = bento_of(home / "champion", home / "champion", tmp_path / "bentos")
    assert files_with_the_secret(tmp_path) == []
    said = capfd.readouterr()
    assert SECRET not in said.out + said.err
    for place in (bento / "model", space / "model"):
        served = read_served_settings(place)
        assert served is not None
        assert (served.name, served.version) == (NAME, str(number))
        assert served.service.require_api_key
        assert not {"stores", "service"} & set(read_info(place).config)
