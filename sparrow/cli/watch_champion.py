"""The model that ``sparrow watch`` counts with: a new champion is taken up between two photos."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sparrow.cli.file_key import FileKey, file_key
from sparrow.inference.model_folder import INFO

if TYPE_CHECKING:
    from sparrow.inference.counter import PhotoCounter


class Champion:
    """Attributes:
    counter: of the model taken up last.
    """

    def __init__(self, folder: Path) -> None:
        """Load the model.

        Args:
            folder: may be a link, as that of a champion is, which leads to another model later.

        Raises:
            ModelFolderError: it is no whole model.
        """
        from sparrow.inference.counter import PhotoCounter

        self._folder = folder
        self._key = self._now()
        self.counter: PhotoCounter = PhotoCounter(folder)

    def refresh(self) -> None:
        """Take up another model in the folder, if it is whole and has the same classes."""
        from sparrow.inference.counter import PhotoCounter

        now = self._now()
        if now == self._key or now[1] is None:
            return
        self._key = now
        try:
            counter = PhotoCounter(self._folder)
        except (ValueError, OSError, RuntimeError) as error:
            self._key = (now[0], None)  # it may be half-copied: it is tried again
            _say(f"another model is there, but cannot be loaded yet: {error}")
            return
        name = f"{counter.info.name} version {counter.version}"
        if tuple(counter.info.class_names) != tuple(self.counter.info.class_names):
            _say(
                f"{name} finds other classes ({', '.join(counter.info.class_names)}), for which "
                "the table has no columns: counting goes on with the model before. To count with "
                "the new one, start again with another --to"
            )
            return
        self.counter = counter
        _say(f"counting with {name} from now on; photos counted before keep their counts")

    def _now(self) -> tuple[str, FileKey | None]:
        target = self._folder.resolve()
        return str(target), file_key(target / INFO)


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
