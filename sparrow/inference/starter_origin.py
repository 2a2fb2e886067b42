"""Where a starter comes from: a model of somebody else's, put to work without a label of yours."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

TORCHVISION, NANODET = "torchvision", "nanodet"  # whose weights


class StarterOrigin(BaseModel):
    """``starter`` of a ``model.json``.

    Attributes:
        network: such as ``NanoDet``.
        package: whose weights they are, with its version.
        checksums: SHA-256 by name of each file that was converted.
        licence: of network and weights, in words.
        counted_as: the COCO classes that count as each of the model's classes.
        threshold_from: where the threshold comes from, in words: no label chose it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: str
    package: str
    checksums: dict[str, str]
    licence: str
    counted_as: dict[str, tuple[str, ...]]
    threshold_from: str
