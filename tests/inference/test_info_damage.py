"""``model.json`` with damage of every field: refused with a sentence, or read as a usable model."""

from __future__ import annotations

import copy
import json
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sparrow.inference.counter import PhotoCounter
from sparrow.inference.model_folder import INFO, ModelFolderError, read_info

COUNT_MODEL = {
    "threshold": 0.5, "confidence": 0.9, "method": "isotonic", "score_knots": [0.1, 0.5, 0.9],
    "chance_knots": [0.0, 0.5, 1.0], "base": 0.0, "scale": 1.0, "spread": [0.1, 0.1, 0.1],
    "reach": 1.6, "photos": 50, "iou": 0.5,
}  # fmt: skip
NUMBERS: tuple[Any, ...] = (
    0, -1, 1, 2, 0.5, 10**9, -(10**9), 1e308, float("nan"), float("inf"), -float("inf"), 10**400,
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    *NUMBERS, None, True, False, "", "0.5", "\u0000", "x" * 10_000, [], {}, [[]], [None],
    [0.1, "a"], {"a": 1}, [float("nan")], [1, 0],
)  # fmt: skip


@pytest.fixture(scope="module")
def model(write_small_model: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_model(tmp_path_factory.mktemp("damage") / "m", count_model=COUNT_MODEL)


@pytest.fixture
def values(model: Path) -> Any:
    """The file's values; the file is as it was afterwards."""
    text = (model / INFO).read_text()
    yield json.loads(text)
    (model / INFO).write_text(text)


def places(tree: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of all values but the training's settings, which describe and are not used."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    found = []
    for key, value in items:
        if (*before, key) == ("config",):
            continue
        found.append((*before, key))
        if isinstance(value, (dict, list)):
            found += places(value, (*before, key))
    return found


def damaged(values: Any, place: tuple[Any, ...], value: Any) -> Any:
    values = copy.deepcopy(values)
    at = values
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = value
    return values


def usable(model: Path) -> None:
    """Loaded as the service loads it, what it says of itself holds."""
    counter = PhotoCounter(model, verify=False)
    info = counter.info
    assert 0 <= info.min_score <= info.threshold <= 1
    assert 16 <= info.min_side_px <= info.max_side_px <= 16_384
    assert info.format_version == 1
    assert all(info.class_names)
    count = counter._counts._model
    if count is not None:
        numbers = [
            count.threshold,
            count.confidence,
            count.base,
            count.scale,
            count.conformal_quantile,
        ]
        numbers += [*count.spread, *count.score_knots, *count.probability_knots, count.iou]
        assert all(math.isfinite(number) for number in numbers)
        assert 0 <= count.confidence <= 1
        assert count.conformal_quantile >= 0
        assert count.photos >= 0
        assert all(0 <= knot <= 1 for knot in count.probability_knots)


def refusal(model: Path) -> str | None:
    try:
        usable(model)
    except ValueError as error:
        return str(error)
    return None


def test_every_value_is_replaced_by_every_other_kind(model: Path, values: Any) -> None:
    usable(model)
    refused = 0
    for place in places(values):
        for value in VALUES:
            (model / INFO).write_text(json.dumps(damaged(values, place, value)))
            said = refusal(model)  # any other error than a ValueError is no sentence for a person
            refused += said is not None
            assert said is None or 0 < len(said) < 2_000, (place, value)
    assert refused > 300


def test_random_bytes_of_the_file(model: Path) -> None:
    whole = (model / INFO).read_bytes()
    chance = random.Random(1)
    try:
        for _ in range(300):
            text = bytearray(whole)
            for _ in range(chance.randint(1, 4)):
                text[chance.randrange(len(text))] = chance.randrange(256)
            (model / INFO).write_bytes(text[: chance.randint(1, len(text))])
            assert refusal(model) != ""
    finally:
        (model / INFO).write_bytes(whole)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("min_side_px", 0), ("min_side_px", -320), ("min_side_px", 15), ("max_side_px", 10**6),
        ("min_side_px", 320.5), ("min_side_px", "320"), ("min_side_px", True),
        ("format_version", 99), ("format_version", 0), ("format_version", 2),
        ("format_version", "1"),
        ("threshold", float("nan")), ("threshold", 1.5), ("threshold", -0.1), ("threshold", 0.01),
        ("class_names", [""]), ("class_names", []), ("class_names", ["a", "a"]),
        ("class_names", "ab"),
        ("class_names", ["a\nb"]), ("class_names", ["\t"]), ("name", ""), ("name", "a\u0000b"),
        ("engine_parity", {"share": float("nan")}), ("files", {"engine.onnx": 5}), ("extra", 1),
    ],
)  # fmt: skip
def test_what_would_count_wrong_is_refused_with_its_field(
    model: Path, values: Any, key: str, value: Any
) -> None:
    (model / INFO).write_text(json.dumps({**values, key: value}))
    with pytest.raises(ModelFolderError, match=key):
        read_info(model, verify=False)
