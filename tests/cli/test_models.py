"""`sparrow promote | rollback | history` on a real MLflow store."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from sparrow.cli.main import main
from sparrow.config import StoresConfig
from sparrow.inference.model_folder import read_info

NAME = "test-detector"


@pytest.fixture(scope="module")
def filled(tmp_path_factory, write_small_model, empty_mlflow):
    """Config of a store with two versions, none promoted. Read only."""
    from sparrow.registry.registry import Registry
    from sparrow.registry.tracking import make_client, start_run

    root = tmp_path_factory.mktemp("models")
    shutil.copy(empty_mlflow, root)
    stores = StoresConfig(
        tracking=f"sqlite:///{root}/mlflow.db",
        artifacts=str(root / "artifacts"),
        promotion_log=f"sqlite:///{root}/promotions.db",
        champion=str(root / "champion"),
    )
    (root / "config.yaml").write_text(
        json.dumps({"name": NAME, "stores": stores.model_dump(mode="json")})
    )
    run = start_run(make_client(stores), NAME, stores.artifacts, root / "note")
    registry = Registry(stores, NAME)
    for number in (1, 2):
        folder = write_small_model(root / "folders" / str(number), threshold=number / 10)
        registry.register(folder, run, f"run/{number}", {})
    return root


def place_of(filled, root):
    """The same store below ``root``, with a promotion log and a champion of its own."""
    root.mkdir()
    text = (filled / "config.yaml").read_text()
    for name in ("promotions.db", "champion", "mlflow.db"):
        text = text.replace(str(filled / name), str(root / name))
    (root / "config.yaml").write_text(text)
    shutil.copy(filled / "mlflow.db", root)
    return root


@pytest.fixture
def place(filled, tmp_path):
    return place_of(filled, tmp_path / "place")


@pytest.fixture(scope="module")
def promoted(filled, tmp_path_factory):
    """A store whose log has three entries. Read only."""
    place = place_of(filled, tmp_path_factory.mktemp("promoted") / "place")
    for version in ("1", "2", "1"):
        config = ["--config", str(place / "config.yaml")]
        assert main(["promote", version, "--why", "looks better", *config]) == 0
    return place


def test_promote_roll_back_and_look(place, capsys, monkeypatch):
    monkeypatch.setenv("METAFLOW_USER", "ada")
    config = ["--config", str(place / "config.yaml")]

    def run(*arguments):
        code = main([*arguments, *config])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    assert run("history") == (0, "", "")
    code, _, message = run("rollback", "--why", "too early")
    assert code == 1
    assert "has no previous champion to go back to" in message
    code, _, message = run("promote", "9", "--why", "a slip")
    assert code == 1
    assert f"sparrow promote: {NAME} has no version 9; its versions: 1, 2" in message

    code, text, _ = run("promote", "1", "--why", "the first")
    assert (code, text) == (0, f"{NAME}: version 1 is champion\n")
    assert run("promote", "2", "--why", "looks better")[0] == 0
    assert read_info(place / "champion").threshold == 0.2
    code, text, _ = run("rollback", "--why", "it sees ghosts")
    assert (code, text) == (0, f"{NAME}: version 1 is champion again\n")
    assert read_info(place / "champion").threshold == 0.1

    code, text, _ = run("history")
    assert code == 0
    lines = text.splitlines()
    assert len(lines) == 3
    assert "ada" in lines[0]
    assert "none -> 1" in lines[0]
    assert lines[1].rstrip().endswith("looks better (forced)")
    assert "2 -> 1" in lines[2]
    assert "rollback: it sees ghosts" in lines[2]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE promotions SET why = 'much better' WHERE number = 2",
        "UPDATE promotions SET to_version = 1 WHERE number = 2",
        "DELETE FROM promotions WHERE number = 1",
    ],
)
def test_a_log_that_was_changed_by_hand_is_said_loudly(promoted, tmp_path, statement):
    """As a person sees it: in a process of its own."""
    copy = tmp_path / "promotions.db"
    with (
        closing(sqlite3.connect(promoted / "promotions.db")) as log,
        closing(sqlite3.connect(copy)) as file,
    ):
        log.backup(file)
        file.execute(statement)
        file.commit()
    values = json.loads((promoted / "config.yaml").read_text())
    values["stores"]["promotion_log"] = f"sqlite:///{copy}"
    (tmp_path / "config.yaml").write_text(json.dumps(values))
    command = [sys.executable, "-m", "sparrow.cli.main", "history", "--config", "config.yaml"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 1
    assert len(run.stdout.splitlines()) >= 2  # shown all the same
    assert f"the promotion log of {NAME} was changed by hand: entry" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_reason_is_required(capsys):
    with pytest.raises(SystemExit) as left:
        main(["promote", "1"])
    assert left.value.code == 2
    assert "--why" in capsys.readouterr().err


def test_shadow_shows_what_a_version_would_change(place, drawn_dataset, tmp_path, capsys):
    config = ["--config", str(place / "config.yaml")]
    photos = [str(path) for path in sorted((drawn_dataset / "images").iterdir())[:2]]
    page = tmp_path / "pages" / "shadow.html"
    main(["promote", "1", "--why", "the first", *config])
    capsys.readouterr()
    assert main(["shadow", "2", *photos, "--to", str(page), *config]) == 0
    text = capsys.readouterr().out
    assert "of 2 photos keep their count" in text
    assert f"Side by side: {page}" in text
    assert "candidate, version 2, threshold 0.200" in page.read_text()
    champion = json.loads((place / "champion" / "model.json").read_text())
    assert champion["threshold"] == 0.1  # nothing moved


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["2"], "name photos or folders, or take those the service kept: --logged"),
        (["2", "--logged"], "set service.keep_fraction above 0"),
        (["9", "PHOTO"], "has no version 9; its versions: 1, 2"),
    ],
)
def test_shadow_says_what_it_needs(place, drawn_dataset, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(place)  # where no photo was kept
    photo = str(next((drawn_dataset / "images").iterdir()))
    arguments = [photo if one == "PHOTO" else one for one in arguments]
    main(["promote", "1", "--why", "the first", "--config", "config.yaml"])
    assert main(["shadow", *arguments, "--config", "config.yaml"]) == 1
    assert message in capsys.readouterr().err
