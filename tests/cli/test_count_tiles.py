"""``sparrow count --tiles``: said wherever a count is told, and never mixed with others."""

from __future__ import annotations

import csv
import html
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from counted_folder import copy_photos, count

from sparrow.cli.count_journal import Journal
from sparrow.cli.main import main
from sparrow.inference.model import load
from sparrow.regular_file import sha256_of

VALUES = {
    "min_side_px": 64,
    "max_side_px": 128,
    "config": {"model": {"anchor_sizes_px": [8]}},  # a photo of 400 × 300 px gets tiles
    "count_model": {
        "confidence": 0.9,
        "method": "constant",
        "score_knots": [0.0],
        "chance_knots": [1.0],
        "base": 0.0,
        "scale": 1.0,
        "spread": [0.01, 0.0, 0.0],
        "reach": 1.0,
        "photos": 20,
    },
}


@pytest.fixture(scope="module")
def model(write_small_model: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Finds two objects in whatever it is shown; its interval is of whole photos."""
    return write_small_model(tmp_path_factory.mktemp("model") / "model", **VALUES)


@pytest.fixture
def folder(drawn_dataset: Path, tmp_path: Path) -> Path:
    return copy_photos(drawn_dataset, tmp_path / "photos", "ab")


def rows(to: Path) -> dict[str, dict[str, str]]:
    return {row["file"]: row for row in csv.DictReader(to.read_text().splitlines())}


def test_tiles_are_in_table_line_and_report_and_have_no_interval_of_whole_photos(
    model: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, tiled, page = tmp_path / "w.csv", tmp_path / "t.csv", tmp_path / "t.html"
    assert count(model, folder, "--to", whole) == 0
    assert count(model, folder, "--to", tiled, "--tiles", "auto", "--report", page) == 0
    said = capsys.readouterr().err
    for name, row in rows(whole).items():
        assert (row["tiles"], row["count"], row["count_low"]) == ("0", "2", "2")
        in_tiles = rows(tiled)[name]
        assert int(in_tiles["tiles"]) > 4
        assert int(in_tiles["count"]) > 2
        assert in_tiles["count_low"] == in_tiles["count_high"] == ""
    notes = ("2 photos were counted in tiles,", "2 of them have no likely range: none")
    for words in notes:
        assert said.count(words) == 1
        assert html.unescape(page.read_text(encoding="utf-8")).count(words) == 1
    assert count(model, folder / "a.jpg", "--tiles", "auto") == 0
    assert "tiles, no likely range: none was measured with such tiles" in capsys.readouterr().out


def test_a_photo_that_needs_no_tiles_keeps_its_interval(model: Path, folder: Path) -> None:
    photo = load(model).count(folder / "a.jpg", tiles=300)  # found in the whole photo
    assert (photo.tiles, photo.count, photo.low, photo.high) == (0, 2, 2, 2)
    assert load(model).count(folder / "a.jpg", tiles="auto").tiles > 4
    with pytest.raises(ValueError, match="none, auto, or the side in pixels"):
        load(model).count(folder / "a.jpg", tiles=0)


def test_a_resumed_count_does_not_mix_tiles(
    model: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two journals of the killed run's kind, one photo each: of whole photos, and of tiles."""
    for before, after in (((), ("--tiles", "auto")), (("--tiles", "auto"), ("--tiles", "10"))):
        to = tmp_path / f"{len(before)}.csv"
        _stopped_after(model, folder / "a.jpg", to, *before)
        assert count(model, folder, "--to", to, *after) == 0
        assert "1 photos are counted again" in capsys.readouterr().err
        fresh = tmp_path / f"fresh-{len(before)}.csv"
        assert count(model, folder, "--to", fresh, *after) == 0
        counts = [
            {n: (r["tiles"], r["count"]) for n, r in rows(path).items()} for path in (to, fresh)
        ]
        assert counts[0] == counts[1]
    _stopped_after(model, folder / "a.jpg", to, "--tiles", "auto")
    capsys.readouterr()
    assert count(model, folder, "--to", to, "--tiles", "auto") == 0
    said = capsys.readouterr().err
    assert "1 photos were counted before" in said
    assert "counted again" not in said


def _stopped_after(model: Path, photo: Path, to: Path, *arguments: str) -> None:
    """Leave the journal of a count that was killed after one photo."""
    from sparrow.cli.count_photos import Wanted, count_file
    from sparrow.inference.counter import PhotoCounter
    from sparrow.inference.model_folder import INFO
    from sparrow.inference.tile_choice import parse_tiles

    to.unlink(missing_ok=True)
    tiles = parse_tiles(arguments[1]) if arguments else None
    with closing(Journal(to, sha256_of(model / INFO))) as journal:
        journal.add(count_file(PhotoCounter(model), photo, Wanted(tiles=tiles)))


def test_what_is_no_choice_is_refused_before_any_work(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["count", str(folder), "--tiles", "many"])
    assert "expected none, auto, or the side in pixels" in capsys.readouterr().err
