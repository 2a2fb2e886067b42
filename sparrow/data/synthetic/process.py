"""Photos of a set drawn into a folder: a few here, many in processes of their own.

As a program it draws those of one process and prints a line of JSON for each. It is started
so, and not by ``multiprocessing``, for the reason given in ``sparrow.data.checks.photo_worker``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL import Image

from sparrow.data.checks.photo_worker import worker_environment
from sparrow.data.synthetic.composition import draw_photo
from sparrow.data.synthetic.settings import SyntheticSettings
from sparrow.portable import usable_cores

FEW_PHOTOS = 100  # below this, starting processes costs more than they save


@dataclass(frozen=True)
class WrittenPhoto:
    """A photo in the folder."""

    name: str
    size_px: tuple[int, int]  # width, height
    boxes: list[tuple[str, float, float, float, float]]  # label, xyxy in pixels


def draw_photos(settings: SyntheticSettings, folder: Path) -> Iterator[WrittenPhoto]:
    """Draw photos 0, 1, 2, ... in this order, on all cores where there are many.

    Raises:
        RuntimeError: a process died.
    """
    photos, processes = settings.photos, usable_cores()
    if photos < FEW_PHOTOS or processes == 1:
        yield from (_draw(settings, folder, index) for index in range(photos))
        return
    workers = [
        _start(settings, folder, range(first, photos, processes)) for first in range(processes)
    ]
    try:
        for index in range(photos):
            stdout = workers[index % processes].stdout
            line = stdout.readline() if stdout else ""
            if not line:
                raise RuntimeError(f"the process that was to draw photo {index} died")
            name, size_px, boxes = json.loads(line)
            yield WrittenPhoto(name, tuple(size_px), [tuple(box) for box in boxes])
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()


def _draw(settings: SyntheticSettings, folder: Path, index: int) -> WrittenPhoto:
    seed, season = settings.seed, settings.season
    photo = draw_photo(seed, index, season, settings.classes, settings.birds)
    name = f"{season}_{seed:04d}_{index:05d}.jpg"
    picture = Image.fromarray(photo.pixels)
    picture.save(folder / name, quality=photo.jpeg_quality)
    boxes = [(label, *map(float, xyxy)) for label, *xyxy in photo.boxes]
    return WrittenPhoto(name, picture.size, boxes)  # type: ignore[arg-type]


def _start(settings: SyntheticSettings, folder: Path, indices: range) -> subprocess.Popen[str]:
    numbers = (indices.start, indices.stop, indices.step)
    request = json.dumps([asdict(settings), str(folder), *numbers])
    return subprocess.Popen(  # noqa: S603 this program
        [sys.executable, "-m", "sparrow.data.synthetic.process", request],
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=worker_environment(),
    )


def main() -> None:
    """Draw the photos that the first argument asks for."""
    values, folder, *indices = json.loads(sys.argv[1])
    settings = SyntheticSettings(**{**values, "classes": tuple(values["classes"])})
    for index in range(*indices):
        photo = _draw(settings, Path(folder), index)
        print(json.dumps([photo.name, photo.size_px, photo.boxes]), flush=True)


if __name__ == "__main__":
    main()
