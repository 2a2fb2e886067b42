"""``sparrow count`` over 1,000 files of which 50 are bad: its rate, and what a SIGKILL costs.

The same photos with one process and with two, one after the other; then a run with two is killed
half-way and started again:

    python tests/benchmarks/bench_count.py --model .sparrow/champion --photos data/demo/raw/images
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

BAD = (b"", b"text", b"<svg/>", b"\xff\xd8\xff\xe0broken", b"\x89PNG\r\n\x1a\n")


def make_folder(home: Path, photos: Path, count: int, bad: int) -> Path:
    """``count`` files, every so many of them unreadable, in two folders."""
    sources = sorted(photos.iterdir())
    every = count // bad
    for i in range(count):
        target = home / "photos" / ("a" if i % 2 else "b") / f"{i:05d}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        if i % every == 0:
            whole = sources[i % len(sources)].read_bytes()
            target.write_bytes((*BAD, whole[: len(whole) // 2])[i // every % 6])
        else:
            shutil.copy(sources[i % len(sources)], target)
    return home / "photos"


def command(arguments: argparse.Namespace, folder: Path, to: Path, workers: int) -> list[str]:
    """The command line of one run."""
    start = [sys.executable, "-m", "sparrow.cli.main", "count", str(folder), "-r", "--to", str(to)]
    return [*start, "--workers", str(workers), "--model", str(arguments.model)]


def judge(to: Path, status: int, text: str, count: int, bad: int) -> str:
    """Whether an output is complete."""
    rows = list(csv.DictReader(to.read_text().splitlines()))
    unreadable = sum(row["error"] == "unreadable_photo" for row in rows)
    names = Counter(row["file"] for row in rows)
    listed = sum(line.startswith("  ") for line in text.splitlines())
    whole = len(names) == len(rows) == count and unreadable == listed == bad and status == 3
    return f"{len(rows)} rows, {unreadable} unreadable, {listed} listed, exit status {status}: " + (
        "complete" if whole else "NOT COMPLETE"
    )


def main() -> None:
    """Print rates and verdicts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path(".sparrow/champion"))
    parser.add_argument("--photos", type=Path, default=Path("data/demo/raw/images"))
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--bad", type=int, default=50)
    arguments = parser.parse_args()
    print(f"load of the machine before: {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        folder = make_folder(home, arguments.photos, arguments.files, arguments.bad)
        seconds = {}
        for workers in (1, 2):
            to = home / f"counts-{workers}.csv"
            begun = time.monotonic()
            run = subprocess.run(
                command(arguments, folder, to, workers), capture_output=True, text=True
            )
            seconds[workers] = time.monotonic() - begun
            told = judge(to, run.returncode, run.stderr, arguments.files, arguments.bad)
            print(
                f"{workers} processes: {arguments.files / seconds[workers]:.1f} files/s; {told}",
                flush=True,
            )
        print(f"two against one: {seconds[1] / seconds[2]:.2f} times", flush=True)

        to = home / "killed.csv"
        journal = to.with_name("killed.csv.journal")
        killed = subprocess.Popen(
            command(arguments, folder, to, 2), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while not journal.exists() or journal.read_bytes().count(b"\n") < arguments.files // 2:
            time.sleep(0.2)
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
        before = journal.read_bytes().count(b"\n") - 1  # the first line names the model
        run = subprocess.run(command(arguments, folder, to, 2), capture_output=True, text=True)
        told = judge(to, run.returncode, run.stderr, arguments.files, arguments.bad)
        print(f"killed after {before}, resumed: {run.stderr.splitlines()[0]!r}; {told}")


if __name__ == "__main__":
    main()
