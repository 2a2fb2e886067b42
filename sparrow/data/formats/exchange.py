"""Whole sets in and out: photos and tables, at once or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd

from sparrow.data.errors import DataError
from sparrow.data.formats import READERS, SPLIT_WRITERS, WRITERS
from sparrow.data.formats.annotations import (
    find_folder,
    new_folder,
    photo_size,
    refuse_files,
    safe_name,
)
from sparrow.data.formats.csv import read_csv_tables, table_paths, to_dataset, write_csv
from sparrow.data.formats.voc import PHOTO_FOLDERS
from sparrow.data.ingest.atomic_dir import copy_file, file_lock, link_tree, replace_directory
from sparrow.data.licences import notice
from sparrow.data.review_labels import refuse_untouched_set
from sparrow.data.tables import UNKNOWN, Dataset


def read_csv(root: Path, prefix: str = "") -> Dataset:
    """The CSV contract as a dataset, read but not checked.

    Raises:
        DataError: a table is missing or not of the contract's columns and types.
    """
    info, boxes = read_csv_tables(root, prefix)
    try:
        for name in info["Name"]:
            safe_name(str(name), table_paths(root, prefix)[0])
        bare = sorted(set(info["Name"]) - set(boxes["image_name"]))
        sizes = {name: photo_size(root / "images" / name) for name in bare}
        return to_dataset(root, info, boxes, sizes)
    except DataError:
        raise
    except KeyError as error:
        raise DataError(f"{root}: there is no column {error} in the tables") from error
    except (TypeError, ValueError) as error:
        raise DataError(f"{root}: a cell that should be a number is none ({error})") from error


def read_set(kind: str, folder: Path) -> Dataset:
    """A set of one of the kinds of ``READERS``; photo names may hold subfolders.

    Raises:
        ValueError: there is no such kind.
        DataError: there is no such folder, or it holds no set of this kind.
    """
    read: Callable[[Path], Dataset] = _function(READERS, kind)
    if not folder.exists():
        raise DataError(f"{folder}: there is no such folder")
    return read(folder)


def _function(table: Mapping[str, str], kind: str) -> Any:  # a reader or a writer
    if kind not in table:
        raise ValueError(f"unknown format {kind!r}; expected one of {', '.join(table)}")
    module, name = table[kind].split(":")
    return getattr(import_module(f"sparrow.data.formats.{module}"), name)


@dataclass(frozen=True)
class Credits:
    """Author, source and licence of photos of which a set does not tell them."""

    author: str = UNKNOWN
    source: str = UNKNOWN
    license: str = UNKNOWN

    def of_unknown(self, images: pd.DataFrame) -> pd.DataFrame:
        """The photo table with these in the place of ``UNKNOWN``."""
        columns = {
            column: images[column].where(images[column] != UNKNOWN, value)
            for column, value in asdict(self).items()
        }
        return images.assign(**columns)


NO_CREDITS = Credits()


def import_dataset(
    kind: str, folder: Path, into: Path, credits: Credits = NO_CREDITS, prefix: str = ""
) -> Dataset:
    """Copy a set's photos and write its tables in the CSV contract.

    Args:
        kind: one of ``formats.READERS``.
        folder: the set to read.
        into: the folder to make. It must hold no files, unless there is a ``prefix``: then the
            photos join those already waiting there.
        credits: for photos of which the set does not tell author, source or licence.
        prefix: before both table names, "new_" for data to be taken in.

    Returns:
        What was imported, as it is in ``into``.

    Raises:
        DataError: the set cannot be read, a photo is missing, a name is taken, or it is a review
            queue that nobody has corrected.
    """
    refuse_untouched_set(folder)
    dataset = read_set(kind, folder)
    photos = find_folder(dataset.root, *PHOTO_FOLDERS)
    images, boxes = credits.of_unknown(dataset.images), dataset.boxes
    names = _flat_names(list(images["image"]))
    images = images.assign(image=images["image"].map(names))
    flat = Dataset(into, images, boxes.assign(image=boxes["image"].map(names)))
    _write_import(flat, photos, names, prefix)
    return flat


def _write_import(flat: Dataset, photos: Path, names: dict[str, str], prefix: str) -> None:
    """Add photos (old name -> new name) and their rows to ``flat.root``, all or nothing."""
    into, everything = flat.root, flat
    with file_lock(into):
        joins = bool(prefix) and any(path.exists() for path in table_paths(into, prefix))
        if not joins:
            refuse_files(into)
        with replace_directory(into) as place:
            if joins:
                link_tree(into.resolve(), place)
                everything = _joined(read_csv(into, prefix), flat)
            _copy_photos(photos, names, place / "images")
            write_csv(everything, place, prefix)


def export_dataset(kind: str, dataset: Dataset, to: Path) -> None:
    """Write a set of one of the kinds of ``WRITERS`` with its photos and a NOTICE of who made them.

    Raises:
        ValueError: there is no such kind.
        DataError: ``to`` holds files, or a photo is missing.
    """
    write: Callable[[Dataset, Path], None] = _function(WRITERS, kind)
    with new_folder(to) as place:
        names = {name: name for name in dataset.images["image"]}
        _copy_photos(dataset.root / "images", names, place / "images")
        write(dataset, place)
        (place / "NOTICE").write_text(notice(dataset), encoding="utf-8")


def export_split(kind: str, dataset: Dataset, to: Path) -> None:
    """As ``export_dataset``, in a training, a validation and a test part (``SPLIT_WRITERS``).

    Args:
        kind: of the export.
        dataset: with its ``split`` column.
        to: the folder to make.

    Raises:
        ValueError: there is no such kind.
        DataError: ``to`` holds files, or a photo is missing.
    """
    write: Callable[[Dataset, Path], dict[str, str]] = _function(SPLIT_WRITERS, kind)
    with new_folder(to) as place:
        _copy_photos(dataset.root / "images", write(dataset, place), place)
        (place / "NOTICE").write_text(notice(dataset), encoding="utf-8")


def _flat_names(names: list[str]) -> dict[str, str]:
    """Each photo's name without folders; where two would be the same, the folder goes before it."""
    plain = Counter(Path(name).name for name in names)
    flat = {
        name: Path(name).name if plain[Path(name).name] == 1 else name.replace("/", "_")
        for name in names
    }
    if len(set(flat.values())) < len(flat):
        twice = Counter(flat.values()).most_common(1)[0][0]
        raise DataError(f"two photos would both be called {twice!r}; rename one of them")
    return flat


def _joined(waiting: Dataset, added: Dataset) -> Dataset:
    taken = sorted(set(waiting.images["image"]) & set(added.images["image"]))
    if taken:
        raise DataError(
            f"{waiting.root}: {len(taken)} photos of these names are there already, for example "
            f"{taken[0]!r}; rename them, or take in what waits there first"
        )
    images = pd.concat([waiting.images, added.images], ignore_index=True)
    boxes = pd.concat([waiting.boxes, added.boxes], ignore_index=True)
    return replace(waiting, images=images, boxes=boxes)


def _copy_photos(photos: Path, names: dict[str, str], images: Path) -> None:
    """Copy photos (old name -> new name, which may hold folders) into ``images``."""
    images.mkdir(parents=True, exist_ok=True)
    for folder in {Path(name).parent for name in names.values()}:
        (images / folder).mkdir(parents=True, exist_ok=True)
    for name, new_name in names.items():
        source = photos / name
        if (images / new_name).exists():
            raise DataError(f"{images / new_name}: there is a photo of this name already")
        try:
            copy_file(source, images / new_name)
        except FileNotFoundError as error:
            raise DataError(f"{source}: there is no such photo, but the tables name it") from error
        except OSError as error:
            if error.filename != str(source):
                raise  # the disk is full, say
            raise DataError(f"{source}: cannot be copied ({error.strerror})") from error
