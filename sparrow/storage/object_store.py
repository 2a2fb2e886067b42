"""A store of objects by name, in a folder or in an S3 bucket: the only module over ``pyarrow.fs``.

``pyarrow.fs`` has no conditional writes; ``ObjectStore.create`` asks S3 for one through ``boto3``.

An object is written whole or not at all, and held in memory whole but for one that is written from
a file. Nothing here knows what the objects are. What opens the store is in the environment:
credentials as AWS's own programs read them, ``AWS_ENDPOINT_URL`` for a server that is not Amazon's.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow.fs as fs

from sparrow.atomic_file import sync
from sparrow.storage.conditional import create_in_s3, link_anew
from sparrow.storage.s3_client import endpoint, s3_filesystem
from sparrow.store_url import hide_in_text, hide_secrets

INCOMING = "incoming"  # what a folder's writers have not completed; worthless after a kill
PIECE = 8 * 1024**2  # bytes of a file on its way


class StoreError(RuntimeError):
    """A store that cannot be used; the message names it, what was done, and what to look at."""


class ObjectMissingError(StoreError):
    """There is no object of this name."""


class ObjectRefusedError(StoreError):
    """The store does not let this object be had with these credentials."""


class ObjectStore:
    """Objects by key. Several threads and processes may use one store at once.

    A key is a relative path with ``/``, ASCII.
    """

    def __init__(self, url: str, filesystem: fs.FileSystem, base: str, writer: str) -> None:
        """Use ``open_store``.

        Args:
            url: the address, as people know it.
            filesystem: of pyarrow.
            base: path of the store in it.
            writer: as ``open_store`` explains it.
        """
        self.name = hide_secrets(url)
        self._fs, self._base, self._writer = filesystem, base.rstrip("/"), writer
        self._is_folder = isinstance(filesystem, fs.LocalFileSystem)

    def sizes(self, prefix: str) -> dict[str, int]:
        """Bytes of every object whose key is below the folder ``prefix``, by key.

        Raises:
            StoreError: the store cannot be listed.
        """
        return {key: size for key, (size, _) in self.sizes_and_times(prefix).items()}

    def sizes_and_times(self, prefix: str) -> dict[str, tuple[int, int]]:
        """Bytes and time of writing, in nanoseconds since 1970, of every object, by key.

        Args:
            prefix: the folder that they are below.

        Raises:
            StoreError: the store cannot be listed.
        """
        selector = fs.FileSelector(self._path(prefix), allow_not_found=True, recursive=True)
        with self._named("listed", prefix):
            self._refuse_absent()
            infos = self._fs.get_file_info(selector)
            if not infos:
                self._refuse_absent_bucket()
        start, files = len(self._base) + 1, (i for i in infos if i.type == fs.FileType.File)
        return {info.path[start:]: (info.size, info.mtime_ns) for info in files}

    def read(self, key: str, at_most: int | None = None) -> bytes:
        """The content of an object.

        Args:
            key: its name.
            at_most: bytes from its beginning; None reads the whole.

        Raises:
            ObjectMissingError: there is none of this name.
            StoreError: it cannot be read.
        """
        with self._named("read", key), self._fs.open_input_file(self._path(key)) as file:
            return bytes(file.read(at_most))

    def write(self, key: str, content: bytes) -> None:
        """Put an object in place in one step; a kill leaves the one before, or none.

        Raises:
            StoreError: it cannot be written.
        """
        with self._named("written", key):
            if self._is_folder:
                self._write_file(key, content)
            else:
                self._put(self._path(key), content)

    def write_from(self, key: str, file: Path) -> None:
        """Put an object in place that is a file's content; raises as ``write``."""
        if self._is_folder:
            self.write(key, file.read_bytes())
            return
        with (
            file.open("rb") as source,
            self._named("written", key),
            self._fs.open_output_stream(self._path(key), compression=None) as target,
        ):
            shutil.copyfileobj(source, target, PIECE)

    def create(self, key: str, content: bytes) -> bool:
        """Write an object where there is none of this name: of several that try, one does.

        Args:
            content: no other writer's is the same.

        Returns:
            Whether the object is this one. What is there already stays.

        Raises:
            StoreError: it cannot be written, or S3's client ``boto3`` is not installed.
        """
        with self._named("written", key):
            if self._is_folder:
                return self._write_file(key, content, anew=True)
            bucket, _, path = self._path(key).partition("/")
            # After a lost answer the client asks again, and finds its own object.
            return create_in_s3(bucket, path, content) or self.read(key) == content

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects; those that are not there are passed over.

        Raises:
            StoreError: one cannot be deleted.
        """
        for key in keys:
            with self._named("deleted", key), suppress(FileNotFoundError):
                self._fs.delete_file(self._path(key))

    def clear_incoming(self) -> None:
        """Remove what this writer's killed processes left incomplete; call it while none writes."""
        if self._is_folder:
            with suppress(OSError):  # a store that cannot be written says so at the first write
                self._fs.delete_dir(self._path(f"{INCOMING}/{self._writer}"))

    def _path(self, key: str) -> str:
        return f"{self._base}/{key}"

    def _put(self, path: str, content: bytes) -> None:
        # One call with all of it: what is closed before its end would be an object, too.
        with self._fs.open_output_stream(path, compression=None) as stream:
            stream.write(content)

    def _write_file(self, key: str, content: bytes, anew: bool = False) -> bool:
        """Whether it was written; with ``anew``, what is there already stays."""
        self._refuse_absent()
        partial = f"{INCOMING}/{self._writer}/{secrets.token_hex(8)}"
        for needed in (partial, key):
            Path(self._path(needed)).parent.mkdir(parents=True, exist_ok=True)
        try:
            self._put(self._path(partial), content)
            sync(Path(self._path(partial)))
            if anew:
                return link_anew(Path(self._path(partial)), Path(self._path(key)))
            self._fs.move(self._path(partial), self._path(key))
            return True
        except BaseException:
            with suppress(OSError):
                self._fs.delete_file(self._path(partial))
            raise

    def _refuse_absent(self) -> None:
        """A share that is not mounted must not become a folder on this machine's disk."""
        if self._is_folder and not Path(self._base).is_dir():
            raise StoreError(
                f"the store {self.name} is not there: mount it, or make the folder where it is new"
            )

    def _refuse_absent_bucket(self) -> None:
        bucket = self._base.partition("/")[0]
        if not self._is_folder and self._fs.get_file_info(bucket).type == fs.FileType.NotFound:
            raise StoreError(f"the store {self.name}: there is no bucket {bucket}{self._hint()}")

    @contextmanager
    def _named(self, doing: str, key: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            self._refuse_absent()
            raise ObjectMissingError(f"the store {self.name} has no {key}") from error
        except OSError as error:
            reason = hide_in_text(str(error).strip().splitlines()[0])
            refused = isinstance(error, PermissionError) or "ACCESS_DENIED" in reason
            raise (ObjectRefusedError if refused else StoreError)(
                f"the store {self.name}: {key} cannot be {doing}: {reason}{self._hint()}"
            ) from error

    def _hint(self) -> str:
        if self._is_folder:
            return ""
        keys = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        known = "set" if os.environ.get("AWS_ACCESS_KEY_ID") else "not set"
        server = hide_secrets(endpoint()) or "Amazon's; AWS_ENDPOINT_URL names another"
        return f" (server: {server}; credentials: {keys}, {known} here)"


def open_store(url: str, writer: str = "anybody") -> ObjectStore:
    """The store at an address.

    Args:
        url: a folder's path, ``file:///path`` or ``s3://bucket/prefix``.
        writer: whose incomplete files these are, in a folder; a name for each that may write while
            others do.

    Raises:
        StoreError: the address is of another kind, or holds a password.
    """
    parts = urlsplit(url)
    if parts.scheme == "s3":
        if parts.query or parts.username or parts.password or not parts.hostname:
            raise StoreError(
                f"the store {hide_secrets(url)}: expected s3://bucket/prefix and nothing else; "
                "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL hold the rest"
            )
        return ObjectStore(url, s3_filesystem(), parts.netloc + parts.path, writer)
    if "://" in url and parts.scheme != "file":
        raise StoreError(f"the store {hide_secrets(url)}: expected a folder or s3://bucket/prefix")
    path = Path(url.removeprefix("file://")).expanduser().absolute()
    return ObjectStore(url, fs.LocalFileSystem(), path.as_posix(), writer)
