"""Memory of ``sparrow count`` over 1,000 and over 10,000 photos, the larger run killed half-way.

    python tests/benchmarks/bench_folder.py --model .sparrow/champion

The photos are tiny and drawn here, each with its time and camera; the table, the visits and the
report are written. What is measured is the command's own process, not its workers.
"""

from __future__ import annotations

import argparse
import csv
import os
import signal
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from PIL import Image

START = datetime(2026, 5, 1, 6)


def make_folder(home: Path, photos: int) -> Path:
    """So many photos of two cameras, in bursts of ten."""
    rng = np.random.default_rng(7)
    for i in range(photos):
        taken = START + timedelta(seconds=5 * i + 600 * (i // 10))
        exif = Image.Exif()
        exif[0x010F], exif[0x0110] = "Canon", "EOS 80D"
        exif.get_ifd(0x8769)[0x9003] = taken.strftime("%Y:%m:%d %H:%M:%S")
        target = home / f"camera {i // 10 % 2}" / f"IMG_{i:05d}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 255, (48, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(target, exif=exif)
    return home


def run(command: list[str], stop_after: int | None = None, journal: Path | None = None) -> str:
    """Run it to its end, or kill it when the journal has so many lines; its memory, in words."""
    begun, peak = time.monotonic(), 0
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        peak = max(peak, resident_kib(process.pid))
        lines = journal.read_bytes().count(b"\n") if journal and journal.exists() else 0
        if stop_after and lines > stop_after:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        time.sleep(0.5)
    seconds = time.monotonic() - begun
    return f"exit status {process.returncode}, {peak / 1024:.0f} MiB, {seconds:.0f} s"


def resident_kib(pid: int) -> int:
    """The most memory that the process had so far."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    lines = [line.split() for line in status.splitlines() if line.startswith("VmHWM")]
    return int(lines[0][1]) if lines else 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path(".sparrow/champion"))
    parser.add_argument("--photos", type=int, nargs=2, default=(1000, 10000))
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    few, many = arguments.photos
    with tempfile.TemporaryDirectory() as name:
        for photos in (few, many):
            home = Path(name) / str(photos)
            folder, to = make_folder(home / "photos", photos), home / "counts.csv"
            command = [sys.executable, "-m", "sparrow.cli.main", "count", str(folder), "-r"]
            command += ["--to", str(to), "--visits", str(home / "visits.csv")]
            command += ["--report", str(home / "report.html"), "--model", str(arguments.model)]
            command += ["--workers", str(arguments.workers)]
            if photos == many:
                killed = run(command, many // 2, to.with_name("counts.csv.journal"))
                print(f"{photos} photos, killed half-way: {killed}", flush=True)
            print(f"{photos} photos: {run(command)}", flush=True)
            rows = list(csv.DictReader(to.read_text(encoding="utf-8").splitlines()))
            visits = (home / "visits.csv").read_text(encoding="utf-8").count("\nvisit,")
            size = (home / "report.html").stat().st_size / 1024
            whole = len({row["file"] for row in rows}) == len(rows) == photos
            words = "each once" if whole else "NOT COMPLETE"
            print(f"  {len(rows)} rows, {words}; {visits} visits; report of {size:.0f} KiB")


if __name__ == "__main__":
    main()
