"""The licence of the weights that a training began with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from sparrow.inference.pretrained_licence import starting_licence

MOBILENET = "fasterrcnn_mobilenet_v3_large_320_fpn"


def test_licences_of_starting_weights(tmp_path: Path) -> None:
    assert starting_licence("none", MOBILENET).startswith("no weights")
    assert "https://cocodataset.org/#termsofuse" in starting_licence("coco", MOBILENET)
    assert "ImageNet" in starting_licence("imagenet", MOBILENET)
    assert starting_licence(str(tmp_path / "missing.pth"), MOBILENET).startswith("not recorded")
    path, value = tmp_path / "own.safetensors", {"weight": np.zeros(1, np.float32)}
    save_file(value, path, metadata={"license": "CC BY 4.0"})
    assert starting_licence(str(path), MOBILENET) == "CC BY 4.0"
