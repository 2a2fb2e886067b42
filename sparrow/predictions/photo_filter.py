"""A selection from a prediction log: by model, source and time, or a random part."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement

from sparrow.predictions.log_tables import photos_table
from sparrow.predictions.record import naive_utc


@dataclass(frozen=True)
class PhotoFilter:
    """Photos that fit every field that is not None.

    Attributes:
        model_name: of the model that counted them.
        model_version: of the same.
        source: api, page, cli or reference.
        since: aware; included.
        until: aware; not included.
        fraction: 0..1, so many of them at random, the same ones each time.
    """

    model_name: str | None = None
    model_version: str | None = None
    source: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    fraction: float | None = None

    def clauses(self) -> list[ColumnElement[bool]]:
        """WHERE clauses over ``photos_table``."""
        table = photos_table.c
        equal = {
            table.model_name: self.model_name,
            table.model_version: self.model_version,
            table.source: self.source,
        }
        clauses = [column == value for column, value in equal.items() if value is not None]
        if self.since is not None:
            clauses.append(table.time >= naive_utc(self.since))
        if self.until is not None:
            clauses.append(table.time < naive_utc(self.until))
        if self.fraction is not None and self.fraction < 1:
            # ids are uniform hex digits
            clauses.append(table.id < f"{int(self.fraction * 16**8):08x}")
        return clauses


ALL_PHOTOS = PhotoFilter()
