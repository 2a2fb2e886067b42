"""Each extra names what its part of the code imports, the bare package what counting imports."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# Import name -> name of the package, where they differ.
PACKAGE = {
    "PIL": "pillow", "markdown_it": "markdown-it-py", "sklearn": "scikit-learn", "yaml": "pyyaml",
    "paho": "paho-mqtt", "pillow_heif": "pillow-heif", "prometheus_client": "prometheus-client",
}  # fmt: skip
# What comes with a package that is named, by the need of that one.
BROUGHT = {
    "fastapi": "gradio", "h11": "uvicorn", "markupsafe": "jinja2", "prometheus-client": "bentoml",
    "starlette": "bentoml",
}  # fmt: skip
COUNTING = ("cli/main.py", "cli/count*.py", "cli/page.py", "inference/*.py", "drawing/*.py",
            "config/*.py", "evaluation/counting.py", "predictions/record.py",
            "predictions/log_tables.py", "visits/*.py", "data/photo_origin.py")  # fmt: skip
# Only for a file in Parquet, which is refused before the counting begins.
PARQUET = {"pandas", "pyarrow"}
PARTS: dict[str, tuple[str, ...]] = {
    "": (*(f"sparrow/{name}" for name in COUNTING), *(
        f"sparrow/{name}.py" for name in
        ("__init__", "atomic_file", "avif_size", "boxes", "capture_names", "detections",
         "image_formats", "image_orientation", "image_statistics", "images", "photo_names",
         "pixel_values",
         "plain_text", "portable", "progress",
         "regular_file", "served_settings", "shipped", "spreadsheet", "store_url", "telemetry"))),
    "data": ("sparrow/data/**/*.py", "sparrow/evaluation/*.py", "sparrow/reports/*.py",
             "sparrow/pipeline/data.py", "sparrow/pipeline/explore.py", "sparrow/pipeline/score.py",
             "sparrow/api.py"),
    "serve": ("service/*.py", "sparrow/predictions/*.py", "sparrow/database.py",
              "sparrow/migrations/**/*.py", "sparrow/reports/templates/*.py"),
    "monitor": ("monitoring/*.py", "flows/monitor.py", "flows/user_errors.py",
                "sparrow/predictions/*.py", "sparrow/database.py"),
    "watch": ("sparrow/cli/watch*.py", "sparrow/webhook.py", "sparrow/reports/templates/*.py"),
    "train": ("sparrow/**/*.py", "service/*.py", "flows/train.py", "flows/lineage.py"),
}  # fmt: skip
OWN = {"sparrow", "service", "monitoring"} | {path.stem for path in (ROOT / "flows").iterdir()}
# The extras `download`, `watch`, `ray` and `cluster`: what needs them says so.
OPTIONAL = {"kaggle", "paho-mqtt", "ray", "boto3", "botocore"}


def named(extra: str) -> set[str]:
    """The packages of an extra, of those that it takes in, and of the bare package."""
    lines = PROJECT["optional-dependencies"].get(extra, []) + PROJECT["dependencies"]
    packages: set[str] = set()
    for line in lines:
        if inner := re.match(r"sparrow\[(.+)\]", line):
            packages |= set().union(*(named(name) for name in inner[1].split(",")))
        else:
            packages.add(re.split(r"[\[<>=~!; ]", line)[0].lower())
    return packages


def imported(path: Path) -> set[str]:
    """Packages that a file imports, anywhere in it, but for annotations alone."""
    names: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(path.read_text())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
        waiting += ast.iter_child_nodes(node)
    foreign = names - set(sys.stdlib_module_names) - OWN
    return {PACKAGE.get(name, name) for name in foreign}


@pytest.mark.parametrize("extra", PARTS)
def test_an_extra_names_what_its_part_imports(extra: str) -> None:
    files = {path for pattern in PARTS[extra] for path in ROOT.glob(pattern)}
    assert files
    packages = named(extra)
    brought = {name for name, by in BROUGHT.items() if by in packages}
    spared = PARQUET if extra == "" else OPTIONAL
    lacking = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files
        for name in imported(path) - packages - brought - spared
    }
    assert not lacking


def test_counting_names_nothing_that_it_does_not_import() -> None:
    files = {path for pattern in PARTS[""] for path in ROOT.glob(pattern)}
    assert named("") <= set().union(*map(imported, files))


def test_the_table_of_the_extras_is_whole() -> None:
    text = (ROOT / "docs" / "install.md").read_text()
    table = re.findall(r"^\| `([a-z]+)` \|", text, re.MULTILINE)
    assert set(table) == set(PROJECT["optional-dependencies"])
    assert len(table) == len(set(table))


def test_only_this_package_is_called_by_its_name() -> None:
    """An extra that takes in others does so within this package: no index is asked for it."""
    inner = [
        line for lines in PROJECT["optional-dependencies"].values() for line in lines
        if line.startswith(PROJECT["name"])
    ]  # fmt: skip
    assert inner
    assert all(re.fullmatch(r"sparrow\[[a-z,]+\]", line) for line in inner)
