"""The licence of the weights that a training began with, as far as it is known."""

from __future__ import annotations

from pathlib import Path

from sparrow.inference.safetensors_metadata import read_licence

TORCHVISION = "https://github.com/pytorch/vision/blob/main/LICENSE"
TRAINED_ON = {
    "coco": "COCO (its terms: https://cocodataset.org/#termsofuse)",
    "imagenet": "ImageNet (its terms: https://www.image-net.org/download)",
}


def starting_licence(weights: str) -> str:
    """The licence in words, with the addresses of what it names.

    Args:
        weights: ``model.weights`` of a config. Of a file, the path is not told.
    """
    if weights == "none":
        return "no weights: training began with random numbers"
    if weights in TRAINED_ON:
        return (
            f"BSD 3-Clause, as torchvision ({TORCHVISION}); trained by its authors on "
            f"{TRAINED_ON[weights]}, whose terms may hold for the weights too"
        )
    named = read_licence(Path(weights))
    return named or "not recorded: a file, which names none in its safetensors metadata"
