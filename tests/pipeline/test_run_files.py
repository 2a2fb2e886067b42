"""Files of a run's folder: which a step wrote, whether they are whole, and how they are taken."""

from __future__ import annotations

import os
from pathlib import Path

from sparrow.pipeline.run_files import (
    LINKED_BYTES,
    find_files,
    stamps,
    take_files,
    written_since,
)
from sparrow.regular_file import sha256_of


def test_an_empty_or_absent_folder_holds_nothing(tmp_path: Path) -> None:
    assert stamps(tmp_path) == stamps(tmp_path / "absent") == {}
    assert written_since({}, tmp_path) == {}


def test_new_and_changed_files_are_the_steps_own_and_notes_are_nobodys(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a")
    (tmp_path / "changed").write_text("a")
    before = stamps(tmp_path)
    (tmp_path / "changed").write_text("bb")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "new").write_text("c")
    (tmp_path / "steps.jsonl").write_text("{}")
    (tmp_path / "link").symlink_to("kept")
    written = written_since(before, tmp_path)
    assert written == {
        "changed": sha256_of(tmp_path / "changed"),
        "deep/new": sha256_of(tmp_path / "deep" / "new"),
    }


def test_what_is_gone_or_altered_is_named_and_a_removed_checkpoint_is_not(tmp_path: Path) -> None:
    for name in ("whole", "altered", "gone"):
        (tmp_path / name).write_text(name)
    expected = {name: sha256_of(tmp_path / name) for name in ("whole", "altered", "gone")}
    expected["checkpoints/checkpoint.pt"] = "0" * 64
    (tmp_path / "altered").write_text("another")
    (tmp_path / "gone").unlink()
    whole = find_files(expected, [tmp_path])
    assert whole.wrong == ("altered", "gone")
    assert whole.paths == {"whole": tmp_path / "whole"}


def test_an_altered_checkpoint_is_named(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "best").write_text("x")
    assert find_files({"checkpoints/best": "0" * 64}, [tmp_path]).wrong == ("checkpoints/best",)


def test_a_whole_file_is_found_behind_an_altered_one(tmp_path: Path) -> None:
    for folder, text in (("a", "altered"), ("b", "whole")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "card").write_text(text)
    expected = {"card": sha256_of(tmp_path / "b" / "card")}
    whole = find_files(expected, [tmp_path / "a", tmp_path / "absent", tmp_path / "b"])
    assert whole.paths == {"card": tmp_path / "b" / "card"}


def test_a_taken_file_can_be_changed_without_changing_its_origin(tmp_path: Path) -> None:
    """Small files are written in place by later steps, so they are copies."""
    origin = tmp_path / "card.md"
    origin.write_text("of a")
    take_files({"cards/card.md": origin}, tmp_path / "b")
    (tmp_path / "b" / "cards" / "card.md").write_text("of b")
    assert origin.read_text() == "of a"


def test_large_files_take_no_room_twice(tmp_path: Path) -> None:
    with (tmp_path / "weights").open("wb") as file:
        file.truncate(LINKED_BYTES)
    take_files({"weights": tmp_path / "weights"}, tmp_path / "b")
    take_files({"weights": tmp_path / "weights"}, tmp_path / "b")  # an interrupted run, again
    assert os.path.samefile(tmp_path / "weights", tmp_path / "b" / "weights")
