"""Detections of tiles become those of the photo: each object once, and no two as one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from perfect_detector import PerfectDetector, photo_of_places
from small_model import write_small_model

from sparrow.boxes import box_areas, box_iou
from sparrow.detections import Detections
from sparrow.inference.model_folder import ModelInfo, read_info
from sparrow.inference.tile_choice import TileChoice
from sparrow.inference.tile_merge import merge_tiles
from sparrow.inference.tile_plan import Tile, TilePlan, plan_tiles
from sparrow.inference.tiled_detection import detect_in_tiles

WIDTH, HEIGHT = 700, 500
Box = tuple[float, float, float, float]


@pytest.fixture(scope="module")
def info(tmp_path_factory: pytest.TempPathFactory) -> ModelInfo:
    """Finds objects from 32 px of its input of 128 × 192 on."""
    return read_info(
        write_small_model(
            tmp_path_factory.mktemp("model") / "model",
            min_side_px=128,
            max_side_px=192,
            config={"model": {"anchor_sizes_px": [16]}},
            architecture="fasterrcnn_mobilenet_v3_large_320_fpn",
        )
    )


@pytest.fixture(scope="module")
def plan(info: ModelInfo) -> TilePlan:
    made = plan_tiles(info, WIDTH, HEIGHT, TileChoice("auto"))
    assert made is not None
    return made


def objects(boxes: Sequence[Box], labels: Sequence[int] = ()) -> Detections:
    """True objects with falling scores."""
    scores = 0.95 - 0.3 * np.arange(len(boxes)) / max(len(boxes), 1)
    own = np.array(labels or [1] * len(boxes), np.int64)
    return Detections(np.array(boxes, np.float32).reshape(-1, 4), scores.astype(np.float32), own)


def counted(plan: TilePlan, true: Detections, info: ModelInfo | None = None) -> Detections:
    """What a perfect detector finds in tiles."""
    photo = photo_of_places(WIDTH, HEIGHT)
    return detect_in_tiles(photo, PerfectDetector(true, info), plan, 0.5).detections


def assert_same(found: Detections, true: Detections) -> None:
    assert len(found) == len(true)
    np.testing.assert_allclose(found.boxes_xyxy, true.boxes_xyxy, atol=0.01)
    np.testing.assert_array_equal(found.labels, true.labels)


def seams(plan: TilePlan) -> tuple[float, float]:
    """The first inner borders of the finest tiles: x of a right one, y of a lower one."""
    tiles = plan.scales[-1].tiles
    return min(tile.right for tile in tiles), min(tile.bottom for tile in tiles)


def test_nothing_stays_nothing(plan: TilePlan) -> None:
    assert len(counted(plan, Detections.empty())) == 0


def test_an_object_on_a_seam_or_a_corner_of_tiles_is_found_once(plan: TilePlan) -> None:
    x, y = seams(plan)
    assert_same(counted(plan, on := objects([(x - 10, 20, x + 10, 40)])), on)
    assert_same(counted(plan, on := objects([(20, y - 10, 40, y + 10)])), on)
    assert_same(counted(plan, on := objects([(x - 10, y - 10, x + 10, y + 10)])), on)
    # Ends at the very seam: whole in one tile, and for another it may be cut.
    assert_same(counted(plan, on := objects([(x - 20, 20, x, 40)])), on)


@pytest.mark.parametrize("shared", [0.0, 2.0, 8.0])  # px that their boxes of 20 px overlap
@pytest.mark.parametrize("across", ["x", "y"])
def test_two_that_touch_across_a_seam_are_two(plan: TilePlan, across: str, shared: float) -> None:
    x, y = seams(plan)
    pair = (
        [(x - 20, 30.0, x + shared, 50.0), (x, 30.0, x + 20, 50.0)]
        if across == "x"
        else [(30.0, y - 20, 50.0, y + shared), (30.0, y, 50.0, y + 20)]
    )
    true = objects(pair)
    assert_same(counted(plan, true), true)


def test_a_row_of_touching_objects_through_all_tiles_is_whole(plan: TilePlan) -> None:
    row = [(float(x), 100.0, float(x + 18), 118.0) for x in range(1, WIDTH - 20, 18)]
    true = objects(row)
    assert_same(counted(plan, true), true)


def test_two_of_two_classes_in_one_place_are_two(plan: TilePlan) -> None:
    true = objects([(100, 100, 120, 120), (100, 100, 120, 120)], [1, 2])
    assert_same(counted(plan, true), true)


def test_what_tiles_cut_comes_from_the_whole_photo(plan: TilePlan) -> None:
    true = objects([(30, 40, 650, 450)])
    assert_same(counted(plan, true), true)


@pytest.mark.parametrize("coarse", [0, 1])
def test_two_that_a_coarser_scale_takes_for_one_stay_two(plan: TilePlan, coarse: int) -> None:
    """A network sees two small neighbours as one box of both where they are too small for it."""
    true = objects([(100, 100, 120, 120), (120, 100, 140, 120)])
    fine, blob = PerfectDetector(true), PerfectDetector(objects([(100, 100, 140, 120)]))
    found = [
        [_at(blob if number == coarse else fine, tile) for tile in scale.tiles]
        for number, scale in enumerate(plan.scales)
    ]
    assert_same(merge_tiles(plan, found, 0.5), true)


def test_a_larger_box_over_two_gives_way_to_those_that_fill_it(plan: TilePlan) -> None:
    """Larger than what the finest tiles see whole for sure; seen so by the demo's champion."""
    true = objects([(100, 100, 132, 130), (132, 109, 156, 130)])
    blob = Detections(np.array([[98, 100, 158, 132]], np.float32), np.array([0.86]), np.array([1]))
    assert max(blob.boxes_xyxy[0, 2:] - blob.boxes_xyxy[0, :2]) > plan.scales[-1].whole_px
    detected = [
        [_at(PerfectDetector(true if s is plan.scales[-1] else blob), tile) for tile in s.tiles]
        for s in plan.scales
    ]
    assert_same(merge_tiles(plan, detected, 0.5), true)


def test_of_two_boxes_of_one_object_the_finer_is_taken(plan: TilePlan) -> None:
    true = objects([(200, 200, 250, 240)])
    loose = Detections(
        np.array([[196, 200, 260, 244]], np.float32), np.array([0.97]), np.array([1])
    )
    detected = [
        [_at(PerfectDetector(true if s is plan.scales[-1] else loose), tile) for tile in s.tiles]
        for s in plan.scales
    ]
    merged = merge_tiles(plan, detected, 0.5)
    assert len(merged) == 1
    if any(_holds(tile, true) for tile in plan.scales[-1].tiles):
        assert_same(merged, true)


def _holds(tile: Tile, true: Detections) -> bool:
    left, top, right, bottom = true.boxes_xyxy[0]
    return bool(
        tile.left + 3 <= left
        and tile.top + 3 <= top
        and right <= tile.right - 3
        and bottom <= tile.bottom - 3
    )


def test_a_part_of_a_large_object_is_no_object(plan: TilePlan) -> None:
    """A head is taken for an object by a tile that shows nothing else."""
    large, head = objects([(30, 40, 650, 450)]), (300.0, 200.0, 320.0, 220.0)
    found = [
        [large if number == 0 else _at(PerfectDetector(objects([head])), tile) for tile in s.tiles]
        for number, s in enumerate(plan.scales)
    ]
    assert_same(merge_tiles(plan, found, 0.5), large)


def test_boxes_that_scatter_from_tile_to_tile_are_one_object(plan: TilePlan) -> None:
    rng, true = np.random.default_rng(3), objects([(300, 200, 330, 222), (330, 201, 358, 224)])
    for _ in range(20):
        found = [
            [_scattered(_at(PerfectDetector(true), tile), rng) for tile in scale.tiles]
            for scale in plan.scales
        ]
        merged = merge_tiles(plan, found, 0.5)
        assert len(merged) == 2
        np.testing.assert_allclose(
            merged.boxes_xyxy[np.argsort(merged.boxes_xyxy[:, 0])], true.boxes_xyxy, atol=4
        )


def _at(detector: PerfectDetector, tile: Tile) -> Detections:
    photo = photo_of_places(WIDTH, HEIGHT)
    return detector(photo[tile.top : tile.bottom, tile.left : tile.right])


def _scattered(found: Detections, rng: np.random.Generator) -> Detections:
    """Without slivers, which no network sees."""
    boxes, scores = found.boxes_xyxy, found.scores - rng.random(len(found)).astype(np.float32) / 10
    seen = (boxes[:, 2:] - boxes[:, :2] > 8).all(axis=1)
    moved = boxes + rng.uniform(-2, 2, boxes.shape).astype(np.float32)
    return Detections(moved[seen], scores[seen], found.labels[seen])


def test_the_network_shows_as_much_as_it_can_in_one_tile(plan: TilePlan) -> None:
    photo, three = photo_of_places(WIDTH, HEIGHT), PerfectDetector(objects([(9, 9, 29, 29)] * 3))
    assert detect_in_tiles(photo, three, plan, 0.5, max_objects=3).is_minimum
    assert not detect_in_tiles(photo, three, plan, 0.5, max_objects=4).is_minimum
    assert not detect_in_tiles(photo, three, plan, 0.5).is_minimum


@st.composite
def true_sets(draw: st.DrawFn) -> Detections:
    """Objects of all sizes from the smallest wanted on, close to one another and to seams."""
    boxes: list[Box] = []
    for _ in range(draw(st.integers(0, 12))):
        size = draw(st.floats(16, 90) | st.floats(16, 480))
        width, height = (size, size * draw(st.floats(0.5, 1)))
        if draw(st.booleans()):
            width, height = height, width
        if boxes and draw(st.booleans()):  # beside another
            left = boxes[-1][2] - draw(st.floats(-2, 5))
            top = boxes[-1][1] + draw(st.floats(-9, 9))
        else:
            left, top = draw(st.floats(0, WIDTH - 16)), draw(st.floats(0, HEIGHT - 16))
        boxes.append((left, top, left + width, top + height))
    kept: list[Box] = []
    for box in boxes:
        inside = box[0] >= 0 and box[1] >= 0 and box[2] <= WIDTH and box[3] <= HEIGHT
        if inside and all(_apart(box, other) for other in kept):
            kept.append(box)
    return objects(kept, [draw(st.integers(1, 2)) for _ in kept])


def _apart(a: Box, b: Box) -> bool:
    """Whether less than half of the smaller one is in the other: more is taken for a part."""
    overlap = float(box_iou([a], [b])[0, 0])
    shared = overlap * float((box_areas([a]) + box_areas([b]))[0]) / (1 + overlap)
    return shared < 0.5 * float(min(box_areas([a])[0], box_areas([b])[0]))


@settings(max_examples=60, deadline=None)
@given(true=true_sets(), limited=st.booleans())
def test_a_detector_that_is_perfect_in_each_tile_gives_the_true_set(
    info: ModelInfo, plan: TilePlan, true: Detections, limited: bool
) -> None:
    """``limited``: it is blind for what is too small in its input, as a network is."""
    assert_same(counted(plan, true, info if limited else None), true)
