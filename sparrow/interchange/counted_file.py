"""A counted photo as it is handed to other programs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sparrow.predictions.record import LoggedBox, PredictionRecord
from sparrow.visits.capture import Capture


@dataclass(frozen=True)
class CountedFile:
    """A photo with all that is known of it.

    Attributes:
        file: where it is.
        record: under its name below the folder that a person named, with ``/``.
        capture: when and by which camera.
        visit: number of its visit; None where it is of none.
        message: why it could not be counted; None where it could.
        faint: boxes below the operating threshold that were asked for.
    """

    file: Path
    record: PredictionRecord
    capture: Capture
    visit: int | None = None
    message: str | None = None
    faint: tuple[LoggedBox, ...] = ()

    @property
    def name(self) -> str:
        """Below the folder that a person named."""
        return self.record.file_name
