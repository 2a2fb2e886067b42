"""Processor time of a counted photo, from its bytes to its row, by size and by way of decoding.

    python tests/benchmarks/bench_infer.py --model .sparrow/champion --photos data/demo/raw/images

The same model decodes all pixels and then, in a copy whose ``model.json`` says so, what its network
needs; both ways take turns, photo by photo, in one process. Photos are enlarged ones of the folder
with a camera's grain. ``--folder 200`` also runs ``sparrow count`` over so many of 12 megapixels.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TypeVar

import numpy as np
from PIL import Image

from sparrow.image_statistics import image_statistics, reduced
from sparrow.inference.counter import PhotoCounter
from sparrow.inference.engine import Engine
from sparrow.inference.model_folder import read_info, write_info
from sparrow.photo_scale import Decoding, resize_to_fit
from sparrow.photo_texture import photo_texture

T = TypeVar("T")
SIZES = {
    "400 px": (400, 300),
    "1280x720": (1280, 720),
    "12 MP": (4000, 3000),
    "48 MP": (8000, 6000),
}
STEPS = ("hash", "decode", "resize", "statistics", "texture", "network")
WAYS: tuple[Decoding, Decoding] = ("full", "scaled")
GRAIN = 4  # standard deviation, grey levels; a 12-megapixel photo becomes about 3 MB


def large_photo(path: Path, size_px: tuple[int, int], seed: int) -> bytes:
    """A photo of the folder, enlarged and grained, as a JPEG of a camera's quality."""
    with Image.open(path) as photo:
        whole = np.asarray(photo.convert("RGB").resize(size_px, Image.Resampling.BICUBIC))
    rng = np.random.default_rng(seed)
    grain = rng.normal(0, GRAIN, whole.shape[:2]).astype(np.float32)[..., None]
    stream = io.BytesIO()
    grained = (whole + grain).clip(0, 255).astype(np.uint8)
    Image.fromarray(grained).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def spent_ms() -> tuple[float, float]:
    """Processor time of this process so far: all of it, and the kernel's part."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return 1000 * (used.ru_utime + used.ru_stime), 1000 * used.ru_stime


def timed(times: dict[str, list[float]], step: str, work: Callable[[], T]) -> T:
    """Do it, and note its processor time."""
    before = spent_ms()[0]
    result = work()
    times.setdefault(step, []).append(spent_ms()[0] - before)
    return result


def take_steps(engine: Engine, content: bytes, times: dict[str, list[float]]) -> None:
    """Each step of a count by itself."""
    timed(times, "hash", lambda: hashlib.sha256(content).hexdigest())
    photo = timed(times, "decode", lambda: engine.read(content))
    sides = engine.info.min_side_px, engine.info.max_side_px
    pixels = timed(times, "resize", lambda: resize_to_fit(photo.pixels, *sides, photo.area))
    small = reduced(photo.pixels)
    timed(times, "statistics", lambda: image_statistics(reduced(photo.pixels)))
    timed(times, "texture", lambda: photo_texture(small))
    timed(times, "network", lambda: engine.detect(pixels))


def take_whole(counter: PhotoCounter, content: bytes, times: dict[str, list[float]]) -> None:
    """A count as service and command line make it."""
    before = spent_ms()
    counter.count(content, "photo.jpg", "bench")
    after = spent_ms()
    times.setdefault("whole", []).append(after[0] - before[0])
    times.setdefault("kernel", []).append(after[1] - before[1])


def with_decoding(model: Path, decoding: Decoding, home: Path) -> Path:
    """A copy of the model folder that decodes its photos in this way."""
    folder = home / decoding
    shutil.copytree(model.resolve(), folder)
    write_info(folder, read_info(folder).model_copy(update={"decoding": decoding}))
    return folder


def measure(models: dict[Decoding, Path], photos: list[Path], rounds: int) -> None:
    """Print a table: a row for each size and way."""
    engines = {way: Engine(folder, threads=1) for way, folder in models.items()}
    counters = {way: PhotoCounter(folder) for way, folder in models.items()}
    print("| photo | decoded | " + " | ".join(STEPS) + " | whole count | of it kernel |")
    print("|---|---|" + "--:|" * (len(STEPS) + 2))
    for name, size_px in SIZES.items():
        times: dict[Decoding, dict[str, list[float]]] = {way: {} for way in WAYS}
        for number in range(rounds + 1):
            content = large_photo(photos[number % len(photos)], size_px, number)
            for way in WAYS:
                own = times[way] if number else {}  # the first of a size finds no warm buffers
                take_whole(counters[way], content, own)
                take_steps(engines[way], content, own)
        for way in WAYS:
            cells = [f"{median(times[way][step]):.0f}" for step in (*STEPS, "whole", "kernel")]
            print(f"| {name} | {way} | " + " | ".join(cells) + " |", flush=True)


def count_folder(models: dict[Decoding, Path], photos: list[Path], home: Path, n: int) -> None:
    """Time ``sparrow count`` of ``n`` photos of 12 megapixels, in turns of the two ways."""
    folder = home / "large"
    folder.mkdir()
    few = [large_photo(photos[i % len(photos)], SIZES["12 MP"], i) for i in range(min(n, 20))]
    for number in range(n):  # bytes of its own, after the end of the JPEG
        (folder / f"{number:04d}.jpg").write_bytes(few[number % len(few)] + b"%d" % number)
    for way in WAYS:
        command = [sys.executable, "-m", "sparrow.cli.main", "count", str(folder), "--workers", "2"]
        command += ["--model", str(models[way]), "--to", str(home / f"{way}.csv")]
        begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, capture_output=True)
        seconds, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
        kernel = after.ru_stime - before.ru_stime
        spent = after.ru_utime - before.ru_utime + kernel
        print(
            f"sparrow count, {n} photos of 12 MP, two workers, {way}: {n / seconds:.1f} photos/s "
            f"with the start; {1000 * spent / n:.0f} ms of processor time a photo, "
            f"{1000 * kernel / n:.0f} of it in the kernel",
            flush=True,
        )


def main() -> None:
    """Print tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path(".sparrow/champion"))
    parser.add_argument("--photos", type=Path, default=Path("data/demo/raw/images"))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--folder", type=int, default=0, help="photos for sparrow count; 0: none")
    arguments = parser.parse_args()
    photos = sorted(arguments.photos.iterdir())
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        models = {way: with_decoding(arguments.model, way, home) for way in WAYS}
        measure(models, photos, arguments.rounds)
        if arguments.folder:
            count_folder(models, photos, home, arguments.folder)


if __name__ == "__main__":
    main()
