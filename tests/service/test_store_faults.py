"""Real faults of the log's store under a real service that is being asked: `make test-stores`.

For each fault: what was answered, what was lost, what the operator sees. With
``SPARROW_FAULT_TABLE=FILE`` the table is written there.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from server_process import OUTPUT, bentoml_serve, free_port, started
from sqlalchemy import select

from sparrow.predictions.log import PredictionLog
from sparrow.predictions.log_tables import feedback_table, photos_table

pytestmark = [pytest.mark.stores, pytest.mark.slow]

ROWS: list[str] = []
HEAD = (
    "| Fault | Held for | `/detect` answered | `/feedback` answered | Photos answered, in the log "
    "| Feedback accepted, in the log | `/readyz` | What the operator reads |\n"
    "|---|---|---|---|---|---|---|---|"
)


@pytest.fixture(scope="module", autouse=True)
def table() -> Iterator[None]:
    yield
    text = "\n".join([HEAD, *ROWS])
    print(f"\n{text}")
    if os.environ.get("SPARROW_FAULT_TABLE"):
        page = Path(os.environ["SPARROW_FAULT_TABLE"])
        before = page.read_text().split("| Fault |")[0] if page.is_file() else ""
        after = page.read_text().rpartition("|\n")[2] if page.is_file() else ""
        page.write_text(f"{before}{text}\n{after}")


@dataclass
class Load:
    """Visitors that send photos and feedback without a pause, and what they were answered."""

    base: str
    photo: bytes
    detected: Counter[int] = field(default_factory=Counter)
    told: Counter[int] = field(default_factory=Counter)
    ready: list[int] = field(default_factory=list)
    photos: list[str] = field(default_factory=list)
    feedback: list[int] = field(default_factory=list)  # the true counts, all different
    retry_after: set[str] = field(default_factory=set)
    _enough: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator[None]:
        jobs = (self._detect, self._detect, self._tell, self._probe)
        threads = [threading.Thread(target=job) for job in jobs]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._enough.set()
            for thread in threads:
                thread.join()

    def _ask(self, job: Callable[[httpx.Client], None]) -> None:
        with httpx.Client(base_url=self.base, timeout=120) as client:
            while not self._enough.wait(0.2):
                job(client)

    def _detect(self) -> None:
        def once(client: httpx.Client) -> None:
            answer = client.post("/detect", files={"photos": ("a.jpg", self.photo)})
            self.detected[answer.status_code] += 1
            if answer.status_code == 200:
                self.photos.append(answer.json()["photos"][0]["prediction_id"])
            if answer.status_code == 503:
                self.retry_after.add(answer.headers["retry-after"])

        self._ask(once)

    def _tell(self) -> None:
        number = iter(range(1, 100_000))

        def once(client: httpx.Client) -> None:
            if not self.photos:
                return
            said = {"prediction_id": self.photos[-1], "true_count": next(number)}
            answer = client.post("/feedback", json=said)
            self.told[answer.status_code] += 1
            if answer.status_code == 200:
                self.feedback.append(said["true_count"])
            if answer.status_code == 503:
                self.retry_after.add(answer.headers["retry-after"])

        self._ask(once)

    def _probe(self) -> None:
        def once(client: httpx.Client) -> None:
            self.ready.append(client.get("/readyz").status_code)

        self._ask(once)


@dataclass
class Service:
    base: str
    output: Path
    process: subprocess.Popen[bytes]

    def figure(self, name: str) -> float:
        text = httpx.get(f"{self.base}/metrics", timeout=60).raise_for_status().text
        line = re.search(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE)
        assert line, f"there is no {name} in /metrics"
        return float(line[1])

    def said(self) -> list[dict[str, Any]]:
        lines = [line for line in self.output.read_text().splitlines() if line.startswith("{")]
        entries = [json.loads(line) for line in lines]
        return [entry for entry in entries if entry["level"] in ("error", "warning", "critical")]


@contextmanager
def service(home: Path, model: Path, log_url: str, **environment: str) -> Iterator[Service]:
    home.mkdir(exist_ok=True)
    (home / "service.yaml").write_text(f"stores: {{prediction_log: '{log_url}'}}\n")
    port = free_port()
    full = {
        **os.environ,
        "SPARROW_MODEL": str(model.resolve()),
        "SPARROW_CONFIG": str(home / "service.yaml"),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "PWD": str(home),
        "BENTOML_HOME": str(home / "bentoml"),  # metrics lie there; another server empties them
        **environment,
    }
    command = [*bentoml_serve(port), "--working-dir", str(Path(__file__).parents[2])]
    base = f"http://127.0.0.1:{port}"
    with started(command, f"{base}/readyz", home, full, cwd=home) as process:
        yield Service(base, home / OUTPUT, process)


def status(base: str) -> int:
    try:
        return httpx.get(f"{base}/readyz", timeout=5).status_code
    except httpx.HTTPError:
        return 0


def until(true: Callable[[], Any], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return
        time.sleep(0.2)
    raise AssertionError("it did not come true")


def try_fault(
    name: str,
    running: Service,
    log_url: str,
    photo: bytes,
    begin: Callable[[], Any],
    end: Callable[[], Any],
    seconds: float,
    told: frozenset[int] = frozenset({200, 503}),
) -> Load:
    """Ask, break, go on asking, repair, go on asking; then compare answers and log."""
    load = Load(running.base, photo)
    with load.running():
        until(lambda: len(load.photos) >= 20 and len(load.feedback) >= 5)
        begin()
        time.sleep(seconds)
        end()
        again = len(load.photos), len(load.feedback)
        until(lambda: len(load.photos) >= again[0] + 20 and len(load.feedback) >= again[1] + 5)
    with suppress(AssertionError):  # what is missing then is told and asserted below
        until(lambda: set(load.photos) <= set(rows_of(log_url)[0]))
    until(lambda: running.figure("sparrow_log_away") == 0)
    there, counts = rows_of(log_url)
    kept = sum(photo in set(there) for photo in load.photos)
    noted = sum(photo in set(counts) for photo in load.feedback)
    ready = Counter(load.ready)
    ROWS.append(
        f"| {name} | {seconds:g} s | {_counts(load.detected)} | {_counts(load.told)} | "
        f"{len(load.photos)}, {kept} | {len(load.feedback)}, {noted} | {_counts(ready)} | "
        f"{_lines(running)} |"
    )
    assert len(there) == len(set(there))
    assert kept == len(load.photos)
    assert noted == len(load.feedback)
    assert set(load.detected) <= {200, 503}
    assert set(load.told) <= told
    assert all(int(value) > 0 for value in load.retry_after)
    assert running.said(), "the operator saw nothing"
    return load


def rows_of(log_url: str) -> tuple[list[str], list[int]]:
    """Ids of the photos, and true counts of the feedback, that a log holds."""
    log = PredictionLog(log_url, read_only=True)
    there = [row["id"] for row in log.rows(select(photos_table.c.id))]
    counts = [row["true_count"] for row in log.rows(select(feedback_table.c.true_count))]
    log.close()
    return there, counts


def _counts(counter: Counter[int]) -> str:
    return ", ".join(f"{n} × {code}" for code, n in sorted(counter.items()))


def _lines(running: Service) -> str:
    """Each kind of message once, without this run's folders and numbers."""
    kinds: dict[str, int] = {}
    for entry in running.said():
        text = re.sub(r"(?<!\S)/\S*/(?=[^/\s]+)", "", entry["message"])
        text = re.sub(r"port \d+", "port N", text).splitlines()[0]
        text = re.sub(r"[0-9a-f]{32}", "ID", text)
        kind = f"{entry['level']}: " + re.sub(r"\b\d+ photos", "N photos", text)
        kinds[kind] = kinds.get(kind, 0) + 1
    return "<br>".join(f"{text} ({n} ×)".replace("|", "\\|") for text, n in kinds.items())


@pytest.fixture
def photo(drawn_dataset: Path) -> bytes:
    return next((drawn_dataset / "images").iterdir()).read_bytes()


def files_of(path: Path) -> list[Path]:
    return [one for name in ("", "-wal", "-shm") if (one := Path(f"{path}{name}")).exists()]


def test_disk_full(
    model_folder: Path, photo: bytes, tmp_path: Path, small_disk: Callable[..., Path]
) -> None:
    disk = small_disk("disk", 32)
    url = f"sqlite:///{disk}/log.db"

    def fill() -> None:
        with (disk / "ballast").open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(b"x" * 512)

    with service(tmp_path / "home", model_folder, url) as running:
        load = try_fault(
            "Disk full (log and spill on it)", running, url, photo,
            fill, (disk / "ballast").unlink, 15,
        )  # fmt: skip
    assert 503 in load.ready


def test_read_only(model_folder: Path, photo: bytes, tmp_path: Path) -> None:
    path = tmp_path / "data" / "log.db"
    url = f"sqlite:///{path}"

    def immutable(sign: str) -> None:
        # Not what processes share by mapping it: the system would kill whoever writes there.
        files = [file for file in files_of(path) if not file.name.endswith("-shm")]
        done = subprocess.run(["chattr", f"{sign}i", *files], capture_output=True)
        if done.returncode:
            pytest.skip("files cannot be made immutable here (chattr +i)")

    try:
        with service(tmp_path / "home", model_folder, url) as running:
            load = try_fault(
                "Files read-only (`chattr +i`)", running, url, photo,
                lambda: immutable("+"), lambda: immutable("-"), 15,
            )  # fmt: skip
    finally:
        immutable("-")
    assert 503 in load.ready


def test_locked_for_a_minute(model_folder: Path, photo: bytes, tmp_path: Path) -> None:
    path = tmp_path / "data" / "log.db"
    code = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "c.execute('BEGIN IMMEDIATE'); print('held', flush=True); sys.stdin.read()"
    )
    held: list[subprocess.Popen[bytes]] = []

    def lock() -> None:
        command = [sys.executable, "-c", code, str(path)]
        held.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        assert held[0].stdout is not None
        held[0].stdout.readline()

    with service(tmp_path / "home", model_folder, f"sqlite:///{path}") as running:
        load = try_fault(
            "Locked by another process", running, f"sqlite:///{path}", photo,
            lock, lambda: held[0].communicate(), 60,
        )  # fmt: skip
    assert 503 in load.ready
    assert 503 in load.told


@pytest.mark.parametrize("what", ["file", "folder"])
def test_gone(model_folder: Path, photo: bytes, tmp_path: Path, what: str) -> None:
    path = tmp_path / "data" / "log.db"
    url = f"sqlite:///{path}"

    def remove() -> None:
        if what == "folder":
            shutil.rmtree(path.parent, ignore_errors=True)
        else:
            for file in files_of(path):
                file.unlink()

    with service(tmp_path / "home", model_folder, url) as running:
        load = try_fault(f"The {what} removed", running, url, photo, remove, lambda: None, 15)
        assert running.figure("sparrow_log_replaced_total") == 1
    assert 503 in load.ready


def test_replaced(model_folder: Path, photo: bytes, tmp_path: Path) -> None:
    path = tmp_path / "data" / "log.db"
    url = f"sqlite:///{path}"

    def replace() -> None:
        other = tmp_path / "data" / "other.db"
        with closing(sqlite3.connect(path)) as file, closing(sqlite3.connect(other)) as copy:
            file.backup(copy)  # an hour-old copy that somebody puts back
        time.sleep(1)
        other.replace(path)

    def restore() -> None:
        """Put the rows that were rescued beside the file back into it, as an operator would."""
        [rescued] = path.parent.glob("log.db.before-*")
        with closing(sqlite3.connect(path, timeout=30)) as file:
            file.execute("ATTACH ? AS rescued", (str(rescued),))
            for name in ("predictions", "boxes", "feedback"):
                file.execute(f"INSERT OR IGNORE INTO {name} SELECT * FROM rescued.{name}")
            file.commit()

    with service(tmp_path / "home", model_folder, url) as running:
        # A photo that is only in the file that was replaced is unknown until its rows are back.
        told = frozenset({200, 404, 503})
        load = try_fault("Replaced by a copy", running, url, photo, replace, restore, 15, told)
        assert running.figure("sparrow_log_replaced_total") == 1
    assert 503 in load.ready


def test_killed_while_it_is_locked(model_folder: Path, photo: bytes, tmp_path: Path) -> None:
    """SIGKILL of the worker and its supervisor; the next start reads in what waits."""
    path = tmp_path / "data" / "log.db"
    url = f"sqlite:///{path}"
    times: dict[str, float] = {}
    with service(tmp_path / "home", model_folder, url) as running:
        lock = sqlite3.connect(path, isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        with httpx.Client(base_url=running.base, timeout=60) as client:
            end = time.monotonic() + 12
            while time.monotonic() < end:
                answer = client.post("/detect", files={"photos": ("a.jpg", photo)})
                name = answer.json()["photos"][0]["prediction_id"]
                times[name] = time.monotonic()
        killed = time.monotonic()
        for child in children_of(running.process.pid):
            os.kill(child, signal.SIGKILL)
        lock.close()
    with service(tmp_path / "again", model_folder, url) as running:
        until(lambda: not list(path.parent.glob("*.jsonl")))
        there = set(rows_of(url)[0])
        lost = [killed - moment for name, moment in times.items() if name not in there]
        ROWS.append(
            f"| SIGKILL while locked, then started again | 12 s | {len(times)} × 200 | | "
            f"{len(times)}, {len(there)} | | | {_lines(running)} |"
        )
    # 0.2 s of a batch and 0.5 s of an attempt at the lock; the rest is for a busy machine.
    assert max(lost, default=0) < 4
    assert len(times) - len(lost) > 0


def children_of(process: int) -> list[int]:
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True)
    pairs = [tuple(map(int, line.split())) for line in listed.stdout.splitlines()]
    below, size = {process}, 0
    while len(below) != size:
        size = len(below)
        below |= {child for child, parent in pairs if parent in below}
    return sorted(below, reverse=True)


class Postgres:
    """A PostgreSQL server that can be stopped and started."""

    def __init__(self) -> None:
        folders = [
            *sorted(Path("/usr/lib/postgresql").glob("*/bin")),
            *map(Path, os.get_exec_path()),
        ]
        binaries = next((path for path in folders if (path / "initdb").exists()), None)
        if binaries is None:
            pytest.skip("PostgreSQL is not installed here (apt install postgresql)")
        self._binaries = binaries
        self._user = "nobody" if os.getuid() == 0 else None  # the server refuses to run as root
        self.home = Path(tempfile.mkdtemp(prefix="sparrow-postgres-"))
        if self._user:
            shutil.chown(self.home, self._user)
        self.port = free_port()
        self._run("initdb", "-A", "trust", "-U", "sparrow", "-E", "UTF8", self.home / "data")
        self.start()

    @property
    def url(self) -> str:
        return f"postgresql://sparrow@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
        data = ("-D", self.home / "data", "-l", self.home / "log.txt")
        self._run("pg_ctl", "start", "-w", *data, "-o", options)

    def stop(self, mode: str = "fast") -> None:
        self._run("pg_ctl", "stop", "-w", "-m", mode, "-D", self.home / "data")

    def execute(self, *statements: str) -> None:
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SET default_transaction_read_only = off")
            for statement in statements:
                connection.execute(statement)

    def pause(self, sign: signal.Signals) -> None:
        leader = int((self.home / "data" / "postmaster.pid").read_text().split()[0])
        for process in children_of(leader):
            os.kill(process, sign)

    def _run(self, program: str, *arguments: Any) -> None:
        subprocess.run(
            [self._binaries / program, *arguments],
            user=self._user, cwd=self.home, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip


@pytest.fixture
def server() -> Iterator[Postgres]:
    server = Postgres()
    yield server
    with suppress(subprocess.CalledProcessError):
        server.stop("immediate")
    shutil.rmtree(server.home)


READ_ONLY = "ALTER SYSTEM SET default_transaction_read_only = {}"
RELOAD = "SELECT pg_reload_conf()"


@pytest.mark.parametrize("fault", ["restarted", "crashed", "hangs", "read-only", "tables renamed"])
def test_postgresql(
    server: Postgres, model_folder: Path, photo: bytes, tmp_path: Path, fault: str
) -> None:
    begin, end = {
        "restarted": (server.stop, server.start),
        "crashed": (lambda: server.stop("immediate"), server.start),
        "hangs": (lambda: server.pause(signal.SIGSTOP), lambda: server.pause(signal.SIGCONT)),
        "read-only": (
            lambda: server.execute(READ_ONLY.format("on"), RELOAD),
            lambda: server.execute(READ_ONLY.format("off"), RELOAD),
        ),
        "tables renamed": (
            lambda: server.execute(
                "ALTER TABLE feedback RENAME TO f", "ALTER TABLE predictions RENAME TO p"
            ),
            lambda: server.execute(
                "ALTER TABLE f RENAME TO feedback", "ALTER TABLE p RENAME TO predictions"
            ),
        ),
    }[fault]
    name = f"PostgreSQL {fault}"
    with service(tmp_path / "home", model_folder, server.url) as running:
        load = try_fault(name, running, server.url, photo, begin, end, 15)
    assert 503 in load.ready
