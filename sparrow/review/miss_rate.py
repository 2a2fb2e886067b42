"""How many of the photos that a model calls empty hold something: an exact bound from a sample.

Labelled photos that were *chosen* (for their low scores, say) tell nothing about all others. The
random part of the queue does: among n photos drawn from those without a detection, k turn out to
hold something, and the fraction among all of them is with confidence c at most the
Clopper-Pearson bound (Clopper and Pearson 1934), the c-quantile of Beta(k + 1, n - k). The sample
is drawn without replacement, which makes the bound safer still.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePosixPath

from sparrow.data.tables import Dataset

CONFIDENCE = 0.95


@dataclass(frozen=True)
class MissRate:
    """What the labels of the random sample say.

    Attributes:
        sampled: photos in the sample.
        labelled: of them came back.
        with_objects: of these hold at least one object.
        upper: the share of such photos among all without a detection is at most this (0..1), with
            ``CONFIDENCE``.
    """

    sampled: int
    labelled: int
    with_objects: int
    upper: float

    def words(self) -> str:
        """The result in a sentence."""
        if not self.labelled:
            return f"None of the {self.sampled} randomly drawn photos came back: nothing is known."
        back = "" if self.labelled == self.sampled else f" ({self.sampled - self.labelled} missing)"
        return (
            f"{self.with_objects} of {self.labelled} randomly drawn photos without a "
            f"detection{back} "
            f"hold something: {self.with_objects / self.labelled:.1%} were missed, with "
            f"{CONFIDENCE:.0%} confidence at most {self.upper:.1%}."
        )


def upper_bound(with_objects: int, photos: int, confidence: float = CONFIDENCE) -> float:
    """Clopper-Pearson's one-sided upper bound on a share, 0..1; 1 when nothing was looked at.

    Raises:
        ValueError: more of them than photos, or a negative number.
    """
    if not 0 <= with_objects <= photos:
        raise ValueError(f"expected 0 <= with_objects <= photos, found {with_objects} of {photos}")
    if with_objects == photos:
        return 1.0
    from scipy.stats import beta

    return float(beta.ppf(confidence, with_objects + 1, photos - with_objects))


def miss_rate(sample: Collection[str], labels: Dataset) -> MissRate:
    """From corrected labels.

    Args:
        sample: photo names of the queue's random part.
        labels: what came back; of its photo names only the last part counts, and a prefix of the
            labelling tool's (``1f0c-NAME``) does not: a queue's names are ids, which nobody has
            twice.
    """
    names = {name: _name_in(sample, name) for name in labels.images["image"]}
    with_boxes = {names[name] for name in labels.boxes["image"]}
    back = set(names.values()) & set(sample)
    missed = len(back & with_boxes)
    return MissRate(len(sample), len(back), missed, upper_bound(missed, len(back)))


def _name_in(sample: Collection[str], name: str) -> str:
    """The photo of a sample that a name means, or its last part where it means none."""
    last = PurePosixPath(name).name
    if last in sample:
        return last
    return next((own for own in sample if last.endswith(f"-{own}")), last)
