"""Photos sorted into folders by count or class: copies or links; the photos stay as they are.

Below each folder are the photos' own folders, so that no two photos meet under one name. Nothing
that is there is overwritten or removed: a file that is the photo's own is done, another one is
named.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sparrow.atomic_file import atomic_file
from sparrow.interchange.counted_file import CountedFile
from sparrow.portable import hard_link, replace_link

By = Literal["count", "class"]
Link = Literal["copy", "hard", "symbolic"]

NOTHING, NOT_COUNTED = "_nothing_found", "_not_counted"


@dataclass(frozen=True)
class Sorting:
    """How photos are sorted.

    Attributes:
        folder: to sort into.
        by: the number of objects, or their classes: a photo of two classes is in two folders.
        link: what is made of each photo.
        class_names: of the model.
    """

    folder: Path
    by: By
    link: Link
    class_names: Sequence[str]

    def folders_of(self, photo: CountedFile) -> list[str]:
        """Names of the folders that a photo belongs to."""
        if photo.record.error is not None:
            return [NOT_COUNTED]
        if self.by == "count":
            return [str(photo.record.count)]
        labels = {box.label for box in photo.record.boxes}
        named = zip(self.class_names, folder_names(self.class_names), strict=True)
        return [name for label, name in named if label in labels] or [NOTHING]


def folder_names(class_names: Sequence[str]) -> list[str]:
    """A folder's name for each class, which every system takes; no two are the same."""
    names: list[str] = []
    for label in class_names:
        stem = re.sub(r"[^\w .-]+", "_", label).strip("._ ") or "class"
        used = {name.casefold() for name in names}
        numbers = (stem if n == 1 else f"{stem}_{n}" for n in range(1, len(class_names) + 2))
        names.append(next(name for name in numbers if name.casefold() not in used))
    return names


def sort_photo(sorting: Sorting, photo: CountedFile, others: Sequence[str]) -> Iterator[str]:
    """Put a photo into its folders; what stands in the way, in sentences.

    Args:
        sorting: how.
        photo: whose name is below the folder that a person named.
        others: folders that are in ``sorting.folder`` already.

    Raises:
        OSError: it cannot be copied or linked.
    """
    own = sorting.folders_of(photo)
    for name in own:
        target = sorting.folder / name / photo.name
        if os.path.lexists(target):
            if not _is_of(target, photo.file):
                yield f"{target} is there and is another file; it stays as it is"
            continue
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _put(photo.file, target, sorting.link)
        except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
            yield f"{photo.file} is not in {target.parent}: {error.strerror}"
    for name in others:
        if name not in own and os.path.lexists(sorting.folder / name / photo.name):
            yield (
                f"{sorting.folder / name / photo.name} is of an earlier count; the photo is now in "
                f"{', '.join(own)}, too: remove one"
            )


def _put(file: Path, target: Path, link: Link) -> None:
    real = Path(os.path.realpath(file))
    try:
        if link == "hard":
            hard_link(real, target)
        elif link == "symbolic":
            replace_link(target, real, target.with_name(f".{os.getpid()}.partial"))
        else:
            with atomic_file(target) as partial:
                shutil.copy2(real, partial)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(target)) from error


def _is_of(target: Path, file: Path) -> bool:
    """Whether a file is the photo, a link to it, or the copy that was made of it."""
    try:
        there, photo = target.stat(), file.stat()
    except OSError:
        return False
    if os.path.samestat(there, photo):
        return True
    same_time = abs(there.st_mtime - photo.st_mtime) < 2.1  # FAT knows every second second
    return there.st_size == photo.st_size and same_time
