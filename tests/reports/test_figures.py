"""Pictures: drawn where they should be, and nowhere else."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from sparrow.config import EvaluationConfig
from sparrow.detections import Detections
from sparrow.evaluation.count_check import reliability
from sparrow.evaluation.evaluate import evaluate
from sparrow.evaluation.matching import flatten
from sparrow.reports.data_figures import _taker, _takers_words, eda_figures
from sparrow.reports.figures import evaluation_pngs, reliability_png
from sparrow.reports.galleries import ScoredPhotos, photo_credit, worst_false_alarms, worst_misses

GREY = np.full((200, 300, 3), 128, np.uint8)
AMBER = (255, 176, 0)


@pytest.fixture(scope="module")
def evaluated(make_dataset, found, tmp_path_factory):
    """Two photos on disk: one bird found and one missed, and one made up."""
    root = tmp_path_factory.mktemp("photos")
    (root / "images").mkdir()
    for name in ("a.jpg", "b.jpg"):
        Image.fromarray(GREY).save(root / "images" / name)
    birds = [("bird", 10.0, 10.0, 60.0, 60.0), ("bird", 150.0, 50.0, 250.0, 150.0)]
    dataset = make_dataset({"a.jpg": birds, "b.jpg": []}, author=["ann", "unknown"])
    object.__setattr__(dataset, "root", root)
    predictions = {
        "a.jpg": found((1, 0.9, 10, 10, 60, 60)),
        "b.jpg": found((1, 0.8, 100, 100, 180, 180)),
    }
    config = EvaluationConfig(bootstrap_samples=50)
    flat = flatten(dataset, predictions, ["bird"])
    return ScoredPhotos(dataset, predictions, flat, evaluate(flat, 0.5, config))


def test_every_figure_is_a_png_and_the_same_each_time(evaluated):
    figures = evaluation_pngs(evaluated.evaluation)
    assert set(figures) == {"precision_recall.png", "threshold.png", "counts.png", "slices.png"}
    for data in figures.values():
        assert min(Image.open(io.BytesIO(data)).size) > 200
    assert evaluation_pngs(evaluated.evaluation) == figures


def test_figures_of_nothing(make_dataset):
    dataset = make_dataset({"a.jpg": [], "b.jpg": []})
    nothing = {image: Detections.empty() for image in dataset.images["image"]}
    config = EvaluationConfig(bootstrap_samples=50)
    assert len(evaluation_pngs(evaluate(flatten(dataset, nothing, ["bird"]), 0.5, config))) == 4
    assert reliability_png(reliability(np.zeros(0), np.zeros(0, bool)))


def test_galleries(evaluated):
    red = (255, 77, 77)
    missed = np.asarray(Image.open(io.BytesIO(worst_misses(evaluated))))
    false = np.asarray(Image.open(io.BytesIO(worst_false_alarms(evaluated))))
    # One tile each: the first shows the bird found (amber) and the missed one, the second no amber.
    assert (missed == red).all(axis=2).any()
    assert (missed == AMBER).all(axis=2).any()
    assert (false == red).all(axis=2).any()
    assert not (false == AMBER).all(axis=2).any()


def test_no_mistakes_no_gallery(make_dataset):
    dataset = make_dataset({"a.jpg": []})
    nothing = {"a.jpg": Detections.empty()}
    flat = flatten(dataset, nothing, ["bird"])
    evaluation = evaluate(flat, 0.5, EvaluationConfig(bootstrap_samples=50))
    assert worst_misses(ScoredPhotos(dataset, nothing, flat, evaluation)) is None


def test_nobody_known_is_no_author(make_dataset):
    photos = make_dataset({f"{n}.jpg": [] for n in range(4)}, author=["unknown"] * 4)
    images = photos.images.assign(n_boxes=0, width_px=9, height_px=9)
    assert "Photos per author" in eda_figures(images, photos.boxes)
    assert _taker(images)[1].empty
    assert _takers_words(4, _taker(images)[1], "author") == "0 authors; of 4 photos it is unknown"
    named = images.assign(named_camera=["left", "left", "right", ""])
    assert "Photos per camera" in eda_figures(named, photos.boxes)
    assert _taker(named)[1].tolist() == ["left", "left", "right"]
    # One author is known: authors are shown, and the others are no author called "unknown".
    owned = named.assign(author=["ann", "unknown", "unknown", ""])
    assert _taker(owned)[1].tolist() == ["ann"]


def test_credit():
    row = {"author": "Ann", "source": "Pixabay", "license": "CC0"}
    assert photo_credit(row) == ("Ann · Pixabay", "CC0")
    assert photo_credit({"author": "unknown"}) == ("author unknown", "licence unknown")
