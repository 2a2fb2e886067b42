"""Compare a set with its pointer: which files differ, and what may be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sparrow.data.ingest.versions import read_log
from sparrow.data.pins.contents import Contents
from sparrow.data.pins.manifest import FileEntry, Manifest, kept_manifests
from sparrow.data.pins.pointer import Pointer
from sparrow.plain_text import one_line

SHOWN = 20  # files of a kind that a message names


@dataclass(frozen=True)
class Differences:
    """Paths below the set's folder, sorted: only pinned, with another content, only here."""

    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.missing) + len(self.changed) + len(self.added)

    def describe(self, shown: int = SHOWN) -> str:
        """A line per file, at most ``shown`` of a kind, and how many more there are."""
        lines = []
        kinds = {"missing": self.missing, "changed": self.changed, "not pinned": self.added}
        for kind, paths in kinds.items():
            lines += [f"  {kind}: {one_line(path)}" for path in paths[:shown]]
            if len(paths) > shown:
                lines.append(f"  {kind}: {len(paths) - shown:,} more")
        return "\n".join(lines)


def compare(contents: Contents, manifest: Manifest) -> Differences:
    """How the files that are here differ from those of a state."""
    here = {path: entry.sha256 for path, entry in contents.files.items()}
    pinned = {entry.path: entry.sha256 for entry in manifest.files}
    return Differences(
        missing=tuple(sorted(pinned.keys() - here.keys())),
        changed=tuple(sorted(p for p in pinned.keys() & here.keys() if pinned[p] != here[p])),
        added=tuple(sorted(here.keys() - pinned.keys())),
    )


def recorded_as(contents: Contents) -> Manifest | None:
    """The newest state in the set's history whose files are exactly those that are here."""
    here: tuple[FileEntry, ...] = tuple(sorted(contents.files.values()))
    return next((m for m in kept_manifests(contents.root) if m.files == here), None)


def describe_recorded(root: Path, pointer: Pointer) -> str:
    """Pointer and last version in the set's log, without a look at the files; "" where equal.

    It takes no time, so it is what the hook of git says.

    Raises:
        DataError: the log is damaged.
    """
    log = read_log(root)
    if log and log[-1]["version"] == pointer.version:
        return ""
    last = f"is at {log[-1]['version']} ({log[-1]['photos']:,} photos)" if log else "is not here"
    return f"this commit works with {pointer.describe()}, {root} {last}"
