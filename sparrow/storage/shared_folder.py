"""A folder that several hosts work on in turn, each on a copy: its state is in an object store.

Whoever has changed something publishes a layer: the files that are new or changed since the last
fetch, and the names of those that are gone. The folder is the sum of its layers in the order of
their numbers. Contents are objects under their SHA-256, and each layer is written once, after them:
a kill at any moment leaves the state before or the state after.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import TypeVar

from sparrow.atomic_file import write_atomic
from sparrow.regular_file import sha256_of
from sparrow.storage.folder_copy import (
    FolderCopy,
    Parts,
    Stamp,
    list_files,
    remembered,
    stamp_of,
)
from sparrow.storage.object_store import ObjectMissingError, ObjectStore, StoreError

THREADS = 16
LAYERS, OBJECTS = "layers", "objects"
APPENDED = (".jsonl",)  # files that everybody only adds lines to: the layers' parts are joined
LARGE_BYTES = 1_000_000  # what is replaced is deleted from the store from this size on
TRIES = 3

T = TypeVar("T")
Kept = Callable[[str], bool]


class ChangedElsewhereError(RuntimeError):
    """Another host has changed the folder meanwhile; nothing of this one's was published."""


class SharedFolder:
    """One folder of this process, and the prefix of a store that holds its state."""

    def __init__(
        self,
        store: ObjectStore,
        prefix: str,
        folder: Path,
        *,
        exclusive: bool = False,
        kept: Kept = lambda _: True,
    ) -> None:
        """Nothing is read or written yet.

        Args:
            store: of the state; its writers may be several.
            prefix: of the folder's objects in it.
            folder: the copy, made where it is missing.
            exclusive: whether a change follows from the state before, so that of two at once one is
                refused, and a copy with other files is not touched. Otherwise those who publish
                write different files, and a copy is worthless without them.
            kept: which files are shared, by their paths; all others are this host's.
        """
        self._store, self._prefix, self.folder = store, prefix, folder
        self._exclusive, self._kept = exclusive, kept
        self._copy = FolderCopy()

    def fetch(self) -> int:
        """Bring the copy to the newest state.

        Returns:
            Number of the newest layer; 0 where nothing was published yet.

        Raises:
            StoreError: the store cannot be read, or an object is not what was published.
            ChangedElsewhereError: the copy holds a file that nobody published.
        """
        for _ in range(TRIES - 1):
            with suppress(ObjectMissingError):  # replaced since the layers were read
                return self._fetch_all()
        return self._fetch_all()

    def _fetch_all(self) -> int:
        if self._exclusive and not self._copy.number:
            self._copy = remembered(self.folder)
        number, merged = self._read_layers()
        own = self._own_changes(merged)
        missing = [path for path, parts in merged.items() if not self._holds(path, parts)]
        self._in_parallel(lambda path: self._fetch(path, merged[path]), set(missing) - own)
        self._keep(FolderCopy(number, merged, self._stamps(set(merged) - own)))
        return number

    def _keep(self, copy: FolderCopy) -> None:
        self._copy = copy
        if self._exclusive and copy.number:
            copy.remember(self.folder)

    def publish(self, owner: str) -> int:
        """Publish what has changed in the copy since it was fetched.

        Args:
            owner: who publishes, in words for a file name.

        Returns:
            How many files are new, changed or gone.

        Raises:
            ChangedElsewhereError: another host was first, where ``exclusive`` was asked for.
            StoreError: the store cannot be written.
        """
        now = self._stamps(filter(self._kept, list_files(self.folder)))
        changed = [path for path, stamp in now.items() if self._copy.stamps.get(path) != stamp]
        gone = sorted(set(self._copy.files) - set(now))
        parts = dict(zip(changed, self._in_parallel(self._store_new, changed), strict=True))
        entries = {path: sha for path, sha in parts.items() if sha is not None}
        if entries or gone:
            self._write_layer(owner, {**entries, **dict.fromkeys(gone)})
        added = {path: self._joined(path, sha) for path, sha in entries.items()}
        files = {path: parts for path, parts in (self._copy.files | added).items() if path in now}
        self._delete_replaced(files)
        self._keep(FolderCopy(self._copy.number, files, now))
        return len(entries) + len(gone)

    def _delete_replaced(self, files: Mapping[str, Parts]) -> None:
        """Large contents that no file has any more, such as checkpoints of earlier epochs."""
        if self._exclusive:  # states of a data set stay
            return
        needed = {sha for parts in files.values() for sha in parts}
        replaced = {
            parts[0]
            for path, parts in self._copy.files.items()
            if (stamp := self._copy.stamps.get(path)) and stamp[1] >= LARGE_BYTES
        }
        self._store.delete(map(self._object, sorted(replaced - needed)))

    def _stamps(self, paths: Iterable[str]) -> dict[str, Stamp]:
        stamps = ((path, stamp_of(self.folder / path)) for path in paths)
        return {path: stamp for path, stamp in stamps if stamp is not None}

    def _read_layers(self) -> tuple[int, dict[str, Parts]]:
        """The newest number, and the files by path."""
        keys = sorted(self._store.sizes(f"{self._prefix}/{LAYERS}"))
        number, files = 0, dict[str, Parts]()
        for key, content in zip(keys, self._in_parallel(self._store.read, keys), strict=True):
            number = int(Path(key).name.partition("-")[0].partition(".")[0])
            for path, sha in json.loads(content)["files"].items():
                if sha is None:
                    files.pop(path, None)
                    continue
                before = files.get(path, ()) if self._is_appended(path) else ()
                files[path] = (*before, sha)
        return number, {path: parts for path, parts in files.items() if self._kept(path)}

    def _own_changes(self, merged: Mapping[str, Parts]) -> set[str]:
        """Files that somebody has changed in this copy; what others have removed is removed."""
        own = set()
        for path in filter(self._kept, list_files(self.folder)):
            before, now = self._copy.files.get(path, ()), merged.get(path, ())
            if self._holds(path, now):
                continue
            if self._holds(path, before):
                if not now:
                    (self.folder / path).unlink()
            elif self._exclusive and now and now != before:
                raise ChangedElsewhereError(
                    f"{self.folder / path} was changed here and never published; meanwhile "
                    f"{self._store.name}/{self._prefix} got another content under this name. Move "
                    "the file away to work on the state in the store"
                )
            elif self._exclusive or not now:
                own.add(path)
        return own

    def _holds(self, path: str, parts: Parts) -> bool:
        copy = self.folder / path
        if self._copy.files.get(path) == parts and self._copy.stamps.get(path) == stamp_of(copy):
            return True
        return len(parts) == 1 and copy.is_file() and sha256_of(copy) == parts[0]

    def _fetch(self, path: str, parts: Parts) -> None:
        content = b"".join(map(self._read_object, parts))
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(place, content)

    def _read_object(self, sha: str) -> bytes:
        content = self._store.read(self._object(sha))
        if sha256(content).hexdigest() != sha:
            raise StoreError(f"the store {self._store.name}: {self._object(sha)} is damaged")
        return content

    def _store_new(self, path: str) -> str | None:
        """The content's hash, once it is in the store; None where nothing is new."""
        try:
            content = (self.folder / path).read_bytes()
        except FileNotFoundError:  # it was replaced or removed just now
            return None
        before = self._copy.files.get(path, ())
        if self._is_appended(path):
            content = content[self._copy.stamps.get(path, (0, 0, 0))[1] :]
            if not content:
                return None
        sha = sha256(content).hexdigest()
        if before != (sha,):
            self._store.write(self._object(sha), content)
            return sha
        return None

    def _joined(self, path: str, sha: str) -> Parts:
        return (*self._copy.files.get(path, ()), sha) if self._is_appended(path) else (sha,)

    def _write_layer(self, owner: str, files: Mapping[str, str | None]) -> None:
        number = self._copy.number + 1
        name = f"{number:08d}" if self._exclusive else f"{number:08d}-{owner}-{token_hex(4)}"
        content = json.dumps({"by": owner, "id": token_hex(8), "files": files}).encode()
        if not self._store.create(f"{self._prefix}/{LAYERS}/{name}.json", content):
            raise ChangedElsewhereError(
                f"another run has changed {self._store.name}/{self._prefix} since this one read it "
                f"(state {number}): nothing was published. Start again, on the state that is there"
            )
        self._copy.number = number

    def _is_appended(self, path: str) -> bool:
        return not self._exclusive and path.endswith(APPENDED)

    def _object(self, sha: str) -> str:
        return f"{self._prefix}/{OBJECTS}/{sha[:2]}/{sha}"

    def _in_parallel(self, work: Callable[[str], T], names: Iterable[str]) -> list[T]:
        with ThreadPoolExecutor(THREADS) as threads:
            return list(threads.map(work, names))
