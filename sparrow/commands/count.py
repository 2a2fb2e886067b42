"""``sparrow count``: birds in one photo or ten thousand, with the service's own numbers."""

from __future__ import annotations

import argparse
import json
import os
import queue
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from errno import ENOENT
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparrow.config import StoresConfig

if TYPE_CHECKING:
    from sparrow.counter import CountedPhoto, Counter
    from sparrow.prediction_record import PredictionRecord

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".mpo", ".bmp", ".tif", ".tiff", ".gif")
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
    from sparrow.counter import Counter

    folder = (arguments.model or Path(StoresConfig().champion)).resolve()
    counter = Counter(folder)
    files = find_photos(arguments.photos, recursive=arguments.recursive)
    journal = Journal(to, f"{counter.info.files.get('engine.onnx')} {counter.info.threshold}")
    left = [file for file in files if str(file) not in journal.done]
    if journal.done:
        print(f"{len(files) - len(left)} photos were counted before; going on", file=sys.stderr)
    show = Progress(len(left))
    for entry in count_all(left, counter, arguments.annotated, arguments.workers):
        journal.add(entry)
        show.step()
    entries = [journal.done[str(file)] for file in files]
    if to is None:
        for entry in entries:
            print(describe(entry))
    else:
        write(to, entries, counter, megadetector=arguments.megadetector)
        journal.remove()
    return report(entries)


def find_photos(sources: Sequence[Path], *, recursive: bool) -> list[Path]:
    """Files as named; of folders those with a photo's suffix, sorted; each file once.

    Raises:
        ValueError: no photo at all.
    """
    found: dict[Path, None] = {}
    for source in sources:
        if source.is_dir():
            inside = source.rglob("*") if recursive else source.glob("*")
            photos = [p for p in inside if p.suffix.lower() in SUFFIXES and p.is_file()]
            found.update(dict.fromkeys(sorted(photos)))
        else:
            found[source] = None
    if not found:
        raise ValueError(
            f"no photo in {', '.join(map(str, sources))} (looked for {', '.join(SUFFIXES)}); "
            "-r looks into folders within folders"
        )
    return list(found)


def count_all(
    files: Sequence[Path], counter: Counter, annotated: Path | None, workers: int
) -> Iterator[dict[str, Any]]:
    """Entries of the journal, in the order of the files."""
    if annotated is not None:
        annotated.mkdir(parents=True, exist_ok=True)
    if workers == 1 or len(files) < 2:
        yield from (count_file(counter, file, annotated) for file in files)
        return
    from sparrow.counter_process import CounterProcess, ProcessLostError

    processes = [CounterProcess() for _ in range(min(workers, len(files)))]
    free: queue.SimpleQueue[CounterProcess] = queue.SimpleQueue()
    for process in processes:
        free.put(process)

    def count_aside(file: Path) -> dict[str, Any]:
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


def count_file(counter: Counter, file: Path, annotated: Path | None) -> dict[str, Any]:
    """One photo: its record as JSON values, and the ``message`` of what went wrong."""
    content, trouble = b"", None
    try:
        if not file.is_file():  # a pipe would block for ever
            raise OSError(ENOENT, "there is no such file")
        content = file.read_bytes()
    except OSError as error:
        trouble = error.strerror or str(error)
    counted, image = counter.count(content, str(file), "cli")
    if annotated is not None and image is not None and counted.record.error is None:
        _write_annotated(annotated, file, image, counted.record)
    return _entry(counted, trouble)


def _entry(counted: CountedPhoto, trouble: str | None) -> dict[str, Any]:
    record = {**asdict(counted.record), "time": counted.record.time.isoformat()}
    return {"record": record, "message": trouble or counted.message}


class Journal:
    """What has been counted so far: one JSON line per photo beside the output file.

    A run that is killed leaves it behind, and the next one reads it: a half-written last line is
    dropped, and a journal of another model is begun anew.
    """

    def __init__(self, to: Path | None, model: str) -> None:
        self.done: dict[str, dict[str, Any]] = {}
        self._path = to.with_name(to.name + ".journal") if to is not None else None
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lines = self._path.read_bytes().split(b"\n") if self._path.exists() else [b""]
        whole, head = lines[:-1], json.dumps({"model": model}).encode()
        if whole[:1] != [head]:
            whole = [head]
        for line in whole[1:]:
            entry = json.loads(line)
            self.done[entry["record"]["file_name"]] = entry
        self._path.write_bytes(b"\n".join(whole) + b"\n")

    def add(self, entry: dict[str, Any]) -> None:
        """Note a photo, at once and for good."""
        self.done[entry["record"]["file_name"]] = entry
        if self._path is not None:
            with self._path.open("ab") as file:
                file.write(json.dumps(entry).encode() + b"\n")

    def remove(self) -> None:
        """The output is written: nothing is left to resume."""
        if self._path is not None:
            self._path.unlink()


class Progress:
    """Photos done, their rate and the time left, on standard error."""

    def __init__(self, total: int) -> None:
        self._total, self._done = total, 0
        self._start = self._shown = time.monotonic()

    def step(self) -> None:
        """One more; shown ten times a second on a terminal, else every 30 seconds."""
        self._done += 1
        now = time.monotonic()
        on_terminal = sys.stderr.isatty()
        last = self._done == self._total
        if not last and now - self._shown < (0.1 if on_terminal else 30):
            return
        self._shown = now
        rate = self._done / max(now - self._start, 1e-9)
        left_s = round((self._total - self._done) / rate)
        text = (
            f"{self._done}/{self._total} photos, {rate:.1f} a second, "
            f"{left_s // 60}:{left_s % 60:02d} left"
        )
        end = "\n" if last or not on_terminal else ""
        print(f"\r{text}   " if on_terminal else text, end=end, file=sys.stderr, flush=True)


def describe(entry: dict[str, Any]) -> str:
    """One photo in a line."""
    record = entry["record"]
    if record["error"] is not None:
        return f"{record['file_name']}: {entry['message']}"
    low, high = record["count_low"], record["count_high"]
    likely = "" if low is None else f" (likely {low} to {high})"
    return f"{record['file_name']}: {record['count']}{likely}"


def write(
    to: Path, entries: Sequence[dict[str, Any]], counter: Counter, *, megadetector: bool
) -> None:
    """The output file, whole or not at all."""
    from sparrow import count_formats as formats

    records = [_record(entry) for entry in entries]
    partial = to.with_name(to.name + ".partial")
    kind = to.suffix.lower()
    if megadetector:
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
        text = json.dumps(formats.megadetector(records, counter.info.class_names, now), indent=1)
        partial.write_text(text + "\n")
    elif kind == ".csv":
        partial.write_text(formats.csv_text([formats.row(record) for record in records]))
    elif kind == ".json":
        photos = [
            {**formats.row(r), "boxes": [asdict(box) for box in r.boxes], "message": e["message"]}
            for r, e in zip(records, entries, strict=True)
        ]
        partial.write_text(json.dumps({"photos": photos}, indent=1) + "\n")
    else:
        import pandas as pd

        pd.DataFrame([formats.row(record) for record in records]).to_parquet(partial, index=False)
    partial.replace(to)


def report(entries: Sequence[dict[str, Any]]) -> int:
    """Totals and the unreadable photos, on standard error; the exit status."""
    bad = [entry for entry in entries if entry["record"]["error"] is not None]
    total = sum(entry["record"]["count"] or 0 for entry in entries)
    print(f"{total} birds in {len(entries) - len(bad)} photos", file=sys.stderr)
    if not bad:
        return 0
    print(f"{len(bad)} photos could not be counted:", file=sys.stderr)
    for entry in bad:
        print(f"  {entry['record']['file_name']}: {entry['message']}", file=sys.stderr)
    return SOME_UNREADABLE


def _record(entry: dict[str, Any]) -> PredictionRecord:
    from sparrow.prediction_record import LoggedBox, PredictionRecord

    values = dict(entry["record"])
    boxes = tuple(LoggedBox(**box) for box in values.pop("boxes"))
    return PredictionRecord(
        **{**values, "time": datetime.fromisoformat(values["time"])}, boxes=boxes
    )


def _write_annotated(folder: Path, file: Path, image: Any, record: PredictionRecord) -> None:
    from PIL import Image

    from sparrow.evaluation.figures import draw_detections

    boxes = [(b.x_min_px, b.y_min_px, b.x_max_px, b.y_max_px) for b in record.boxes]
    drawn = draw_detections(image, boxes, [box.score for box in record.boxes])
    # The digits keep two photos of one name in two folders apart.
    Image.fromarray(drawn).save(folder / f"{file.stem}-{record.sha256[:8]}.jpg", quality=88)
