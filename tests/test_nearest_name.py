"""The name that a typo may have meant."""

from __future__ import annotations

import pytest

from sparrow.nearest_name import nearest_name


@pytest.mark.parametrize(
    ("name", "known", "nearest"),
    [
        ("x", [], None),
        ("trainin", ["data", "training"], "training"),
        ("rmsprop", ["Adam", "RMSprop"], "RMSprop"),  # another case only
        ("ADAMM", ["Adam", "RMSprop"], "Adam"),
        ("sgd", ["SGD", "sgd"], "sgd"),  # as it is written goes before another case
        ("zzz", ["Adam", "SGD"], None),
    ],
)
def test_the_nearest_name(name: str, known: list[str], nearest: str | None) -> None:
    assert nearest_name(name, known) == nearest
