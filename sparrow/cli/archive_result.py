"""The end of an archive's count: entries of all shards into tables, as the local command writes."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from sparrow.cli.archive_plan import Plan, counts_key
from sparrow.cli.archive_request import Destination
from sparrow.cli.archive_source import ArchiveListing, open_source
from sparrow.cli.archive_visits import ArchiveVisits
from sparrow.cli.count_output import OutputPhoto, write
from sparrow.cli.count_report import SOME_UNREADABLE, report
from sparrow.cli.count_table import refuse_other_table
from sparrow.cli.count_tally import Tally
from sparrow.cli.counted_folder import CountedPhotos
from sparrow.cli.journal_entry import Entry
from sparrow.inference.photo_files import SkippedFile
from sparrow.plain_text import utf8
from sparrow.storage.object_store import ObjectMissingError, ObjectStore, StoreError

if TYPE_CHECKING:
    from sparrow.inference.counter import PhotoCounter

SUMMARY = "_summary.json"  # written last: the tables are whole when it is there
PART = "part-{:05d}.parquet"
PART_PHOTOS = 250_000


@dataclass(frozen=True, kw_only=True)
class CountedArchive(CountedPhotos):
    """Counted photos whose entries are in shards; the files are not at hand."""

    plan: Plan

    def noted(self) -> Iterator[tuple[Path, Entry]]:
        """Each photo's name with its entry; memory holds those of one shard.

        Raises:
            StoreError: a shard is not counted.
        """
        store = self.plan.store()
        for shard in self.plan.shards:
            try:
                lines = store.read(counts_key(shard)).splitlines()
            except ObjectMissingError as error:
                raise StoreError(
                    f"{error}: another count with the same --to has ended; start this one again"
                ) from None
            for entry in map(json.loads, lines):
                yield Path(entry["record"]["file_name"]), entry

    def position(self, file: Path, entry: Entry) -> tuple[float, float] | None:
        """See ``CountedPhotos``."""
        noted = entry.get("position")
        return None if noted is None else (noted[0], noted[1])


def refuse_other_result(to: Destination, request_photos: Iterable[str]) -> None:
    """Refuse a destination with files that are not an earlier count of the same archive.

    Raises:
        ValueError: it names one of them.
        StoreError: the destination cannot be looked at.
    """
    store = to.store()
    there = {key for key in store.sizes("") if not key.startswith(f"{to.state_name}/")}
    if SUMMARY in there:
        earlier = json.loads(store.read(SUMMARY))["photos_from"]
        if earlier != list(request_photos):
            raise ValueError(
                f"--to {to.folder}: it holds the counts of {', '.join(earlier)}; choose another "
                "folder, or delete it"
            )
        return
    begun = bool(store.sizes(to.state_name))
    if others := sorted(key for key in there if not (begun and _is_part(key))):
        raise ValueError(
            f"--to {to.folder}: it holds other files, such as {others[0]}; choose another folder"
        )


def check_destination(to: Destination, photos_from: Iterable[str], listing: ArchiveListing) -> None:
    """Refuse to overwrite what is no earlier count of these photos.

    Raises:
        ValueError: see ``refuse_other_result`` and ``refuse_other_table``.
    """
    if to.file is None:
        refuse_other_result(to, photos_from)
        return
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / to.file
        try:
            table.write_bytes(to.store().read(to.file))
        except ObjectMissingError:
            return
        refuse_other_table(table, [Path(photo.name) for photo in listing.photos])


def finish(plan: Plan) -> int:
    """Write the tables, say what was counted and what was not, and remove the state.

    Returns:
        The exit status: 0, or 3 where a photo could not be counted.

    Raises:
        StoreError: a shard is missing, or a table cannot be written.
    """
    from sparrow.inference.counter import PhotoCounter

    counter = PhotoCounter(plan.model_folder())
    request, to = plan.request, Destination.parse(plan.request.to)
    root = open_source(request.photos, recursive=request.recursive).root
    photos = CountedArchive(root, counter.info.class_names, request.options, plan=plan)
    with closing(ArchiveVisits()) as visits:
        tally = _take_up(photos, counter, visits)
        words = visits.find(request.options.seconds, tally)
        rows = photos.output(visits.visit_of)
        if to.file is None:
            _write_parts(to.store(), rows, plan, tally)
        else:
            skipped = plan.left_out.skipped
            _write_table(to.store(), to.file, rows, skipped, tally.class_names)
    report(tally, words, plan.left_out)
    to.remove_state()
    return SOME_UNREADABLE if tally.failed else 0


def _take_up(photos: CountedArchive, counter: PhotoCounter, visits: ArchiveVisits) -> Tally:
    tally = Tally.of(counter)
    for file, entry in photos.entries():
        tally.add(entry)
        if entry["record"]["error"] is None:
            visits.add(photos.seen(file, entry))
    return tally


def _write_table(
    store: ObjectStore,
    name: str,
    rows: Iterable[OutputPhoto],
    skipped: Sequence[SkippedFile],
    class_names: Sequence[str],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / PurePosixPath(name).name
        write(table, rows, skipped, class_names)
        store.write_from(name, table)


def _write_parts(store: ObjectStore, rows: Iterator[OutputPhoto], plan: Plan, tally: Tally) -> None:
    """Tables of Parquet, and then the summary."""
    before = set(store.sizes(""))
    store.delete([SUMMARY])
    parts = list[str]()
    for first in rows:
        parts.append(PART.format(len(parts)))
        some = chain([first], islice(rows, PART_PHOTOS - 1))
        _write_table(store, parts[-1], some, (), tally.class_names)
    store.delete(sorted(key for key in before - set(parts) if _is_part(key)))
    summary = json.dumps(_summary(plan, tally, parts), indent=1)
    store.write(SUMMARY, f"{summary}\n".encode())


def _summary(plan: Plan, tally: Tally, parts: Sequence[str]) -> dict[str, Any]:
    """What no row of the tables tells: whence, with what, and what was left out and why."""
    return {
        "photos_from": list(plan.request.photos),
        "model_sha256": plan.model_sha256,
        "model_version": plan.version,
        "counted": tally.counted,
        "total": tally.total,
        "total_is_minimum": tally.minimum,
        "by_class": {name: tally.by_class[name] for name in tally.class_names},
        "tables": list(parts),
        "failed": [{"file": utf8(name), "reason": reason} for name, reason in tally.failed],
        "skipped": [
            {"file": utf8(str(file.path)), "reason": file.reason} for file in plan.left_out.skipped
        ],
    }


def _is_part(key: str) -> bool:
    return re.fullmatch(r"part-\d{5}\.parquet", key) is not None
