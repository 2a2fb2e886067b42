"""Archives of photos, some of which are bad, and the tables that are made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

# Of each run its own; all else of a photo's row is the same whoever counts it.
OF_THE_RUN = ["milliseconds", "time"]


def bad_photos(folder: Path) -> None:
    """An empty photo, a text and half a photo, beside at least one that is whole."""
    whole = min(folder.glob("*.jpg")).read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 3])
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "text.jpg").write_text("this is no photo")


def rows_of(table: Path) -> list[dict[str, Any]]:
    """Rows of a table, or of a folder of them, as far as they do not tell the run."""
    rows = pd.read_csv(table) if table.suffix == ".csv" else pd.read_parquet(table)
    rows = rows.drop(columns=OF_THE_RUN).astype(object)
    return list(rows.where(rows.notna(), None).to_dict("records"))
