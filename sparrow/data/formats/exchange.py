"""Whole sets out: photos and labels in a format of ``WRITERS``, at once or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from sparrow.data.errors import DataError
from sparrow.data.formats import SPLIT_WRITERS, WRITERS
from sparrow.data.formats.annotations import new_folder, photo_size, safe_name
from sparrow.data.formats.csv import read_csv_tables, table_paths, to_dataset
from sparrow.data.ingest.atomic_dir import copy_file
from sparrow.data.licences import notice
from sparrow.data.tables import Dataset


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


def export_dataset(kind: str, dataset: Dataset, to: Path) -> None:
    """Write a set of one of the kinds of ``WRITERS`` with its photos and a NOTICE of who made them.

    Raises:
        ValueError: there is no such kind.
        DataError: ``to`` holds files, or a photo is missing.
    """
    write: Callable[[Dataset, Path], None] = _function(WRITERS, kind)
    with new_folder(to) as place:
        names = {name: name for name in dataset.images["image"]}
        copy_photos(dataset.root / "images", names, place / "images")
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
        copy_photos(dataset.root / "images", write(dataset, place), place)
        (place / "NOTICE").write_text(notice(dataset), encoding="utf-8")


def _function(table: Mapping[str, str], kind: str) -> Any:  # a writer
    if kind not in table:
        raise ValueError(f"unknown format {kind!r}; expected one of {', '.join(table)}")
    module, name = table[kind].split(":")
    return getattr(import_module(f"sparrow.data.formats.{module}"), name)


def copy_photos(photos: Path, names: dict[str, str], images: Path) -> None:
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
