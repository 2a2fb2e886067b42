"""Sparrow's service against a plain FastAPI app with the same model, on loopback.

The plain app is written the obvious way: the network in PyTorch, one photo at a time, and one CSV
line per box appended inside the request; once as PyTorch sets its threads by itself (all cores),
once with one thread. Run it on a quiet machine; where it is not quiet, the processor time that a
photo costs (of all processes of the service) tells more than its rate:

    python tests/benchmarks/bench_service.py --model .sparrow/champion --photos data/demo/raw/images
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil

PLAIN_APP = """
import csv, io, os, time
from pathlib import Path
import torch
from fastapi import FastAPI, UploadFile
from PIL import Image
from sparrow.config import make_config
from sparrow.photo_scale import resize_to_fit
from sparrow.export.onnx import load_network
from sparrow.inference.model_folder import WEIGHTS, read_info
import numpy as np

folder = Path(os.environ["SPARROW_MODEL"])
info = read_info(folder)
network = load_network(
    folder / WEIGHTS, make_config(info.config).model, len(info.class_names), info.min_score
)
app = FastAPI()

@app.get("/readyz")
def ready():
    return "ready"

@app.post("/detect")
async def detect(photos: UploadFile):
    image = np.asarray(Image.open(io.BytesIO(await photos.read())).convert("RGB"))
    pixels = resize_to_fit(image, info.min_side_px, info.max_side_px).copy()
    with torch.no_grad():
        found = network([torch.from_numpy(pixels).permute(2, 0, 1) / 255])[0]
    keep = found["scores"] >= info.threshold
    with open(os.environ["PLAIN_LOG"], "a") as file:
        for box, score in zip(found["boxes"][keep].tolist(), found["scores"][keep].tolist()):
            csv.writer(file).writerow([time.time(), *box, score])
    return {"boxes": found["boxes"][keep].tolist(), "scores": found["scores"][keep].tolist()}
"""


PLAIN = ("plain", "plain-1-thread")


def start(kind: str, model: Path, home: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Start one of the two; returns when it is ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    workers = 2 if kind == "sparrow-2-workers" else 0
    (home / "service.yaml").write_text(
        f"stores: {{prediction_log: 'sqlite:///{home}/log.db'}}\nservice: {{workers: {workers}}}\n"
    )
    (home / "plain_app.py").write_text(PLAIN_APP)
    environment = {
        **os.environ,
        "SPARROW_MODEL": str(model.resolve()),
        "SPARROW_CONFIG": str(home / "service.yaml"),
        "PLAIN_LOG": str(home / "log.csv"),
        "PYTHONPATH": str(home),
    }
    if kind == "plain-1-thread":
        environment["OMP_NUM_THREADS"] = "1"
    command = ["bentoml", "serve", "service.app:Sparrow", "--port", port]
    if kind in PLAIN:
        command = ["uvicorn", "plain_app:app", "--port", port, "--log-level", "warning"]
    begun = time.monotonic()
    with (home / f"{kind}.txt").open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", *command], env=environment, stdout=output, stderr=output
        )
    url = f"http://127.0.0.1:{port}"
    while time.monotonic() - begun < 180:
        if server.poll() is not None:
            break
        try:
            if httpx.get(f"{url}/readyz", timeout=5).status_code == 200:
                print(f"{kind}: ready after {time.monotonic() - begun:.1f} s", file=sys.stderr)
                return server, url
        except httpx.TransportError:
            time.sleep(0.1)
    server.kill()
    raise SystemExit(f"{kind} did not start; see {home / kind}.txt")


def processor_seconds(server: subprocess.Popen[bytes]) -> float:
    """Used so far by the process and all below it."""
    used = 0.0
    for pid in family(server):
        with suppress(psutil.NoSuchProcess):
            times = psutil.Process(pid).cpu_times()
            used += times.user + times.system
    return used


def load(url: str, photos: list[bytes], clients: int, seconds: float) -> dict[str, Any]:
    """So many clients, each asking again as soon as it has its answer."""
    latencies: list[float] = []
    statuses: Counter[int | str] = Counter()
    end = time.monotonic() + seconds

    def ask(number: int) -> None:
        with httpx.Client(base_url=url, timeout=120) as client:
            turn = number
            while time.monotonic() < end:
                begun = time.monotonic()
                files = {"photos": ("a.jpg", photos[turn % len(photos)], "image/jpeg")}
                try:
                    response = client.post("/detect", files=files)
                except httpx.TransportError as error:
                    statuses[type(error).__name__] += 1
                    continue
                statuses[response.status_code] += 1
                if response.status_code == 200:
                    latencies.append(time.monotonic() - begun)
                else:
                    time.sleep(float(response.headers["retry-after"]))
                turn += clients

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(clients)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.monotonic() - begun
    median, p99 = np.percentile(latencies, [50, 99]) * 1000
    rate = statuses[200] / elapsed
    return {
        "rate": rate,
        "median": median,
        "p99": p99,
        "counted": statuses[200],
        "statuses": dict(statuses),
    }


def family(server: subprocess.Popen[bytes]) -> dict[int, float]:
    """Resident MB of the process and of all below it, by process id."""
    table = subprocess.run(
        ["ps", "-eo", "pid=,ppid=,rss="], capture_output=True, text=True, check=True
    ).stdout
    rows = [tuple(map(int, line.split())) for line in table.splitlines()]
    found = {server.pid}
    while more := {pid for pid, parent, _ in rows if parent in found} - found:
        found |= more
    return {pid: rss / 1024 for pid, _, rss in rows if pid in found}


def main() -> None:
    """Print the table, in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path(".sparrow/champion"))
    parser.add_argument("--photos", type=Path, default=Path("data/demo/raw/images"))
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--kinds", nargs="+", default=[*PLAIN, "sparrow", "sparrow-2-workers"])
    arguments = parser.parse_args()
    photos = [path.read_bytes() for path in sorted(arguments.photos.iterdir())[:32]]
    print(f"load of the machine before: {os.getloadavg()[0]:.1f}")
    print("| service | clients | photos/s | median ms | p99 ms | processor ms a photo | answers |")
    print("|---|--:|--:|--:|--:|--:|---|", flush=True)
    for kind in arguments.kinds:
        with tempfile.TemporaryDirectory() as home:
            server, url = start(kind, arguments.model, Path(home))
            try:
                load(url, photos, 1, min(5, arguments.seconds))  # warm
                for clients in arguments.clients:
                    used = processor_seconds(server)
                    found = load(url, photos, clients, arguments.seconds)
                    used = (processor_seconds(server) - used) / max(found["counted"], 1)
                    print(
                        f"| {kind} | {clients} | {found['rate']:.1f} | {found['median']:.0f} "
                        f"| {found['p99']:.0f} | {1000 * used:.0f} | {found['statuses']} |",
                        flush=True,
                    )
                resident = sum(family(server).values())
                print(f"{kind}: {resident:.0f} MB resident, all processes", file=sys.stderr)
            finally:
                server.terminate()
                server.wait(60)


if __name__ == "__main__":
    main()
