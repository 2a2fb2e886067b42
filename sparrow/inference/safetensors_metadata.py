"""What a weights file says of itself, read without torch: its classes, its licence.

A safetensors file begins with eight bytes, the length of the JSON header that follows; the header
holds texts under ``__metadata__`` and, for each tensor, its shape.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

CLASSES_KEY = "class_names"
CLASSIFIER = "roi_heads.box_predictor.cls_score.weight"  # [classes + background, features]
MAX_HEADER_BYTES = 100_000_000  # safetensors' own limit


def classes_metadata(class_names: Sequence[str]) -> dict[str, str]:
    """What to save weights with, so that they are never served under other names."""
    return {CLASSES_KEY: json.dumps(list(class_names))}


def check_classes(weights: Path, class_names: Sequence[str]) -> str | None:
    """What is wrong with a class list; None where nothing is.

    Args:
        weights: a safetensors file; one without names in its header is held to their number.
        class_names: in the order of the labels 1, 2, 3 …
    """
    try:
        header = _read_header(weights)
        named = header.get("__metadata__", {}).get(CLASSES_KEY)
        trained = None if named is None else json.loads(named)
        shape = header.get(CLASSIFIER, {}).get("shape")
    except (OSError, ValueError, AttributeError) as error:
        return f"{weights.name} is no safetensors file ({error})"
    if trained is not None and list(class_names) != trained:
        return f"its classes are {list(class_names)}, but {weights.name} was trained for {trained}"
    if shape is not None and shape[0] != len(class_names) + 1:
        return (
            f"it names {len(class_names)} classes, but {weights.name} was trained for "
            f"{shape[0] - 1}"
        )
    return None


def read_licence(weights: Path) -> str | None:
    """The licence that a safetensors file names in its metadata (``license``).

    None where it names none, or is no such file.
    """
    try:
        named = _read_header(weights).get("__metadata__", {}).get("license")
    except (OSError, ValueError, AttributeError):
        return None
    return named if isinstance(named, str) and named.strip() else None


def _read_header(weights: Path) -> dict[str, Any]:
    with weights.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > MAX_HEADER_BYTES:
            raise ValueError(f"a header of {length} bytes")
        text = file.read(length)
    header = json.loads(text)
    if not isinstance(header, dict):
        raise ValueError("its header is not a mapping")
    return header
