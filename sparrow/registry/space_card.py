"""The README of an exported Space: what Hugging Face reads at its head, and what people read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from sparrow.class_nouns import objects
from sparrow.data.licence_ledger import LicenceLedger
from sparrow.inference.model_folder import CARD, ModelInfo
from sparrow.plain_text import one_line
from sparrow.registry.notice import LICENSE, NOTICE, folder_licence, read_ledger

APP_FILE, REQUIREMENTS = "app.py", "requirements.txt"
PYTHON = "3.11"
_MAX_DESCRIPTION = 60  # characters, Hugging Face's limit
_GRADIO = re.compile(r"^gradio==(\S+)", re.MULTILINE)


def space_readme(model: Path, info: ModelInfo, version: str, requirements: Path) -> str:
    """``README.md`` of a Space.

    Args:
        model: the folder of its model.
        info: that folder's ``model.json``.
        version: of the registered model.
        requirements: what the Space installs; it pins the version of Gradio.
    """
    metadata = _metadata(info, read_ledger(model), requirements)
    head = yaml.safe_dump(metadata, sort_keys=False, allow_unicode=True, width=10**6)
    rows = [
        ("model", f"{info.name}, version {version}, {_made(info)}"),
        ("classes", ", ".join(map(one_line, info.class_names))),
        ("network", info.architecture),
        ("data version", info.data_version),
        *_scores(info),
    ]
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    has_card = (model / CARD).is_file()
    card = f"What it is for and what it is not: `model/{CARD}`.\n\n" if has_card else ""
    return (
        f"---\n{head}---\n\n# Count {_what(info)} in photos\n\n"
        "Drop photos on the page: it shows each with boxes, and its count with a likely range.\n\n"
        f"| | |\n|---|---|\n{table}\n\n{card}"
        f"Run it anywhere: `pip install -r {REQUIREMENTS} && python {APP_FILE}`.\n\n"
        f"**Licences.** The code is under the Apache License 2.0 (`{LICENSE}`). `{NOTICE}` counts "
        "the photos that the model was trained on by their licences, and names whose photos are "
        "shown, what the weights started from, and the licences of the packages.\n"
    )


def _metadata(info: ModelInfo, ledger: LicenceLedger | None, requirements: Path) -> dict[str, Any]:
    """The head, in the keys and values that Hugging Face documents."""
    licence = folder_licence(ledger)
    named = {"license_name": "several-see-notice", "license_link": NOTICE}
    pinned = _GRADIO.search(requirements.read_text(encoding="utf-8"))
    return {
        "title": one_line(info.name),
        "emoji": "📷",
        "colorFrom": "green",
        "colorTo": "yellow",
        "sdk": "gradio",
        **({"sdk_version": pinned[1]} if pinned else {}),
        "python_version": PYTHON,
        "app_file": APP_FILE,
        "pinned": False,
        "short_description": f"Counts {_what(info)} in photos"[:_MAX_DESCRIPTION],
        "license": licence,
        **(named if licence == "other" else {}),
        "pipeline_tag": "object-detection",
        "tags": ["object-detection", "counting", "onnx", *map(_tag, info.class_names[:5])],
    }


def _what(info: ModelInfo) -> str:
    return one_line(objects(info.class_names, info.plurals))


def _made(info: ModelInfo) -> str:
    how = "trained" if info.starter is None else "a starter, not evaluated, made"
    return f"{how} {info.trained_at[:10]}"


def _tag(name: str) -> str:
    """A class's name as a tag: small letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "object"


def _scores(info: ModelInfo) -> list[tuple[str, str]]:
    """The headline numbers with their intervals, on its test photos."""
    rows = []
    for name, values in info.metrics.items():
        if isinstance(values, list) and len(values) == 3:
            value, low, high = values
            rows.append((one_line(name), f"{value:.3f} ({low:.3f} to {high:.3f})"))
    return rows
