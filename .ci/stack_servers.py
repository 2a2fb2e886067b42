"""The servers of ``stack.py``: how each is started, and how one knows that it is ready."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOOPBACK = "127.0.0.1"
BUCKET, USER = "sparrow", "sparrow"
DATABASES = ("mlflow", "optuna", "sparrow")
# SeaweedFS is four servers, each with a second port for its own calls.
S3_PORTS = (
    "s3.port", "s3.port.grpc", "master.port", "master.port.grpc", "volume.port", "volume.port.grpc",
    "filer.port", "filer.port.grpc",
)  # fmt: skip
PORTS = ("postgres", "mlflow", "metadata", *S3_PORTS)


class StackError(RuntimeError):
    """Something is missing here, or a server did not start; the message says which."""


@dataclass(frozen=True)
class Place:
    """Where the servers keep what they hold, and how they are reached.

    Attributes:
        home: the folder, as a whole path.
        ports: by the names of ``PORTS``.
        password: of the databases' user.
        key: the secret key of S3.
    """

    home: Path
    ports: Mapping[str, int]
    password: str
    key: str

    @property
    def passfile(self) -> Path:
        """The databases' password, as PostgreSQL's own programs read it."""
        return self.home / "passfile"

    def address(self, name: str) -> str:
        """Of a server that speaks HTTP."""
        return f"http://{LOOPBACK}:{self.ports[name]}"

    def environment(self) -> dict[str, str]:
        """What leads a program to all of them."""
        s3 = self.address("s3.port")
        return {
            "PGHOST": LOOPBACK,
            "PGPORT": str(self.ports["postgres"]),
            "PGUSER": USER,
            "PGPASSFILE": str(self.passfile),
            "AWS_ACCESS_KEY_ID": USER,
            "AWS_SECRET_ACCESS_KEY": self.key,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": s3,
            "MLFLOW_S3_ENDPOINT_URL": s3,
            "MLFLOW_TRACKING_URI": self.address("mlflow"),
            "METAFLOW_S3_ENDPOINT_URL": s3,
            "METAFLOW_DATASTORE_SYSROOT_S3": f"s3://{BUCKET}/metaflow",
            "METAFLOW_DEFAULT_DATASTORE": "s3",
            "METAFLOW_DEFAULT_METADATA": "service",
            "METAFLOW_SERVICE_URL": self.address("metadata"),
        }

    def write_secret(self, name: str, content: str) -> Path:
        """A file of the folder that nobody else reads."""
        path = self.home / name
        path.touch(mode=0o600)
        path.write_text(content, encoding="utf-8")
        return path


@dataclass(frozen=True)
class Server:
    """A server that can be started.

    Attributes:
        name: for people, and of its output.
        command: its program and arguments.
        is_ready: whether it answers; an OSError says that it does not.
        environment: beside that of ``Place``.
        signal: what ends it without haste.
        user: whom it runs as.
    """

    name: str
    command: Sequence[object]
    is_ready: Callable[[], bool]
    environment: Mapping[str, str]
    signal: signal.Signals = signal.SIGTERM
    user: str | None = None


def postgres(place: Place) -> Server:
    """PostgreSQL with an empty database for each store.

    Raises:
        StackError: it is not installed, or cannot be set up in the folder.
    """
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not binaries:
        raise StackError("PostgreSQL is not installed here: apt-get install postgresql")
    user = "nobody" if os.getuid() == 0 else None  # the server refuses to run as root
    folder, port = place.home / "postgres", place.ports["postgres"]
    place.write_secret("passfile", f"{LOOPBACK}:{port}:*:{USER}:{place.password}\n")
    if not (folder / "data").exists():
        _init_database(place, binaries[-1] / "initdb", folder, user)
    command = [binaries[-1] / "postgres", "-D", folder / "data", "-p", port]
    command += ["-c", f"listen_addresses={LOOPBACK}", "-c", "unix_socket_directories="]
    return Server("postgres", command, lambda: _make_databases(place), {}, signal.SIGINT, user)


def s3(place: Place) -> Server:
    """SeaweedFS with one bucket and one user."""
    (place.home / "s3").mkdir(exist_ok=True)
    keys = [{"accessKey": USER, "secretKey": place.key}]
    user = {"name": USER, "actions": ["Admin", "Read", "Write", "List"], "credentials": keys}
    users = place.write_secret("s3.json", json.dumps({"identities": [user]}))
    flags = {
        "dir": place.home / "s3", "ip": LOOPBACK, "ip.bind": LOOPBACK, "s3.config": users,
        **{name: place.ports[name] for name in S3_PORTS}, "s3.port.iceberg": 0,
        "s3.port.lance": 0, "s3.iam": "false", "master.telemetry": "false",
        "volume.max": 300, "volume.preStopSeconds": 1, "master.volumeSizeLimitMB": 64,
    }  # fmt: skip
    words = [f"-{name}={value}" for name, value in flags.items()]
    return Server("s3", [_beside("weed"), "server", "-s3", *words], lambda: _make_bucket(place), {})


def mlflow(place: Place) -> Server:
    """MLflow's server: its tables in PostgreSQL, its files in S3."""
    port, files = place.ports["mlflow"], f"s3://{BUCKET}/artifacts"
    command = [_beside("mlflow"), "server", "--host", LOOPBACK, "--port", port, "--workers", 1]
    command += ["--backend-store-uri", "postgresql+psycopg:///mlflow"]
    command += ["--default-artifact-root", files]
    more = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_TRACKING_URI": ""}
    return Server("mlflow", command, lambda: _answers(f"{place.address('mlflow')}/health"), more)


def metadata(place: Place) -> Server:
    """Metaflow's metadata service, of the package ``metaflow-local-service``."""
    root = place.home / "metadata"
    (root / ".metaflow").mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "metaflow_local_service.daemon"]
    words = ["--port", place.ports["metadata"], "--metaflow-root", root, "--idle-timeout", 10**9]
    # It notes its port in the home folder, as that of the user's own service.
    more, ping = {"HOME": str(root)}, f"{place.address('metadata')}/ping"
    return Server("metadata", [*command, *words], lambda: _answers(ping), more)


def _init_database(place: Place, initdb: Path, folder: Path, user: str | None) -> None:
    folder.mkdir(exist_ok=True)
    password = place.write_secret("postgres/password", place.password)
    if user is not None:
        shutil.chown(folder, user)
        shutil.chown(password, user)
    words = ["-A", "scram-sha-256", "-U", USER, "-E", "UTF8", "--pwfile", str(password)]
    made = subprocess.run(  # noqa: S603 - words of this file
        [str(initdb), "--no-sync", *words, "-D", str(folder / "data")],
        user=user, cwd="/", text=True, capture_output=True, check=False,
    )  # fmt: skip
    password.unlink()
    if made.returncode:
        shutil.rmtree(folder)
        reach = f" The user {user} has to reach it: choose another --home." if user else ""
        raise StackError(f"{folder} cannot be made a database: {made.stderr.strip()}.{reach}")


def _make_databases(place: Place) -> bool:
    import psycopg

    where: dict[str, Any] = {"host": LOOPBACK, "port": place.ports["postgres"], "user": USER}
    where |= {"passfile": str(place.passfile), "dbname": "postgres", "connect_timeout": 5}
    try:
        with psycopg.connect(**where, autocommit=True) as connection:
            there = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
            for name in sorted(set(DATABASES) - there):
                connection.execute(f"CREATE DATABASE {name}".encode())  # one of the names above
    except psycopg.OperationalError as error:
        raise ConnectionError(str(error)) from error
    return True


def _make_bucket(place: Place) -> bool:
    from pyarrow.fs import S3FileSystem

    S3FileSystem(
        access_key=USER, secret_key=place.key, scheme="http", region="us-east-1",
        endpoint_override=f"{LOOPBACK}:{place.ports['s3.port']}", allow_bucket_creation=True,
    ).create_dir(BUCKET)  # fmt: skip
    return True


def _answers(url: str) -> bool:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - on this machine
        return bool(answer.status == 200)


def _beside(program: str) -> Path:
    """A program of this environment.

    Raises:
        StackError: it is not installed.
    """
    path = Path(sys.executable).with_name(program)
    if not path.exists():
        raise StackError(f"{program} is not installed beside {sys.executable}: make setup")
    return path
