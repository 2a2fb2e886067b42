"""A real service to attack: ``bentoml serve`` in a process of its own, with bait laid out."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import yaml
from server_process import OUTPUT, bentoml_serve, free_port, started

HERE = Path(__file__).resolve().parent
KEY = "attack-canary-key-3b1f77c2"
BAIT = "attack-bait"  # in the path of every file that no honest request names
SECRET = b"attack-canary-secret-90d2aa"
SECRETS = (
    SECRET,
    KEY.encode(),
    b"root:x:0:0",  # /etc/passwd
    b"SQLite format 3\0",  # the prediction log
    b'"engine_parity"',  # model.json
)


Start = Callable[..., AbstractContextManager["Attacked"]]  # attacked_service, but for its places


class Listener:
    """A port of this host that notes every connection; the service should make none."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.seen: list[str] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, peer = self._socket.accept()
            except OSError:
                return  # closed
            with connection:
                connection.settimeout(1)
                try:
                    line = connection.recv(200)
                except OSError:
                    line = b""
                self.seen.append(f"{peer}: {line!r}")
                answer = b"HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n" + SECRET
                connection.sendall(answer)

    def close(self) -> None:
        self._socket.close()


@dataclass
class Attacked:
    """The running service, what it may write to, and what it did that it should not."""

    address: str
    key: str | None
    home: Path
    process: psutil.Process
    listener: Listener
    photo: bytes  # one with birds in it
    known: set[Path] = field(default_factory=set)  # stolen copies that an attack was blamed for
    passed: set[str] = field(default_factory=set)  # attacks that ran against it

    @property
    def port(self) -> int:
        return int(self.address.rsplit(":", 1)[1])

    @property
    def bait(self) -> Path:
        return self.home / BAIT

    @property
    def temp(self) -> Path:
        return self.home / "tmp"

    @property
    def output(self) -> str:
        return (self.home / OUTPUT).read_text(errors="replace")

    def headers(self) -> dict[str, str]:
        return {"x-api-key": self.key} if self.key else {}

    def client(self, **more: Any) -> httpx.Client:
        """With the key where one is required."""
        more.setdefault("timeout", 60)
        return httpx.Client(base_url=self.address, headers=self.headers(), **more)

    def processes(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]

    def resident_mb(self) -> float:
        return sum(_of(p, lambda p: p.memory_info().rss) for p in self.processes()) / 2**20

    def descriptors(self) -> int:
        return int(sum(_of(p, lambda p: p.num_fds()) for p in self.processes()))

    def processor_s(self) -> float:
        return sum(_of(p, lambda p: sum(p.cpu_times()[:2])) for p in self.processes())

    def files(self) -> dict[Path, int]:
        """Bytes of each file in its temporary folder."""
        return {path: path.stat().st_size for path in self.temp.rglob("*") if path.is_file()}

    def reported(self) -> list[str]:
        """Look-ups, connections and opened bait, since the service is ready."""
        own = f"('127.0.0.1', {self.port})"
        lines = (self.home / "report.txt").read_text().splitlines()
        return [line for line in lines if own not in line] + self.listener.seen

    def forget(self) -> None:
        (self.home / "report.txt").write_text("")
        self.listener.seen.clear()

    def counts(self) -> str | None:
        """None where an honest photo is counted, else what came in its place."""
        try:
            with self.client(timeout=30) as client:
                files = [("photos", ("honest.jpg", self.photo, "image/jpeg"))]
                answer = client.post("/detect", files=files)
        except httpx.HTTPError as error:
            return f"an honest photo: {error!r}"
        good = answer.status_code == 200 and answer.json()["photos"][0]["error"] is None
        return None if good else f"an honest photo: {answer.status_code} {answer.text[:200]}"


def _of(process: psutil.Process, figure: Any) -> float:
    try:
        return float(figure(process))
    except psutil.NoSuchProcess:
        return 0.0


def lay_bait(folder: Path, photo: bytes) -> None:
    """Files beside the service, of the kinds that its page accepts and of others."""
    folder.mkdir()
    (folder / "notes.txt").write_bytes(b"password: " + SECRET)
    (folder / "photo.jpg").write_bytes(photo + SECRET)
    (folder / "drawing.svg").write_bytes(b"<svg xmlns='http://www.w3.org/2000/svg'>" + SECRET)
    (folder / "link.jpg").symlink_to(folder / "photo.jpg")
    os.mkfifo(folder / "pipe.jpg")


@contextmanager
def attacked_service(
    home: Path, model: Path, photo: bytes, *, key: bool, settings: dict[str, Any] | None = None
) -> Iterator[Attacked]:
    """Start it, wait until it is ready, stop it.

    Args:
        home: an empty folder; it holds everything the service may write, and its output.
        model: folder of the model to serve.
        photo: an honest one.
        key: whether one is required; the environment holds it either way, as bait.
        settings: of the section ``service``.
    """
    (home / "tmp").mkdir()
    lay_bait(home / BAIT, photo)
    listener = Listener()
    shutil.copytree(model.resolve(), home / "model")
    service = {"upload_timeout_s": 3.0, "require_api_key": key, **(settings or {})}
    stores = {"prediction_log": f"sqlite:///{home}/log.db"}
    (home / "service.yaml").write_text(yaml.safe_dump({"stores": stores, "service": service}))
    (home / "report.txt").touch()
    port = free_port()
    environment = {
        **os.environ,
        "SPARROW_MODEL": str(home / "model"),
        "SPARROW_CONFIG": str(home / "service.yaml"),
        "SPARROW_API_KEY": KEY,
        "TMPDIR": str(home / "tmp"),
        "ATTACK_REPORT": str(home / "report.txt"),
        "ATTACK_BAIT": BAIT,
        "PYTHONPATH": os.pathsep.join([str(HERE / "watch"), *filter(None, sys.path)]),
    }
    environment.pop("GRADIO_TEMP_DIR", None)
    address = f"http://127.0.0.1:{port}"
    try:
        with started(bentoml_serve(port), f"{address}/readyz", home, environment) as server:
            process = psutil.Process(server.pid)
            service_key = KEY if key else None
            running = Attacked(address, service_key, home, process, listener, photo)
            assert running.counts() is None, running.output[-2000:]
            running.forget()
            yield running
    finally:
        listener.close()
