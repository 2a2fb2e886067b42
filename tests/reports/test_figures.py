"""Pictures: drawn where they should be, and nowhere else."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from sparrow.config import EvaluationConfig
from sparrow.detections import Detections
from sparrow.drawing import draw_detections
from sparrow.evaluation.count_check import reliability
from sparrow.evaluation.evaluate import evaluate
from sparrow.evaluation.matching import flatten
from sparrow.evaluation.scored import Scored
from sparrow.reports.figures import evaluation_pngs, reliability_png
from sparrow.reports.galleries import photo_credit, worst_false_alarms, worst_misses

GREY = np.full((200, 300, 3), 128, np.uint8)
AMBER = (255, 176, 0)


def colored(picture: np.ndarray, color: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the pixels of a colour."""
    y, x = np.nonzero((picture == color).all(axis=2))
    return int(x.min()), int(y.min()), int(x.max()), int(y.max())


def test_no_boxes_change_nothing():
    drawn = draw_detections(GREY, np.zeros((0, 4)), np.zeros(0))
    assert np.array_equal(drawn, GREY)


def test_a_box_lies_on_its_coordinates_and_the_photo_is_not_touched():
    drawn = draw_detections(GREY, [[50, 60, 120, 140]], None)
    assert colored(drawn, AMBER) == (50, 60, 120, 140)
    assert (drawn[65:135, 55:115] == 128).all()  # the bird itself stays visible
    assert (GREY == 128).all()


@pytest.mark.parametrize("box", [[50, 0, 120, 140], [280, 60, 300, 140], [-20, -20, 10, 10]])
def test_labels_stay_inside_the_photo(box):
    drawn = draw_detections(GREY, [box], [0.87])
    plain = draw_detections(GREY, [box], [0.87], show_scores=False)
    label = (drawn != plain).any(axis=2)
    assert label.sum() > 150  # as many pixels as "87%" on its ground needs
    assert drawn.shape == GREY.shape


def test_truth_is_dashed():
    drawn = draw_detections(GREY, [], [], truth_xyxy=[[50, 60, 120, 140]])
    row = (drawn[60, 50:121] == 255).all(axis=1)
    assert 0.3 < row.mean() < 0.7


def scored(dataset, predictions) -> Scored:
    flat = flatten(dataset, predictions, ["bird"])
    evaluation = evaluate(flat, 0.5, EvaluationConfig(bootstrap_samples=50))
    return Scored(evaluation, flat, predictions, 1.0, 1, None)


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
    return dataset, scored(dataset, predictions)


def test_every_figure_is_a_png_and_the_same_each_time(evaluated):
    figures = evaluation_pngs(evaluated[1].evaluation)
    assert set(figures) == {"precision_recall.png", "threshold.png", "counts.png", "slices.png"}
    for data in figures.values():
        assert min(Image.open(io.BytesIO(data)).size) > 200
    assert evaluation_pngs(evaluated[1].evaluation) == figures


def test_figures_of_nothing(make_dataset):
    dataset = make_dataset({"a.jpg": [], "b.jpg": []})
    nothing = {image: Detections.empty() for image in dataset.images["image"]}
    assert len(evaluation_pngs(scored(dataset, nothing).evaluation)) == 4
    assert reliability_png(reliability(np.zeros(0), np.zeros(0, bool)))


def test_galleries(evaluated):
    dataset, both = evaluated
    red = (255, 77, 77)
    missed = np.asarray(Image.open(io.BytesIO(worst_misses(dataset, both))))
    false = np.asarray(Image.open(io.BytesIO(worst_false_alarms(dataset, both))))
    # One tile each: the first shows the bird found (amber) and the missed one, the second no amber.
    assert (missed == red).all(axis=2).any()
    assert (missed == AMBER).all(axis=2).any()
    assert (false == red).all(axis=2).any()
    assert not (false == AMBER).all(axis=2).any()


def test_no_mistakes_no_gallery(make_dataset):
    dataset = make_dataset({"a.jpg": []})
    nothing = {"a.jpg": Detections.empty()}
    assert worst_misses(dataset, scored(dataset, nothing)) is None


def test_credit():
    row = {"author": "Ann", "source": "Pixabay", "license": "CC0"}
    assert photo_credit(row) == ("Ann · Pixabay", "CC0")
    assert photo_credit({"author": "unknown"}) == ("author unknown", "licence unknown")
