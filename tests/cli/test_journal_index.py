"""Places of a journal's entries: by real path, the later of two, in the order of the file."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from sparrow.cli.journal_index import JournalIndex, Place

NO_UTF8 = "/photos/\udce4.jpg"


def entry(real: str, **more: Any) -> Any:
    record = {"error": more.pop("error", None)}
    return {"real": real, "file": [5, 6, 7], "annotated": None, "record": record, **more}


def test_an_empty_one_knows_no_photo() -> None:
    with closing(JournalIndex()) as index:
        assert index.get("/a.jpg") is None
        assert len(index) == 0
        assert list(index.files()) == []


def test_a_place_is_what_was_noted() -> None:
    with closing(JournalIndex()) as index:
        index.note(entry(NO_UTF8, boxes_from=0.5, tiles="auto", annotated="/d/a.jpg"), 10, 20)
        index.note(entry("/a.jpg", error="unreadable_photo", file=None), 30, 4)
        assert index.get(NO_UTF8) == Place(10, 20, False, [5, 6, 7], "/d/a.jpg", 0.5, "auto")
        assert index.get("/a.jpg") == Place(30, 4, True, None, None, None, None)


def test_a_photo_that_is_counted_again_has_its_later_place() -> None:
    with closing(JournalIndex()) as index:
        for number, real in enumerate([NO_UTF8, "/a.jpg", NO_UTF8]):
            index.note(entry(real), number, 1)
        assert len(index) == 2
        assert list(index.files()) == ["/a.jpg", NO_UTF8]
