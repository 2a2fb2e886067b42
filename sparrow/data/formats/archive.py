"""A set in a zip file in the place of its folder: unpacked for a while, within bounds."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sparrow.data.errors import DataError
from sparrow.data.ingest.download import unpack


@contextmanager
def unpacked(source: Path) -> Iterator[Path]:
    """The folder of a set: itself, or a temporary one with what a zip file holds.

    Raises:
        DataError: the zip file is damaged, absurdly large, or would write outside its folder; what
            goes wrong in the block names the zip file in the place of the temporary folder.
    """
    if not source.is_file() or source.suffix.lower() != ".zip":
        if source.is_file() and zipfile.is_zipfile(source):
            raise DataError(
                f"{source}: is a zip file without its ending; call it {source.name}.zip"
            )
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="sparrow-import-") as place:
        folder = Path(place).resolve() / "set"
        unpack(source, folder)
        try:
            yield folder
        except DataError as error:
            raise DataError(str(error).replace(str(folder), str(source))) from error
