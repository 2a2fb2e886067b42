"""Applies a recipe of docs/develop.md to a copy of the code, from which the test then imports."""

from __future__ import annotations

import importlib
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ROOMS = ("sparrow", "monitoring")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Recipe:
    """What a recipe changed.

    Attributes:
        files: paths of the files that it changes or adds.
        config: the sections of its config line; empty where it needs none.
    """

    files: tuple[str, ...]
    config: dict[str, dict[str, Any]]


@pytest.fixture
def follow(tmp_path: Path) -> Iterator[Callable[[str], Recipe]]:
    """``follow("A check")``: from then on ``sparrow`` and ``monitoring`` are the changed copy."""
    code = tmp_path / "code"
    kept = {name: module for name, module in sys.modules.items() if in_rooms(name)}

    def apply(title: str) -> Recipe:
        for room in ROOMS:
            shutil.copytree(ROOT / room, code / room, ignore=shutil.ignore_patterns("__pycache__"))
        recipe = apply_recipe(title, code)
        forget_rooms()
        sys.path.insert(0, str(code))
        importlib.invalidate_caches()
        return recipe

    yield apply
    forget_rooms()
    sys.modules.update(kept)
    sys.path[:] = [path for path in sys.path if path != str(code)]


def in_rooms(module: str) -> bool:
    return module.partition(".")[0] in ROOMS


def forget_rooms() -> None:
    for name in [name for name in sys.modules if in_rooms(name)]:
        del sys.modules[name]


def apply_recipe(title: str, code: Path) -> Recipe:
    """Make the changes of a recipe's fenced blocks in a copy of the code."""
    files: list[str] = []
    config: dict[str, dict[str, Any]] = {}
    for language, text in FENCE.findall(section(title)):
        if language == "yaml":
            config |= yaml.safe_load(text)
            continue
        head, _, body = text.partition("\n")
        file = head.removeprefix("+++ ").removeprefix("# ")
        files.append(file)
        if language == "python":
            assert not (code / file).exists(), f"{file} is there already"
            (code / file).write_text(body)
        else:
            patch(code / file, body)
    return Recipe(tuple(dict.fromkeys(files)), config)


def section(title: str) -> str:
    document = (ROOT / "docs" / "develop.md").read_text()
    assert document.count(f"\n### {title}\n") == 1
    return re.split(r"^##", document.split(f"\n### {title}\n")[1], maxsplit=1, flags=re.M)[0]


def patch(path: Path, diff: str) -> None:
    """Lines begin with " ", "+" or "-" as in any diff; what they change occurs once in the file."""
    lines = diff.splitlines()
    assert all(line[:1] in (" ", "+", "-", "") for line in lines)
    before = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "+")
    after = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "-")
    text = path.read_text()
    assert text.count(before) == 1, f"{path}: docs/develop.md shows lines that are not there"
    path.write_text(text.replace(before, after))
