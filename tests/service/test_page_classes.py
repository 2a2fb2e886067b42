"""A model of two classes on the page: no word, box, colour or file loses the class."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from small_model import write_small_model
from starlette.testclient import TestClient

from service.inference_service import InferenceService
from service.page_requests import PageRequests
from service.request_guard import RequestGuard
from service.settings import Settings
from service.web import make_web_app
from sparrow.config import ServiceConfig
from sparrow.drawing.class_boxes import CLASS_COLORS

CLASSES = ("robin", "raccoon")
FOUND = ((1, 0.9, 4, 4, 24, 24), (2, 0.8, 30, 30, 50, 50), (1, 0.7, 8, 30, 24, 50))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    home = tmp_path_factory.mktemp("classes")
    model = write_small_model(home / "model", FOUND, CLASSES)
    settings = Settings(model, False, ServiceConfig(), f"sqlite:///{home}/log.db", None)
    inference = InferenceService(settings)
    requests = PageRequests(settings)
    web = make_web_app(settings, lambda: inference, requests)
    with TestClient(RequestGuard(web, settings, requests), base_url="http://127.0.0.1") as page:
        yield page
    inference.close()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    Image.fromarray(np.full((64, 64, 3), 100, np.uint8)).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def test_each_class_has_its_boxes_colour_sum_and_columns(
    new_visitor: Any, page: TestClient, photo: Path
) -> None:
    visitor = new_visitor(page)
    (counted,) = visitor.add(photo)
    assert [box["label"] for box in counted["boxes"]] == ["robin", "raccoon", "robin"]
    assert [counted["colors"][name]["ground"] for name in CLASSES] == list(CLASS_COLORS[:2])
    assert counted["row"]["classes"] == {"robin": "2", "raccoon": "1"}
    assert [total["words"] for total in visitor.screen["totals"]] == ["2 robins", "1 raccoon"]
    # A robin is a raccoon after all.
    boxes = [{"label": box["label"], "corners": box["corners"]} for box in counted["boxes"]]
    boxes[0]["label"] = "raccoon"
    visitor.ask("correct", photo=counted["photo"], boxes=boxes)
    assert [total["words"] for total in visitor.screen["totals"]] == ["1 robin", "2 raccoons"]
    files = {}
    for what in ("csv", "coco"):
        path = visitor.ask("download", what=what)["path"]
        files[what] = page.get(f"/gradio_api/file={path}").text
    (row,) = csv.DictReader(io.StringIO(files["csv"]))
    assert (row["count"], row["count_robin"], row["count_raccoon"]) == ("3", "1", "2")
    made = json.loads(files["coco"])
    names = {kind["id"]: kind["name"] for kind in made["categories"]}
    labels = [names[box["category_id"]] for box in made["annotations"]]
    assert labels == ["raccoon", "raccoon", "robin"]
    assert visitor.ask("save", photo=counted["photo"])["saved"]
