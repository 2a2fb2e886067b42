"""The licences behind a model: what it learned from, which photos it shows, what it started from.

Written when the model is evaluated, as a file of its folder, and the source of the NOTICE of
whatever the model ships in. It counts and names; it decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from sparrow.data.licences import licence_counts
from sparrow.data.split.assignments import SPLITS
from sparrow.data.tables import UNKNOWN, Dataset

_CC_BY = re.compile(r"\bCC[ -]BY((?:-(?:NC|SA|ND))*)[ -](\d\.\d)", re.IGNORECASE)
_CC0 = re.compile(r"\bCC0\b", re.IGNORECASE)
_WEB = re.compile(r"https?://[^\s<>\"\\^`{|}]+", re.IGNORECASE)


class LicenceLedger(BaseModel):
    """``licences.json`` of a model folder.

    Attributes:
        photos: photos under each licence, by split.
        authors: known authors of the training photos under each licence.
        shown: attribution of each photo that the folder's pages show.
        start: what the weights started from: ``coco``, ``imagenet``, ``none`` or ``a file``.
        start_licence: under which licence these weights are, as far as known.
        start_text: that licence's text, where it has to go along.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    photos: dict[str, dict[str, int]]
    authors: dict[str, int]
    shown: tuple[str, ...]
    start: str
    start_licence: str
    start_text: str | None = None


def make_ledger(
    dataset: Dataset, shown: Sequence[str], start: tuple[str, str, str | None]
) -> LicenceLedger:
    """The ledger of a model.

    Args:
        dataset: of its training, with the ``split`` column.
        shown: attribution of each photo that its pages show.
        start: what its weights started from, their licence, and that licence's text.
    """
    training = dataset.subset("train").images
    known = training[training["author"] != UNKNOWN].groupby("license")["author"].nunique()
    return LicenceLedger(
        photos={split: licence_counts(dataset.subset(split)) for split in SPLITS},
        authors={str(name): int(count) for name, count in known.items()},
        shown=tuple(shown),
        start=start[0],
        start_licence=start[1],
        start_text=start[2],
    )


def is_address(source: str) -> bool:
    """Whether a text is an address on the web."""
    return _WEB.fullmatch(source) is not None


def licence_url(license: str) -> str | None:
    """The address of a licence's text: a Creative Commons one's, or its name if that is one."""
    if match := _CC_BY.search(license):
        return f"https://creativecommons.org/licenses/by{match[1].lower()}/{match[2]}/"
    if is_cc0(license):
        return "https://creativecommons.org/publicdomain/zero/1.0/"
    return license if is_address(license) else None


def is_cc0(license: str) -> bool:
    """Whether the author has waived all rights."""
    return _CC0.search(license) is not None


def conditions(licences: Mapping[str, int]) -> set[str]:
    """Conditions beyond attribution that Creative Commons licences name: of NC, SA and ND."""
    matches = filter(None, map(_CC_BY.search, licences))
    return {part.upper() for match in matches for part in match[1].split("-") if part}
