"""Bring the pinned state from a store into a set: what is here already is not fetched again.

Objects are fetched, one file each, into a folder beside the set, and checked by hash. When all are
there, the new state is built beside the set and put in its place in one step. So a kill at any
moment leaves the set as it was or as it should be, and the next pull goes on. What the set had and
the state has not is kept in its history.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sparrow.atomic_file import write_atomic
from sparrow.config import DataConfig
from sparrow.data.checks.measure_cache import MeasureCache, measure_folder
from sparrow.data.checks.run import check_dataset
from sparrow.data.errors import DataError, as_data_errors
from sparrow.data.ingest.atomic_dir import file_lock, replace_directory
from sparrow.data.pins.arrange import build_state
from sparrow.data.pins.compare import compare, recorded_as
from sparrow.data.pins.contents import Contents, read_contents
from sparrow.data.pins.manifest import (
    FileEntry,
    Manifest,
    kept_manifests,
    parse_manifest,
    read_manifest,
    sha256_hex,
)
from sparrow.data.pins.pin import record_state
from sparrow.data.pins.pointer import Pointer, read_pointer
from sparrow.data.pins.push import Transfer, in_threads, named_store, object_key
from sparrow.data.tables import data_version
from sparrow.plain_text import one_line
from sparrow.progress import Progress
from sparrow.storage.object_store import ObjectMissingError, ObjectStore

FETCHED = ".fetched"  # ending of the folder of fetched objects, beside the set
SHOWN = 10


@dataclass(frozen=True)
class Pulled:
    """The pointer, what was fetched, and whether the set was changed."""

    pointer: Pointer
    transfer: Transfer
    changed: bool


def pull(
    config: DataConfig,
    store_url: str | None,
    progress: Progress | None = None,
    *,
    keep_local: bool = False,
) -> Pulled:
    """Make the set what its pointer says.

    Args:
        config: the data section.
        store_url: as ``open_store`` takes it; None serves where nothing is to fetch.
        progress: called with (done, all) objects to fetch.
        keep_local: record local changes as a version of their own first.

    Raises:
        DataError: no pointer or store; files differ that no recorded state has, without
            ``keep_local``; objects are missing or damaged. The set is as it was.
        StoreError: the store cannot be used; what was fetched so far stays for the next pull.
    """
    root, pointer = Path(config.root), read_pointer(Path(config.root))
    with file_lock(root), as_data_errors("not pulled", root):
        manifest = fetch_manifest(store_url, root, pointer)
        contents = read_contents(root, config)
        if not compare(contents, manifest):
            return Pulled(pointer, Transfer(0, 0, len(manifest.files)), changed=False)
        _secure_local(contents, manifest, config, keep_local)
        transfer = _fetch(store_url, _missing(contents, manifest), fetched_folder(root), progress)
        _replace(contents, manifest, config)
        return Pulled(pointer, transfer, changed=True)


def _replace(contents: Contents, manifest: Manifest, config: DataConfig) -> None:
    """Build the state and put it in the set's place; what is known of its photos is kept."""
    root, fetched = contents.root, fetched_folder(contents.root)
    with MeasureCache(measure_folder(config)) as cache:
        same = set(contents.files.values()) & set(manifest.files)
        known = cache.unchanged((root / entry.path).resolve() for entry in same)
        with replace_directory(root) as incoming:
            build_state(contents, manifest, incoming, fetched)
        cache.relinked(known)
    shutil.rmtree(fetched, ignore_errors=True)


def fetched_folder(root: Path) -> Path:
    """Where fetched objects wait, beside the set; what a killed pull left there is of use."""
    root = root.resolve()
    return root.with_name(root.name + FETCHED)


def fetch_manifest(store_url: str | None, root: Path, pointer: Pointer) -> Manifest:
    """The list of files that a pointer names: the set's own, or the store's.

    Raises:
        DataError: the store has it not, or damaged, or no store is named.
        StoreError: the store cannot be used.
    """
    if manifest := read_manifest(root, pointer.manifest):
        return manifest
    store, key = named_store(store_url), object_key(pointer.manifest)
    try:
        content = store.read(key)
    except ObjectMissingError as error:
        raise DataError(
            f"the store {store.name} has not the state {pointer.describe()}: no {key}. "
            "`sparrow data push` brings it there, where it was pinned"
        ) from error
    return parse_manifest(content, pointer.manifest, f"the store {store.name}: {key}")


def _secure_local(
    contents: Contents, manifest: Manifest, config: DataConfig, keep_local: bool
) -> None:
    """Refuse to replace what no recorded state has, or record it.

    Files that are only missing are no loss; those of another pinned state are kept as such.
    """
    if set(contents.files.values()) <= set(manifest.files) or recorded_as(contents):
        return
    states = [manifest, *kept_manifests(contents.root)]
    if _version(config) in {state.version for state in states}:
        return  # the same data in other words, as ``restore`` writes the tables
    if keep_local:
        record_state(config)
        return
    nearest = min(states, key=lambda state: len(compare(contents, state)))
    raise DataError(
        f"{contents.root}: not pulled: it holds changes that are not pinned. Against the state "
        f"{nearest.version}:\n{compare(contents, nearest).describe()}\n"
        "`sparrow data pin` makes them a state that the pointer names; `sparrow data pull "
        "--keep-local` keeps them as a version in the history, which `sparrow data restore` "
        "brings back, and pulls"
    )


def _version(config: DataConfig) -> str | None:
    """Data version of the set as it is; None where it does not pass its checks."""
    try:
        return data_version(check_dataset(Path(config.root), config).dataset)
    except DataError:
        return None


def _missing(contents: Contents, manifest: Manifest) -> list[FileEntry]:
    """An entry for each content that the set has nowhere."""
    past = (entry for entry in manifest.past if not (contents.root / entry.path).is_file())
    wanted = {entry.sha256: entry for entry in (*past, *manifest.files)}
    return sorted(entry for entry in wanted.values() if contents.path_of(entry.sha256) is None)


def _fetch(
    store_url: str | None, missing: list[FileEntry], folder: Path, progress: Progress | None
) -> Transfer:
    """Bring objects into the folder, each under its SHA-256, whole and checked."""
    if not missing:
        return Transfer(0, 0, 0)
    folder.mkdir(exist_ok=True)
    here = {path.name for path in folder.iterdir()}
    waiting = [entry for entry in missing if entry.sha256 not in here]
    store = named_store(store_url)
    faults = sorted(filter(None, in_threads(partial(_fetch_one, store, folder), waiting, progress)))
    if faults:
        more = [f"{len(faults) - SHOWN:,} more"] if len(faults) > SHOWN else []
        raise DataError(
            f"the store {store.name}: {len(faults):,} objects cannot be used, so the set is as it "
            "was:\n  " + "\n  ".join([*faults[:SHOWN], *more]) + "\n"
            "`sparrow data push --verify` where the data is whole writes them again"
        )
    size = sum(entry.bytes for entry in waiting)
    return Transfer(len(waiting), size, known=len(missing) - len(waiting))


def _fetch_one(store: ObjectStore, folder: Path, entry: FileEntry) -> str:
    """What is wrong with an object; "" where it is in the folder now."""
    key = object_key(entry.sha256)
    try:
        content = store.read(key)
    except ObjectMissingError:
        return f"missing: {key} ({one_line(entry.path)})"
    if sha256_hex(content) != entry.sha256:
        return f"damaged: {key} ({one_line(entry.path)}; {len(content):,} bytes)"
    write_atomic(folder / entry.sha256, content)
    return ""
