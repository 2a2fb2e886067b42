"""A count that is resumed: only what was made of the very same photo, model and options counts."""

from __future__ import annotations

import csv
import errno
import os
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from counted_folder import copy_photos, count

from sparrow.cli import count_photos as command
from sparrow.cli.count_journal import Journal
from sparrow.regular_file import sha256_of

MODEL = "0" * 64


@pytest.fixture
def folder(drawn_dataset: Path, tmp_path: Path) -> Path:
    """Four photos."""
    return copy_photos(drawn_dataset, tmp_path / "photos", "abcd")


def stopped(
    monkeypatch: pytest.MonkeyPatch, model: Path, folder: Path, to: Path, *arguments: Any
) -> list[str]:
    """A run that ends after two photos as if the power had gone; names counted in later runs."""
    counted: list[str] = []
    count_file = command.count_file

    def count_two(counter: Any, file: Path, annotated: Path | None) -> Any:
        if len(counted) == 2:
            raise KeyboardInterrupt
        counted.append(file.name)
        return count_file(counter, file, annotated)

    def note(counter: Any, file: Path, annotated: Path | None) -> Any:
        counted.append(file.name)
        return count_file(counter, file, annotated)

    monkeypatch.setattr(command, "count_file", count_two)
    assert count(model, folder, "--to", to, *arguments) == 130
    assert counted == ["a.jpg", "b.jpg"]
    counted.clear()
    monkeypatch.setattr(command, "count_file", note)
    return counted


def counts(to: Path) -> dict[str, str]:
    rows = csv.DictReader(to.read_text().splitlines())
    return {Path(row["file"]).name: row["count"] for row in rows}


def put_back_the_time(photo: Path, content: bytes) -> None:
    status = photo.stat()
    photo.write_bytes(content)
    os.utime(photo, ns=(status.st_atime_ns, status.st_mtime_ns))


def same_size(photo: Path) -> None:
    content = photo.read_bytes()
    put_back_the_time(photo, content[:-2] + b"\0\0")


EXCHANGES: list[Callable[[Path], Any]] = [
    lambda photo: shutil.copy(photo.with_name("d.jpg"), photo),
    lambda photo: put_back_the_time(photo, photo.with_name("c.jpg").read_bytes()),
    same_size,
    Path.unlink,
]


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_an_exchanged_photo_is_counted_anew(
    model_folder: Path,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    exchange: Callable[[Path], Any],
) -> None:
    to = tmp_path / "counts.csv"
    counted = stopped(monkeypatch, model_folder, folder, to)
    (folder / "b.jpg").chmod(0o644)
    exchange(folder / "b.jpg")
    named = [folder / f"{name}.jpg" for name in "abcd"]
    count(model_folder, *named, "--to", to)
    assert counted == ["b.jpg", "c.jpg", "d.jpg"]
    fresh = tmp_path / "fresh.csv"
    count(model_folder, named[1], "--to", fresh)
    assert counts(to)["b.jpg"] == counts(fresh)["b.jpg"]


@pytest.mark.parametrize("before", [None, "other", "drawn"])
def test_drawings_asked_for_later_are_made_of_all_photos(
    model_folder: Path,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    before: str | None,
) -> None:
    to, drawn = tmp_path / "counts.csv", tmp_path / "drawn"
    first = ("--annotated", tmp_path / before) if before else ()
    counted = stopped(monkeypatch, model_folder, folder, to, *first)
    assert count(model_folder, folder, "--to", to, "--annotated", drawn) == 0
    assert counted == (["c.jpg", "d.jpg"] if before == "drawn" else list_all(folder))
    assert sorted(path.name[0] for path in drawn.iterdir()) == ["a", "b", "c", "d"]


def list_all(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_drawing_that_is_gone_is_made_again(
    model_folder: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to, drawn = tmp_path / "counts.csv", tmp_path / "drawn"
    counted = stopped(monkeypatch, model_folder, folder, to, "--annotated", drawn)
    min(drawn.iterdir()).unlink()
    assert count(model_folder, folder, "--to", to, "--annotated", drawn) == 0
    assert counted == ["a.jpg", "c.jpg", "d.jpg"]
    assert len(list(drawn.iterdir())) == 4


@pytest.mark.parametrize("key", ["threshold", "min_side_px", "trained_at"])
def test_another_model_counts_all_and_says_so(
    model_folder: Path,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    key: str,
) -> None:
    import json

    to = tmp_path / "counts.csv"
    counted = stopped(monkeypatch, model_folder, folder, to)
    other = tmp_path / "model"
    shutil.copytree(model_folder.resolve(), other)
    values = json.loads((other / "model.json").read_text())
    values[key] = {"threshold": 0.9, "min_side_px": 160}.get(key, "2026-02-02T00:00:00+00:00")
    (other / "model.json").write_text(json.dumps(values))
    assert count(other, folder, "--to", to) == 0
    assert "the journal is of another model; counting all photos" in capsys.readouterr().err
    assert counted == list_all(folder)


def journal_of(tmp_path: Path) -> Path:
    """A journal with three entries."""
    with closing(Journal(tmp_path / "c.csv", MODEL)) as journal:
        for name in "abc":
            record = {"file_name": name, "error": None}
            journal.add(
                {
                    "record": record,
                    "file": None,
                    "annotated": None,
                    "real": os.path.realpath(name),
                    "smallest_px": None,
                }
            )
    return tmp_path / "c.csv.journal"


def reopened(tmp_path: Path) -> list[str]:
    with closing(Journal(tmp_path / "c.csv", MODEL)) as journal:
        return [name for name in "abc" if journal.has(Path(os.path.realpath(name)))]


def test_a_line_cut_anywhere_is_dropped_and_the_rest_stays(tmp_path: Path) -> None:
    path = journal_of(tmp_path)
    whole = path.read_bytes()
    last = whole[:-1].rindex(b"\n") + 1
    for cut in (last, last + 1, last + 20, len(whole) - 1):
        path.write_bytes(whole[:cut])
        assert reopened(tmp_path) == ["a", "b"]
        assert path.read_bytes() == whole[:last]
    for cut in (0, 1, 11, 40):  # of the first line
        path.write_bytes(whole[:cut])
        assert reopened(tmp_path) == []


DAMAGES: list[tuple[Callable[[bytes], bytes], str]] = [
    (lambda whole: whole.replace(b'"b"', b'"x"'), "line 3 is damaged"),
    (lambda whole: whole.replace(b'"a"', b'"a'), "line 2 is damaged"),
    (lambda whole: whole[: len(whole) // 2] + b"\n" + whole[len(whole) // 2 :], "is damaged"),
    (lambda whole: whole.replace(b"\n", b"\n\n", 1), "line 2 is damaged"),
    (lambda whole: b"\0" * len(whole), "no journal"),
    (lambda whole: b"my own notes\n", "no journal"),
    (lambda whole: b"my own notes", "no journal"),
    (lambda whole: b"[1]\n", "no journal"),
    (lambda whole: b'{"format": 2}\n', "no journal"),
]


@pytest.mark.parametrize(("damage", "says"), DAMAGES)
def test_a_damaged_journal_is_named_and_left_alone(
    tmp_path: Path, damage: Callable[[bytes], bytes], says: str
) -> None:
    path = journal_of(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    before = path.read_bytes()
    with pytest.raises(ValueError, match=rf"c\.csv\.journal: .*{says}[^$]*Delete"):
        Journal(tmp_path / "c.csv", MODEL)
    assert path.read_bytes() == before


def test_a_journal_of_an_earlier_version_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "c.csv.journal").write_text('{"model": "abc 0.5"}\n{"record": {}}\n')
    with closing(Journal(tmp_path / "c.csv", MODEL)) as journal:
        assert len(journal) == 0
    assert journal.restarted == "of an earlier version of this program"


@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
def test_what_is_no_file_is_no_journal(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "c.csv.journal"
    {"pipe": os.mkfifo, "folder": os.mkdir, "device": lambda p: p.symlink_to("/dev/full")}[kind](
        path
    )
    with pytest.raises(OSError, match=f"this is a {kind}"):
        Journal(tmp_path / "c.csv", MODEL)


def test_two_runs_never_share_a_journal(model_folder: Path, folder: Path, tmp_path: Path) -> None:
    to = tmp_path / "counts.csv"
    running = Journal(to, sha256_of(model_folder / "model.json"))
    with pytest.raises(ValueError, match="another `sparrow count` with the same --to"):
        Journal(to, MODEL)
    assert count(model_folder, folder, "--to", to) == 1
    running.remove()
    running.close()
    assert count(model_folder, folder, "--to", to) == 0
    assert not to.with_name("counts.csv.journal").exists()


def test_a_full_disk_is_said_with_the_file(
    model_folder: Path,
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    for to, room in (("a.csv", 0), ("b.csv", 150), ("c.csv", 900)):
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
        try:
            assert count(model_folder, folder, "--to", tmp_path / to) == 1
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        said = capsys.readouterr().err
        assert os.strerror(errno.EFBIG) in said
        assert f"{tmp_path / to}" in said
        assert count(model_folder, folder, "--to", tmp_path / to) == 0
        assert len(counts(tmp_path / to)) == 4
