"""No text for people names an animal: what is counted is called by its class.

The demo's own drawings, and the set that it stands for, may: they are of house sparrows.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from counted_folder import count

from sparrow.config import Config, with_values
from sparrow.inference.model_folder import read_info
from sparrow.registry.space_card import space_readme

ROOT = Path(__file__).parents[1]
ROOMS = ("sparrow", "service", "monitoring", "flows")
PAGES = {".html", ".js", ".css"}
# The product is called Sparrow, and so are its command, its package and its folders.
ANIMALS = re.compile(r"\bbirds?\b|\bsparrows\b|house[ _-]sparrow", re.IGNORECASE)
# File or folder -> why it may.
KEPT = {
    "sparrow/data/synthetic": "birds are drawn here",
    "sparrow/cli/generate.py": "asks for those drawings",
    "sparrow/cli/data.py": "brings the set of house sparrows",
    "sparrow/data/ingest/download.py": "where that set is",
    "sparrow/config/data.py": "the default class, which stored configs rely on",
    "sparrow/config/whole.py": "the default name, likewise",
    "sparrow/cli/start.py": "COCO's class that counts where the user names none",
    "sparrow/coco_classes.py": "an example of naming COCO's classes",
}


def texts(path: Path) -> Iterator[str]:
    """All texts of a Python file but its docstrings; a page as a whole."""
    whole = path.read_text(encoding="utf-8")
    if path.suffix in PAGES:
        yield whole
        return
    tree = ast.parse(whole)
    described = [
        node.body[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in described:
            yield node.value


def test_no_text_of_the_program_names_an_animal() -> None:
    said: dict[str, list[str]] = {}
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*")):
            if path.suffix in {".py", *PAGES}:
                words = [text for text in texts(path) if ANIMALS.search(text)]
                if words:
                    said[path.relative_to(ROOT).as_posix()] = words
    allowed = {path for path in said for kept in KEPT if path.startswith(kept)}
    assert {path: words for path, words in said.items() if path not in allowed} == {}
    # Every exception is still needed.
    assert [kept for kept in KEPT if not any(path.startswith(kept) for path in allowed)] == []


@pytest.mark.parametrize(
    ("classes", "total", "subject"),
    [
        (("raccoon",), "4 raccoons in 2 photos", "# Count raccoons in photos"),
        (("goose",), "4 geese in 2 photos", "# Count geese in photos"),
        (("goose", "raccoon"), "4 objects in 2 photos", "# Count objects in photos"),
    ],
)
def test_a_total_and_a_space_say_what_was_counted(
    classes: tuple[str, ...],
    total: str,
    subject: str,
    write_small_model: Callable[..., Path],
    drawn_dataset: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    values = {"data.classes": list(classes), "data.plurals": {"goose": "geese"}}
    trained = with_values(Config(), values).of_the_training()
    found = ((1, 0.9, 4, 4, 24, 24), (len(classes), 0.8, 30, 30, 50, 50))
    model = write_small_model(tmp_path / "7", found, class_names=classes, config=trained)
    assert count(model, *sorted((drawn_dataset / "images").iterdir())[:2]) == 0
    printed = capsys.readouterr()
    assert total in printed.err
    if len(classes) > 1:
        assert "  2 geese\n  2 raccoons\n" in printed.err
    readme = space_readme(model, read_info(model), "7", ROOT / "requirements-serve.lock")
    assert subject in readme
    assert ANIMALS.findall(printed.out + printed.err + readme) == []
