"""A loaded model counts, and its interval belongs to its count."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from sparrow.evaluation.counting import CountModel
from sparrow.inference.counter import PhotoCounter
from sparrow.inference.model_folder import ModelFolderError, read_info, write_info

CERTAIN = CountModel(0.5, 0.9, "constant", (0.0,), (0.5,), 0.0, 1.0, (1.0, 0.0, 0.0), 1.0, 10)


@pytest.fixture(scope="module")
def own_copy(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("counter") / "model"
    shutil.copytree(model_folder.resolve(), folder)
    return folder


@pytest.mark.parametrize("threshold", [0.5, 0.2, 0.499999, 0.05, 1.0])
def test_the_interval_is_for_the_threshold_that_is_counted_with(
    own_copy: Path, drawn_dataset: Path, threshold: float
) -> None:
    info = read_info(own_copy, verify=False)
    for model in (CERTAIN, replace(CERTAIN, threshold=threshold)):
        values = {**model.to_dict(), "threshold": model.threshold}  # as models made before hold it
        update = {"threshold": threshold, "count_model": values}
        write_info(own_copy, info.model_copy(update=update))
        if model.threshold != threshold:
            with pytest.raises(ModelFolderError, match=r"was fitted for 0\.5: the interval"):
                PhotoCounter(own_copy, verify=False)
            continue
        counter = PhotoCounter(own_copy, verify=False)
        photo = next((drawn_dataset / "images").iterdir())
        record = counter.count(photo.read_bytes(), photo.name, "cli")[0].record
        assert record.count == len(record.boxes)
        assert record.count_low is not None
        assert record.count_high is not None
        assert record.count_low <= record.count <= record.count_high


def test_a_model_without_a_count_model_has_a_count_alone(model_folder: Path) -> None:
    counter = PhotoCounter(model_folder)
    assert counter.info.count_model is None
