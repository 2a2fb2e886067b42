"""The published path: a link to the champion's folder, which the service follows without MLflow."""

from __future__ import annotations

import shutil
from pathlib import Path

from sparrow.data.ingest.atomic_dir import replace_directory
from sparrow.inference.model_folder import INFO, ModelFolderError, read_info
from sparrow.portable import replace_link
from sparrow.regular_file import sha256_of


class PublishedFolders:
    """The folders of one model's versions on this machine, and the link to one of them.

    A version lies in ``<path>.versions/<name>/<number>``; ``<path>`` is the link. Models of several
    names may be published at one path, one after the other. Callers hold the champion's lock.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self._name = name
        self._home = path.with_name(path.name + ".versions") / name
        self._scratch = self._home / ".fetching"

    def folder(self, number: int) -> Path:
        """Where a version's folder lies, or will."""
        return self._home / str(number)

    def holds(self, number: int, info_sha256: str | None) -> bool:
        """Whether a version lies here whole.

        Args:
            number: of the version.
            info_sha256: of the ``model.json`` that was registered; where that is not known, a
                folder of this number may be of another registry, and does not count.
        """
        folder = self.folder(number)
        try:
            if info_sha256 is None or sha256_of(folder / INFO) != info_sha256:
                return False
            read_info(folder)
        except (OSError, ModelFolderError):
            return False  # it is fetched again
        return True

    def scratch(self) -> Path:
        """An empty folder on the same file system, to fetch a version into."""
        self.clear_scratch()
        self._scratch.mkdir(parents=True)
        return self._scratch

    def clear_scratch(self) -> None:
        """Delete it, and what a killed process left in it."""
        shutil.rmtree(self._scratch, ignore_errors=True)

    def store(self, number: int, fetched: Path) -> None:
        """Move a fetched folder's files to their place, in one step.

        Raises:
            DataError: the disk is full, or the file system refuses.
        """
        with replace_directory(self.folder(number)) as incoming:
            for path in fetched.iterdir():
                path.rename(incoming / path.name)

    def current(self) -> tuple[str, int] | None:
        """Name and number of what the link points to; None where it is no link of a version."""
        if not self.path.is_symlink():
            return None
        target = self.path.parent / self.path.readlink()
        if target.parents[1] != self._home.parent or not target.name.isdigit():
            return None
        return target.parent.name, int(target.name)

    def is_free(self) -> bool:
        """Whether the link may be set: nothing is at its place but a link."""
        return self.path.is_symlink() or not self.path.exists()

    def switch(self, number: int) -> None:
        """Point the link to a version: whoever reads it sees the old folder or the new one."""
        target = self.folder(number).relative_to(self.path.parent)
        if self.path.is_symlink() and self.path.readlink() == target:
            return
        replace_link(self.path, target, self.path.with_name(self.path.name + ".next"))
