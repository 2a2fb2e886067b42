"""The documentation names only what there is: paths, commands, keys, targets, words, versions."""

from __future__ import annotations

import argparse
import importlib
import re
import shlex
import typing
from pathlib import Path

import pytest
import yaml
from PIL import Image

import sparrow
from sparrow.cli.main import COMMANDS
from sparrow.config import Config, load_config, parse_config
from sparrow.config.renamed import RENAMED
from sparrow.reports.glossary import GLOSSARY

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md"), ROOT / "data" / "README.md"])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
# Made by a run or by git, or named for readers who have no clone.
NOT_IN_GIT = ("data/own", "data/raw", "data/new", "data/prepared", "data/rejected", "data/review")
SOURCES = (".py", ".yaml", ".md")
SECTIONS = "|".join(Config.model_fields)


def fences(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def commands(text: str) -> list[list[str]]:
    """Every command of the bash blocks, and of the code in sentences, without its comment."""
    lines = [line for block in fences(text, "bash") for line in block.splitlines()]
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    lines += [code.replace("\n", " ") for code in re.findall(r"`([^`]+)`", prose)]
    return [
        shlex.split(line, comments=True) for line in lines if line[:1].isalpha() and quoted(line)
    ]


def quoted(line: str) -> bool:
    try:
        shlex.split(line, comments=True)
    except ValueError:
        return False
    return True


@pytest.fixture(scope="module")
def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sparrow")
    subparsers = parser.add_subparsers(required=True)
    for name in COMMANDS:
        importlib.import_module(f"sparrow.cli.{name}").register(subparsers)
    return parser


@pytest.mark.parametrize("page", NAMES)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text()
    for link in re.findall(r"\]\(([^)]+)\)", text) + re.findall(r'src="([^"]+)"', text):
        if link.startswith(("http:", "https:")):
            continue
        path, _, anchor = link.partition("#")
        target = ((ROOT / page).parent / path).resolve() if path else ROOT / page
        assert target.exists(), f"{page}: {link}"
        if anchor:
            titles = re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE)
            assert anchor in [as_anchor(title) for title in titles], f"{page}: {link}"


def as_anchor(title: str) -> str:
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", NAMES)
def test_paths_exist(page: str) -> None:
    text = (ROOT / page).read_text()
    rooms = "configs|data|docs|flows|monitoring|service|sparrow|tests"
    for path in re.findall(rf"`((?:{rooms})/[\w./-]*)`", text):
        made = path.startswith(NOT_IN_GIT) or page == "CHANGELOG.md"
        assert made or (ROOT / path).exists(), f"{page}: {path}"


@pytest.mark.parametrize("page", NAMES)
def test_subcommands_and_options_are_known(page: str, parser: argparse.ArgumentParser) -> None:
    for words in commands((ROOT / page).read_text()):
        if words[0] == "sparrow" and len(words) > 2:
            words = ["2" if word in ("VERSION", "N") else word for word in words[1:]]
            words = ["coco" if word in ("KIND", "coco|voc|yolo") else word for word in words]
            parser.parse_args([word for word in words if word not in ("…", "...")])
        elif words[0] == "sparrow" and len(words) == 2:
            known = {name for action in parser._actions for name in (action.choices or ())}
            assert words[1] in known, f"{page}: sparrow {words[1]}"


@pytest.mark.parametrize("page", NAMES)
def test_targets_are_in_the_makefile(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    targets |= set(re.findall(r"bench-\w+", (ROOT / "Makefile").read_text()))
    for words in commands((ROOT / page).read_text()):
        if words[0] == "make" and len(words) > 1 and re.fullmatch("[a-z-]+", words[1]):
            assert words[1] in targets or words[1].endswith("-"), f"{page}: make {words[1]}"


@pytest.mark.parametrize("page", [name for name in NAMES if name != "CHANGELOG.md"])
def test_config_keys_are_known(page: str) -> None:
    text = (ROOT / page).read_text()
    keys = re.findall(rf"`((?:{SECTIONS})\.[a-z_]+)(?=[`:=])", text)
    keys += re.findall(r"--set '?([a-z_.]+)=", text)
    for key in keys:
        if not key.endswith(".yaml") and not key.endswith(".py"):
            section, _, field = key.partition(".")
            kind = Config.model_fields[section].annotation
            known = next(iter(typing.get_args(kind)), kind).model_fields  # of X | None, X
            assert field in known, f"{page}: {key}"


def test_configs_in_the_pages_are_valid(tmp_path: Path) -> None:
    for page in ("docs/scale.md", "docs/reverse-proxy.md"):
        for block in fences((ROOT / page).read_text(), "yaml"):
            (tmp_path / "c.yaml").write_text(block)
            assert load_config(tmp_path / "c.yaml") != parse_config("")


def test_every_page_is_in_the_reading_order() -> None:
    listed = set(re.findall(r"\]\(([\w-]+\.md)\)", (DOCS / "README.md").read_text()))
    assert listed == {page.name for page in DOCS.glob("*.md")} - {"README.md"}


def test_pictures_are_small() -> None:
    for path in (*DOCS.glob("*.jpg"), *DOCS.glob("*.png")):
        with Image.open(path) as picture:
            assert max(picture.size) <= 1600, path.name
        assert path.stat().st_size <= 300_000, path.name


def test_the_file_tree_is_true_and_whole() -> None:
    text = (ROOT / "README.md").read_text()
    tree = text.split("## Where things are")[1].split("```\n")[1]
    paths = [line.split(maxsplit=1)[0] for line in tree.splitlines()]
    assert [path for path in paths if not (ROOT / path).exists() and path != "data/"] == []
    assert len(paths) == len(set(paths))
    assert all(len(line.split(maxsplit=1)) == 2 for line in tree.splitlines())
    there = {path.rstrip("/") for path in paths}
    folders = {path.split("/")[0] for path in there}
    top = {path.parent.name for path in ROOT.glob("[a-z]*/*.*") if path.suffix in SOURCES}
    assert folders >= top - {"build", "dist"}
    for room in ("sparrow", "flows", "configs"):
        listed = {Path(path).name for path in there if path.startswith(f"{room}/")}
        here = {path.name for path in (ROOT / room).iterdir() if path.suffix in SOURCES}
        here |= {path.parent.name for path in (ROOT / room).glob("*/*.py")}
        assert here - listed == {"__init__.py"} & here, room


def test_the_glossary_is_the_pages_own() -> None:
    text = (DOCS / "glossary.md").read_text()
    assert dict(re.findall(r"^\*\*(.+?)\*\*: (.+)$", text, re.MULTILINE)) == GLOSSARY


def test_versions_agree() -> None:
    newest = re.search(r"^## (\d\S*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert newest[1] == str(citation["version"]) == sparrow.__version__
    assert {"cff-version", "message", "title", "authors", "license"} <= set(citation)


def test_the_changelog_names_every_renamed_key() -> None:
    rows = re.findall(r"^  \| `(.+)` \| `(.+)` \|$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert dict(rows) == RENAMED
