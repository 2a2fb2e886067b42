"""Whatever is sent, the service says what is wrong, says nothing else, and stays up.

A hundred cases belong to the ordinary tests; ``make test-hostile`` sends 2,000 and watches memory.
"""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

GUARDED = ("/detect", "/render", "/feedback")


def load_cases() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hostile", Path(__file__).parent / "hostile.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["hostile"] = module
    spec.loader.exec_module(module)
    return module


def send(client: httpx.Client, case: Any) -> tuple[int, bytes]:
    """Status and body; over a bare socket an answer may also be a closed connection: status 0."""
    if case.raw is not None:
        host = urlsplit(str(client.base_url))
        with socket.create_connection((host.hostname, host.port), timeout=30) as connection:
            connection.sendall(case.raw)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        return (int(answer.split()[1]), answer.partition(b"\r\n\r\n")[2]) if answer else (0, b"")
    headers = {"content-type": case.content_type, **case.headers}
    response = client.request(case.method, case.path, content=case.body, headers=headers)
    return response.status_code, response.content


def trouble(case: Any, status: int, body: bytes) -> str | None:
    """What is wrong with an answer."""
    if b"Traceback" in body or b'File "/' in body or b"site-packages" in body:
        return f"a traceback: {body[:300]!r}"
    if status == 0 and case.raw is not None:
        return None
    if status == 200 and case.path in ("/detect",):
        photos = json.loads(body)["photos"]
        told = all((p["error"] is None) != (p["count"] is None) for p in photos)
        return None if told and photos else f"a photo with neither count nor error: {photos}"
    if not 400 <= status < 500:
        return f"status {status}: {body[:200]!r}"
    if case.raw is None and case.path in GUARDED:
        sentence = json.loads(body).get("error", "")
        return None if " " in sentence else f"no sentence: {body[:200]!r}"
    return None


def send_all(client: httpx.Client, count: int, seed: int) -> list[str]:
    """Troubles of so many cases, eight at a time."""

    def send_case(case: Any) -> str | None:
        said = trouble(case, *send(client, case))
        return said and f"{case.name} {case.method} {case.path[:60]}: {said}"

    with ThreadPoolExecutor(8) as senders:
        return [said for said in senders.map(send_case, load_cases().cases(seed, count)) if said]


def detect(client: httpx.Client, path: Path) -> dict[str, Any]:
    files = [("photos", ("a.jpg", path.read_bytes(), "image/jpeg"))]
    answer: dict[str, Any] = client.post("/detect", files=files).json()["photos"][0]
    return {k: v for k, v in answer.items() if k != "prediction_id"}


@pytest.mark.slow
def test_a_hundred_hostile_requests(served: Any, drawn_dataset: Path) -> None:
    photo = next((drawn_dataset / "images").iterdir())
    before = detect(served.client, photo)
    assert send_all(served.client, 102, seed=5) == []
    assert detect(served.client, photo) == before
    assert served.client.get("/readyz").status_code == 200
    assert "Traceback" not in served.client.get("/").text


@pytest.mark.hostile
def test_two_thousand_hostile_requests(served: Any, drawn_dataset: Path) -> None:
    """The same, many times over; then memory is back within 10 % of where it was."""
    photo = next((drawn_dataset / "images").iterdir())
    count = int(os.environ.get("CASES", "2000"))
    assert send_all(served.client, 170, seed=1) == []  # every path has been taken once
    before, process = detect(served.client, photo), psutil.Process(served.process_id)

    def resident_mb() -> float:
        return sum(p.memory_info().rss for p in process.children(recursive=True)) / 2**20

    at_start = resident_mb()
    troubles = send_all(served.client, count, seed=2)
    assert not troubles, "\n".join(troubles)
    assert detect(served.client, photo) == before
    print(f"{count} cases; resident before {at_start:.0f} MB, after {resident_mb():.0f} MB")
    assert resident_mb() <= 1.1 * at_start
