"""XMP sidecars: keywords by class, and nobody else's sidecar is overwritten."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from sparrow.interchange.xmp_sidecar import NameBy, sidecar, sidecar_path, write_sidecar
from sparrow.predictions.record import LoggedBox, PredictionRecord

CLASSES = ("house_sparrow", "<tit & 'co'>", "a|b/c")
LI = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li"


def record(*labels: str) -> PredictionRecord:
    boxes = tuple(LoggedBox(label, 0.9, 0, 0, 1, 1) for label in labels)
    time = datetime(2026, 5, 1, tzinfo=UTC)
    return PredictionRecord("1", time, "cli", "m", "1", "a.jpg", count=len(boxes), boxes=boxes)


def keywords(content: bytes) -> list[str | None]:
    return [item.text for item in ET.fromstring(content).iter(LI)]


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ((), ["nothing found", "sparrow count|nothing found", "sparrow count/nothing found"]),
        (
            ("house_sparrow", "house_sparrow", "<tit & 'co'>"),
            [
                "house sparrow", "<tit & 'co'>",
                "sparrow count|house sparrow|2", "sparrow count|<tit & 'co'>|1",
                "sparrow count/house sparrow/2", "sparrow count/<tit & 'co'>/1",
            ],
        ),
        (("a|b/c",), ["a b c", "sparrow count|a b c|1", "sparrow count/a b c/1"]),
    ],
)  # fmt: skip
def test_each_class_is_a_keyword_with_its_number(labels: tuple[str, ...], words: list[str]) -> None:
    assert keywords(sidecar(record(*labels), CLASSES)) == words


@pytest.mark.parametrize(
    ("names", "expected"), [("photo.jpg.xmp", "out/x/a.jpg.xmp"), ("photo.xmp", "out/x/a.xmp")]
)
def test_names(names: NameBy, expected: str) -> None:
    assert sidecar_path(Path("out"), "x/a.jpg", names) == Path(expected)


def test_ours_is_written_again_and_others_are_not(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.jpg.xmp"
    assert write_sidecar(path, record(), CLASSES) is None
    assert write_sidecar(path, record("house_sparrow"), CLASSES) is None
    ours = path.read_bytes()
    assert "house sparrow" in keywords(ours)
    for others in (ours.replace(b"|1<", b"|5<"), b"<x/>", b"", ours + b"\n"):
        path.write_bytes(others)
        assert write_sidecar(path, record(), CLASSES) is not None
        assert path.read_bytes() == others
