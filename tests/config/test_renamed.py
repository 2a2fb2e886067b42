"""Keys of earlier releases: refused with their new name, translated where they were stored."""

from __future__ import annotations

from typing import Any

import pytest

from sparrow.config import (
    RENAMED,
    ConfigError,
    get_key,
    make_config,
    parse_config,
    stored_config,
    translate_values,
    with_overrides,
)

VALUES: dict[str, Any] = {
    "data.doubt_score": 0.7,
    "data.huge_box_share": 0.8,
    "split.test_share": 0.3,
    "split.validation_share": 0.1,
    "model.frozen_normalisation": False,
    "training.accumulate": 4,
    "training.processes": 1,
    "training.warmup_share": 0.2,
    "service.keep_share": 0.5,
    "monitoring.error_share": 0.01,
    "monitoring.looks": [30, 60],
}


def tree(key: str) -> dict[str, Any]:
    section, name = key.split(".")
    return {section: {name: VALUES[key]}}


def test_nothing_stored_is_the_default():
    assert stored_config({}) == make_config({})


def test_every_renamed_key_is_tried():
    assert set(VALUES) == set(RENAMED)


@pytest.mark.parametrize("old", RENAMED)
def test_a_person_gets_an_error_with_the_new_name(old):
    section, name = old.split(".")
    for refuse in (
        lambda: parse_config(f"{section}: {{{name}: {VALUES[old]}}}"),
        lambda: parse_config("", [f"{old}={VALUES[old]}"]),
        lambda: with_overrides(make_config({}), [f"{old}={VALUES[old]}"]),
    ):
        with pytest.raises(ConfigError) as caught:
            refuse()
        assert f"{old}: this key is now called {RENAMED[old]}" in str(caught.value)


@pytest.mark.parametrize("old", RENAMED)
def test_what_was_stored_is_read_under_todays_name(old):
    value = get_key(stored_config(tree(old)), RENAMED[old])
    assert value == (tuple(VALUES[old]) if isinstance(VALUES[old], list) else VALUES[old])
    assert translate_values({old: 1, "seed": 2}) == {RENAMED[old]: 1, "seed": 2}


def test_a_stored_space_is_translated_with_its_conditions():
    stored = {
        "tuning": {
            "space": {"training.accumulate": [1, 2], "training.warmup_share": [0.1]},
            "conditions": {"training.warmup_share": {"model.frozen_normalisation": True}},
        }
    }
    tuning = stored_config(stored).tuning
    assert set(tuning.space) == {
        "training.gradient_accumulation_steps", "training.warmup_fraction",
    }  # fmt: skip
    assert tuning.conditions == {"training.warmup_fraction": {"model.freeze_batch_norm": True}}


def test_a_space_of_a_person_names_todays_keys():
    with pytest.raises(ConfigError, match=r"now called training\.gradient_accumulation_steps"):
        parse_config("tuning: {space: {training.accumulate: [1, 2]}}")
