"""``sparrow count`` on a tree with 1,000 files of 20 kinds, and its memory for 48 megapixels.

Every file must be counted or named, with the totals of both; then one photo of 8064 × 6048 pixels
in each of several formats, with the peak memory of the process that counts it:

    python tests/benchmarks/bench_kinds.py --model .sparrow/champion
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent))
from photo_tree import write_tree
from written_photos import saved, tiff

SIZE_PX = (8064, 6048)  # of a phone's 48 megapixels
PEAK = re.compile(r"peak (\d+)")
# What the process that counts has taken at most. Its rusage would begin with this process's own.
MEASURED = (
    "import re, sys; from sparrow.cli.main import main; status = main(sys.argv[1:]); "
    "kib = re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]; "
    "print('peak', int(kib) // 1024); sys.exit(status)"
)


def run(model: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """``sparrow count`` in a process of its own."""
    command = [sys.executable, "-c", MEASURED, "count", "--model", str(model)]
    return subprocess.run([*command, *map(str, arguments)], capture_output=True, text=True)


def count_tree(model: Path, home: Path, files: int) -> str:
    """Count a tree of all kinds; whether every file is in the sums and in the output."""
    numbers = write_tree(home / "photos", files)
    begun = time.monotonic()
    done = run(model, home / "photos", "-r", "--to", home / "counts.json")
    seconds = time.monotonic() - begun
    written = json.loads((home / "counts.json").read_text())
    named = len({photo["file"] for photo in written["photos"] + written["skipped"]})
    whole = named == files - numbers["system"] and done.returncode == 3
    whole &= all(f"{numbers[sort]} {sort}" in done.stderr for sort in ("counted", "skipped"))
    sums = done.stderr.splitlines()[-1]
    return f"{'complete' if whole else 'NOT COMPLETE'} in {seconds:.1f} s: {sums}"


def large_photos() -> dict[str, bytes]:
    """One picture of 48 megapixels, as phones, cameras and scanners write it."""
    small = np.random.default_rng(0).integers(0, 256, (378, 504, 3), dtype=np.uint8)
    photo = Image.fromarray(small).resize(SIZE_PX, Image.Resampling.BICUBIC)
    return {
        "a.jpg": saved(photo, "JPEG", quality=90),
        "b.heic": saved(photo, "HEIF", quality=50),
        "c.avif": saved(photo, "AVIF", quality=50, speed=10),
        "d.tif": tiff(np.asarray(photo).astype(np.uint16) * 16, 16),
    }


def main() -> None:
    """Print sums and peaks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path(".sparrow/champion"))
    parser.add_argument("--files", type=int, default=1000)
    arguments = parser.parse_args()
    print(f"load of the machine before: {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        print(count_tree(arguments.model, home, arguments.files), flush=True)
        (home / "small.png").write_bytes(saved(Image.new("RGB", (64, 48)), "PNG"))
        for file, content in {"small.png": None, **large_photos()}.items():
            if content is not None:
                (home / file).write_bytes(content)
            done = run(arguments.model, home / file, "--workers", 1)
            peak = PEAK.search(done.stdout)
            told = done.stdout.splitlines()[0].removeprefix(f"{home}/")
            size_mib = (home / file).stat().st_size / 1024**2
            print(f"{told}; {size_mib:.0f} MiB on disk, peak {peak and peak[1]} MiB", flush=True)


if __name__ == "__main__":
    main()
