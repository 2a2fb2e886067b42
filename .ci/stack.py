"""The stores of a cluster on this machine: ``make stack``. Ctrl-C ends all of them, by their ids.

PostgreSQL, SeaweedFS (S3), MLflow's server and Metaflow's metadata service, on loopback alone, the
first two with secrets of their own. What they hold stays in the folder.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from stack_servers import (
    LOOPBACK,
    PORTS,
    Place,
    Server,
    StackError,
    metadata,
    mlflow,
    postgres,
    s3,
)

SERVERS: tuple[Callable[[Place], Server], ...] = (postgres, s3, mlflow, metadata)
HOME, PORT = ".sparrow/stack", 9400
READY_SECONDS, GRACE_SECONDS = 120, 40
EXPORTS, PROCESSES = "exports.sh", "processes.json"


class Stack:
    """Servers that run."""

    def __init__(self, place: Place) -> None:
        """Begin with none."""
        self._place = place
        self._running: list[tuple[Server, subprocess.Popen[bytes]]] = []

    def start(self, server: Server) -> None:
        """Start a server and wait until it answers.

        Raises:
            StackError: it ends, or does not answer in time; with the end of its output.
        """
        log = self._place.home / f"{server.name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 - words of this program
                list(map(str, server.command)), stdout=output, stderr=output, cwd="/",
                stdin=subprocess.DEVNULL, user=server.user, start_new_session=True,
                env={**os.environ, **self._place.environment(), **server.environment},
            )  # fmt: skip
        self._running.append((server, process))
        leaders = {server.name: process.pid for server, process in self._running}
        (self._place.home / PROCESSES).write_text(json.dumps(leaders), encoding="utf-8")
        end = time.monotonic() + READY_SECONDS
        while not _is_ready(server):
            if process.poll() is not None or time.monotonic() > end:
                said = "\n".join(log.read_text(errors="replace").splitlines()[-10:])
                raise StackError(f"{server.name} does not start; {log} ends with:\n{said}")
            time.sleep(0.2)

    def ended(self) -> str | None:
        """The name of a server that has ended by itself."""
        return next((s.name for s, process in self._running if process.poll() is not None), None)

    def stop(self) -> None:
        """End what was started, the last first; what does not end in time is killed."""
        for server, process in reversed(self._running):
            if process.poll() is None:
                process.send_signal(server.signal)
            try:
                process.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                print(f"{server.name} does not end, and is killed", file=sys.stderr)
            _kill_session(process.pid)
            process.wait()
        for port in self._place.ports.values():  # SeaweedFS leaves its sockets
            for socket_file in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # noqa: S108
                socket_file.unlink()
        (self._place.home / PROCESSES).unlink(missing_ok=True)


def main() -> int:
    """Start all, print the exports, and wait for a signal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, default=Path(HOME), help=f"folder ({HOME})")
    parser.add_argument(
        "--port", type=int, default=PORT, help=f"the first of {len(PORTS)} ({PORT})"
    )
    arguments = parser.parse_args()
    for name in (signal.SIGINT, signal.SIGTERM):  # a shell's background job ignores the first
        signal.signal(name, _as_interrupt)
    stack = None
    try:
        place = _place(arguments.home.absolute(), arguments.port)
        stack = Stack(place)
        for make in SERVERS:
            server = make(place)
            print(f"starting {server.name}", file=sys.stderr, flush=True)
            stack.start(server)
        _say(place)
        while (name := stack.ended()) is None:
            time.sleep(0.5)
        raise StackError(f"{name} has ended; see {place.home / name}.log")
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        if stack is not None:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C would leave some
            stack.stop()
            print("all ended", file=sys.stderr)


def _place(home: Path, first_port: int) -> Place:
    """Folder, ports and secrets; those of an earlier start are taken up.

    Raises:
        StackError: a stack runs in the folder, or a port is taken.
    """
    home.mkdir(parents=True, exist_ok=True)
    if (home / PROCESSES).exists():
        leaders = json.loads((home / PROCESSES).read_text(encoding="utf-8"))
        raise StackError(
            f"a stack runs in {home}, or was killed there. End what is left of {leaders} "
            f"(kill -TERM -PID), delete {home / PROCESSES}, and start again"
        )
    ports = {name: first_port + number for number, name in enumerate(PORTS)}
    for name, port in ports.items():
        with socket.socket() as probe:
            if probe.connect_ex((LOOPBACK, port)) == 0:
                raise StackError(f"port {port} ({name}) is taken; choose others: --port N")
    place = Place(home, ports, "", "")
    return Place(home, ports, _kept(place, "password"), _kept(place, "s3-key"))


def _kept(place: Place, name: str) -> str:
    """A secret of an earlier start, or a new one."""
    path = place.home / name
    if not path.exists():
        place.write_secret(name, secrets.token_hex(16))
    return path.read_text(encoding="utf-8")


def _say(place: Place) -> None:
    pairs = place.environment().items()
    lines = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in pairs)
    exports = place.write_secret(EXPORTS, lines)
    print(f"{lines}# the same: . {shlex.quote(str(exports))}", flush=True)
    print("all ready; Ctrl-C ends them", file=sys.stderr, flush=True)


def _is_ready(server: Server) -> bool:
    try:
        return server.is_ready()
    except OSError:
        return False


def _kill_session(leader: int) -> None:
    """What is left of the processes that a server started."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


def _as_interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
