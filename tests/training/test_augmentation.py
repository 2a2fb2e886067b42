"""Random changes that keep boxes honest and follow from their seed."""

from __future__ import annotations

import math

import pytest
import torch
from torchvision.transforms import v2

from sparrow.config import AugmentationConfig
from sparrow.training.augmentation import MIN_BOX_SIDE_PX, augment, make_augmentation

RANGES = ("scale_range", "blur_kernels_px", "box_blur_kernels_px")
OFF = {name: 0.0 for name in AugmentationConfig.model_fields if name not in RANGES}
LABELS = torch.tensor([1, 2])
BOXES = torch.tensor([[10.0, 20.0, 30.0, 60.0], [50.0, 5.0, 90.0, 45.0]])


def certain(**probabilities):
    """A transform in which only the named changes happen, always."""
    return make_augmentation(AugmentationConfig(**{**OFF, "probability": 1.0, **probabilities}))


@pytest.fixture
def image():
    """uint8 [3, 80, 100] of noise."""
    return torch.randint(
        0, 256, (3, 80, 100), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )


def test_nothing_chosen_changes_nothing(image):
    found, boxes, labels = augment(image, BOXES, LABELS, certain(), 0)
    assert torch.equal(found, image)
    assert torch.equal(boxes, BOXES)
    assert torch.equal(labels, LABELS)


@pytest.mark.parametrize("change", [name for name in OFF if name != "probability"])
def test_a_photo_without_boxes_stays_one(image, change):
    none = torch.zeros((0, 4))
    found, boxes, labels = augment(
        image, none, torch.zeros(0, dtype=torch.int64), certain(**{change: 1.0}), 0
    )
    assert found.dtype == torch.uint8
    assert boxes.shape == (0, 4)
    assert labels.shape == (0,)


def test_horizontal_flip(image):
    found, boxes, labels = augment(image, BOXES, LABELS, certain(horizontal_flip=1.0), 0)
    assert torch.equal(found, image.flip(2))
    # 100 px wide: x becomes 100 - x, and left and right change places.
    assert boxes.tolist() == [[70, 20, 90, 60], [10, 5, 50, 45]]
    assert labels.tolist() == [1, 2]


def test_vertical_flip(image):
    found, boxes, _ = augment(image, BOXES, LABELS, certain(vertical_flip=1.0), 0)
    assert torch.equal(found, image.flip(1))
    assert boxes.tolist() == [[10, 20, 30, 60], [50, 35, 90, 75]]  # 80 px high


def test_scale_jitter(image):
    transform = certain(scale_jitter=1.0, scale_range=(0.5, 0.5))
    found, boxes, _ = augment(image, BOXES, LABELS, transform, 0)
    assert tuple(found.shape) == (3, 40, 50)
    assert torch.allclose(boxes, BOXES / 2)


@pytest.mark.parametrize("change", ["colour_jitter", "rain", "blur"])
def test_changes_of_colour_leave_boxes_alone(image, change):
    found, boxes, _ = augment(image, BOXES, LABELS, certain(**{change: 1.0}), 0)
    assert found.dtype == torch.uint8
    assert found.shape == image.shape
    assert not torch.equal(found, image)
    assert torch.equal(boxes, BOXES)


def test_a_crop_keeps_the_visible_part_of_every_box_it_keeps():
    # Each box is a plain patch of its own grey, so a kept box must still show its grey throughout.
    image = torch.zeros((3, 80, 100), dtype=torch.uint8)
    greys = {1: 100, 2: 200}
    for box, label in zip(BOXES.int().tolist(), LABELS.tolist(), strict=True):
        image[:, box[1] : box[3], box[0] : box[2]] = greys[label]
    transform = certain(crop=1.0)
    kept_counts, sizes = set(), set()
    for seed in range(60):
        found, boxes, labels = augment(image, BOXES, LABELS, transform, seed)
        height, width = found.shape[-2:]
        assert height >= 40
        assert width >= 50  # at least half of each side
        sizes.add((height, width))
        kept_counts.add(len(boxes))
        assert len(boxes) == len(labels)
        for box, label in zip(boxes.int().tolist(), labels.tolist(), strict=True):
            left, top, right, bottom = box
            assert 0 <= left < right <= width
            assert 0 <= top < bottom <= height
            assert min(right - left, bottom - top) >= MIN_BOX_SIDE_PX
            assert (found[:, top:bottom, left:right] == greys[label]).all()
    assert len(sizes) > 5
    assert kept_counts >= {1, 2}  # some crops lose a box, and its label with it


def test_it_follows_from_its_seed_alone(image):
    transform = make_augmentation(
        AugmentationConfig(crop=0.5, scale_jitter=0.5, rain=0.5, blur=0.5, vertical_flip=0.5)
    )

    def run(seed):
        return augment(image, BOXES, LABELS, transform, seed)

    first = run(7)
    torch.rand(5)  # whatever was drawn in between
    for ours, theirs in zip(first, run(7), strict=True):
        assert torch.equal(ours, theirs)
    assert len({run(seed)[0].sum().item() for seed in range(8)}) > 3


def test_it_leaves_the_global_generator_alone(image):
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    augment(image, BOXES, LABELS, certain(colour_jitter=1.0, rain=1.0), 5)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("change", [name for name in OFF if name != "probability"])
def test_degenerate_boxes_never_reach_the_network(image, change):
    boxes = torch.tensor(
        [
            [10.0, 20.0, 30.0, 60.0],
            [5.0, 5.0, 5.0, 40.0],  # a line
            [7.0, 7.0, 7.0, 7.0],  # a point
            [50.0, 50.0, 50.4, 51.0],  # less than a pixel
        ]
    )
    labels = torch.tensor([1, 2, 3, 4])
    for seed in range(20):
        _, kept, names = augment(image, boxes, labels, certain(**{change: 1.0}), seed)
        assert set(names.tolist()) <= {1}
        assert ((kept[:, 2:] - kept[:, :2]) >= MIN_BOX_SIDE_PX).all()


def test_a_change_never_moves_a_box_out_of_the_frame(image):
    boxes = torch.tensor([[0.0, 0.0, 100.0, 80.0], [90.0, 70.0, 100.0, 80.0]])
    transform = certain(crop=1.0, scale_jitter=1.0, horizontal_flip=0.5, vertical_flip=0.5)
    for seed in range(30):
        found, kept, _ = augment(image, boxes, LABELS, transform, seed)
        height, width = found.shape[-2:]
        assert (kept >= 0).all()
        assert (kept[:, [0, 2]] <= width).all()
        assert (kept[:, [1, 3]] <= height).all()


def spread(transform, seeds, point=32):
    """Of photos with one bright point, blurred: how wide the point has become, px, and its peak."""
    image = torch.zeros(3, 2 * point + 1, 2 * point + 1, dtype=torch.uint8)
    image[:, point, point] = 255
    seen = []
    for seed in seeds:
        changed, *_ = augment(image, torch.zeros(0, 4), torch.zeros(0), transform, seed)
        seen.append((int((changed[0].float().sum(dim=0) > 0).sum()), int(changed.max())))
    return seen


def blurred(**keys):
    return certain(blur=1.0, **keys)


def test_box_blur_averages_over_every_odd_side_of_its_range():
    seen = spread(blurred(box_blur=1.0, box_blur_kernels_px=(3, 9)), range(40))
    # One bright point of 255 becomes a square of its side with 255 / side² in it.
    assert set(seen) == {(side, round(255 / side**2)) for side in (3, 5, 7, 9)}


def test_gaussian_blur_takes_its_side_from_the_range():
    narrow, wide = (
        spread(blurred(blur_kernels_px=sides), range(3)) for sides in ((3, 3), (11, 11))
    )
    # OpenCV's sigma of a side: 0.3 * ((side - 1) / 2 - 1) + 0.8, so 0.8 and 2.
    assert all(width == 3 for width, _ in narrow)
    peaks = [255 / sum(math.exp(-(i**2) / 2 / s**2) for i in range(-r, r + 1)) ** 2
             for s, r in ((0.8, 1), (2.0, 5))]  # fmt: skip
    assert [narrow[0][1], wide[0][1]] == pytest.approx(peaks, abs=0.6)
    mixed = spread(blurred(blur_kernels_px=(11, 21)), range(60))
    assert len({peak for _, peak in mixed}) >= 4  # six sides; the widest leave 1 or 2 of 255


def test_without_kernels_a_blur_is_what_it_was():
    image = torch.arange(3 * 40 * 40, dtype=torch.int64).reshape(3, 40, 40).remainder(251)
    image = image.to(torch.uint8)
    plain = v2.RandomApply([v2.Compose([v2.RandomApply([v2.GaussianBlur(5, (0.5, 2.0))], 1.0)])], 1)
    none = torch.zeros(0, 4), torch.zeros(0)
    assert torch.equal(augment(image, *none, blurred(), 7)[0], augment(image, *none, plain, 7)[0])


@pytest.mark.parametrize("sides", [(4, 9), (3, 8), (9, 3), (1, 3), (3, 65)])
def test_kernels_have_odd_sides_in_order(sides):
    with pytest.raises(ValueError, match="expected two odd sides from 3 to 63"):
        AugmentationConfig(blur_kernels_px=sides)
