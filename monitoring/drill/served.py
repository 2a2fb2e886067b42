"""For tests and benchmarks only: the real service in a process, and photos sent to it."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

READY_S, STOP_S, ANSWER_S = 180.0, 60.0, 120.0
SENDERS = 2
BATCH = 8  # photos a request


@contextmanager
def served(model: Path, config: Path, output: Path) -> Iterator[str]:
    """``bentoml serve`` of a model folder until the block ends; yields its address.

    Args:
        model: the folder, or the link that a promotion switches.
        config: YAML with the stores (its prediction log) and the service's limits.
        output: file for what the server prints.

    Raises:
        RuntimeError: it did not start; its output says why.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    environment = {
        **os.environ,
        "SPARROW_MODEL": str(model.absolute()),
        "SPARROW_CONFIG": str(config.absolute()),
    }
    command = [sys.executable, "-m", "bentoml", "serve", "service.app:Sparrow", "--port", str(port)]
    with output.open("wb") as said:
        server = subprocess.Popen(command, env=environment, stdout=said, stderr=said)  # noqa: S603
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(url, server, output)
            yield url
        finally:
            server.terminate()
            server.wait(STOP_S)


def send(url: str, photos: Iterable[tuple[str, bytes]]) -> list[dict[str, Any]]:
    """Send photos (name and bytes), a few requests at a time; the answers in their order.

    Raises:
        OSError: the service cannot be reached, or refuses a request.
    """
    waiting = list(photos)
    batches = [waiting[i : i + BATCH] for i in range(0, len(waiting), BATCH)]
    with ThreadPoolExecutor(SENDERS) as pool:
        answers = pool.map(lambda batch: post(f"{url}/detect", _body(batch)), batches)
        return [photo for answer in answers for photo in answer["photos"]]


def post(url: str, values: dict[str, Any]) -> Any:
    """Send JSON, return JSON."""
    body = json.dumps(values).encode()
    request = Request(url, body, {"content-type": "application/json"})  # noqa: S310 our own
    with urlopen(request, timeout=ANSWER_S) as answer:  # noqa: S310
        return json.load(answer)


def get(url: str) -> Any:
    """JSON from an address of the service."""
    with urlopen(url, timeout=ANSWER_S) as answer:  # noqa: S310
        return json.load(answer)


def _body(photos: Iterable[tuple[str, bytes]]) -> dict[str, Any]:
    return {
        "photos": [
            {"name": name, "content": base64.b64encode(content).decode()}
            for name, content in photos
        ]
    }


def _wait(url: str, server: subprocess.Popen[bytes], output: Path) -> None:
    end = time.monotonic() + READY_S
    while time.monotonic() < end and server.poll() is None:
        try:
            with urlopen(f"{url}/readyz", timeout=5):  # noqa: S310
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(
        f"the service did not start; see {output}:\n{output.read_text(encoding='utf-8')[-2000:]}"
    )
