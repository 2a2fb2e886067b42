"""Count photos for ``sparrow count``, in this process or in several; each gives a journal entry."""

from __future__ import annotations

import os
import queue
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sparrow.atomic_file import atomic_file
from sparrow.cli.counted_folder import name_below
from sparrow.cli.file_key import FileKey, key_of
from sparrow.cli.journal_entry import Entry
from sparrow.images import MAX_FILE_BYTES, RgbImage, at_full_size
from sparrow.inference.photo_files import DRAWING_MARK
from sparrow.inference.tile_choice import TileChoice, Tiles
from sparrow.portable import keep_freed_memory
from sparrow.regular_file import open_regular
from sparrow.visits.capture import read_shot

if TYPE_CHECKING:
    from sparrow.inference.counter import CountedPhoto, PhotoCounter
    from sparrow.predictions.record import PredictionRecord


@dataclass(frozen=True)
class Wanted:
    """What is made of each photo beside its count.

    Attributes:
        annotated: folder of the drawings, which are in folders like those of the photos.
        root: the folder that the photos are below.
        boxes_from: the least score of boxes that are kept beside the counted ones.
        tiles: how small objects are looked for.
    """

    annotated: Path | None = None
    root: Path = Path()
    boxes_from: float | None = None
    tiles: Tiles = None

    def drawing_folder(self, file: Path) -> Path | None:
        """Where the drawing of a photo is; None where none is wanted."""
        if self.annotated is None:
            return None
        name = Path(name_below(file, self.root))
        return self.annotated if name.is_absolute() else self.annotated / name.parent


TOO_LARGE = f"a photo has at most {MAX_FILE_BYTES // 1024**2} MiB"
AHEAD = 16  # photos a process that are begun before the first of them is asked for


def count_all(
    files: Sequence[Path], counter: PhotoCounter, wanted: Wanted, workers: int
) -> Iterator[Entry]:
    """Entries of the journal, in the order of the files."""
    if wanted.annotated is not None:
        wanted.annotated.mkdir(parents=True, exist_ok=True)
    if not files:
        return
    if workers == 1 or len(files) < 2:
        keep_freed_memory()
        counter.load()
        yield from (count_file(counter, file, wanted) for file in files)
        return
    yield from _count_in_processes(files, counter, wanted, min(workers, len(files)))


def _count_in_processes(
    files: Sequence[Path], counter: PhotoCounter, wanted: Wanted, workers: int
) -> Iterator[Entry]:
    from sparrow.inference.worker_process import ProcessLostError, WorkerProcess

    free: queue.SimpleQueue[WorkerProcess] = queue.SimpleQueue()
    for process in (processes := [WorkerProcess() for _ in range(workers)]):
        free.put(process)

    def count_there(file: Path) -> Entry:
        process = free.get()
        try:
            return process.run(
                count_file, counter.folder, file, wanted, info_sha256=counter.info_sha256
            )
        except ProcessLostError:
            return entry_of(os.path.realpath(file), counter.failed(b"", str(file), "cli"))
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


def count_file(counter: PhotoCounter, file: Path, wanted: Wanted | None = None) -> Entry:
    """One photo: its record as JSON values, and the ``message`` of what went wrong."""
    wanted = wanted or Wanted()
    content, trouble, key = read_file(file)
    tiles, drawing = TileChoice(wanted.tiles), None
    counted, photo = counter.count(content, str(file), "cli", tiles=tiles)
    folder = wanted.drawing_folder(file)
    if folder is not None and photo is not None and counted.record.error is None:
        image = at_full_size(photo, content)
        drawing = _write_annotated(folder, file, counter.info.class_names, (image, counted.record))
    entry = entry_of(os.path.realpath(file), counted, trouble, key, drawing)
    if wanted.tiles is not None:
        entry["tiles"] = wanted.tiles
    if wanted.boxes_from is not None:
        kept = [asdict(box) for box in counted.faint if box.score >= wanted.boxes_from]
        entry |= {"boxes_from": wanted.boxes_from, "faint": kept}
    return {**entry, "shot": asdict(read_shot(content))}


def read_file(file: Path) -> tuple[bytes, str | None, FileKey | None]:
    """A photo's bytes, what trouble there was in reading them, and which file it was."""
    content, trouble, key = b"", None, None
    try:
        with open_regular(file) as opened:
            key = key_of(os.fstat(opened.fileno()))
            content = opened.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        trouble = _unreadable_folder(file) or error.strerror or str(error)
    if len(content) > MAX_FILE_BYTES:
        content, trouble = b"", TOO_LARGE
    return content, trouble, key


def _unreadable_folder(file: Path) -> str | None:
    with suppress(OSError):
        if file.is_dir():
            try:
                os.listdir(file)
            except OSError as error:
                return f"this folder cannot be looked into ({error.strerror})"
    return None


def entry_of(
    real: str,
    counted: CountedPhoto,
    trouble: str | None = None,
    key: FileKey | None = None,
    drawing: Path | None = None,
) -> Entry:
    """A counted photo for the journal; ``real``: what it is found by again."""
    record = {**asdict(counted.record), "time": counted.record.time.isoformat()}
    return {
        "record": record,
        "message": trouble or counted.message,
        "file": key,
        "annotated": os.path.abspath(drawing) if drawing else None,
        "real": real,
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
    # The digits keep photos apart whose names differ in their endings, and a drawing from a photo.
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
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(path) as partial:
            Image.fromarray(drawn).save(partial, "JPEG", quality=88, comment=DRAWING_MARK)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
