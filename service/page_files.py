"""Files of the page's visitors, in a folder of this process, limited in age and size."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import tempfile
import threading
import time
from collections import deque
from pathlib import Path

from filelock import lock_descriptor

from service.refusal import RefusalError
from service.uploads import Upload

PREFIX = "sparrow-page-"
LOCK = "lock"
KEEP_SECONDS = 3600.0
TIDY_SECONDS = 60.0
MAX_FILES = 10_000
FRACTION_OF_A_CLIENT = 0.5
NAME_BYTES = 200  # of a file system's 255; Gradio adds a prefix

logger = logging.getLogger("sparrow.service")


class PageFiles:
    """A folder for all files of visitors, including those that Gradio writes.

    It is removed when the service stops. The folder of a killed service, whose lock is free, is
    removed by the next service that starts.

    Attributes:
        folder: its absolute path.
    """

    def __init__(self, max_bytes: int) -> None:
        """``max_bytes``: of all files together; one client gets half."""
        _remove_abandoned(Path(tempfile.gettempdir()))
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
        self._lock = (self.folder / LOCK).open("wb")
        lock_descriptor(self._lock.fileno())
        os.environ["GRADIO_TEMP_DIR"] = str(self.folder)
        self._max_bytes = max_bytes
        self._kept: frozenset[Path] = frozenset()
        self._used_bytes = 0
        # When, whose, how many, how many bytes; oldest first.
        self._stored: deque[tuple[float, str, int, int]] = deque()
        self._counting = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._tidy, name="page-files", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Remove the folder."""
        self._stop.set()
        self._thread.join()
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.close()

    def keep_present(self) -> None:
        """Keep the present files, which are the page's own, for as long as the folder."""
        self._kept = frozenset(path for path, _, _ in self._files())

    def store(self, uploads: list[Upload], client: str) -> list[Path]:
        """Write a visitor's files under paths that cannot be guessed.

        Args:
            uploads: the files.
            client: the visitor's address.

        Raises:
            RefusalError: 503, the folder or the disk is full, or the client's part of it.
        """
        size = sum(len(upload.content) for upload in uploads)
        reserved = self._reserve(client, len(uploads), size)
        paths: list[Path] = []
        try:
            for upload in uploads:
                folder = self.folder / secrets.token_urlsafe(24)
                folder.mkdir()
                paths.append(folder / file_name(upload.name))
                paths[-1].write_bytes(upload.content)
        except OSError as error:
            for path in paths:
                shutil.rmtree(path.parent, ignore_errors=True)
            self._give_back(reserved)
            logger.exception("a visitor's photos cannot be written")
            raise RefusalError(
                503, "the photos cannot be stored at the moment; try again later", retry_after=60
            ) from error
        return paths

    def _reserve(self, client: str, n_files: int, size: int) -> tuple[float, str, int, int]:
        with self._counting:
            mine = [kept for kept in self._stored if kept[1] == client]
            full = self._used_bytes + size > self._max_bytes
            full |= sum(n for *_, n, _ in self._stored) + n_files > MAX_FILES
            full |= sum(kept[3] for kept in mine) + size > self._max_bytes * FRACTION_OF_A_CLIENT
            full |= sum(kept[2] for kept in mine) + n_files > MAX_FILES * FRACTION_OF_A_CLIENT
            if full:
                raise RefusalError(
                    503,
                    "the page holds as many photos as it has room for; try again later",
                    retry_after=int(TIDY_SECONDS),
                )
            self._used_bytes += size
            reserved = (time.time(), client, n_files, size)
            self._stored.append(reserved)
        return reserved

    def _give_back(self, reserved: tuple[float, str, int, int]) -> None:
        with self._counting:
            self._used_bytes -= reserved[3]
            if reserved in self._stored:
                self._stored.remove(reserved)

    def find(self, path: str) -> Path | None:
        """The file of a path, if it was sent by or made for a visitor, else None."""
        try:
            real = Path(path).resolve(strict=True)
        except (OSError, ValueError, RuntimeError):
            return None
        inside = self.folder in real.parents and real.parent != self.folder
        return real if inside and real.is_file() else None

    def used_bytes(self) -> int:
        """Size of all files in the folder."""
        return sum(size for _, size, _ in self._files())

    def tidy(self, now: float | None = None) -> None:
        """Remove files older than an hour, and measure the size of the others."""
        oldest = (time.time() if now is None else now) - KEEP_SECONDS
        with self._counting:
            while self._stored and self._stored[0][0] < oldest:
                self._stored.popleft()
        for path, _, changed in self._files():
            if changed < oldest and path not in self._kept:
                path.unlink(missing_ok=True)
        for folder in sorted(self.folder.rglob("*"), reverse=True):
            # A new folder may be empty because its file is not written yet.
            if folder.is_dir() and folder.stat().st_mtime < oldest:
                _remove_if_empty(folder)
        self._used_bytes = self.used_bytes()  # Gradio's files are among them

    def _files(self) -> list[tuple[Path, int, float]]:
        files = []
        for parent, _, names in os.walk(self.folder):
            for name in names:
                path = Path(parent, name)
                try:
                    status = path.lstat()
                except FileNotFoundError:  # Gradio removes files, too
                    continue
                if path != self.folder / LOCK:
                    files.append((path, status.st_size, status.st_mtime))
        return files

    def _tidy(self) -> None:
        while not self._stop.wait(TIDY_SECONDS):
            try:
                self.tidy()
            except OSError:
                logger.exception("the page's old files cannot be removed")


def file_name(name: str) -> str:
    """A visitor's file name, shortened to what a file system accepts."""
    stem, dot, ending = name.rpartition(".")
    tail = (dot + ending).encode()[:20] if stem else b""
    head = (stem or ending).encode()[: NAME_BYTES - len(tail)]
    return (head + tail).decode(errors="ignore").strip(". ") or "photo"


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return


def _remove_abandoned(parent: Path) -> None:
    for folder in parent.glob(f"{PREFIX}*"):
        try:
            with (folder / LOCK).open("r+b") as lock:
                if lock_descriptor(lock.fileno(), blocking=False):
                    shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # in use, another user's, or being made
            continue
