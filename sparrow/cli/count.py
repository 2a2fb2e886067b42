"""``sparrow count``: birds in one photo or ten thousand, with the service's own numbers."""

from __future__ import annotations

import argparse
import json
import os
import queue
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparrow.cli.count_journal import Entry, FileKey, Journal, key_of
from sparrow.config import StoresConfig
from sparrow.images import MAX_FILE_BYTES
from sparrow.inference.photo_files import find_photos
from sparrow.plain_text import one_line
from sparrow.progress import show_progress
from sparrow.regular_file import open_regular

if TYPE_CHECKING:
    from sparrow.inference.counter import CountedPhoto, PhotoCounter
    from sparrow.predictions.record import PredictionRecord

SOME_UNREADABLE = 3
FORMATS = (".csv", ".json", ".parquet")


def register(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "count",
        help="count birds in photos",
        description="Count birds in photos. A photo that cannot be read never stops the others; "
        "such photos are listed at the end and the exit status is 3. Started again with the same "
        "--to, the command goes on where it stopped.",
    )
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="files or folders")
    parser.add_argument("-r", "--recursive", action="store_true", help="folders in folders too")
    parser.add_argument("--to", type=Path, metavar="FILE", help="counts as .csv, .json or .parquet")
    parser.add_argument(
        "--megadetector", action="store_true", help="write the .json in MegaDetector's batch format"
    )
    parser.add_argument("--annotated", type=Path, metavar="DIR", help="photos with boxes drawn in")
    parser.add_argument(
        "--workers",
        type=int,
        default=os.cpu_count() or 1,
        metavar="N",
        help="processes (all cores)",
    )
    parser.add_argument("--model", type=Path, metavar="DIR", help="model folder (the champion)")
    parser.set_defaults(func=count)


def count(arguments: argparse.Namespace) -> int:
    """Count and report; 0 when every photo could be read, 3 when some could not."""
    to: Path | None = arguments.to
    if to is not None and to.suffix.lower() not in FORMATS:
        raise ValueError(f"--to {to}: expected a name ending in {', '.join(FORMATS)}")
    if arguments.megadetector and (to is None or to.suffix.lower() != ".json"):
        raise ValueError("--megadetector needs --to with a name ending in .json")
    if arguments.workers < 1:
        raise ValueError(f"--workers {arguments.workers}: expected at least 1")
    from sparrow.inference.counter import PhotoCounter
    from sparrow.inference.model_folder import INFO
    from sparrow.regular_file import sha256_of

    folder = (arguments.model or Path(StoresConfig().champion)).resolve()
    counter = PhotoCounter(folder)
    files = find_photos(arguments.photos, recursive=arguments.recursive)
    with closing(Journal(to, sha256_of(folder / INFO))) as journal:
        left = [file for file in files if journal.known(file, arguments.annotated) is None]
        _say_what_is_known(journal, files, left)
        show = show_progress("counted", to=sys.stderr)
        counted = count_all(left, counter, arguments.annotated, arguments.workers)
        for number, entry in enumerate(counted, 1):
            journal.add(entry)
            show(number, len(left))
        entries = [journal.done[str(file)] for file in files]
        if to is not None:
            write(to, entries, counter, megadetector=arguments.megadetector)
            journal.remove()
    if to is None:
        for entry in entries:
            print(describe(entry))
    return report(entries)


def _say_what_is_known(journal: Journal, files: Sequence[Path], left: Sequence[Path]) -> None:
    if journal.restarted:
        print(f"the journal is {journal.restarted}; counting all photos", file=sys.stderr)
    again = sum(str(file) in journal.done for file in left)
    if len(files) > len(left):
        print(f"{len(files) - len(left)} photos were counted before; going on", file=sys.stderr)
    if again:
        print(
            f"{again} photos are counted again: they changed, failed, or have no drawing yet",
            file=sys.stderr,
        )


def count_all(
    files: Sequence[Path], counter: PhotoCounter, annotated: Path | None, workers: int
) -> Iterator[Entry]:
    """Entries of the journal, in the order of the files."""
    if annotated is not None:
        annotated.mkdir(parents=True, exist_ok=True)
    if workers == 1 or len(files) < 2:
        yield from (count_file(counter, file, annotated) for file in files)
        return
    from sparrow.inference.worker_process import ProcessLostError, WorkerProcess

    processes = [WorkerProcess() for _ in range(min(workers, len(files)))]
    free: queue.SimpleQueue[WorkerProcess] = queue.SimpleQueue()
    for process in processes:
        free.put(process)

    def count_aside(file: Path) -> Entry:
        process = free.get()
        try:
            return process.run(
                count_file, counter.folder, file, annotated, info_sha256=counter.info_sha256
            )
        except ProcessLostError:
            return _entry(counter.failed(b"", str(file), "cli"), None)
        finally:
            free.put(process)

    with ThreadPoolExecutor(len(processes)) as threads:
        yield from threads.map(count_aside, files)
    for process in processes:
        process.close()


def count_file(counter: PhotoCounter, file: Path, annotated: Path | None) -> Entry:
    """One photo: its record as JSON values, and the ``message`` of what went wrong."""
    content, trouble, key, drawing = b"", None, None, None
    try:
        with open_regular(file) as opened:
            key = key_of(os.fstat(opened.fileno()))
            content = opened.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        trouble = _unreadable_folder(file) or error.strerror or str(error)
    if len(content) > MAX_FILE_BYTES:
        content, trouble = b"", f"a photo has at most {MAX_FILE_BYTES // 1024**2} MiB"
    counted, image = counter.count(content, str(file), "cli")
    if annotated is not None and image is not None and counted.record.error is None:
        drawing = _write_annotated(annotated, file, image, counted.record)
    return _entry(counted, trouble, key, drawing)


def _unreadable_folder(file: Path) -> str | None:
    with suppress(OSError):
        if file.is_dir():
            try:
                os.listdir(file)
            except OSError as error:
                return f"this folder cannot be looked into ({error.strerror})"
    return None


def _entry(
    counted: CountedPhoto,
    trouble: str | None,
    key: FileKey | None = None,
    drawing: Path | None = None,
) -> Entry:
    record = {**asdict(counted.record), "time": counted.record.time.isoformat()}
    return {
        "record": record,
        "message": trouble or counted.message,
        "file": key,
        "annotated": str(drawing) if drawing else None,
    }


def describe(entry: Entry) -> str:
    """One photo in a line."""
    record = entry["record"]
    name = one_line(record["file_name"])
    if record["error"] is not None:
        return f"{name}: {entry['message']}"
    low, high = record["count_low"], record["count_high"]
    likely = "" if low is None else f" (likely {low} to {high})"
    return f"{name}: {record['count']}{likely}"


def write(to: Path, entries: Sequence[Entry], counter: PhotoCounter, *, megadetector: bool) -> None:
    """The output file, whole or not at all.

    Raises:
        OSError: it cannot be written; the file is named.
    """
    try:
        _write(to, entries, counter, megadetector=megadetector)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(to)) from error


def _write(
    to: Path, entries: Sequence[Entry], counter: PhotoCounter, *, megadetector: bool
) -> None:
    from sparrow.inference import count_formats as formats

    records = [_record(entry) for entry in entries]
    partial = to.with_name(to.name + ".partial")
    kind = to.suffix.lower()
    if megadetector:
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
        text = json.dumps(formats.megadetector(records, counter.info.class_names, now), indent=1)
        partial.write_text(text + "\n", encoding="utf-8")
    elif kind == ".csv":
        text = formats.csv_text([formats.row(record) for record in records])
        partial.write_text(text, encoding="utf-8")
    elif kind == ".json":
        photos = [
            {**formats.row(r), "boxes": [asdict(box) for box in r.boxes], "message": e["message"]}
            for r, e in zip(records, entries, strict=True)
        ]
        partial.write_text(json.dumps({"photos": photos}, indent=1) + "\n", encoding="utf-8")
    else:
        import pandas as pd

        pd.DataFrame([formats.row(record) for record in records]).to_parquet(partial, index=False)
    partial.replace(to)


def report(entries: Sequence[Entry]) -> int:
    """Totals and the unreadable photos, on standard error; the exit status."""
    bad = [entry for entry in entries if entry["record"]["error"] is not None]
    total = sum(entry["record"]["count"] or 0 for entry in entries)
    print(f"{total} birds in {len(entries) - len(bad)} photos", file=sys.stderr)
    if not bad:
        return 0
    print(f"{len(bad)} photos could not be counted:", file=sys.stderr)
    for entry in bad:
        print(f"  {one_line(entry['record']['file_name'])}: {entry['message']}", file=sys.stderr)
    return SOME_UNREADABLE


def _record(entry: Entry) -> PredictionRecord:
    from sparrow.predictions.record import LoggedBox, PredictionRecord

    values = dict(entry["record"])
    boxes = tuple(LoggedBox(**box) for box in values.pop("boxes"))
    return PredictionRecord(
        **{**values, "time": datetime.fromisoformat(values["time"])}, boxes=boxes
    )


def _write_annotated(folder: Path, file: Path, image: Any, record: PredictionRecord) -> Path:
    """Draw the boxes; the file, which is whole as soon as it bears its name."""
    from PIL import Image

    from sparrow.drawing.boxes import draw_boxes

    boxes = [(b.x_min_px, b.y_min_px, b.x_max_px, b.y_max_px) for b in record.boxes]
    drawn = draw_boxes(image, boxes, [box.score for box in record.boxes])
    stem = os.fsdecode(os.fsencode(file.stem)[:200])  # room for the digits and the ending
    # The digits keep two photos of one name in two folders apart.
    path = folder / f"{stem}-{record.sha256[:8]}.jpg"
    partial = folder / f".{record.id}.partial"
    try:
        Image.fromarray(drawn).save(partial, "JPEG", quality=88)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    return path
