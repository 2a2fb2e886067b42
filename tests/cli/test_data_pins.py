"""``sparrow data pin, status, push, pull, hook``: what they print and their exit status."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sparrow.cli.data import register
from sparrow.config import DataConfig

Run = Callable[..., int]


@pytest.fixture
def run(data_config: DataConfig, tmp_path: Path) -> Run:
    """Runs an action on the set; the store is a folder unless it is said otherwise."""
    parser = argparse.ArgumentParser()
    register(parser.add_subparsers())
    config = tmp_path / "config.yaml"
    config.write_text(json.dumps({"name": "x", "data": data_config.model_dump(mode="json")}))
    (tmp_path / "store").mkdir()

    def call(*arguments: str, store: str | None = str(tmp_path / "store")) -> int:
        chosen = [*arguments, "--config", str(config)]
        if store is not None:
            chosen += ["--set", f"stores.data={store}"]
        options = parser.parse_args(["data", *chosen])
        return int(options.func(options))

    return call


def test_from_pin_to_pull(
    run: Run, photos: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos.write()
    assert run("status", "--quick") == 0  # nothing is pinned: nothing to say
    assert capsys.readouterr() == ("", "")
    assert run("pin") == 0
    assert "(6 photos, 6 boxes); commit this file\n" in capsys.readouterr().out
    assert run("pin") == 0
    assert "already" in capsys.readouterr().out
    with pytest.raises(ValueError, match=r"set stores\.data, in the config or by --set"):
        run("push", store=None)
    assert run("push") == 0
    output = capsys.readouterr()
    assert "10 objects written" in output.out
    assert "pushed 10 of 10 objects" in output.err
    assert run("push", "--verify") == 0
    assert "0 objects written (0 bytes), 10 there already" in capsys.readouterr().out
    assert run("status") == 0
    assert "is what the pointer says" in capsys.readouterr().out
    shutil.rmtree(tmp_path / "raw")
    assert run("status") == 1
    output = capsys.readouterr()
    assert "raw is not here\n`sparrow data pull" in output.out
    assert "sparrow data pin" not in output.out
    assert run("pull") == 0
    assert "10 objects fetched" in capsys.readouterr().out
    assert run("pull") == 0
    assert "is what the pointer says" in capsys.readouterr().out


def test_status_names_what_differs(
    run: Run, photos: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos.write()
    run("pin")
    for number in range(25):
        (tmp_path / "raw" / f"note {number:02}.txt").write_text("text")
    (tmp_path / "raw" / "images" / "photo001.png").unlink()
    (tmp_path / "raw" / "images" / "photo002.png").write_bytes(b"other")
    capsys.readouterr()
    assert run("status") == 1
    lines = capsys.readouterr().out.splitlines()
    assert "raw has changed since " in lines[0]
    assert lines[1:4] == [
        "  missing: images/photo001.png",
        "  changed: images/photo002.png",
        "  not pinned: note 00.txt",
    ]
    assert lines[-2:][0] == "  not pinned: 5 more"
    assert "`sparrow data pull" in lines[-1]
    assert run("status", "--quick") == 0  # which looks at the log alone


def test_a_list_that_only_the_store_has(
    run: Run, photos: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos.write()
    run("pin")
    run("push")
    shutil.rmtree(tmp_path / "raw" / "history")
    (tmp_path / "raw" / "images" / "photo001.png").unlink()
    capsys.readouterr()
    assert run("status", store=None) == 1
    assert "which files differ is in the store alone: set stores.data" in capsys.readouterr().out
    assert run("status") == 1
    assert "missing: images/photo001.png" in capsys.readouterr().out
    assert run("status", "--quick") == 1
    assert "raw is not here" in capsys.readouterr().err


def test_no_secret_is_in_a_config(run: Run) -> None:
    for store, said in (
        ("s3://key:hidden@bucket/x", "a password stands in s3://key"),
        ("s3://bucket/${TOKEN}", "no variable is put in here"),
    ):
        with pytest.raises(ValueError, match=said) as refused:
            run("status", store=store)
        assert "hidden" not in str(refused.value)
