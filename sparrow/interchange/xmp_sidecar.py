"""Keywords of counted photos as XMP sidecars, which digiKam, darktable and Lightroom read.

A sidecar of ours ends in a comment with the SHA-256 of what is above it. One that another program
has changed since, or made, is not overwritten: what a person wrote into it would be lost.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree as ET

from sparrow.atomic_file import write_atomic
from sparrow.class_nouns import singular
from sparrow.plain_text import one_line, utf8
from sparrow.predictions.record import PredictionRecord
from sparrow.regular_file import open_regular

NameBy = Literal["photo.jpg.xmp", "photo.xmp"]

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_DC = "http://purl.org/dc/elements/1.1/"
_LIGHTROOM = "http://ns.adobe.com/lightroom/1.0/"
_DIGIKAM = "http://www.digikam.org/ns/1.0/"
_META = "adobe:ns:meta/"
_SPACES = {"rdf": _RDF, "dc": _DC, "lr": _LIGHTROOM, "digiKam": _DIGIKAM, "x": _META}
_ROOT = "sparrow count"
_NOTHING = "nothing found"
_MOST_BYTES = 1_000_000  # of a sidecar of ours, which has some lines a class
_SIGNED = re.compile(rb"<!-- sparrow count ([0-9a-f]{64}) -->\n\Z")


def sidecar_path(folder: Path, name: str, name_by: NameBy) -> Path:
    """Where the sidecar of a photo is, below a folder that has the photos' own folders."""
    path = folder / name
    return (
        path.with_name(path.name + ".xmp")
        if name_by == "photo.jpg.xmp"
        else path.with_suffix(".xmp")
    )


def write_sidecar(path: Path, record: PredictionRecord, class_names: Sequence[str]) -> str | None:
    """Write a sidecar; why not, where there is one that this program must not overwrite.

    Raises:
        OSError: it cannot be written.
    """
    content = sidecar(record, class_names)
    if os.path.lexists(path):
        if not is_ours(path):
            return "there is a sidecar that another program made or changed"
        if path.read_bytes() == content:
            return None
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, content)
    return None


def is_ours(path: Path) -> bool:
    """Whether a file is a sidecar of this program that nobody has changed since."""
    try:
        with open_regular(path) as file:
            content = file.read(_MOST_BYTES)
    except OSError:
        return False
    signed = _SIGNED.search(content)
    if signed is None:
        return False
    return hashlib.sha256(content[: signed.start()]).hexdigest().encode() == signed[1]


def sidecar(record: PredictionRecord, class_names: Sequence[str]) -> bytes:
    """The sidecar of a counted photo: each class that is in it, and how many."""
    counts = Counter(box.label for box in record.boxes)
    of_class = [(_word(label), counts[label]) for label in class_names if counts[label]]
    flat = [word for word, _ in of_class] or [_NOTHING]
    deep = [[word, str(number)] for word, number in of_class] or [[_NOTHING]]
    for prefix, uri in _SPACES.items():
        ET.register_namespace(prefix, uri)
    meta = ET.Element(f"{{{_META}}}xmpmeta")
    about = {f"{{{_RDF}}}about": ""}
    described = ET.SubElement(
        ET.SubElement(meta, f"{{{_RDF}}}RDF"), f"{{{_RDF}}}Description", about
    )
    _add_list(described, f"{{{_DC}}}subject", "Bag", flat)
    paths = [[_ROOT, *words] for words in deep]
    _add_list(
        described, f"{{{_LIGHTROOM}}}hierarchicalSubject", "Bag", ["|".join(p) for p in paths]
    )
    _add_list(described, f"{{{_DIGIKAM}}}TagsList", "Seq", ["/".join(p) for p in paths])
    ET.indent(meta)
    text = ET.tostring(meta, encoding="utf-8", xml_declaration=True) + b"\n"
    return text + f"<!-- sparrow count {hashlib.sha256(text).hexdigest()} -->\n".encode()


def _word(label: str) -> str:
    """A class as a keyword; signs that part levels, and those that XML cannot have, are others."""
    return one_line(utf8(singular(label))).replace("|", " ").replace("/", " ")


def _add_list(parent: ET.Element, name: str, kind: str, items: Sequence[str]) -> None:
    inside = ET.SubElement(ET.SubElement(parent, name), f"{{{_RDF}}}{kind}")
    for item in items:
        ET.SubElement(inside, f"{{{_RDF}}}li").text = item
