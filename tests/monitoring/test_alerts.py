"""Alerts against a real server on this machine."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
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
            self.send_response(found.status)
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


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://a/b", "hooks.example", "http://"])
def test_only_http_addresses(tmp_path: Path, address: str) -> None:
    [said] = alert(verdict(), "", tmp_path, {"SPARROW_WEBHOOK": address})
    assert "is not an http or https address" in said


def test_a_file_that_cannot_be_written_is_told(hook: Hook, tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    [said] = alert(verdict(), "", tmp_path, {"SPARROW_WEBHOOK": hook.url})
    assert "could not be written" in said
    assert len(hook.got) == 1
