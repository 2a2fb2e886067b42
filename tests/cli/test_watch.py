"""``sparrow watch`` in this process, looking every few milliseconds."""

from __future__ import annotations

import csv
import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import photo_writer
import pytest
from counted_folder import count
from small_model import write_small_model

from sparrow.cli import watch as command
from sparrow.cli import watch_delivery
from sparrow.cli.main import main
from sparrow.cli.watch_loop import Watch

SOON_S = 30  # only a test that fails waits for so long


@pytest.fixture
def watching(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """A block beside which ``tmp_path/in`` is watched; its table is ``tmp_path/counts.csv``."""
    made: list[Watch] = []
    monkeypatch.setattr(command, "_end_on_signals", lambda watch, _stack: made.append(watch))
    (tmp_path / "in").mkdir()

    @contextmanager
    def run(*arguments: Any, model: Path = model_folder, settle: float = 0.03) -> Iterator[None]:
        line = ["watch", tmp_path / "in", "--to", tmp_path / "counts.csv", "--model", model,
                "--settle", settle, "--every", 0.01, "--rewrite", 0.05, *arguments]  # fmt: skip
        status: list[int] = []
        thread = threading.Thread(target=lambda: status.append(main(list(map(str, line)))))
        before = len(made)
        thread.start()
        until(lambda: len(made) > before or not thread.is_alive())
        try:
            yield
        finally:
            for watch in made:
                watch.stopping.set()
            thread.join()
        assert status == [0]

    return run


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + SOON_S
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


def table(home: Path) -> list[dict[str, str]]:
    to = home / "counts.csv"
    return list(csv.DictReader(to.read_text().splitlines())) if to.exists() else []


def names(home: Path) -> list[str]:
    return sorted(row["file"] for row in table(home))


def put(path: Path, number: int) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(photo_writer.photo(number))
    return path


def test_an_empty_folder_has_no_table_yet(watching: Any, tmp_path: Path) -> None:
    with watching():
        time.sleep(0.1)
    assert not (tmp_path / "counts.csv").exists()


def test_a_half_written_photo_is_waited_for(watching: Any, tmp_path: Path) -> None:
    content, path = photo_writer.photo(1), tmp_path / "in" / "a.jpg"
    with watching(settle=0.1):  # what cannot be read is waited for ten times as long
        path.write_bytes(content[:900])
        put(tmp_path / "in" / "b.jpg", 2)
        until(lambda: names(tmp_path) == ["b.jpg"])
        assert names(tmp_path) == ["b.jpg"]
        path.write_bytes(content)
        until(lambda: names(tmp_path) == ["a.jpg", "b.jpg"])
    assert [row["error"] for row in table(tmp_path)] == ["", ""]


def test_a_photo_that_stays_broken_is_named_once_and_tried_when_it_changes(
    watching: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, path = photo_writer.photo(1), tmp_path / "in" / "a.jpg"
    path.write_bytes(content[:900])
    with watching(settle=0.01):
        until(lambda: [row["error"] for row in table(tmp_path)] == ["unreadable_photo"])
        time.sleep(0.2)
        assert capsys.readouterr().out.count("a.jpg") == 1
        path.write_bytes(content)
        until(lambda: [row["error"] for row in table(tmp_path)] == [""])


def test_a_renamed_photo_and_a_copy_are_the_photo_that_they_were(
    watching: Any, tmp_path: Path
) -> None:
    first = put(tmp_path / "in" / "a.jpg", 1)
    with watching():
        until(lambda: names(tmp_path) == ["a.jpg"])
        counted_at = table(tmp_path)[0]["time"]
        shutil.copy(first, tmp_path / "in" / "copy.jpg")
        first.rename(tmp_path / "in" / "z.jpg")
        until(lambda: len(names(tmp_path)) == 1 and names(tmp_path) != ["a.jpg"])
        put(tmp_path / "in" / "last.jpg", 2)
        until(lambda: len(names(tmp_path)) == 2)
    first_row = next(row for row in table(tmp_path) if row["file"] != "last.jpg")
    assert first_row["file"] in ("z.jpg", "copy.jpg")
    assert first_row["time"] == counted_at


def test_names_that_move_on_lose_no_photo(watching: Any, tmp_path: Path) -> None:
    """A camera that keeps the newest photo as 1.jpg, the one before as 2.jpg."""
    folder = tmp_path / "in"
    put(folder / "1.jpg", 1)
    with watching():
        until(lambda: names(tmp_path) == ["1.jpg"])
        (folder / "1.jpg").rename(folder / "2.jpg")
        put(folder / "1.jpg", 2)
        until(lambda: names(tmp_path) == ["1.jpg", "2.jpg"])
    with watching():
        time.sleep(0.1)
    assert len({row["sha256"] for row in table(tmp_path)}) == len(table(tmp_path)) == 2


def test_a_photo_under_the_name_of_another_takes_its_place(watching: Any, tmp_path: Path) -> None:
    path = put(tmp_path / "in" / "a.jpg", 1)
    with watching():
        until(lambda: names(tmp_path) == ["a.jpg"])
        before = table(tmp_path)[0]["sha256"]
        put(path, 2)
        until(lambda: [row["sha256"] for row in table(tmp_path)] != [before])
    assert names(tmp_path) == ["a.jpg"]


def test_a_restart_counts_nothing_twice_and_keeps_what_the_camera_deleted(
    watching: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "in"
    for number in (1, 2):
        put(folder / f"{number}.jpg", number)
    with watching():
        until(lambda: len(table(tmp_path)) == 2)
    times = {row["file"]: row["time"] for row in table(tmp_path)}
    (folder / "1.jpg").unlink()
    put(folder / "3.jpg", 3)
    with (tmp_path / "counts.csv").open("a") as file:
        file.write("half a r")  # as a lost disk or another program leaves it
    with watching():
        until(lambda: names(tmp_path) == ["1.jpg", "2.jpg", "3.jpg"])
    assert {row["file"]: row["time"] for row in table(tmp_path)}.items() >= times.items()
    assert "2 photos are known" in capsys.readouterr().err


def test_a_folder_that_goes_and_comes_back_changes_nothing(
    watching: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "in"
    put(folder / "1.jpg", 1)
    with watching():
        until(lambda: names(tmp_path) == ["1.jpg"])
        folder.rename(tmp_path / "away")
        until(lambda: "cannot be looked into" in capsys.readouterr().err)
        (tmp_path / "away").rename(folder)
        put(folder / "2.jpg", 2)
        until(lambda: names(tmp_path) == ["1.jpg", "2.jpg"])
    assert "no longer out of reach" in capsys.readouterr().err


def test_two_cameras_and_the_same_table_as_sparrow_count(
    watching: Any, model_folder: Path, tmp_path: Path
) -> None:
    home = tmp_path / "in"
    home.mkdir(exist_ok=True)
    (home / "notes.txt").write_text("no photo")  # first: it has settled when the photos have
    for number in range(4):
        put(home / f"cam{number % 2}" / f"20260501_12000{number}.jpg", number)
    report = tmp_path / "report.html"
    with watching("--visits", tmp_path / "visits.csv", "--report", report):
        until(lambda: len(table(tmp_path)) == 4)
    watched = table(tmp_path)
    os.rename(tmp_path / "counts.csv", tmp_path / "watched.csv")
    (tmp_path / "counts.csv.journal").unlink()
    assert count(model_folder, home, "-r", "--to", tmp_path / "counts.csv",
                 "--visits", tmp_path / "visits2.csv") == 0  # fmt: skip
    own = ("milliseconds", "time")
    assert sorted(({**row, **dict.fromkeys(own)} for row in watched), key=str) == sorted(
        ({**row, **dict.fromkeys(own)} for row in table(tmp_path)), key=str
    )
    assert {row["camera"] for row in watched} == {"cam0", "cam1"}
    assert {row["visit"] for row in watched} == {"1", "2"}
    assert (tmp_path / "visits.csv").read_text() == (tmp_path / "visits2.csv").read_text()
    assert "notes.txt" in report.read_text()


def test_another_champion_is_taken_up_and_one_with_other_classes_is_not(
    watching: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = [
        write_small_model(tmp_path / "m" / "1", [(1, 0.9, 4, 4, 24, 24)]),
        write_small_model(tmp_path / "m" / "2", [(1, 0.9, 4, 4, 24, 24), (1, 0.8, 30, 30, 50, 50)]),
        write_small_model(tmp_path / "m" / "3", [], class_names=("robin",)),
    ]
    link = tmp_path / "m" / "champion"

    def point_to(model: Path) -> None:
        partial = link.with_name("new")
        partial.symlink_to(model)
        partial.replace(link)

    point_to(models[0])
    with watching(model=link):
        for number, model in enumerate(models):
            if number:
                point_to(model)
                until(lambda: "counting" in capsys.readouterr().err)
            put(tmp_path / "in" / f"{number}.jpg", number)
            until(lambda number=number: len(table(tmp_path)) == number + 1)
    assert [row["count"] for row in table(tmp_path)] == ["1", "2", "2"]
    command_line = ["watch", str(tmp_path / "in"), "--to", str(tmp_path / "counts.csv")]
    assert main([*command_line, "--model", str(link)]) == 1
    assert "choose another --to" in capsys.readouterr().err


def test_a_webhook_gets_each_photo_once_in_order_though_it_was_away(
    watching: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_delivery, "LAST_S", 0.1)
    got: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
    server.server_bind()  # nobody listens yet
    address = f"http://127.0.0.1:{server.server_port}/"
    with watching("--webhook", address):
        for number in range(3):
            put(tmp_path / "in" / f"{number}.jpg", number)
            until(lambda number=number: len(table(tmp_path)) == number + 1)
    assert got == []
    server.server_activate()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    with watching("--webhook", address):
        until(lambda: len(got) == 3)
        (tmp_path / "in" / "0.jpg").rename(tmp_path / "in" / "00.jpg")  # told already
        put(tmp_path / "in" / "3.jpg", 3)
        until(lambda: len(got) == 4)
    server.shutdown()
    thread.join()
    server.server_close()
    assert [photo["file"] for photo in got] == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
    assert len({photo["id"] for photo in got}) == 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--to", "c.json"], "ending in .csv"),
        (["--to", "c.csv", "--settle", "-1"], "--settle"),
        (["--to", "c.csv", "--mqtt-tls"], "need --mqtt"),
    ],
)
def test_what_cannot_be_done_is_refused_before_any_work(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["watch", str(tmp_path), *arguments]) == 1
    assert words in capsys.readouterr().err


def test_a_table_of_other_photos_is_not_overwritten(
    model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "c.csv"
    to.write_text("file,count\nelsewhere.jpg,3\n")
    (tmp_path / "in").mkdir()
    line = ["watch", str(tmp_path / "in"), "--to", str(to), "--model", str(model_folder)]
    assert main(line) == 1
    assert "elsewhere.jpg" in capsys.readouterr().err
    assert to.read_text() == "file,count\nelsewhere.jpg,3\n"
