"""2,000 photos in S3, 40 of them bad: Metaflow's foreach and Ray on two nodes, both killed once.

Needs ``ray`` and SeaweedFS: ``make test-cluster``.
"""

from __future__ import annotations

import io
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow.fs as fs
import pytest
from archives import rows_of
from PIL import Image
from pinned_sets import BUCKET, S3Server

from sparrow.storage.object_store import open_store

pytestmark = pytest.mark.cluster
ROOT = Path(__file__).resolve().parents[2]
PHOTOS, BAD = 2000, 40
SHARDS = {"metaflow": 4, "ray": 8}
KINDS = (b"", b"this is text", b"\xff\xd8\xff no more than a beginning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The photos, of three cameras; every fiftieth is bad, in one of four ways."""
    home = tmp_path_factory.mktemp("archive")
    rng = np.random.default_rng(7)
    for number in range(PHOTOS):
        patches = rng.integers(0, 20 + number % 236, (9, 12, 3), dtype=np.uint8)
        picture = Image.fromarray(patches).resize((96, 72), Image.Resampling.NEAREST)
        picture.save(buffer := io.BytesIO(), "JPEG", quality=90)
        content = buffer.getvalue()
        if number % (PHOTOS // BAD) == 0:
            content = (*KINDS, content[: len(content) // 3])[number // (PHOTOS // BAD) % 4]
        path = home / f"camera {number % 3} ä" / f"{number:05d}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    (home / "notes.txt").write_text("notes")
    return home


@pytest.fixture(scope="module")
def local_rows(folder: Path, model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the local command writes of them."""
    table = tmp_path_factory.mktemp("local") / "counts.parquet"
    counted = start(model_folder, folder, "-r", "--to", table)
    said, _ = counted.communicate()
    assert counted.returncode == 3, said
    return rows_of(table)


@pytest.fixture(scope="module")
def archive(folder: Path, s3_server: S3Server) -> str:
    """Their address."""
    fs.copy_files(
        str(folder), f"{BUCKET}/archive",
        source_filesystem=fs.LocalFileSystem(), destination_filesystem=s3_server.filesystem(),
    )  # fmt: skip
    return f"s3://{BUCKET}/archive"


def start(model: Path, *words: object, cwd: Path | None = None) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "sparrow.cli.main", "count", "--model", model, *words]
    return subprocess.Popen(
        list(map(str, command)), cwd=cwd, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def kill(process: subprocess.Popen[str]) -> None:
    """The process and all that it started, at once, as when a machine loses its power."""
    tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for one in tree:
        one.suspend()
    for one in tree:
        one.kill()
    process.communicate()


def counted_shards(to: str) -> int:
    return sum(key.endswith(".counts") for key in open_store(to).sizes("_state/shards"))


def wait_for_a_shard(process: subprocess.Popen[str], to: str) -> None:
    wait_for(process, lambda: counted_shards(to) > 0)


def wait_for(process: subprocess.Popen[str], condition: Callable[[], bool]) -> None:
    while not condition():
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)


def killed_and_resumed(
    model: Path,
    archive: str,
    engine: str,
    tmp_path: Path,
    before: Callable[[subprocess.Popen[str], str], None] = wait_for_a_shard,
) -> tuple[str, str]:
    """Where the counts are, and what the second run said.

    Args:
        before: what happens before the first run is killed; with it and the address of its counts.
    """
    to = f"s3://{BUCKET}/{tmp_path.name}/counts"
    words = (
        archive,
        "--to",
        f"{to}/",
        "--engine",
        engine,
        "--shard-photos",
        PHOTOS // SHARDS[engine],
    )
    first = start(model, *words, "--workers", 2, cwd=tmp_path)
    before(first, to)
    kill(first)
    assert 0 < counted_shards(to) < SHARDS[engine]
    second = start(model, *words, "--workers", 2, cwd=tmp_path)
    said, _ = second.communicate()
    assert second.returncode == 3, said
    return to, said


def check(to: str, said: str, local_rows: Any, tmp_path: Path, server: S3Server) -> None:
    assert "were counted before, going on" in said
    assert f"{PHOTOS + 1} found: {PHOTOS - BAD} counted, {BAD} could not be counted, 1" in said
    assert sorted(open_store(to).sizes("")) == ["_summary.json", "part-00000.parquet"]
    (tmp_path / "counts").mkdir()
    fs.copy_files(
        to.removeprefix("s3://"), str(tmp_path / "counts"), source_filesystem=server.filesystem()
    )
    assert len(local_rows) == PHOTOS
    assert rows_of(tmp_path / "counts") == local_rows


def test_a_flow_that_is_killed_goes_on_by_shard(
    archive: str, model_folder: Path, local_rows: Any, tmp_path: Path, s3: S3Server
) -> None:
    to, said = killed_and_resumed(model_folder, archive, "metaflow", tmp_path)
    check(to, said, local_rows, tmp_path, s3)


@pytest.fixture
def nodes(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[list[subprocess.Popen[str]]]:
    """Two nodes of a Ray cluster with addresses of their own, a core each."""
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(16))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    started: list[subprocess.Popen[str]] = []
    with tempfile.TemporaryDirectory(prefix="ray-") as short:  # sockets' paths have 107 letters
        head = ("--head", "--port", "6479", "--include-dashboard=false", "--temp-dir", short)
        try:
            started.append(ray_node("127.0.0.1", *head))
            started.append(ray_node("127.0.0.2", "--address", "127.0.0.1:6479"))
            monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:6479")
            yield started
        finally:
            for node in started:
                if node.poll() is None:
                    kill(node)


def ray_node(address: str, *words: str) -> subprocess.Popen[str]:
    ray = Path(sys.executable).with_name("ray")
    node = subprocess.Popen(
        [ray, "start", "--block", "--num-cpus=1", f"--node-ip-address={address}", *words],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert node.stdout is not None
    for line in node.stdout:
        if "Ray runtime started" in line:
            return node
    raise AssertionError(node.wait())


def test_two_nodes_of_ray_lose_one_and_the_driver_and_lose_no_photo(
    archive: str, model_folder: Path, local_rows: Any, tmp_path: Path, s3: S3Server,
    nodes: list[subprocess.Popen[str]],
) -> None:  # fmt: skip
    def lose_a_node(driver: subprocess.Popen[str], to: str) -> None:
        wait_for(driver, lambda: all(map(counts_shards, nodes)))
        kill(nodes[1])
        done = counted_shards(to)
        wait_for(driver, lambda: counted_shards(to) > done)

    to, said = killed_and_resumed(model_folder, archive, "ray", tmp_path, lose_a_node)
    check(to, said, local_rows, tmp_path, s3)


def counts_shards(node: subprocess.Popen[str]) -> bool:
    """Whether an actor of a node has started the process that counts its photos."""
    actors = [
        process
        for process in psutil.Process(node.pid).children(recursive=True)
        if "RayShardCounter" in " ".join(process.cmdline())
    ]
    return any(actor.children() for actor in actors)
