"""Formats that are known and not read: an error says which it is and what to export instead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from sparrow.data.errors import DataError
from sparrow.data.formats.source_files import SourceFiles
from sparrow.data.formats.xml_files import parse_xml

_Tree = dict[str, Any]  # an object of JSON: whatever the file holds

_STUDIO_COLUMNS = (b"annotation_id", b"annotator", b"lead_time")
_TFRECORDS = (".tfrecord", ".tfrecords", ".record")


def refuse_known(files: SourceFiles) -> None:
    """Say why a set is not read, where that can be told.

    Raises:
        DataError: a JSON or XML file is damaged, or a file is in a format that is not read.
    """
    for name in files.with_suffix(".json"):
        tree = files.json(name)
        first = tree[0] if isinstance(tree, list) and tree else tree
        for is_it, words in _WORDS if isinstance(first, dict) else ():
            if is_it(first):
                raise DataError(f"{files.path(name)}: {words}")
    for name in files.with_suffix(".xml"):
        parse_xml(name, files.content(name))
    for name in files.with_suffix(".csv", ".tsv"):
        if all(column in files.head(name) for column in _STUDIO_COLUMNS):
            raise DataError(
                f"{files.path(name)}: a table of Label Studio is not read; export the project as "
                "JSON"
            )
    for name in files.names:
        if PurePosixPath(name).suffix.lower() in _TFRECORDS:
            raise DataError(
                f"{files.path(name)}: a TFRecord is not read; export the set as COCO, VOC or YOLO"
            )


def _is_megadetector(tree: _Tree) -> bool:
    images = tree.get("images")
    first = images[0] if isinstance(images, list) and images else None
    return "detection_categories" in tree or (isinstance(first, dict) and "detections" in first)


def _has(*keys: str) -> Callable[[_Tree], bool]:
    return lambda tree: set(keys) <= tree.keys()


_WORDS: tuple[tuple[Callable[[_Tree], bool], str], ...] = (
    (
        _is_megadetector,
        "holds what a model detected (MegaDetector's results), which are no labels; let a person "
        "correct them in a labelling tool, and import what that exports",
    ),
    (
        _has("project", "metadata", "view"),
        "is a project of VGG Image Annotator 3, which is not read; expected version 2 of it, or "
        "COCO",
    ),
    (
        _has("objects", "size"),
        "is an annotation of Supervisely, which is not read; export the set as COCO, VOC or YOLO",
    ),
    (
        _has("items", "categories"),
        "is a data set of Datumaro, which is not read; export the set as COCO, VOC or YOLO (in "
        'CVAT: "CVAT for images 1.1")',
    ),
    (_has("assets", "tags"), "is an export of VoTT as JSON, which is not read; export it as VOC"),
    (_has("asset", "regions"), "is a file of VoTT's project, which is not read; export it as VOC"),
)
