"""Bring a pinned state into a store: each content once, under its SHA-256, only what is missing.

The list of files goes last: a store that has it has everything that it names. A kill at any moment
costs what was on its way; the next push goes on with what is missing.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sparrow.config import DataConfig
from sparrow.data.errors import DataError
from sparrow.data.ingest.atomic_dir import file_lock
from sparrow.data.pins.contents import THREADS, kept_paths, read_contents
from sparrow.data.pins.manifest import FileEntry, manifest_path, parse_manifest, sha256_hex
from sparrow.data.pins.pointer import read_pointer
from sparrow.plain_text import one_line
from sparrow.progress import Progress
from sparrow.regular_file import open_regular
from sparrow.storage.object_store import ObjectMissingError, ObjectStore, open_store

T = TypeVar("T")

OBJECTS = "objects"
SHOWN = 10


@dataclass(frozen=True)
class Transfer:
    """What a push or pull moved: objects and their bytes, and how many were there already.

    ``replaced`` counts those in the store that were damaged and are whole now.
    """

    objects: int
    bytes: int
    known: int
    replaced: int = 0


def object_key(sha256: str) -> str:
    """Name of a content in a store: 256 folders keep each of them small."""
    return f"{OBJECTS}/{sha256[:2]}/{sha256}"


def push(
    config: DataConfig,
    store_url: str | None,
    progress: Progress | None = None,
    *,
    verify: bool = False,
) -> Transfer:
    """Put everything that the pointer names into a store.

    Args:
        config: the data section.
        store_url: as ``open_store`` takes it.
        progress: called with (done, all) objects that are missing.
        verify: also read back what the store has, and write again what is damaged.

    Raises:
        DataError: no pointer or store, or pinned content is here no more; all else is pushed.
        StoreError: the store cannot be used, or loses what is written.
    """
    root = Path(config.root)
    with file_lock(root):
        store = named_store(store_url, writer=_writer(root))
        store.clear_incoming()
        pinned = read_pointer(root).manifest
        listed = _own_manifest(root, pinned)
        wanted = parse_manifest(listed, pinned, str(manifest_path(root, pinned))).contents()
        transfer = _push_contents(store, config, wanted.values(), progress, verify)
        if verify or store.sizes(OBJECTS).get(object_key(pinned)) != len(listed):
            store.write(object_key(pinned), listed)
        return transfer


def _push_contents(
    store: ObjectStore,
    config: DataConfig,
    wanted: Collection[FileEntry],
    progress: Progress | None,
    verify: bool,
) -> Transfer:
    stored = store.sizes(OBJECTS)
    sound = {entry for entry in wanted if stored.get(object_key(entry.sha256)) == entry.bytes}
    if verify:
        sound -= _damaged(store, sound, progress)
    missing = sorted(set(wanted) - sound)
    replaced = sum(object_key(entry.sha256) in stored for entry in missing)
    _send(store, config, missing, progress)
    _refuse_lost(store, wanted)
    return Transfer(len(missing), sum(entry.bytes for entry in missing), len(sound), replaced)


def named_store(url: str | None, writer: str = "anybody") -> ObjectStore:
    """The store of the data.

    Args:
        url: ``stores.data``.
        writer: as ``open_store`` takes it.

    Raises:
        DataError: none is named; the message says how.
        StoreError: the address is none that can be used.
    """
    if url is None:
        raise DataError(
            "no store is named: set stores.data, in the config or by --set stores.data=..., to a "
            "folder or s3://bucket/prefix. AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, for a "
            "server that is not Amazon's, AWS_ENDPOINT_URL in the environment open the second"
        )
    return open_store(url, writer)


def _writer(root: Path) -> str:
    """A name for this set on this machine: its lock lets one process at a time push it."""
    return sha256_hex(f"{platform.node()} {root.resolve()}".encode())[:16]


def _own_manifest(root: Path, sha256: str) -> bytes:
    path = manifest_path(root, sha256)
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path}: the list of the pinned files is not here: they were pinned elsewhere. "
            "`sparrow data pull` brings them, `sparrow data pin` pins what is here"
        ) from error


def _send(
    store: ObjectStore, config: DataConfig, missing: list[FileEntry], progress: Progress | None
) -> None:
    root = Path(config.root)

    def send(entry: FileEntry, places: Iterable[Path]) -> FileEntry | None:
        content = _content(places, entry)
        if content is not None:
            store.write(object_key(entry.sha256), content)
        return entry if content is None else None

    def send_pinned(entry: FileEntry) -> FileEntry | None:
        return send(entry, (root / entry.path, *kept_paths(root, entry.sha256)))

    lost = sorted(filter(None, in_threads(send_pinned, missing, progress)))
    if lost:  # files that have another name since
        contents = read_contents(root, config)
        places = ((entry, contents.path_of(entry.sha256)) for entry in lost)
        lost = [entry for entry, path in places if send(entry, [path] if path else [])]
    if lost:
        names = "".join(f"\n  {one_line(entry.path)}" for entry in lost[:SHOWN])
        more = f"\n  {len(lost) - SHOWN:,} more" if len(lost) > SHOWN else ""
        raise DataError(
            f"{root}: {len(lost):,} of the pinned files changed since they were pinned, so the "
            f"push is not complete:{names}{more}\n`sparrow data pin` pins what is here now; "
            "`sparrow data log` lists what `sparrow data restore` can bring back"
        )


def _content(places: Iterable[Path], entry: FileEntry) -> bytes | None:
    """The bytes of an entry, which are hashed as they are sent; None where they are not here."""
    for place in places:
        try:
            with open_regular(place) as file:
                content = file.read()
        except OSError:
            continue
        if sha256_hex(content) == entry.sha256:
            return content
    return None


def _damaged(
    store: ObjectStore, entries: Iterable[FileEntry], progress: Progress | None
) -> set[FileEntry]:
    def check(entry: FileEntry) -> FileEntry | None:
        try:
            content = store.read(object_key(entry.sha256))
        except ObjectMissingError:
            return entry
        return None if sha256_hex(content) == entry.sha256 else entry

    return {entry for entry in in_threads(check, sorted(entries), progress) if entry is not None}


def _refuse_lost(store: ObjectStore, wanted: Iterable[FileEntry]) -> None:
    """Ask the store what it has before the list of files says that it has everything."""
    stored = store.sizes(OBJECTS)
    lost = [entry for entry in wanted if stored.get(object_key(entry.sha256)) != entry.bytes]
    if lost:
        raise DataError(
            f"the store {store.name} took {len(lost):,} objects and does not have them, for "
            f"example {object_key(lost[0].sha256)} ({one_line(lost[0].path)}); push again"
        )


def in_threads(
    work: Callable[[FileEntry], T], entries: list[FileEntry], progress: Progress | None
) -> list[T]:
    """The results of several threads, in no order; the first error stops what has not begun."""
    results: list[T] = []
    with ThreadPoolExecutor(THREADS) as threads:
        tasks = [threads.submit(work, entry) for entry in entries]
        try:
            for task in as_completed(tasks):
                results.append(task.result())
                if progress:
                    progress(len(results), len(tasks))
        finally:
            threads.shutdown(cancel_futures=True)
    return results
