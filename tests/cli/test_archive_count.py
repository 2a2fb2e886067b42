"""An archive is counted shard by shard, to the same table as the local command writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from archives import bad_photos, rows_of
from counted_folder import copy_photos, count

from sparrow.cli.archive_plan import make_plan, read_plan
from sparrow.cli.archive_request import Destination, Request
from sparrow.cli.archive_result import check_destination


@pytest.fixture
def archive(drawn_dataset: Path, tmp_path: Path) -> Path:
    """Seven photos in two folders, three of which cannot be counted, and what is no photo."""
    copy_photos(drawn_dataset, tmp_path / "archive", "ab")
    copy_photos(drawn_dataset, tmp_path / "archive" / "winter ä", "cd")
    bad_photos(tmp_path / "archive" / "winter ä")
    (tmp_path / "archive" / "notes.txt").write_text("notes")
    return tmp_path / "archive"


def request(archive: Path, to: str, model: Path, **more: Any) -> Request:
    return Request((str(archive),), to, str(model), recursive=True, **more)


def test_a_folder_without_a_photo_is_refused(model_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"no photo in .*empty"):
        make_plan(request(tmp_path / "empty", f"{tmp_path}/to/", model_folder), lambda _: None)


def test_shards_give_the_rows_and_reasons_of_the_local_command(
    archive: Path, model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    local, to = tmp_path / "local.parquet", tmp_path / "counts"
    assert count(model_folder, archive, "-r", "--to", local) == 3
    said = capsys.readouterr().err.splitlines()
    # Three shards: of the first two the second begins in the middle of a folder.
    assert count(model_folder, archive, "-r", "--to", f"{to}/", "--shard-photos", 3) == 3
    told = capsys.readouterr().err.splitlines()
    assert told[:4] == ["7 photos in 3 shards", *(f"counted {n} of 3 shards" for n in (1, 2, 3))]
    assert told[4:] == [line for line in said if not line.startswith("counted ")]
    assert sorted(path.name for path in to.iterdir()) == ["_summary.json", "part-00000.parquet"]
    assert rows_of(to) == rows_of(local)
    assert pq.read_table(to / "part-00000.parquet").schema == pq.read_table(local).schema
    summary = json.loads((to / "_summary.json").read_text())
    assert [file["file"] for file in summary["failed"]] == [
        "winter ä/cut.jpg", "winter ä/empty.jpg", "winter ä/text.jpg",
    ]  # fmt: skip
    assert summary["skipped"] == [{"file": "notes.txt", "reason": "text or notes"}]


def test_a_shard_is_known_by_its_photos_its_model_and_its_options(
    archive: Path, model_folder: Path, tmp_path: Path
) -> None:
    def shards(**more: Any) -> tuple[str, ...]:
        asked = request(archive, f"{tmp_path}/to/", model_folder, shard_photos=4, **more)
        return make_plan(asked, lambda _: None).shards

    before = shards()
    assert len(before) == 2
    assert shards() == before
    assert not set(shards(tiles="auto")) & set(before)
    (archive / "winter ä" / "d.jpg").write_bytes(b"another")  # the last but two
    assert [a == b for a, b in zip(before, shards(), strict=True)] == [True, False]


def test_a_plan_is_read_as_it_was_made(archive: Path, model_folder: Path, tmp_path: Path) -> None:
    plan = make_plan(request(archive, f"{tmp_path}/a.csv", model_folder), lambda _: None)
    assert read_plan(plan.address) == plan
    assert plan.missing() == list(plan.shards)
    assert plan.photos == 7
    assert Path(plan.address).parent == tmp_path / "a.csv.state"


def parquet(folder: Path) -> None:
    (folder / "part-00000.parquet").write_bytes(b"PAR1")


def summary(folder: Path) -> None:
    (folder / "_summary.json").write_text(json.dumps({"photos_from": ["s3://other/archive"]}))


@pytest.mark.parametrize(
    ("there", "said"),
    [
        (lambda folder: (folder / "letter.txt").write_text("x"), "other files, such as letter.txt"),
        (parquet, "other files, such as part-00000.parquet"),
        (summary, "the counts of s3://other/archive; choose another"),
    ],
)
def test_a_folder_with_other_files_is_not_written_into(
    tmp_path: Path, there: Callable[[Path], object], said: str
) -> None:
    there(tmp_path)
    with pytest.raises(ValueError, match=said):
        check_destination(Destination.parse(f"{tmp_path}/"), ["s3://bucket/archive"], [])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--engine", "ray"], "an archive's counts need --to"),
        (["--to", "s3://b/counts/", "--annotated", "x"], "--annotated is for photos that are"),
        (["--to", "counts/", "--shard-photos", "0"], "--shard-photos 0: expected at least 1"),
        (["--to", "counts", "--engine", "local"], "ending in .csv, .json, .parquet, or in /"),
        (["--to", "s3://user:hidden@b/c.csv"], "expected s3://bucket/prefix and nothing else"),
    ],
)
def test_what_cannot_be_done_is_refused_before_any_work(
    archive: Path, model_folder: Path, arguments: list[str], said: str,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(archive.parent)
    assert count(model_folder, archive, *arguments) == 1
    told = capsys.readouterr().err
    assert said in told
    assert "hidden" not in told


def test_counts_among_the_photos_are_refused(archive: Path, model_folder: Path) -> None:
    with pytest.raises(ValueError, match="the photos are in it; choose another folder"):
        make_plan(request(archive, f"{archive}/", model_folder), lambda _: None)
