"""Connections that ask for nothing, against a real server on a real socket."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
import uvicorn

from service.connections import BoundedProtocol


class Quick(BoundedProtocol):
    """Limits that a test can wait for."""

    max_connections = 20
    head_seconds = 0.5


async def app(scope: object, receive: object, send: object) -> None:
    start = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
    await send(start)  # type: ignore[operator]
    await send({"type": "http.response.body", "body": b"ok"})  # type: ignore[operator]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, http=Quick, lifespan="off", log_config=None))
    running = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])))
    running.start()
    yield listening.getsockname()[1]
    server.should_exit = True
    running.join()
    listening.close()


def is_closed(connection: socket.socket, within_s: float) -> bool:
    connection.settimeout(within_s)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"G", b"POST / HTTP"])
def test_half_a_head_is_not_waited_for(port: int, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as silent:
        silent.sendall(sent)
        assert is_closed(silent, 5)


def test_nor_is_half_of_a_second_one(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.1)
        assert slow.recv(4096).endswith(b"ok")
        slow.sendall(b"GET / HT")
        assert is_closed(slow, 5)


def test_an_honest_client_gets_in_while_another_one_fills_the_service(port: int) -> None:
    filling = [socket.create_connection(("127.0.0.1", port)) for _ in range(60)]
    try:
        for connection in filling:
            try:
                connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf")
            except ConnectionError:
                continue  # it made room for another one
        assert httpx.get(f"http://127.0.0.1:{port}/", timeout=5).text == "ok"
    finally:
        for connection in filling:
            connection.close()


def test_a_kept_connection_asks_again_and_again(port: int) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        for _ in range(3):
            assert client.get("/").text == "ok"
            time.sleep(0.2)
