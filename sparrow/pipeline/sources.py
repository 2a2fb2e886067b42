"""The source files that a step of the flow runs: its own function, and all that it imports."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sparrow.regular_file import sha256_of


@dataclass(frozen=True)
class FlowSource:
    """A flow's file, and the folders in which its own modules are found.

    Attributes:
        path: of the file.
        roots: folders as in ``sys.path``; modules found in none of them are other packages'.
    """

    path: Path
    roots: tuple[Path, ...]

    def files_of(self, step: str) -> dict[str, str]:
        """What a step runs: 16 hex digits of the SHA-256 of each source file, by its path.

        The step's own function and the properties of the flow stand for the flow's file: an edit
        of another step does not count. Paths are relative to the root that holds the file.
        """
        tree = _parse(self.path)
        flow = next(node for node in tree.body if isinstance(node, ast.ClassDef))
        own = [node for node in flow.body if _name(node) == step or _is_property(node)]
        text = "\n".join(ast.unparse(node) for node in own)
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        # What wraps a step (cards, notes, messages) decides nothing of its result.
        body = [node for part in own if isinstance(part, ast.FunctionDef) for node in part.body]
        names = {node.id for part in body for node in ast.walk(part) if isinstance(node, ast.Name)}
        imported = {name for alias, name in _aliases(tree) if alias in names}
        for part in own:
            imported |= set(_imports(part))
        files = {f"{self.path.name}:{step}": digest}
        for path in sorted(self._closure(imported)):
            files[self._relative(path)] = _digest(path)
        return files

    def _closure(self, names: set[str]) -> set[Path]:
        reached: set[Path] = set()
        waiting = [path for name in names for path in self._files(name)]
        while waiting:
            path = waiting.pop()
            if path not in reached:
                reached.add(path)
                waiting += [file for name in _imports_of(path) for file in self._files(name)]
        return reached

    def _files(self, name: str) -> list[Path]:
        """The file of a dotted name: of the module, else of the module that holds it, else none."""
        return [path] if (path := _find(name, self.roots)) else []

    def _relative(self, path: Path) -> str:
        root = next(root for root in self.roots if path.is_relative_to(root))
        return path.relative_to(root).as_posix()


def changed_files(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Paths whose file is not as it was, gone or new."""
    return sorted(path for path in before.keys() | now.keys() if before.get(path) != now.get(path))


@cache
def _find(name: str, roots: tuple[Path, ...]) -> Path | None:
    parts = name.split(".")
    for root in roots:
        for end in range(len(parts), max(0, len(parts) - 2), -1):
            place = root.joinpath(*parts[:end])
            for path in (place.with_suffix(".py"), place / "__init__.py"):
                if path.is_file():
                    return path
    return None


@cache
def _imports_of(path: Path) -> tuple[str, ...]:
    return tuple(_imports(_parse(path)))


@cache
def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def _digest(path: Path) -> str:
    return sha256_of(path)[:16]


def _name(node: ast.AST) -> str | None:
    return getattr(node, "name", None)


def _is_property(node: ast.AST) -> bool:
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef) else []
    return any(isinstance(item, ast.Name) and item.id == "property" for item in decorators)


def _aliases(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """(name in this module, dotted name) of each import at its top."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (alias.asname or alias.name.split(".")[0]), alias.name
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _for_type_checkers(test: ast.expr) -> bool:
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"


def _imports(tree: ast.AST) -> Iterator[str]:
    """Dotted names of all imports in a tree, those for type checkers alone left out."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and _for_type_checkers(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            yield from _imports(node)
