"""Ten thousand requests, then a SIGKILL under load: is memory flat, is each answer logged once?

Every tenth of the way the resident memory of all processes of the service is printed. Half of the
requests are photos, the others unreadable files, descriptions of the model and feedback:

    python tests/benchmarks/bench_endurance.py --model .sparrow/champion --photos PHOTOS
"""

from __future__ import annotations

import argparse
import os
import signal
import sqlite3
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).parent))
from bench_service import family, start


def ask(client: httpx.Client, turn: int, photos: list[bytes]) -> list[str]:
    """One request; the ids of the predictions it was answered with."""
    if turn % 10 == 9:
        client.get("/model").raise_for_status()
        return []
    content = b"no photo" if turn % 10 in (6, 7, 8) else photos[turn % len(photos)]
    response = client.post("/detect", files={"photos": ("a.jpg", content)})
    response.raise_for_status()
    ids = [photo["prediction_id"] for photo in response.json()["photos"]]
    if turn % 10 == 8:
        said = {"prediction_id": ids[0], "wrong": True}
        client.post("/feedback", json=said).raise_for_status()
    return ids


def logged(home: Path) -> tuple[Counter[str], str]:
    """How often each prediction is in the log, and whether the file is whole."""
    with closing(sqlite3.connect(home / "log.db")) as file:
        ids = Counter(row[0] for row in file.execute("select id from predictions"))
        return ids, file.execute("pragma integrity_check").fetchone()[0]


def endure(kind: str, arguments: argparse.Namespace, photos: list[bytes]) -> None:
    """So many requests, memory, log; then the same under load until it is killed."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        server, url = start(kind, arguments.model, home)
        accepted: list[tuple[float, str]] = []
        failed: list[str] = []
        turns = iter(range(10**9))
        stop = threading.Event()

        def work(until: int) -> None:
            with httpx.Client(base_url=url, timeout=120) as client:
                while not stop.is_set() and (turn := next(turns)) < until:
                    try:
                        ids = ask(client, turn, photos)
                    except httpx.HTTPError as error:
                        failed.append(str(error))
                        continue
                    accepted.extend((time.monotonic(), i) for i in ids)
                    if turn % (arguments.requests // 10) == 0:
                        print(
                            f"{kind}: {turn} requests, {sum(family(server).values()):.0f} MB",
                            flush=True,
                        )

        def run(until: int) -> list[threading.Thread]:
            threads = [threading.Thread(target=work, args=(until,)) for _ in range(8)]
            for thread in threads:
                thread.start()
            return threads

        for thread in run(arguments.requests):
            thread.join()
        time.sleep(1)
        ids, whole = logged(home)
        once = sum(ids[i] == 1 for _, i in accepted)
        resident = sum(family(server).values())
        print(
            f"{kind}: {resident:.0f} MB at the end; {len(failed)} failed; {len(accepted)} answers"
        )
        print(f"{kind}: {once} of them once in the log of {len(ids)}; file {whole}", flush=True)

        before = len(accepted)
        threads = run(10**9)
        time.sleep(8)
        processes = family(server)
        end = time.monotonic()
        for pid in processes:
            os.kill(pid, signal.SIGKILL)
        stop.set()
        for thread in threads:
            thread.join()
        server.wait()
        time.sleep(1)
        ids, whole = logged(home)
        during = accepted[before:]
        lost = [end - when for when, i in during if ids[i] == 0]
        oldest, twice = max(lost, default=0), sum(n > 1 for n in ids.values())
        print(f"{kind}: killed after {len(during)} more answers; {len(lost)} lost, the oldest")
        print(f"{kind}: {oldest:.2f} s before; {twice} logged twice; file {whole}", flush=True)


def main() -> None:
    """Print a line for each tenth, and the verdicts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path(".sparrow/champion"))
    parser.add_argument("--photos", type=Path, default=Path("data/demo/raw/images"))
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--kinds", nargs="+", default=["sparrow", "sparrow-2-workers"])
    arguments = parser.parse_args()
    photos = [path.read_bytes() for path in sorted(arguments.photos.iterdir())[:32]]
    for kind in arguments.kinds:
        endure(kind, arguments, photos)


if __name__ == "__main__":
    main()
