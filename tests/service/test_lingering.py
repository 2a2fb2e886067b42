"""Early answers to clients that go on sending, against a real server on real sockets."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import uvicorn
import uvloop

from service.connections import BoundedProtocol
from service.lingering import LingeringTransport

SENTENCE = b'{"error": "' + b"x" * 5000 + b'"}'
DECLARED = 200_000_000
PIECE = bytes(64 * 1024)


class Lingering(LingeringTransport):
    """The tests shorten its limits."""


class Protocol(BoundedProtocol):
    max_connections = 8
    transport_class = Lingering


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the status that its path names, and reads nothing; /wait waits for the body."""
    if scope["path"] == "/wait":
        while (await receive()).get("more_body"):
            pass
    status = {"/wait": 200}.get(scope["path"]) or int(scope["path"].strip("/"))
    headers = [(b"content-length", str(len(SENTENCE)).encode())]
    if status in (408, 413, 503):
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": SENTENCE})


@pytest.fixture(scope="module", params=[asyncio.new_event_loop, uvloop.new_event_loop])
def server(request: pytest.FixtureRequest) -> Iterator[uvicorn.Server]:
    """On both loops: BentoML takes uvloop where it is installed."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, http=Protocol, lifespan="off", log_config=None))

    def serve() -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(server.serve(sockets=[listening]))

    running = threading.Thread(target=serve)
    running.start()
    server.config.port = listening.getsockname()[1]
    yield server
    server.should_exit = True
    running.join()
    listening.close()


def connect(port: int, path: str, declared: int = DECLARED) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=10)
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {declared}\r\n\r\n"
    client.sendall(head.encode())
    return client


def send_often(client: socket.socket, piece: bytes, times: int, pause_s: float = 0.0) -> None:
    for _ in range(times):
        client.sendall(piece)
        time.sleep(pause_s)


def read_answer(client: socket.socket) -> bytes:
    """All of the answer, by its Content-Length; a reset connection raises."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += client.recv(4096) or pytest.fail(f"the connection ended after {got!r}")
    head, _, body = got.partition(b"\r\n\r\n")
    lines = (line.split(b":") for line in head.lower().split(b"\r\n")[1:])
    length = next(int(line[1]) for line in lines if line[0] == b"content-length")
    while len(body) < length:
        body += client.recv(4096) or pytest.fail("the answer is cut off")
    return head + b"\r\n\r\n" + body


@pytest.mark.parametrize("status", [400, 401, 404, 408, 413, 415, 429, 503])
def test_a_client_that_sends_slowly_reads_the_whole_early_answer(
    server: uvicorn.Server, status: int
) -> None:
    with connect(server.config.port, f"/{status}") as client:
        # Some megabytes after the answer: more than sockets buffer.
        send_often(client, PIECE, 40, pause_s=0.002)
        answer = read_answer(client)
        assert answer.startswith(f"HTTP/1.1 {status} ".encode())
        assert answer.endswith(SENTENCE)


def test_what_is_no_http_reads_its_answer_too(server: uvicorn.Server) -> None:
    with socket.create_connection(("127.0.0.1", server.config.port), timeout=10) as client:
        send_often(client, b"\0" * 10_000, 40, pause_s=0.002)
        assert read_answer(client).startswith(b"HTTP/1.1 400 ")


def test_an_answered_client_that_neither_sends_nor_closes_is_closed(
    server: uvicorn.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Lingering, "idle_seconds", 0.3)
    with connect(server.config.port, "/413") as client:
        read_answer(client)
        assert client.recv(1) == b"", "the service has not ended its own direction"
        wait_for_no_connection(server)


def test_one_that_sends_slowly_for_ever_is_closed(
    server: uvicorn.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Lingering, "linger_seconds", 1.0)
    with connect(server.config.port, "/413") as client, pytest.raises(ConnectionError):
        send_often(client, b"x", 100, pause_s=0.1)
    wait_for_no_connection(server)


@pytest.mark.parametrize("status", [401, 413])
def test_one_that_sends_very_much_is_closed(
    server: uvicorn.Server, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Lingering, "linger_bytes", 20_000_000)
    with connect(server.config.port, f"/{status}") as client, pytest.raises(ConnectionError):
        send_often(client, PIECE, 2 * DECLARED // len(PIECE))
    wait_for_no_connection(server)


def test_a_kept_connection_asks_again_after_the_rest_of_a_refused_body(
    server: uvicorn.Server,
) -> None:
    with connect(server.config.port, "/401", declared=len(PIECE)) as client:
        assert read_answer(client).startswith(b"HTTP/1.1 401 ")
        client.sendall(PIECE + b"GET /200 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read_answer(client).startswith(b"HTTP/1.1 200 ")


def test_connections_that_linger_count_and_make_room_first(server: uvicorn.Server) -> None:
    port = server.config.port
    honest = connect(port, "/wait", declared=1)
    lingering: list[socket.socket] = []
    try:
        for _ in range(Protocol.max_connections + 5):
            lingering.append(connect(port, "/413"))
            read_answer(lingering[-1])
        assert len(server.server_state.connections) <= Protocol.max_connections
        assert httpx.get(f"http://127.0.0.1:{port}/200", timeout=5).status_code == 200
        honest.sendall(b"x")
        assert read_answer(honest).startswith(b"HTTP/1.1 200 ")
    finally:
        for client in (honest, *lingering):
            client.close()


def wait_for_no_connection(server: uvicorn.Server) -> None:
    for _ in range(100):
        if not server.server_state.connections:
            return
        time.sleep(0.1)
    pytest.fail("a connection is left")
