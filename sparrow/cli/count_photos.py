"""Count photos for ``sparrow count``, in this process or in several; each gives a journal entry."""

from __future__ import annotations

import os
import queue
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from sparrow.atomic_file import atomic_file
from sparrow.cli.count_journal import Entry
from sparrow.cli.file_key import FileKey, key_of
from sparrow.images import MAX_FILE_BYTES, RgbImage
from sparrow.inference.photo_files import DRAWING_MARK
from sparrow.regular_file import open_regular
from sparrow.visits.capture import read_shot

if TYPE_CHECKING:
    from sparrow.inference.counter import CountedPhoto, PhotoCounter
    from sparrow.predictions.record import PredictionRecord

AHEAD = 16  # photos a process that are begun before the first of them is asked for


def count_all(
    files: Sequence[Path], counter: PhotoCounter, annotated: Path | None, workers: int
) -> Iterator[Entry]:
    """Entries of the journal, in the order of the files."""
    if annotated is not None:
        annotated.mkdir(parents=True, exist_ok=True)
    if workers == 1 or len(files) < 2:
        yield from (count_file(counter, file, annotated) for file in files)
        return
    yield from _count_in_processes(files, counter, annotated, min(workers, len(files)))


def _count_in_processes(
    files: Sequence[Path], counter: PhotoCounter, annotated: Path | None, workers: int
) -> Iterator[Entry]:
    from sparrow.inference.worker_process import ProcessLostError, WorkerProcess

    free: queue.SimpleQueue[WorkerProcess] = queue.SimpleQueue()
    for process in (processes := [WorkerProcess() for _ in range(workers)]):
        free.put(process)

    def count_there(file: Path) -> Entry:
        process = free.get()
        try:
            return process.run(
                count_file, counter.folder, file, annotated, info_sha256=counter.info_sha256
            )
        except ProcessLostError:
            return _entry(file, counter.failed(b"", str(file), "cli"))
        finally:
            free.put(process)

    with ThreadPoolExecutor(workers) as threads:
        waiting: deque[Future[Entry]] = deque()
        for file in files:
            waiting.append(threads.submit(count_there, file))
            if len(waiting) > AHEAD * workers:  # more would wait in memory, with their entries
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
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
        drawing = _write_annotated(
            annotated, file, counter.info.class_names, (image, counted.record)
        )
    entry = _entry(file, counted, trouble, key, drawing)
    return {**entry, "shot": asdict(read_shot(content))}


def _unreadable_folder(file: Path) -> str | None:
    with suppress(OSError):
        if file.is_dir():
            try:
                os.listdir(file)
            except OSError as error:
                return f"this folder cannot be looked into ({error.strerror})"
    return None


def _entry(
    file: Path,
    counted: CountedPhoto,
    trouble: str | None = None,
    key: FileKey | None = None,
    drawing: Path | None = None,
) -> Entry:
    record = {**asdict(counted.record), "time": counted.record.time.isoformat()}
    return {
        "record": record,
        "message": trouble or counted.message,
        "file": key,
        "annotated": os.path.abspath(drawing) if drawing else None,
        "real": os.path.realpath(file),
        "smallest_px": counted.smallest_px,
        "out_of_distribution": counted.out_of_distribution,
        "expected": counted.expected,
    }


def _write_annotated(
    folder: Path,
    file: Path,
    class_names: Sequence[str],
    counted: tuple[RgbImage, PredictionRecord],
) -> Path:
    """Draw the boxes into a copy of the photo, written whole or not at all; its path."""
    image, record = counted
    stem = os.fsdecode(os.fsencode(file.stem)[:200])  # room for the digits and the ending
    # The digits keep two photos of one name in two folders apart.
    path = folder / f"{stem}-{record.sha256[:8]}.jpg"
    save_drawing(path, image, record, class_names)
    return path


def save_drawing(
    path: Path, image: RgbImage, record: PredictionRecord, class_names: Sequence[str]
) -> None:
    """Write the photo with the record's boxes, whole or not at all.

    Raises:
        OSError: it cannot be written; the file is named.
    """
    from PIL import Image

    from sparrow.drawing.class_boxes import draw_class_boxes

    drawn = draw_class_boxes(image, record.boxes, class_names)
    try:
        with atomic_file(path) as partial:
            Image.fromarray(drawn).save(partial, "JPEG", quality=88, comment=DRAWING_MARK)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
