"""torchvision's COCO detectors with a person's classes; their weights are made here, at random."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torchvision.models import get_model

from sparrow.coco_classes import COCO_CLASSES
from sparrow.detectors.coco_detector import (
    CountedClasses,
    coco_config,
    coco_labels,
    read_coco_weights,
)
from sparrow.detectors.pretrained_weights import WeightsError
from sparrow.export.onnx import export_engine
from sparrow.export.parity import detector_of

SMALL = "fasterrcnn_mobilenet_v3_large_320_fpn"


@pytest.fixture(scope="module")
def theirs():
    torch.manual_seed(3)
    return get_model(SMALL, weights=None, weights_backbone=None).eval()


def test_the_classes_are_torchvisions():
    labels = coco_labels(SMALL)
    assert [name for name in labels if name in COCO_CLASSES] == list(COCO_CLASSES)
    assert labels["bird"] == 16  # COCO left numbers out; as 80 classes it is the 15th


class Fixed(nn.Module):
    """A detector that finds the same in every photo."""

    def __init__(self, boxes: list[list[float]], labels: list[int], scores: list[float]) -> None:
        super().__init__()
        self.found = {
            "boxes": torch.tensor(boxes).reshape(-1, 4),
            "labels": torch.tensor(labels, dtype=torch.int64),
            "scores": torch.tensor(scores),
        }

    def forward(self, images: list[Tensor]) -> list[dict[str, Tensor]]:
        return [self.found]


@pytest.mark.parametrize(
    ("labels", "counted", "expected"),
    [
        ([], [[16]], []),
        ([16, 17, 1], [[16]], [(1, 0.9)]),  # a bird; the cat at its place and the person are not
        ([16, 17, 1], [[16, 17]], [(1, 0.9)]),  # bird and cat at one place are one animal
        ([16, 17, 1], [[16], [17]], [(1, 0.9), (2, 0.8)]),  # as two classes both stay
        ([17, 16, 1], [[1], [16, 17]], [(2, 0.9), (1, 0.7)]),  # the best of them is kept
    ],
)
def test_labels_become_a_persons_classes(labels, counted, expected):
    boxes = [[0.0, 0, 10, 10], [0, 0, 10, 9], [50, 50, 60, 60]][: len(labels)]
    detector = Fixed(boxes, labels, [0.9, 0.8, 0.7][: len(labels)])
    found = CountedClasses(detector, counted, 0.5)([torch.zeros((3, 8, 8))])[0]
    scores = [round(score, 3) for score in found["scores"].tolist()]
    assert list(zip(found["labels"].tolist(), scores, strict=True)) == expected


class Lit(Fixed):
    """One that finds nothing in the dark."""

    def forward(self, images: list[Tensor]) -> list[dict[str, Tensor]]:
        seen = torch.where(self.found["scores"] * images[0].mean() > 0)[0]
        return [{name: value[seen] for name, value in self.found.items()}]


def test_the_engine_maps_labels_as_the_network_does(tmp_path):
    """Traced on a photo with objects, and right on one without: no branch is baked in."""
    boxes = [[0.0, 0, 10, 10], [0, 0, 10, 9], [50, 50, 60, 60], [70, 70, 80, 80]]
    detector = Lit(boxes, [16, 17, 1, 17], [0.9, 0.8, 0.7, 0.6])
    light = np.full((8, 8, 3), 255, np.uint8)
    detect = detector_of(export_engine(CountedClasses(detector, [[16, 17]], 0.5), light, tmp_path))
    found = detect(light)
    assert found.labels.tolist() == [1, 1]
    assert found.boxes_xyxy.tolist() == [boxes[0], boxes[3]]
    assert len(detect(np.zeros_like(light))) == 0


def test_wrong_weights_are_named_in_a_sentence(theirs, tmp_path):
    wrong = {
        "photo.pth": b"a photo",
        "missing.pth": None,
        "other.pth": {"layer.weight": torch.zeros(2)},
        "few-classes.pth": {
            **theirs.state_dict(),
            "roi_heads.box_predictor.cls_score.weight": torch.zeros((2, 1024)),
        },
    }
    for name, content in wrong.items():
        if isinstance(content, bytes):
            (tmp_path / name).write_bytes(content)
        elif content is not None:
            torch.save(content, tmp_path / name)
        with pytest.raises(WeightsError) as raised:
            read_coco_weights(coco_config(SMALL, str(tmp_path / name)))
        assert str(tmp_path / name) in str(raised.value)
        assert "\n" not in str(raised.value)


def test_code_in_a_weights_file_is_not_run(tmp_path):
    torch.save({"a": _Marker(tmp_path / "ran")}, tmp_path / "code.pth")
    with pytest.raises(WeightsError, match="no plain state dict"):
        read_coco_weights(coco_config(SMALL, str(tmp_path / "code.pth")))
    assert not (tmp_path / "ran").exists()


class _Marker:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))
