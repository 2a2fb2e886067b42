"""The door by itself, in front of an application that only says how it was asked."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from service.gate import Gate
from service.settings import Settings
from sparrow.config import ServiceConfig

PHOTO = {"photos": ("a.jpg", b"content")}


def gate(
    key: str | None = None, meeting: threading.Barrier | None = None, **limits: Any
) -> TestClient:
    def answer(request: Request) -> PlainTextResponse:
        if meeting is not None:
            meeting.wait(30)  # it is inside now ...
            meeting.wait(30)  # ... and stays until it may leave
        return PlainTextResponse(request.headers.get("content-type", ""))

    routes = [Route("/detect", answer, methods=["POST"]), Route("/model", answer)]
    settings = Settings(Path("model"), False, ServiceConfig(**limits), "sqlite://", key)
    return TestClient(Gate(Starlette(routes=routes), settings))  # type: ignore[arg-type]


def test_a_key_opens_and_nothing_else_does() -> None:
    client = gate(key="secret")
    for headers in ({}, {"x-api-key": "guess"}, {"authorization": "Bearer guess"}):
        refused = client.get("/model", headers=headers)
        assert (refused.status_code, "X-API-Key" in refused.json()["error"]) == (401, True)
    assert client.get("/model", headers={"x-api-key": "secret"}).status_code == 200
    assert client.get("/model", headers={"authorization": "Bearer secret"}).status_code == 200


def test_the_rate_is_of_an_address_whatever_its_headers_say() -> None:
    client = gate(requests_per_minute=2)
    answers = [client.get("/model", headers={"x-api-key": str(i)}) for i in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 29 <= int(answers[2].headers["retry-after"]) <= 30  # 2 a minute: one every 30 s


def test_a_full_queue_says_when_to_come_back() -> None:
    meeting = threading.Barrier(2)
    client = gate(meeting=meeting, max_queue=1)
    first: list[httpx.Response] = []
    asking = threading.Thread(target=lambda: first.append(client.post("/detect", files=PHOTO)))
    asking.start()
    meeting.wait(30)
    busy = client.post("/detect", files=PHOTO)
    meeting.wait(30)
    asking.join()
    assert (busy.status_code, busy.headers["retry-after"]) == (503, "1")
    assert first[0].status_code == 200


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"headers": {"x-much": "x" * 70_000}}, 431),
        ({"files": {"photos": ("a.jpg", b"x" * 1_000_001)}}, 413),
        ({"content": iter([b"x" * 600_000] * 2)}, 413),  # no length is declared
        ({"content": b"x", "headers": {"content-type": "text/plain"}}, 415),
    ],
)
def test_what_is_too_large_or_of_another_kind(sent: dict[str, Any], status: int) -> None:
    response = gate(max_request_mb=1.0).post("/detect", **sent)
    assert response.status_code == status
    assert " " in response.json()["error"]
