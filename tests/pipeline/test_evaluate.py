"""What the evaluate step writes into a model folder of several classes."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from small_model import FOUND, write_small_model

from sparrow.config import Config, with_values
from sparrow.data.tables import XYXY, Dataset
from sparrow.evaluation.matching import flatten
from sparrow.inference.counter import PhotoCounter
from sparrow.inference.model_folder import REFERENCE, read_info, write_info
from sparrow.pipeline.evaluate import with_count_models, write_model_reference
from sparrow.pipeline.predict import predict_photos
from sparrow.predictions.window import read_reference

CLASSES = ("robin", "wren", "owl")
TWO = ((1, *FOUND[0][1:]), (2, *FOUND[1][1:]))  # a robin and a wren in every photo


def png() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.full((64, 64, 3), 128, np.uint8)).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Thirty photos, each of a camera of its own; all show a robin, three of them a wren."""
    root = tmp_path_factory.mktemp("set")
    (root / "images").mkdir()
    names = [f"{n:02}.png" for n in range(30)]
    for name in names:
        (root / "images" / name).write_bytes(png())
    images = pd.DataFrame({"image": names, "split": ["validation"] * 20 + ["test"] * 10})
    images["author"], images["group"], images["grouped_by"] = names, names, "author or camera"
    images["width_px"] = images["height_px"] = 64
    images["sha256"], images["n_boxes"] = "0" * 64, [2] * 3 + [1] * 27
    for column in ("brightness", "contrast", "sharpness", "saturation"):
        images[column] = 0.5
    rows = [(name, "robin", *FOUND[0][2:]) for name in names]
    rows += [(name, "wren", *FOUND[1][2:]) for name in names[:3]]
    return Dataset(root, images, pd.DataFrame(rows, columns=["image", "label", *XYXY]))


def test_each_class_that_enough_photos_show_gets_its_count_model(
    dataset: Dataset, tmp_path: Path
) -> None:
    folder = write_small_model(tmp_path / "model", TWO, CLASSES)
    config = with_values(Config(), {"data.classes": list(CLASSES)})
    predicted = predict_photos(folder, dataset, 1)
    detections = predicted.detections
    held_out = dataset.subset("validation")
    flat = flatten(held_out, detections, CLASSES)
    write_info(folder, with_count_models(config, read_info(folder), flat, 0.5))
    write_model_reference(dataset, folder, detections, predicted.statistics)
    info = read_info(folder)
    assert info.class_count_models is not None
    assert list(info.class_count_models) == ["robin"]  # of a wren 3 photos are too few
    assert info.class_count_models["robin"]["photos"] == 20
    counted = PhotoCounter(folder).count(png(), "a.png", "cli")[0].record
    robin, wren, owl = counted.class_counts
    assert (robin.count, robin.low, robin.high) == (1, 1, 1)  # right in every photo
    assert (wren.count, wren.low, wren.high) == (1, None, None)
    assert (owl.count, owl.low, owl.high) == (0, None, None)
    counts = read_reference(folder / REFERENCE).class_counts
    assert counts["label"].tolist() == list(CLASSES) * 30
    assert counts["high"].fillna(-1).tolist() == [1, -1, -1] * 30
