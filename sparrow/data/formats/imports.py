"""Whole sets in: recognise a format, read it, copy its photos and write its tables at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pandas as pd

from sparrow.data.errors import DataError
from sparrow.data.formats import READERS
from sparrow.data.formats.annotations import refuse_files
from sparrow.data.formats.archive import unpacked
from sparrow.data.formats.assemble import AssembledSet, assemble, flat_names
from sparrow.data.formats.csv import table_paths, write_csv
from sparrow.data.formats.described import DescribedSet
from sparrow.data.formats.exchange import copy_photos, read_csv
from sparrow.data.formats.import_report import ImportOptions
from sparrow.data.formats.source_files import SourceFiles, list_source
from sparrow.data.formats.unread_formats import refuse_known
from sparrow.data.ingest.atomic_dir import file_lock, link_tree, replace_directory
from sparrow.data.tables import UNKNOWN, Dataset
from sparrow.progress import Progress

DEFAULTS = ImportOptions()


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


@dataclass(frozen=True)
class Target:
    """Where an import goes.

    Attributes:
        into: the folder to make. It must hold no files, unless there is a ``prefix``: then the
            photos join those already waiting there.
        credits: for photos of which the set does not tell author, source or licence.
        prefix: before both table names, "new_" for data to be taken in.
    """

    into: Path
    credits: Credits = NO_CREDITS
    prefix: str = ""


def import_set(
    kind: str | None,
    source: Path,
    target: Target,
    options: ImportOptions = DEFAULTS,
    progress: Progress | None = None,
) -> AssembledSet:
    """Copy a set's photos and write its tables in the CSV contract, all or nothing.

    Args:
        kind: one of ``READERS``; None recognises it.
        source: the set: a folder, a zip file, or the one label file to read.
        target: where it goes.
        options: what a person decided.
        progress: called with (done, total) photos that were looked at.

    Returns:
        What was imported, as it is in ``target.into``, and the report.

    Raises:
        ValueError: there is no such kind.
        DataError: the set cannot be read without a guess, or a name is taken.
    """
    with unpacked(source) as folder:
        with_photos = read_set(kind, folder, options, progress)
        dataset = with_photos.dataset
        names = dict(flat_names(list(dataset.images["image"])))
        flat = _flat(dataset, names, target)
        _write(flat, dataset.root, names, target.prefix)
    return replace(with_photos, dataset=flat)


def _flat(dataset: Dataset, names: Mapping[str, str], target: Target) -> Dataset:
    """The tables with photos' names as they are in the contract's one folder."""
    images = target.credits.of_unknown(dataset.images)
    images = images.assign(image=images["image"].map(names))
    boxes = dataset.boxes.assign(image=dataset.boxes["image"].map(names))
    return Dataset(target.into, images, boxes)


def read_set(
    kind: str | None,
    source: Path,
    options: ImportOptions = DEFAULTS,
    progress: Progress | None = None,
) -> AssembledSet:
    """A set of one of the kinds of ``READERS``; a photo's name is its path below the folder.

    Raises:
        ValueError: there is no such kind.
        DataError: there is no such folder, or it holds no set of this kind.
    """
    if kind is not None:
        _parser(kind)
    files = list_source(source)
    kind = recognise(files) if kind is None else kind
    try:
        return assemble(kind, _describe(kind, files, options), files, options, progress)
    except DataError as error:
        if not _parser(kind).find_labels(files):
            refuse_known(files)
        if str(files.root) in str(error):
            raise
        raise DataError(f"{files.root}: {error}") from error


def _describe(kind: str, files: SourceFiles, options: ImportOptions) -> DescribedSet:
    parse: Callable[..., DescribedSet] = _parser(kind).parse_labels
    if not options.class_attribute:
        return parse(files)
    if kind != "via":
        raise DataError(
            f"--class-attribute {options.class_attribute}: only VIA's regions have attributes, and "
            f"this set was read as {kind}; leave the option out"
        )
    return parse(files, options.class_attribute)


def recognise(files: SourceFiles) -> str:
    """The one kind of ``READERS`` whose label files a set holds.

    Raises:
        DataError: there are none, or those of several kinds.
    """
    labels = {kind: names for kind in READERS if (names := _parser(kind).find_labels(files))}
    if not labels:
        refuse_known(files)
        raise DataError(
            f"{files.root}: no label file of a known format ({', '.join(READERS)}) among "
            f"{len(files.names):,} files; name the format: sparrow import KIND {files.root}"
        )
    if len(labels) > 1:
        fits = "; ".join(f"{kind}: {', '.join(names[:3])}" for kind, names in labels.items())
        raise DataError(
            f"{files.root}: two formats fit ({fits}); say which is meant: "
            f"sparrow import {' | '.join(labels)} {files.root}"
        )
    return next(iter(labels))


def _parser(kind: str) -> ModuleType:
    """The module of a format: its ``find_labels`` and ``parse_labels``."""
    if kind not in READERS:
        raise ValueError(f"unknown format {kind!r}; expected one of {', '.join(READERS)}")
    return import_module(f"sparrow.data.formats.{READERS[kind]}")


def _write(flat: Dataset, photos: Path, names: dict[str, str], prefix: str) -> None:
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
            copy_photos(photos, names, place / "images")
            write_csv(everything, place, prefix)


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
