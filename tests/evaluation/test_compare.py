"""Candidate minus champion on the same photos."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from sparrow.config import make_config
from sparrow.evaluation.compare import compare
from sparrow.evaluation.evaluate import Evaluation
from sparrow.evaluation.power import simulate_pair

CONFIG = make_config({"evaluation": {"bootstrap_samples": 500}})


def test_equal_models_show_nothing():
    _, champion = simulate_pair(60, 0.0, 3)
    result = compare(champion, champion, CONFIG)
    assert (result.gain.value, result.bound, result.p_value) == (0, 0, 1)
    assert not result.is_significant
    assert all(one.change.value == 0 for one in result.slices)


def test_a_large_gain_is_shown_and_the_reverse_is_not():
    candidate, champion = simulate_pair(150, 0.15, 1)
    forth, back = compare(candidate, champion, CONFIG), compare(champion, candidate, CONFIG)
    assert forth.gain.value == candidate.f_beta.value - champion.f_beta.value
    assert forth.is_significant
    assert not back.is_significant
    assert back.gain.value == -forth.gain.value
    assert forth.gain.low < forth.bound < forth.gain.value < forth.gain.high
    # It finds more birds, so it counts better: the error falls.
    assert forth.count_mae_change.value < 0 < back.count_mae_change.value
    assert back.count_mae_bound > 0


def test_three_photos_prove_nothing(tiny):
    # One more bird found in each of three photos by three authors: swapping the models gives as
    # large a gain in 1 of 8 cases, far more than 5 %, although no resample shows a loss.
    candidate, champion = tiny([1, 1, 1, 0, 0, 0, 0, 0]), tiny([0] * 8)
    result = compare(candidate, champion, CONFIG)
    assert result.gain.value > 0
    assert result.p_value == pytest.approx(1 / 8, abs=0.05)
    assert not result.is_significant


def test_one_group_has_no_bounds(tiny):
    one = tiny([1, 0], groups=[0, 0])
    result = compare(one, one, CONFIG)
    assert math.isnan(result.bound)
    assert math.isnan(result.count_mae_bound)
    assert not result.is_significant
    assert result.slices == ()


def test_the_groups_of_the_table_are_what_is_drawn():
    candidate, champion = simulate_pair(150, 0.12, 1)
    before = compare(candidate, champion, CONFIG)
    for one in (candidate, champion):  # the same photos, but of five places
        one.per_photo["group"] = [f"place {n % 5}" for n in range(150)]
    after = compare(candidate, champion, CONFIG)
    assert (before.n_groups > 50, after.n_groups) == (True, 5)
    assert before.gain.value == after.gain.value
    assert before.bound != after.bound


def test_smallest_gain_shrinks_with_more_photos():
    few, many = (
        compare(*simulate_pair(n, 0.05, 2), CONFIG).minimum_detectable_effect for n in (50, 800)
    )
    assert 3 < few / many < 5.5  # as the root of 16, give or take


def test_other_photos_are_refused(tiny):
    candidate, champion = tiny([1, 0]), tiny([0, 0])
    with pytest.raises(ValueError, match="found data_version 'x' for the candidate and 'tiny'"):
        compare(replace(candidate, data_version="x"), champion, CONFIG)
    with pytest.raises(ValueError, match=r"found iou 0\.4"):
        compare(replace(candidate, iou=0.4), champion, CONFIG)
    other = champion.per_photo.assign(image=["0.jpg", "9.jpg"])
    with pytest.raises(ValueError, match=r"image of photo 1 is '1\.jpg' .* '9\.jpg'"):
        compare(candidate, replace(champion, per_photo=other), CONFIG)
    with pytest.raises(ValueError, match="n_photos 2"):
        compare(candidate, tiny([0, 0, 0]), CONFIG)


def test_deterministic_and_json():
    pair = simulate_pair(40, 0.05, 5)
    one, two = compare(*pair, CONFIG, 7), compare(*pair, CONFIG, 7)
    assert one == two
    assert json.loads(json.dumps(one.to_dict(), allow_nan=False))["n_photos"] == 40


@pytest.mark.parametrize(("gain", "false"), [(0.0, (0.4, 0.4)), (0.1, (0.8, 0.4))])
def test_the_simulated_difference_is_the_one_asked_for(gain, false):
    candidate, champion = simulate_pair(30_000, gain, 0, false_per_photo=false)
    assert champion.f_beta.value == pytest.approx(0.8, abs=0.006)
    assert candidate.f_beta.value - champion.f_beta.value == pytest.approx(gain, abs=0.006)


@pytest.fixture(scope="module")
def tiny():
    """Photos of two birds each: as many found as listed."""

    def make(hits: list[int], groups: list[int] | None = None) -> Evaluation:
        base = simulate_pair(len(hits), 0.0, 0)[0]
        tp, zero = np.array(hits), np.zeros(len(hits), int)
        table = base.per_photo.assign(
            image=[f"{n}.jpg" for n in range(len(hits))],
            author="unknown",
            group=np.arange(len(hits)) if groups is None else groups,
            n_true=2,
            n_predicted=tp,
            tp=tp,
            fp=0,
            fn=2 - tp,
            objects="objects 2-5",
            dark=False,
            blurred=False,
        )
        for size in ("small", "medium", "large"):
            counts = (tp, zero, 2 - tp) if size == "small" else (zero, zero, zero)
            for name, values in zip(("tp", "fp", "fn"), counts, strict=True):
                table[f"{name}_{size}"] = values
        return replace(base, per_photo=table, data_version="tiny")

    return make
