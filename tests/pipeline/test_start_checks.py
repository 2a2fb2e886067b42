"""A broken config of each kind is refused by the first step, from tables alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparrow.config import Config, with_overrides
from sparrow.data.errors import DataError
from sparrow.pipeline.start_checks import check_start

INFO = "Name,Author,Number_HSparrows,Source,License\n"
BOXES = (
    "label_name,bbox_x,bbox_y,bbox_width,bbox_height,image_name,image_width,image_height\n"
)  # fmt: skip


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Five jays and one hawk in six photos, none of which is there: no pixel is needed."""
    names = [f"{n}.jpg" for n in range(6)]
    labels = ["jay"] * 5 + ["hawk"]
    (tmp_path / "bboxes").mkdir()
    (tmp_path / "image_info.csv").write_text(
        INFO + "".join(f"{name},unknown,1,unknown,unknown\n" for name in names)
    )
    (tmp_path / "bboxes" / "bounding_boxes.csv").write_text(
        BOXES + "".join(f"{la},1,1,9,9,{n},4000,90\n" for la, n in zip(labels, names, strict=True))
    )
    values = [f"data.root={tmp_path}", f"data.new={tmp_path / 'none'}", "model.weights=none"]
    return with_overrides(Config(), [*values, "data.classes=[jay,hawk]", "data.max_side_px=4000"])


def refusal(config: Config, *overrides: str) -> str:
    with pytest.raises(DataError) as caught:
        check_start(with_overrides(config, overrides))
    return str(caught.value)


def test_no_table_is_said(config: Config, tmp_path: Path) -> None:
    assert "there is no such file" in refusal(config, f"data.root={tmp_path / 'none'}")


def test_a_sound_set_passes_with_its_warning(config: Config) -> None:
    assert check_start(config) == [
        "warning: hawk is in 1 photos: not all of train, validation, test can have one",
        "warning: of 6 of 6 photos neither author, camera nor day is known: photos of one place or "
        "day may be on both sides of the split, and the scores too good",
    ]


def test_labels_that_the_config_does_not_name_are_counted(config: Config) -> None:
    words = refusal(config, "data.classes=[jai]")
    assert "hawk (1 boxes), jay (5 boxes); it names jai (jay may mean jai)" in words
    assert "no box has: jai" in words
    assert "--set 'data.classes=[hawk, jay]', or --set data.classes=all" in words


def test_a_class_without_boxes_is_a_warning(config: Config) -> None:
    lines = check_start(with_overrides(config, ["data.classes=[jay,hawk,owl]"]))
    assert lines[0].startswith("warning: no box is of the class owl")


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("data.max_side_px=3000", "6 photos are beyond data.max_side_px (3000): 0.jpg"),
        ("data.extensions=[.png]", "6 photos are beyond data.extensions (.png): 0.jpg"),
    ],
)
def test_a_limit_is_named_by_its_key(config: Config, override: str, words: str) -> None:
    assert words in refusal(config, override)


def test_weights_that_are_not_there(config: Config, tmp_path: Path) -> None:
    from sparrow.detectors.pretrained_weights import WeightsError

    with pytest.raises(WeightsError, match="there is no file"):
        check_start(with_overrides(config, [f"model.weights={tmp_path / 'none.pth'}"]))
