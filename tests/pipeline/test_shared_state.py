"""Two hosts without a folder in common: what one has is brought to the other by a store."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparrow.cli.main import main
from sparrow.config import Config, with_values
from sparrow.data.errors import DataError
from sparrow.pipeline.shared_state import monitoring_state, shared, training_state


def host(store: str | None, home: Path) -> Config:
    """A config whose folders are below a host's own."""
    parts = ("root", "new", "rejected", "prepared")
    return with_values(
        Config(),
        {f"data.{part}": str(home / part) for part in parts}
        | {"stores.runs": str(home / "runs"), "stores.monitoring": str(home / "monitoring")}
        | {"stores.state": store},
    )


def relative(store: str, monkeypatch: pytest.MonkeyPatch, home: Path) -> Config:
    """The config of every host; relative folders, below the one that it works in."""
    home.mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(home)
    return host(store, Path())


@pytest.fixture
def store(tmp_path: Path) -> str:
    (tmp_path / "store").mkdir()
    return str(tmp_path / "store")


def test_without_a_store_nothing_is_done(tmp_path: Path) -> None:
    config = host(None, tmp_path / "a")
    for state in (
        training_state(config, "start", "1", "2"), monitoring_state(config, None, "start", "1"),
    ):  # fmt: skip
        with shared(state):
            pass
        assert state.folders == ()
    assert list(tmp_path.iterdir()) == []


def test_a_step_finds_what_the_step_before_left_on_another_host(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = relative(store, monkeypatch, tmp_path / "a")
    with shared(training_state(config, "split", "7", "5")):
        for path in ("root/images/a.jpg", "root/history/log.jsonl", "new/b.csv", "runs/7/page.html",
                     "prepared/train.csv", "prepared/measured/photos.sqlite"):  # fmt: skip
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text(path)
    relative(store, monkeypatch, tmp_path / "b")
    with shared(training_state(config, "explore", "7", "6")):
        found = {str(path) for path in Path().rglob("[!.]*") if path.is_file()}
    # Tables are for people, measurements are of a host's own paths.
    assert found == {"root/images/a.jpg", "root/history/log.jsonl", "new/b.csv", "runs/7/page.html"}
    relative(store, monkeypatch, tmp_path / "c")
    with shared(training_state(config, "gather", "7", "6")):  # looks at no photo
        assert [str(path) for path in Path().rglob("*.*")] == ["runs/7/page.html"]


def test_a_step_that_fails_leaves_its_pages(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = relative(store, monkeypatch, tmp_path / "a")

    def check() -> None:
        Path("runs/7").mkdir(parents=True)
        Path("runs/7/report.html").write_text("the rows that failed")
        raise DataError("3 rows")

    with pytest.raises(DataError), shared(training_state(config, "check_data", "7", "3")):
        check()
    relative(store, monkeypatch, tmp_path / "b")
    training_state(config, "check_data", "7", "4").fetch()
    assert Path("runs/7/report.html").read_text() == "the rows that failed"


def test_the_command_publishes_a_set_and_fetches_what_became_of_it(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "c.yaml"
    places = "data: {root: raw, new: new, rejected: rejected, prepared: prepared}\n"
    file.write_text(f"name: x\n{places}stores: {{state: {store}}}\n")
    relative(store, monkeypatch, tmp_path / "a")
    Path("raw").mkdir()
    Path("raw/image_info.csv").write_text("Name")
    assert main(["state", "publish", "--config", str(file)]) == 0
    assert "raw: 1 files published" in capsys.readouterr().out
    relative(store, monkeypatch, tmp_path / "b")
    assert main(["state", "fetch", "--config", str(file)]) == 0
    assert Path("raw/image_info.csv").read_text() == "Name"
    assert main(["state", "fetch", "--config", str(file), "--run", "9"]) == 1
    assert "has no run 9; its runs: none" in capsys.readouterr().err
    # A table that two hosts have changed is not overwritten.
    Path("raw/image_info.csv").write_text("mine")
    assert main(["state", "publish", "--config", str(file)]) == 0
    monkeypatch.chdir(tmp_path / "a")
    Path("raw/image_info.csv").write_text("mine, too")
    capsys.readouterr()
    assert main(["state", "fetch", "--config", str(file)]) == 1
    assert "Move the file away" in capsys.readouterr().err
    file.write_text("name: x\n")
    assert main(["state", "publish", "--config", str(file)]) == 1
    assert "names no store" in capsys.readouterr().err
