"""Whether a photo is of the kind that a model learnt from. NumPy alone: the service runs this.

A photo's distance from those that the model learnt from is Mahalanobis's, over the statistics of
``sparrow.photo_texture``; a photo farther away than all but a few of the held-out ones is unlike
them (Lee et al. 2018, "A simple unified framework for detecting out-of-distribution samples", do
the same with a network's own features, which here saw real photos and drawings as much alike). A
count's interval was measured on photos like those of the training, and says nothing about others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from sparrow.atomic_file import atomic_file
from sparrow.false_alarms import FalseAlarms

TRAINING_DISTRIBUTION = "training_distribution.npz"


@dataclass(frozen=True, eq=False)
class TrainingDistribution:
    """The kind of photos that a model learnt from.

    Attributes:
        centre, scale: float32 [D] mean and spread of each statistic, which is squeezed after it
            (``asinh``), so that one that hardly varies in the training does not decide alone.
        location: float32 [D] mean of the squeezed statistics.
        whitening: float32 [D, D], makes them uncorrelated with variance 1.
        limit: a distance beyond it is unlike.
        flagged: 0..1, the share of held-out photos beyond the limit that it was chosen for.
        photos: it was fitted on.
        correlation: 0..1, of two photos of one group; 0 in models of earlier releases.
    """

    centre: NDArray[np.float32]
    scale: NDArray[np.float32]
    location: NDArray[np.float32]
    whitening: NDArray[np.float32]
    limit: float
    flagged: float
    photos: int
    correlation: float = 0.0

    @property
    def false_alarms(self) -> FalseAlarms:
        """How many photos of the kind are flagged all the same."""
        return FalseAlarms(self.flagged, self.correlation)

    def distances(self, textures: NDArray[np.float32]) -> NDArray[np.float32]:
        """[N, D] statistics of N photos -> float32 [N]; about 1 for photos of the kind."""
        squeezed = np.arcsinh((textures - self.centre) / self.scale) - self.location
        root = np.float32(math.sqrt(len(self.centre)))
        return np.asarray(np.linalg.norm(squeezed @ self.whitening, axis=1) / root)

    def is_out_of_distribution(self, texture: NDArray[np.float32]) -> bool:
        """Whether the photo with these statistics [D] is beyond the limit."""
        return bool(self.distances(texture[None])[0] > self.limit)

    def save(self, folder: Path) -> None:
        """Write it into a model folder."""
        values = {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}
        with atomic_file(folder / TRAINING_DISTRIBUTION) as partial, partial.open("wb") as file:
            np.savez(file, allow_pickle=False, **values)

    @classmethod
    def load(cls, folder: Path) -> TrainingDistribution | None:
        """The one of a model folder; None where the model has none, as those of earlier releases.

        Raises:
            ValueError: the file is not one.
        """
        path = folder / TRAINING_DISTRIBUTION
        if not path.is_file():
            return None
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as values:
                arrays = {name: values[name] for name in values.files}
            read = cls(
                **{name: arrays[name] for name in ("centre", "scale", "location", "whitening")},
                limit=float(arrays["limit"]),
                flagged=float(arrays["flagged"]),
                photos=int(arrays["photos"]),
                correlation=float(arrays.get("correlation", 0.0)),
            )
            if not (0 < read.flagged < 1 and 0 <= read.correlation < 1):
                raise ValueError("its rates are not between 0 and 1")
            read.distances(np.zeros((1, len(read.centre)), np.float32))
        except (ValueError, KeyError, OSError, TypeError, EOFError, BadZipFile) as error:
            raise ValueError(
                f"{path}: this is not the distribution of a model ({error})"
            ) from error
        return read
