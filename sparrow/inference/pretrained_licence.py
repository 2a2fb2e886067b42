"""The licence of the weights that a training began with, as far as it is known."""

from __future__ import annotations

from pathlib import Path

from sparrow.inference.safetensors_metadata import read_licence
from sparrow.lite0 import LITE0, PACKAGE

TORCHVISION = "https://github.com/pytorch/vision/blob/main/LICENSE"
LITE0_LICENCE = "http://www.apache.org/licenses/LICENSE-2.0"
TRAINED_ON = {
    "coco": "COCO (its terms: https://cocodataset.org/#termsofuse)",
    "imagenet": "ImageNet (its terms: https://www.image-net.org/download)",
}


def starting_licence(weights: str, architecture: str) -> str:
    """The licence in words, with the addresses of what it names.

    Args:
        weights: ``model.weights`` of a config. Of a file, the path is not told.
        architecture: ``model.architecture`` of the config.
    """
    if weights == "none":
        return "no weights: training began with random numbers"
    if weights in TRAINED_ON:
        licence = f"BSD 3-Clause, as torchvision ({TORCHVISION})"
        if architecture == LITE0:
            licence = f"Apache License 2.0 ({LITE0_LICENCE}), as {PACKAGE}"
        return (
            f"{licence}; trained by its authors on {TRAINED_ON[weights]}, whose terms may hold for "
            "the weights too"
        )
    named = read_licence(Path(weights))
    return named or "not recorded: a file, which names none in its safetensors metadata"
