"""Alerts against a real server on this machine."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from monitoring.alerts import FILE, alert
from monitoring.verdict import ColumnChange, DriftVerdict, State

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
EMPTY = ColumnChange(
    "empty", "prediction", 0.1, 0.9, 0.001, True, 25, NOON, "Nine of ten photos are empty."
)


def verdict(state: State = State.DRIFT) -> DriftVerdict:
    changes = (EMPTY,) if state is State.DRIFT else ()
    return DriftVerdict(state, "birds", "3", 25, NOON, NOON, changes, "One column drifted.")


@dataclass
class Hook:
    """What a webhook got, and what it answers."""

    url: str
    status: int = 200
    location: str = ""
    phrase: str | None = None
    got: list[Any] = field(default_factory=list)


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    # Where the network is behind a proxy, urllib would ask it even for this machine.
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    found = Hook("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            found.got.append((self.path, self.headers["content-type"], json.loads(body)))
            self.send_response(found.status, found.phrase)
            if found.location:
                self.send_header("location", found.location)
            self.end_headers()

        def do_GET(self) -> None:  # what a followed redirect would become
            found.got.append((self.path, "GET", None))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}/secret-token"
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


def test_drift_goes_to_the_webhook_and_the_file(hook: Hook, tmp_path: Path) -> None:
    said = alert(verdict(), "Training was started.", tmp_path / "m", {"SPARROW_WEBHOOK": hook.url})
    assert said == []
    [(path, kind, sent)] = hook.got
    assert (path, kind) == ("/secret-token", "application/json")
    assert sent["text"] == (
        "birds version 3: drift.\n- Nine of ten photos are empty.\nTraining was started."
    )
    assert sent["changes"][0]["column"] == "empty"
    assert sent["exit_code"] == 3
    assert json.loads((tmp_path / "m" / FILE).read_text()) == sent


@pytest.mark.parametrize("state", [State.OK, State.TOO_FEW])
def test_other_verdicts_are_written_down_only(hook: Hook, tmp_path: Path, state: State) -> None:
    for _ in range(2):
        assert alert(verdict(state), "", tmp_path, {"SPARROW_WEBHOOK": hook.url}) == []
    assert hook.got == []
    lines = [json.loads(line) for line in (tmp_path / FILE).read_text().splitlines()]
    assert [line["state"] for line in lines] == [state.value] * 2


def test_a_webhook_that_fails_is_told_without_its_secret(hook: Hook, tmp_path: Path) -> None:
    hook.status = 500
    [said] = alert(verdict(), "", tmp_path, {"SPARROW_WEBHOOK": hook.url})
    assert "127.0.0.1 did not take the alert" in said
    assert "secret-token" not in said
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}/secret-token"
    [said] = alert(verdict(), "", tmp_path, {"SPARROW_WEBHOOK": nobody})
    assert "refused" in said
    assert "secret-token" not in said
    assert len((tmp_path / FILE).read_text().splitlines()) == 2


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "ftp://a/s3cret",
        "hooks.example/s3cret",
        "http://",
        "http://[::1/s3cret",
        "http://[s3cret]/x",
        "https://127.0.0.1/s3cret with a blank",
        "https://127.0.0.1/s3cret\twith a tab",
        "https://127.0.0.1/s3cret\nHost: else",
        "https://127.0.0.1/s3cret\u00e9",
        "https://127.0.0.1/s3cret\ud800",
        "https://127.0.0.1:s3cret/",
        "https://127.0.0.1:99999/s3cret",
        "https://127.0.0.1:-1/s3cret",
        "https://me:s3cret@127.0.0.1/",
        "https://s3cret@127.0.0.1/",
        "https://:8080/s3cret",
    ],
)
def test_an_address_that_is_none_is_told_without_its_secret(tmp_path: Path, address: str) -> None:
    [said] = alert(verdict(), "", tmp_path, {"SPARROW_WEBHOOK": address})
    assert "SPARROW_WEBHOOK is not an http or https address" in said
    assert "s3cret" not in said
    assert len((tmp_path / FILE).read_text().splitlines()) == 1  # the verdict is written down


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_a_delivery(hook: Hook, tmp_path: Path, status: int) -> None:
    hook.status, hook.location = status, f"{hook.url}/other"
    [said] = alert(verdict(), "", tmp_path, {"SPARROW_WEBHOOK": hook.url})
    assert f"answered with status {status}" in said
    assert "set the address that it redirects to" in said
    assert "secret-token" not in said
    assert [kind for _, kind, _ in hook.got] == ["application/json"]  # and it was not followed


@pytest.mark.parametrize("status", [400, 404, 410, 429, 500, 599])
def test_other_answers_are_no_delivery_and_the_servers_words_are_not_repeated(
    hook: Hook, tmp_path: Path, status: int
) -> None:
    hook.status, hook.phrase = status, "no /secret-token here"
    [said] = alert(verdict(), "", tmp_path, {"SPARROW_WEBHOOK": hook.url})
    assert f"answered with status {status}" in said
    assert "secret-token" not in said


@pytest.mark.parametrize(
    "drip", [b"H", b"HTTP/1.1 200 OK\r\nx: y\r\n", b"", b"HTTP/1.1 302 Found\r\nLocation: "]
)
def test_a_server_that_drips_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drip: bytes
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr("monitoring.alerts.TIMEOUT_S", 0.5)
    given_up = threading.Event()

    def serve(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.sendall(drip)
            while not given_up.wait(0.1):
                with suppress(OSError):
                    connection.sendall(b"x")

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/secret-token"
        [said] = alert(verdict(), "", tmp_path, {"SPARROW_WEBHOOK": address})
        given_up.set()  # it would have gone on for ever
        thread.join()
    assert "127.0.0.1 did not take the alert: it did not answer within 0.5 s" in said
    assert "secret-token" not in said


@pytest.mark.parametrize(
    "answer", [b"", b"\0" * 50, b"SSH-2.0-x\r\n", b"HTTP/9 secret-token\r\n\r\n"]
)
def test_a_server_that_speaks_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    def serve(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(answer)

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/secret-token"
        [said] = alert(verdict(), "", tmp_path, {"SPARROW_WEBHOOK": address})
        thread.join()
    assert "127.0.0.1 did not take the alert" in said
    assert "secret-token" not in said


def test_a_file_that_cannot_be_written_is_told(hook: Hook, tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    [said] = alert(verdict(), "", tmp_path, {"SPARROW_WEBHOOK": hook.url})
    assert "could not be written" in said
    assert len(hook.got) == 1
