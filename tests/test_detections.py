"""Detections are checked and ordered when they are made."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from sparrow.detections import Detections

BOX = [0.0, 0.0, 2.0, 2.0]


def test_nothing_found():
    nothing = Detections.empty()
    assert len(nothing) == 0
    assert nothing.boxes_xyxy.shape == (0, 4)
    assert len(nothing.above(0.0)) == 0
    assert Detections([], [], []).boxes_xyxy.shape == (0, 4)


def test_types_and_best_first():
    found = Detections([BOX, [1, 1, 3, 3], [2, 2, 4, 4]], [0.2, 0.9, 0.2], [1, 2, 3])
    assert found.scores.tolist() == pytest.approx([0.9, 0.2, 0.2])
    assert found.labels.tolist() == [2, 1, 3]  # of equals, the first stays first
    assert found.boxes_xyxy[0].tolist() == [1, 1, 3, 3]
    types = (found.boxes_xyxy.dtype, found.scores.dtype, found.labels.dtype)
    assert types == (np.float32, np.float32, np.int64)


def test_above_keeps_a_score_at_the_limit():
    found = Detections([BOX] * 3, [0.25, 0.5, 0.75], [1, 1, 1])
    assert found.above(0.5).scores.tolist() == [0.75, 0.5]
    assert len(found.above(1.0)) == 0


@pytest.mark.parametrize(
    ("boxes", "scores", "labels", "message"),
    [
        ([BOX], [0.5, 0.5], [1], "1 boxes, 2 scores, 1 labels"),
        ([[2, 0, 1, 1]], [0.5], [1], "left <= right"),
        ([[0, 2, 1, 1]], [0.5], [1], "top <= bottom"),
        ([[0, 0, np.nan, 1]], [0.5], [1], "finite boxes"),
        ([[0, 0, np.inf, 1]], [0.5], [1], "finite boxes"),
        ([BOX], [1.5], [1], "scores in 0..1, found 1.5"),
        ([BOX], [-0.5], [1], "scores in 0..1"),
        ([BOX], [np.nan], [1], "scores in 0..1"),
        ([BOX], [0.5], [0], "labels of 1 and above, found 0"),
    ],
)
def test_what_is_refused(boxes, scores, labels, message):
    with pytest.raises(ValueError, match=message):
        Detections(boxes, scores, labels)


def test_it_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Detections.empty().scores = np.zeros(1)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("own", "wanted", "labels"),
    [
        (("wren", "robin"), ("robin", "wren"), [2, 1, 2]),
        (("wren", "robin"), ("wren", "robin"), [1, 2, 1]),
        (("wren", "robin"), ("owl", "tit", "robin", "wren"), [4, 3, 4]),
        (("wren", "robin"), ("robin",), [1]),
        (("wren", "robin"), ("owl",), []),
        (("wren", "robin"), (), []),
    ],
)
def test_labels_follow_the_names_and_other_classes_are_left_out(own, wanted, labels):
    found = Detections([BOX] * 3, [0.9, 0.8, 0.7], [1, 2, 1])
    assert found.relabelled(own, wanted).labels.tolist() == labels
    assert Detections.empty().relabelled(own, wanted).labels.tolist() == []


def test_a_label_without_a_name_is_no_class():
    with pytest.raises(ValueError, match=r"labels of 1 to 1 \(wren\), found 2"):
        Detections([BOX], [0.9], [2]).relabelled(["wren"], ["wren", "robin"])
