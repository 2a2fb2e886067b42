"""The recipe "an augmentation": the config names it, and it changes a photo as it says."""

from __future__ import annotations

import torch

RANGES = ("scale_range", "blur_kernels_px", "box_blur_kernels_px")


def test_it_changes_a_photo(follow):
    recipe = follow("An augmentation")
    assert recipe.files == ("sparrow/config/training.py", "sparrow/training/augmentation.py")
    from sparrow.config import AugmentationConfig, make_config
    from sparrow.training.augmentation import augment, make_augmentation

    assert AugmentationConfig().grey == 0.0
    assert make_config(recipe.config).augmentation.grey == 0.2
    fields = [name for name in AugmentationConfig.model_fields if name not in RANGES]
    always = {**dict.fromkeys(fields, 0.0), "probability": 1.0, "grey": 1.0}
    noise = torch.Generator().manual_seed(0)
    photo = torch.randint(0, 256, (3, 40, 50), dtype=torch.uint8, generator=noise)
    boxes, labels = torch.tensor([[10.0, 10.0, 30.0, 30.0]]), torch.tensor([1])
    transform = make_augmentation(AugmentationConfig(**always))
    changed, same_boxes, same_labels = augment(photo, boxes, labels, transform, 0)
    assert not torch.equal(changed, photo)
    assert torch.equal(changed[0], changed[1])  # red, green and blue alike: no colour
    assert torch.equal(changed[0], changed[2])
    assert torch.equal(same_boxes, boxes)
    assert torch.equal(same_labels, labels)
