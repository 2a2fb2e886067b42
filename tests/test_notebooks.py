"""The notebooks: `make test-notebooks` runs them; here what they name exists."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import shlex
import sys
from pathlib import Path

import nbformat
import pytest

from sparrow.cli.main import COMMANDS

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
NAMES = [path.stem for path in NOTEBOOKS]


def cells(path: Path) -> list[nbformat.NotebookNode]:
    """Those with code."""
    return [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]


def test_there_are_notebooks() -> None:
    assert NAMES == ["check", "explore", "train"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_what_a_notebook_imports_exists(path: Path) -> None:
    names = 0
    for cell in cells(path):
        lines = [line for line in cell.source.splitlines() if not line.startswith("!")]
        for node in ast.walk(ast.parse("\n".join(lines))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sparrow"):
                module = importlib.import_module(node.module or "")
                assert all(hasattr(module, alias.name) for alias in node.names), cell.source
                names += len(node.names)
            elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "sparrow":
                assert hasattr(importlib.import_module("sparrow"), node.attr), cell.source
                names += 1
        for line in cell.source.splitlines():
            if line.startswith("!"):
                program, command = shlex.split(line[1:])[:2]
                assert (program, command in COMMANDS) == ("sparrow", True), line
    assert names > 0


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_a_notebook_keeps_its_outputs_and_nothing_of_the_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert path.stat().st_size < 300_000
    assert [cell.execution_count for cell in cells(path)] == list(range(1, len(cells(path)) + 1))
    assert sum(len(cell.outputs) for cell in cells(path)) > 3
    outputs = json.dumps([cell.outputs for cell in cells(path)])
    shown = re.sub(r'"image/\w+": "[^"]+"', "", outputs)
    assert not re.search(r"/(root|home|tmp|work|Users)\b", shown)
    assert not re.search(r"\bit/s\b|photos/s\b|\bseconds\b|\d ms\b", shown)  # of one machine
    assert '"output_type": "error"' not in shown
    assert '"name": "stderr"' not in shown
    assert not re.search(r'"(iopub|shell)\.', text)  # moments of its execution


@pytest.mark.notebooks
@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_a_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nbclient import NotebookClient

    programs = str(Path(sys.executable).parent)
    monkeypatch.setenv("PATH", os.pathsep.join([programs, os.environ["PATH"]]))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    notebook = nbformat.read(path, 4)
    kept = [output_kinds(cell) for cell in cells(path)]
    NotebookClient(notebook, timeout=1200, kernel_name="python3").execute(cwd=str(tmp_path))
    made = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [output_kinds(cell) for cell in made] == kept


def output_kinds(cell: nbformat.NotebookNode) -> list[str]:
    """What kinds of output a cell has; neighbouring pieces of one stream are one output."""
    kinds = [
        "/".join(sorted(output.get("data", {}))) or f"{output.output_type} {output.get('name')}"
        for output in cell.outputs
    ]
    return [kind for kind, before in zip(kinds, ["", *kinds], strict=False) if kind != before]
