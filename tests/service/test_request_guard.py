"""``RequestGuard`` in front of an application that reports what it receives."""

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

from service.page_requests import PageRequests
from service.request_context import request_context
from service.request_guard import RequestGuard
from service.settings import Settings
from sparrow.config import ServiceConfig

PHOTO = {"photos": ("a.jpg", b"content")}
JSON = {"content-type": "application/json"}
EVERYTHING_ELSE = (
    "/gradio_api/dev/reload", "/gradio_api/run/predict", "/gradio_api/api/predict",
    "/gradio_api/call/x", "/gradio_api/deep_link", "/gradio_api/info", "/gradio_api/openapi.json",
    "/gradio_api/proxy=http://127.0.0.1/", "/gradio_api/stream/x/y/z/playlist.m3u8",
    "/gradio_api/component_server", "/gradio_api/vibe-code", "/monitoring", "/openapi.json",
    "/custom_component/x", "/gradio_api/token", "/gradio_api/cancel", "/file=/etc/passwd",
    "/gradio_api/file/etc/passwd", "/svelte/x", "/Detect", "/admin", "/.env",
)  # fmt: skip


def settings(key: str | None = None, **limits: Any) -> Settings:
    return Settings(Path("model"), False, ServiceConfig(**limits), "sqlite://", key)


def guard(
    key: str | None = None, meeting: threading.Barrier | None = None, **limits: Any
) -> TestClient:
    def answer(request: Request) -> PlainTextResponse:
        if meeting is not None:
            meeting.wait(30)  # it is inside now ...
            meeting.wait(30)  # ... and stays until it may leave
        return PlainTextResponse(f"{request.url} of {request.client and request.client.host}")

    async def detect(request: Request) -> PlainTextResponse:
        if meeting is not None:
            return answer(request)
        sizes = [(upload.name, len(upload.content)) for upload in request_context().uploads]
        return PlainTextResponse(f"{sizes} beside {(await request.body()).decode()}")

    blocking = [Route("/detect", answer, methods=["POST"])]
    open_ = [Route("/detect", detect, methods=["POST"])]
    routes = (blocking if meeting else open_) + [
        Route(path, answer) for path in ("/", "/model", "/readyz", "/docs", "/metrics")
    ]
    made = settings(key, **limits)
    app = RequestGuard(Starlette(routes=routes), made, PageRequests(made))
    return TestClient(app, base_url="http://localhost", follow_redirects=False)


def test_nothing_exists_that_is_not_on_the_list() -> None:
    client = guard()
    for path in EVERYTHING_ELSE:
        for method in ("GET", "POST", "PUT"):
            assert client.request(method, path).status_code == 404, path
    assert client.get("/model").status_code == 200
    assert client.get("/model/").status_code == 200
    assert client.head("/model").status_code == 200


def test_a_key_opens_and_nothing_else_does() -> None:
    client = guard(key="secret")
    wrong: list[dict[str, str]] = [
        {},
        {"x-api-key": "guess"},
        {"authorization": "Bearer guess"},
        {"authorization": "Basic secret"},
        {"cookie": "sparrow-session=in.x.y"},
    ]
    for headers in wrong:
        for path in ("/model", "/metrics", "/docs", "/"):
            assert client.get(path, headers=headers).status_code in (401, 429), path
    for headers in (
        {"x-api-key": "secret"},
        {"authorization": "Bearer secret"},
        {"authorization": "bearer secret"},
        {"authorization": "BEARER  secret"},
    ):
        assert guard(key="secret").get("/model", headers=headers).status_code == 200
    assert client.get("/readyz").status_code == 200  # a probe has no key


def test_a_log_in_opens_the_page_until_the_key_changes() -> None:
    client = guard(key="secret")
    page = {"accept": "text/html"}
    led = client.get("/", headers=page)
    assert (led.status_code, led.headers["location"]) == (303, "login")
    assert 'type="password"' in client.get("/login").text
    refused = client.post("/login", data={"password": "guess"}, headers=page)
    assert (refused.status_code, "set-cookie" in refused.headers) == (401, False)
    let_in = client.post("/login", data={"password": "secret"}, headers=page)
    assert let_in.status_code == 303
    cookie = let_in.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie  # it came by http
    assert client.get("/", headers=page).status_code == 200
    among_others = {"cookie": f'prefs={{"a":1}}; theme=a b; {cookie.split(";")[0]}'}
    assert guard(key="secret").get("/model", headers=among_others).status_code == 200
    other = guard(key="another")
    value = cookie.split(";")[0]
    assert other.get("/model", headers={"cookie": value}).status_code == 401
    assert other.get("/model", headers={"cookie": value[:-1] + "A"}).status_code == 401


@pytest.mark.parametrize("way", ["header", "form"])
def test_guesses_are_limited_and_then_not_even_read(way: str) -> None:
    client = guard(key="secret", logins_per_minute=3)

    def guess(key: str) -> int:
        if way == "form":
            return client.post("/login", data={"password": key}).status_code
        return client.get("/model", headers={"x-api-key": key}).status_code

    assert [guess(str(n)) for n in range(5)] == [401, 401, 401, 429, 429]
    assert guess("secret") == 429  # or the limit would not limit anything


def test_a_wrong_key_counts_against_the_rate() -> None:
    client = guard(key="secret", requests_per_minute=2)
    statuses = [client.get("/model", headers={"x-api-key": str(n)}).status_code for n in range(3)]
    assert statuses == [401, 401, 429]


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "x" * 300, "", "a b"]
)
def test_other_hosts_are_refused_but_for_probes(host: str) -> None:
    client = guard(allowed_hosts=("birds.example.org", "*.garden.example"))
    assert client.get("/model", headers={"host": host}).status_code == 421
    assert client.get("/readyz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:3000", "127.0.0.1", "[::1]:3000", "10.1.2.3:80", "LOCALHOST",
     "birds.example.org", "birds.example.org.:443", "a.garden.example", "sparrow.localhost"],
)  # fmt: skip
def test_the_services_own_hosts_are_answered(host: str) -> None:
    client = guard(allowed_hosts=("birds.example.org", "*.garden.example"))
    assert client.get("/model", headers={"host": host}).status_code == 200


def test_the_rate_is_of_an_address_whatever_its_headers_say() -> None:
    client = guard(requests_per_minute=2)
    answers = [client.get("/model", headers={"x-forwarded-for": f"1.2.3.{i}"}) for i in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 29 <= int(answers[2].headers["retry-after"]) <= 30  # 2 a minute: one every 30 s


def test_a_full_queue_says_when_to_come_back() -> None:
    meeting = threading.Barrier(2)
    client = guard(meeting=meeting, max_queue=1)
    first: list[httpx.Response] = []
    asking = threading.Thread(target=lambda: first.append(client.post("/detect", files=PHOTO)))
    asking.start()
    meeting.wait(30)
    busy = client.post("/detect", files=PHOTO)
    meeting.wait(30)
    asking.join()
    assert (busy.status_code, busy.headers["retry-after"]) == (503, "1")
    assert first[0].status_code == 200


def test_memory_is_free_again_after_an_answer_and_after_a_refusal() -> None:
    client = guard(max_request_mb=1.0, max_waiting_mb=2.0, max_photos=1)
    for _ in range(5):
        fits = client.post("/detect", files={"photos": ("a.jpg", b"x" * 900_000)})
        assert fits.status_code == 200
        other = client.post("/detect", files={"other": ("a.jpg", b"x" * 900_000)})
        assert other.status_code == 400


def test_what_a_client_sends_never_reaches_the_parser_behind() -> None:
    """A photo may hold any boundary, field or address: nothing of it is written anew."""
    sly = b'\r\n--x\r\nContent-Disposition: form-data; name="photos"\r\n\r\nhttp://127.0.0.1/\r\n--x--'
    answer = guard().post("/detect", files={"photos": ("../a\r\n.jpg", sly)})
    assert answer.text == f"[('a%0D%0A.jpg', {len(sly)})] beside {{}}"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"headers": {"x-much": "x" * 70_000}}, 431),
        ({"files": {"photos": ("a.jpg", b"x" * 1_000_001)}}, 413),
        ({"content": iter([b"x" * 600_000] * 2)}, 415),  # nothing of it is read
        ({"content": iter([b"{" * 600_000] * 2), "headers": JSON}, 413),  # without a length
        ({"content": b"x", "headers": {"content-type": "text/plain"}}, 415),
    ],
)  # fmt: skip
def test_what_is_too_large_or_of_another_kind(sent: dict[str, Any], status: int) -> None:
    response = guard(max_request_mb=1.0).post("/detect", **sent)
    assert response.status_code == status
    assert " " in response.json()["error"]


def test_a_known_proxy_says_who_asks_and_under_which_path() -> None:
    made = settings(trusted_proxies=("10.0.0.0/8",), allowed_hosts=("birds.example",))

    def answer(request: Request) -> PlainTextResponse:
        return PlainTextResponse(f"{request.url} of {request.client and request.client.host}")

    app = RequestGuard(Starlette(routes=[Route("/model", answer)]), made, PageRequests(made))
    said = {
        "host": "birds.example",
        "x-forwarded-for": "6.6.6.6, 9.9.9.9, 10.0.0.7",
        "x-forwarded-proto": "https",
        "x-forwarded-prefix": "/sparrow",
    }
    client = TestClient(app, client=("10.0.0.1", 5), base_url="http://birds.example")
    for path in ("/model", "/sparrow/model"):  # whether or not the proxy takes its prefix off
        answered = client.get(path, headers=said).text
        assert answered == "https://birds.example/sparrow/model of 9.9.9.9"
    stranger = TestClient(app, client=("11.0.0.1", 5), base_url="http://birds.example")
    assert stranger.get("/model", headers=said).text == "http://birds.example/model of 11.0.0.1"
