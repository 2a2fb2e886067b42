"""Objects in a folder and in a real S3 bucket: whole, listed, named when they cannot be had."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pinned_sets import BUCKET, KEYS, READ_ONLY, S3Server

from sparrow.storage.object_store import ObjectMissingError, ObjectStore, StoreError, open_store

PLACES = ["folder", pytest.param("s3", marks=pytest.mark.push)]


@pytest.fixture(params=PLACES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    """An empty one, whose name has a blank and a letter beyond ASCII."""
    if request.param == "folder":
        (tmp_path / "store ä").mkdir()
        return open_store(str(tmp_path / "store ä"), writer="me")
    request.getfixturevalue("s3")
    return open_store(f"s3://{BUCKET}/{tmp_path.name} ä")


def test_an_empty_store_lists_nothing(store: ObjectStore) -> None:
    assert store.sizes("objects") == {}
    with pytest.raises(ObjectMissingError, match="has no objects/ab/c"):
        store.read("objects/ab/c")


def test_what_is_written_is_read(store: ObjectStore) -> None:
    contents = {"objects/ab/c": b"one", "objects/de/f.gz": b"", "objects/de/g": b"x" * 12_000_000}
    for key, content in contents.items():
        store.write(key, content)
    store.write("other/h", b"other")
    store.write("objects/ab/c", b"second")  # in place of the first
    contents["objects/ab/c"] = b"second"
    assert store.sizes("objects") == {key: len(content) for key, content in contents.items()}
    assert {key: store.read(key) for key in contents} == contents


def test_what_a_kill_leaves_is_removed_by_its_writer_alone(tmp_path: Path) -> None:
    for writer in ("me", "you"):
        (tmp_path / "incoming" / writer).mkdir(parents=True)
        (tmp_path / "incoming" / writer / "partial").write_bytes(b"half")
    store = open_store(str(tmp_path), writer="me")
    store.clear_incoming()
    assert [path.parent.name for path in tmp_path.rglob("partial")] == ["you"]
    assert store.sizes("objects") == {}


def test_a_share_that_is_not_mounted_is_not_made(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "share"))
    uses: list[Callable[[], object]] = [
        lambda: store.sizes("objects"),
        lambda: store.read("a"),
        lambda: store.write("a", b""),
    ]
    for use in uses:
        with pytest.raises(StoreError, match="share is not there: mount it"):
            use()
    assert not (tmp_path / "share").exists()


def test_a_store_that_cannot_be_written_is_read(
    tmp_path: Path, read_only_folder: Callable[[Path], Path]
) -> None:
    (tmp_path / "store").mkdir()
    open_store(str(tmp_path / "store")).write("a/b", b"content")
    store = open_store(str(read_only_folder(tmp_path / "store")))
    store.clear_incoming()
    assert store.read("a/b") == b"content"
    with pytest.raises(StoreError, match=r"a/c cannot be written: .*Read-only file system"):
        store.write("a/c", b"content")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("gs://bucket/x", "expected a folder or s3://bucket/prefix"),
        ("s3://", "expected s3://bucket/prefix and nothing else"),
        ("s3://key:hidden@bucket/x", "AWS_ACCESS_KEY_ID"),
        ("s3://bucket/x?secret_key=hidden", "AWS_ACCESS_KEY_ID"),
    ],
)
def test_other_addresses_are_refused_without_their_secrets(url: str, said: str) -> None:
    with pytest.raises(StoreError, match=said) as refused:
        open_store(url)
    assert "hidden" not in str(refused.value)


@pytest.mark.push
def test_an_s3_store_says_what_to_look_at(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    open_store(f"s3://{BUCKET}/named").write("a", b"content")
    with pytest.raises(ObjectMissingError, match="has no a"):
        open_store("s3://no-such-bucket/x").read("a")
    with pytest.raises(StoreError, match="there is no bucket no-such-bucket"):
        open_store("s3://no-such-bucket/x").sizes("objects")
    for name, value in READ_ONLY.items():
        monkeypatch.setenv(name, value)
    assert open_store(f"s3://{BUCKET}/named").read("a") == b"content"
    with pytest.raises(StoreError, match=r"b cannot be written: .*ACCESS_DENIED") as refused:
        open_store(f"s3://{BUCKET}/named").write("b", b"content")
    assert s3.url in str(refused.value)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEYS["AWS_SECRET_ACCESS_KEY"])
    with pytest.raises(StoreError, match="SIGNATURE") as refused:
        open_store(f"s3://{BUCKET}/named").sizes("")
    assert KEYS["AWS_SECRET_ACCESS_KEY"] not in str(refused.value)


@pytest.mark.push
def test_no_server_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    environment: dict[str, Any] = KEYS | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StoreError, match=r"NETWORK_CONNECTION.*server: http://127.0.0.1:9"):
        open_store("s3://bucket/x").sizes("objects")
