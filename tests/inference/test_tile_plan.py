"""Which tiles a photo gets."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from small_model import write_small_model

from sparrow.inference.model_folder import ModelInfo, read_info
from sparrow.inference.tile_choice import TileChoice, parse_tiles
from sparrow.inference.tile_plan import TilePlan, least_wanted_px, plan_tiles

# Its smallest box is 16 px of an input of 128 × 192: found are objects from 32 px of it on.
VALUES = {
    "min_side_px": 128,
    "max_side_px": 192,
    "config": {"model": {"anchor_sizes_px": [16, 64]}},
    "architecture": "fasterrcnn_mobilenet_v3_large_320_fpn",
}


@pytest.fixture(scope="module")
def info(tmp_path_factory: pytest.TempPathFactory) -> ModelInfo:
    return read_info(write_small_model(tmp_path_factory.mktemp("model") / "model", **VALUES))


def plan(info: ModelInfo, *size: int, tiles: object = "auto", most: int | None = None) -> TilePlan:
    made = plan_tiles(info, *size, TileChoice(tiles, most))
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("size", "tiles"),
    [
        ((1200, 900), None),  # not asked for
        ((192, 128), "auto"),  # the input's own size
        ((380, 250), "auto"),  # scaled by 0.505: objects are not much smaller for the network
        ((1200, 900), 226),  # 32 / (128 / 900) = 225: found in the whole photo
    ],
)
def test_the_whole_photo_is_enough(info: ModelInfo, size: tuple[int, int], tiles: object) -> None:
    assert plan_tiles(info, *size, TileChoice(tiles)) is None


def test_auto_looks_for_objects_of_the_networks_smallest_box(info: ModelInfo) -> None:
    made = plan(info, 1200, 900)
    assert made.smallest_px == 16
    finest = made.scales[-1].tiles[0]
    # Twice the box is what the network finds: 16 px of the photo have to become 32. Its input is
    # enlarged twice, to 256 × 384, so that a tile has 128 × 192 px of the photo.
    assert sorted((finest.right - finest.left, finest.bottom - finest.top)) == [128, 192]
    assert made.enlarged == 2


def test_a_network_of_one_input_size_gets_no_larger_one(info: ModelInfo) -> None:
    fixed = info.model_copy(update={"architecture": "ssdlite320_mobilenet_v3_large"})
    assert plan(fixed, 1200, 900).enlarged == 1
    assert plan(fixed, 1200, 900).tiles > plan(info, 1200, 900).tiles


@pytest.mark.parametrize("size", [(1200, 900), (900, 1200), (3000, 150), (4001, 2999), (500, 500)])
@pytest.mark.parametrize("tiles", ["auto", 8, 40])
def test_every_scale_sees_whole_what_the_one_before_is_too_coarse_for(
    info: ModelInfo, size: tuple[int, int], tiles: object
) -> None:
    made = plan(info, *size, tiles=tiles)
    for scale in made.scales:
        assert min(tile.left for tile in scale.tiles) == min(t.top for t in scale.tiles) == 0
        assert max(tile.right for tile in scale.tiles) == size[0]
        assert max(tile.bottom for tile in scale.tiles) == size[1]
        for begin, end in (("left", "right"), ("top", "bottom")):
            spans = sorted({(getattr(t, begin), getattr(t, end)) for t in scale.tiles})
            for (_, last), (first, _) in pairwise(spans):
                assert last - first >= scale.whole_px + 2 * scale.margin_px
    assert made.scales[0].tiles[0].right == size[0]
    assert [s.finer_px for s in made.scales] == [*(s.whole_px for s in made.scales[1:]), 0]


def test_a_limit_of_tiles_is_kept_and_larger_objects_are_looked_for(info: ModelInfo) -> None:
    whole, limited = plan(info, 4000, 3000), plan(info, 4000, 3000, most=50)
    assert whole.tiles > 50 >= limited.tiles
    assert whole.smallest_px < limited.smallest_px
    assert (whole.limited, limited.limited) == (False, True)
    assert plan_tiles(info, 4000, 3000, TileChoice("auto", 0)) is None


def test_no_photo_is_enlarged_beyond_what_it_shows(info: ModelInfo) -> None:
    assert least_wanted_px(info) == 8  # 32 px of the input, from 8 px enlarged four times
    assert plan(info, 1200, 900, tiles=1) == plan(info, 1200, 900, tiles=8)


def test_the_folder_of_a_model_without_sizes_has_torchvisions(tmp_path: Path) -> None:
    sides = {"min_side_px": 256, "max_side_px": 384}
    bare = read_info(write_small_model(tmp_path / "bare", config={}, **sides))
    assert plan(bare, 1200, 900).smallest_px == 32


def test_a_network_whose_smallest_box_fills_its_input_gets_no_tiles(tmp_path: Path) -> None:
    narrow = {"min_side_px": 64, "max_side_px": 128, "config": {}}
    info = read_info(write_small_model(tmp_path / "narrow", **narrow))
    assert plan_tiles(info, 1200, 900, TileChoice("auto")) is None


def test_a_choice_is_read_as_it_is_written() -> None:
    assert [parse_tiles(text) for text in ("none", "auto", "24", 24)] == [None, "auto", 24, 24]
    for wrong in ("", "0", "-3", "2.5", "all", 0):
        with pytest.raises(ValueError, match="none, auto, or the side in pixels"):
            parse_tiles(wrong)
