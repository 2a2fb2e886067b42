"""Pin the state of a set: record it in the set's log, list its files, write the pointer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sparrow.atomic_file import write_atomic
from sparrow.config import DataConfig
from sparrow.data.checks.run import check_dataset
from sparrow.data.errors import DataError, as_data_errors
from sparrow.data.ingest.atomic_dir import file_lock
from sparrow.data.ingest.set_classes import load_classes
from sparrow.data.ingest.versions import FOUND_IN_PLACE, HISTORY, read_log, record_version
from sparrow.data.pins.contents import KEPT_PHOTOS, Contents, read_contents
from sparrow.data.pins.manifest import FileEntry, Manifest, manifest_path, read_manifest, sha256_hex
from sparrow.data.pins.pointer import Pointer, pointer_path, read_pointer, write_pointer
from sparrow.data.split.assignments import load_assignments
from sparrow.progress import Progress
from sparrow.regular_file import sha256_of


@dataclass(frozen=True)
class Pinned:
    """A pointer, its path, and whether it was written or says already what it should."""

    pointer: Pointer
    path: Path
    is_new: bool


def pin(config: DataConfig, progress: Progress | None = None) -> Pinned:
    """Check the raw set, record its state and write the pointer to it.

    A pointer that names this state stays as it is, byte for byte, unless photos were split or
    classes recorded since.

    Raises:
        DataError: the set is not there, fails its checks or changes meanwhile; the pointer is as it
            was.
    """
    root = Path(config.root)
    with file_lock(root), as_data_errors("not pinned", root):
        manifest = record_state(config, progress)
        content = manifest.to_bytes()
        known = _known(root, manifest)
        if known is not None:
            return Pinned(known, pointer_path(root), is_new=False)
        pointer = Pointer(
            version=manifest.version,
            photos=manifest.photos,
            boxes=manifest.boxes,
            files=len(manifest.files),
            bytes=sum(entry.bytes for entry in manifest.files),
            manifest=sha256_hex(content),
        )
        return Pinned(pointer, write_pointer(root, pointer), is_new=True)


def record_state(config: DataConfig, progress: Progress | None = None) -> Manifest:
    """Record the current state in the set's history, with the list of its files; its manifest.

    Call it under the set's lock.

    Raises:
        DataError: the set fails its checks, or changes meanwhile.
    """
    root = Path(config.root)
    dataset = check_dataset(root, config, progress=progress).dataset
    version = record_version(root, dataset, note=FOUND_IN_PLACE)
    contents = read_contents(root, config)
    images = dataset.images
    _refuse_changed(contents, dict(zip(images["image"], images["sha256"], strict=True)))
    manifest = Manifest(
        version=version,
        photos=len(dataset.images),
        boxes=len(dataset.boxes),
        files=tuple(contents.files.values()),
        past=_past(root),
        log=tuple(read_log(root)),
        assignments=load_assignments(root),
        classes=load_classes(root),
    )
    content = manifest.to_bytes()
    path = manifest_path(root, sha256_hex(content))
    path.parent.mkdir(exist_ok=True)
    write_atomic(path, content)
    return manifest


def _refuse_changed(contents: Contents, checked: dict[str, str]) -> None:
    for name, sha256 in checked.items():
        entry = contents.files.get(f"images/{name}")
        if entry is None or entry.sha256 != sha256:
            raise DataError(
                f"{contents.root / 'images' / name}: changed while the set was pinned; pin again "
                "when no other program writes there"
            )


def _past(root: Path) -> tuple[FileEntry, ...]:
    """Tables of all versions in the log, and photos no longer in use, which ``restore`` needs."""
    tables = sorted((root / HISTORY).glob("*.parquet"))
    entries = [
        FileEntry(f"{HISTORY}/{path.name}", sha256_of(path), path.stat().st_size) for path in tables
    ]
    photos = sorted((root / KEPT_PHOTOS).glob("*"))
    entries += [FileEntry(f"{KEPT_PHOTOS}/{p.name}", p.name, p.stat().st_size) for p in photos]
    return tuple(entries)


def _known(root: Path, manifest: Manifest) -> Pointer | None:
    """The pointer there is, where it names these files and this split; None otherwise."""
    if not pointer_path(root).exists():
        return None
    try:
        pointer = read_pointer(root)
    except DataError:  # damaged, or in conflict: pinning is the way out
        return None
    pinned = read_manifest(root, pointer.manifest)
    same = pinned is not None and _lasting(pinned) == _lasting(manifest)
    return pointer if same else None


def _lasting(manifest: Manifest) -> tuple[object, ...]:
    """What makes a pinned state another one; its log may grow."""
    return manifest.files, manifest.assignments, manifest.classes
