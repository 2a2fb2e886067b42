"""The map of docs/directories.md, held against the files of a real run."""

from __future__ import annotations

import os
import re
from fnmatch import fnmatchcase
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "directories.md"
# Numbers and identifiers differ from run to run, and no name of the page has other digits there.
NUMBER = {"N": "[0-9]*", "RUN": "[0-9]*"}


def map_lines() -> dict[str, str]:
    """Each path of the page with what it says about it."""
    blocks = re.findall(r"^```\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    lines = "".join(blocks).splitlines()
    paths = [line.split(maxsplit=1) for line in lines]
    assert all(len(words) == 2 for words in paths), "a path of the map says nothing"
    assert len({path for path, _ in paths}) == len(paths)
    return {words[0]: words[1] for words in paths}


def differences(home: Path, name: str, places: dict[str, str]) -> tuple[list[str], list[str]]:
    """Files that no line of the map is about, and lines that no file is there for.

    Args:
        home: folder of a finished run.
        name: of its config.
        places: beginnings of the map's paths, and what the run's config has in their place.
    """
    files = [path.relative_to(home).as_posix() for path in _files(home)]
    lines = map_lines()
    patterns = {path: _pattern(path, name, places) for path in lines}
    unsaid = [file for file in files if not any(fnmatchcase(file, p) for p in patterns.values())]
    empty = [
        path for path, pattern in patterns.items()
        if "(if " not in lines[path] and not any(fnmatchcase(file, pattern) for file in files)
    ]  # fmt: skip
    return unsaid, empty


def _pattern(path: str, name: str, places: dict[str, str]) -> str:
    for beginning, place in places.items():
        if path.startswith(beginning):
            path = place + path.removeprefix(beginning)
            break
    return "/".join({"NAME": name, **NUMBER}.get(part, part) for part in path.split("/"))


def _files(folder: Path) -> list[Path]:
    """Files and links, without following any."""
    found = []
    for place, folders, names in os.walk(folder):
        found += [Path(place, name) for name in names]
        found += [Path(place, name) for name in folders if Path(place, name).is_symlink()]
    return found
