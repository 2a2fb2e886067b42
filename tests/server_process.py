"""A server in a process of its own: started, waited for until it is ready, and stopped."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

OUTPUT = "out.txt"  # in the server's folder
READY_SECONDS = 180


def free_port() -> int:
    """A port that no server of this machine listens at just now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def bentoml_serve(port: int, service: str = "service.app:Sparrow") -> list[str]:
    """The command that people start the service with."""
    return [sys.executable, "-m", "bentoml", "serve", service, "--port", str(port)]


@contextmanager
def started(
    command: list[str],
    ready_url: str,
    folder: Path,
    environment: Mapping[str, str],
    cwd: Path | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """A running server; what it prints is in ``OUTPUT`` of the folder.

    Args:
        command: its program and arguments.
        ready_url: answered with 200 when it is ready.
        folder: exists already.
        environment: all of it, not only what is added to this process's.
        cwd: the server's working folder; None for this process's.
    """
    with (folder / OUTPUT).open("w") as output:
        server = subprocess.Popen(command, cwd=cwd, env=environment, stdout=output, stderr=output)
    try:
        _wait_until_ready(ready_url, server, folder / OUTPUT)
        yield server
    finally:
        _stop(server)


def _wait_until_ready(url: str, server: subprocess.Popen[bytes], output: Path) -> None:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        assert server.poll() is None, output.read_text()[-3000:]
        try:
            if httpx.get(url, timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.5)
    raise AssertionError(f"the server was not ready in time: {output.read_text()[-3000:]}")


def _stop(server: subprocess.Popen[bytes]) -> None:
    """Ask it to end; where it does not, kill it with its children."""
    children = psutil.Process(server.pid).children(recursive=True) if server.poll() is None else []
    server.terminate()
    try:
        server.wait(60)
    except subprocess.TimeoutExpired:
        for process in (*children, server):
            process.kill()
        server.wait(10)
