"""Photos of a set drawn into a folder: a few here, many in processes of their own.

As a program it draws one process's share and prints a line of JSON for each photo. It is started
so, and not by ``multiprocessing``, for the reason given in ``sparrow.data.checks.photo_worker``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL import Image

from sparrow.data.checks.photo_worker import worker_environment
from sparrow.data.synthetic.composition import draw_photo

FEW_PHOTOS = 100  # below this, starting processes costs more than they save


@dataclass(frozen=True)
class Task:
    """What is drawn, and where to; see ``sparrow.data.synthetic.generate.generate_dataset``."""

    folder: str
    seed: int
    season: str
    classes: tuple[str, ...]
    birds: str


@dataclass(frozen=True)
class Drawn:
    """A photo that lies in the folder."""

    name: str
    size_px: tuple[int, int]  # width, height
    boxes: list[tuple[str, float, float, float, float]]  # label, xyxy in pixels


def draw_photos(task: Task, photos: int) -> Iterator[Drawn]:
    """Draw photos 0, 1, 2, ... in this order, on all cores where there are many.

    Raises:
        RuntimeError: a process died.
    """
    processes = len(os.sched_getaffinity(0))
    if photos < FEW_PHOTOS or processes == 1:
        yield from (_draw(task, index) for index in range(photos))
        return
    workers = [_start(task, range(first, photos, processes)) for first in range(processes)]
    try:
        for index in range(photos):
            stdout = workers[index % processes].stdout
            line = stdout.readline() if stdout else ""
            if not line:
                raise RuntimeError(f"the process that was to draw photo {index} died")
            name, size_px, boxes = json.loads(line)
            yield Drawn(name, tuple(size_px), [tuple(box) for box in boxes])
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()


def _draw(task: Task, index: int) -> Drawn:
    photo = draw_photo(task.seed, index, task.season, task.classes, task.birds)
    name = f"{task.season}_{task.seed:04d}_{index:05d}.jpg"
    picture = Image.fromarray(photo.pixels)
    picture.save(Path(task.folder) / name, quality=photo.jpeg_quality)
    boxes = [(label, *map(float, xyxy)) for label, *xyxy in photo.boxes]
    return Drawn(name, picture.size, boxes)  # type: ignore[arg-type]


def _start(task: Task, indices: range) -> subprocess.Popen[str]:
    request = json.dumps([asdict(task), indices.start, indices.stop, indices.step])
    return subprocess.Popen(  # noqa: S603 this program
        [sys.executable, "-m", "sparrow.data.synthetic.process", request],
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=worker_environment(),
    )


def main() -> None:
    """Draw the share that the first argument asks for."""
    task, *indices = json.loads(sys.argv[1])
    wanted = Task(**{**task, "classes": tuple(task["classes"])})
    for index in range(*indices):
        drawn = _draw(wanted, index)
        print(json.dumps([drawn.name, drawn.size_px, drawn.boxes]), flush=True)


if __name__ == "__main__":
    main()
