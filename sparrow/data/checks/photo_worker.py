"""A worker process that measures photos: a JSON list of paths per line in, of records per line out.

Started as a program of its own and not by ``multiprocessing`` or ``concurrent.futures``, which
would first import the caller's main module again: a flow with its imports, or a script without a
guard. joblib's workers were still running half a minute after their parent was killed; these end
with it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue

from sparrow.data.checks.photo_record import PhotoRecord, measure_photo
from sparrow.data.errors import DataError
from sparrow.shipped import PACKAGE

Worker = subprocess.Popen[str]


def worker_environment() -> dict[str, str]:
    """This process's environment, in which a Python program finds this package."""
    package_parent = str(PACKAGE.parent)
    path = os.pathsep.join(filter(None, [package_parent, os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path}


@contextmanager
def start_workers(number: int) -> Iterator[SimpleQueue[Worker]]:
    """Worker processes, waiting in a queue; they end with the block, or with this process."""
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "sparrow.data.checks.photo_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=worker_environment(),
        )
        for _ in range(number)
    ]
    idle: SimpleQueue[Worker] = SimpleQueue()
    for worker in workers:
        idle.put(worker)
    try:
        yield idle
    finally:
        for worker in workers:
            worker.communicate()  # closes its input, which is its sign to end


def measure_by_worker(idle: SimpleQueue[Worker], paths: Sequence[Path]) -> dict[Path, PhotoRecord]:
    """Have the next idle worker measure some photos.

    Raises:
        DataError: the worker died, for want of memory most likely.
    """
    worker = idle.get()
    request = json.dumps([str(path) for path in paths])
    try:
        print(request, file=worker.stdin, flush=True)
        answer = worker.stdout.readline() if worker.stdout else ""
    except BrokenPipeError:
        answer = ""
    finally:
        idle.put(worker)
    if not answer:
        raise DataError(
            f"{paths[0]}: a process died while it measured this photo and {len(paths) - 1} more, "
            "for want of memory most likely; run again with fewer programs beside it"
        )
    records = [PhotoRecord(**record) for record in json.loads(answer)]
    return dict(zip(paths, records, strict=True))


def main() -> None:
    """Answer requests until the input ends."""
    for line in sys.stdin:
        records = [asdict(measure_photo(Path(path))) for path in json.loads(line)]
        print(json.dumps(records), flush=True)


if __name__ == "__main__":
    main()
