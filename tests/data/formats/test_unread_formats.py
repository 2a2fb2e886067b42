from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from written_tool_sets import write_json

from sparrow.data.errors import DataError
from sparrow.data.formats.imports import read_set
from sparrow.data.formats.source_files import list_source
from sparrow.data.formats.unread_formats import refuse_known


def test_an_empty_folder_and_unknown_json_say_nothing(tmp_path: Path) -> None:
    refuse_known(list_source(tmp_path))
    write_json(tmp_path / "a.json", [1])
    write_json(tmp_path / "b.json", {"a": 1})
    refuse_known(list_source(tmp_path))


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"images": [{"file": "a.jpg", "detections": []}]}, "no labels"),
        ({"images": [], "detection_categories": {"1": "animal"}}, "MegaDetector"),
        ({"project": {}, "metadata": {}, "view": {}, "file": {}}, "expected version 2"),
        ({"size": {"height": 1, "width": 1}, "objects": []}, "Supervisely"),
        ({"items": [], "categories": {}, "info": {}}, "CVAT for images 1.1"),
        ({"assets": {}, "tags": []}, "VoTT"),
        ({"asset": {}, "regions": []}, "VoTT"),
    ],
)
def test_a_known_format_that_is_not_read_is_named_with_what_to_export(
    tmp_path: Path, tree: Any, words: str
) -> None:
    write_json(tmp_path / "out.json", tree)
    for kind in (None, "coco"):
        with pytest.raises(DataError, match=words) as error:
            read_set(kind, tmp_path)
        assert str(tmp_path / "out.json") in str(error.value)


def test_a_table_of_label_studio_is_named(tmp_path: Path) -> None:
    header = "annotation_id,annotator,created_at,id,image,label,lead_time,updated_at\n"
    (tmp_path / "project.csv").write_text(header, encoding="utf-8")
    with pytest.raises(DataError, match=r"project\.csv: a table of Label Studio is not read"):
        read_set(None, tmp_path)


def test_a_damaged_xml_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<", encoding="utf-8")
    with pytest.raises(DataError, match=r"a\.xml: not valid XML"):
        read_set(None, tmp_path)


def test_records_of_tensorflow_are_named(tmp_path: Path) -> None:
    (tmp_path / "train.tfrecord").write_bytes(b"\0")
    with pytest.raises(DataError, match=r"train\.tfrecord: a TFRecord is not read; export"):
        read_set(None, tmp_path)
