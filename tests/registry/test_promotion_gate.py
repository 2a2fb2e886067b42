"""The promotion gate, criterion by criterion, on both sides of each."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from sparrow.config import Config, PromotionConfig
from sparrow.evaluation.bootstrap import Interval
from sparrow.evaluation.compare import Comparison, SliceChange, compare
from sparrow.evaluation.evaluate import Evaluation
from sparrow.evaluation.power import simulate_pair
from sparrow.registry import promotion_gate
from sparrow.registry.promotion_criteria import Candidate, ClassDifference
from sparrow.registry.promotion_gate import AgainstChampion, PromotionDecision

CONFIG = PromotionConfig()


def decide(
    candidate: Evaluation,
    champion: Evaluation | None,
    comparison: Comparison | None,
    model_mb: float,
    config: PromotionConfig,
    forced: bool = False,
    *,
    latency_ms: float | None = None,
    classes: ClassDifference | None = None,
) -> PromotionDecision:
    return promotion_gate.decide(
        Candidate(candidate, model_mb, latency_ms),
        AgainstChampion(champion, comparison, classes),
        config,
        forced,
    )


@pytest.fixture(scope="module")
def pair():
    """A candidate that is clearly better than its champion."""
    candidate, champion = simulate_pair(150, 0.12, 1)
    return candidate, champion, compare(candidate, champion, Config(), 0)


def failed(decision):
    return [one.name for one in decision.criteria if not one.passed]


def test_first_model_needs_only_the_absolute_limits(pair):
    decision = decide(pair[0], None, None, 20.0, CONFIG)
    assert decision.promote
    assert [one.name for one in decision.criteria] == [
        "score", "false detections", "size", "latency",
    ]  # fmt: skip
    assert decision.criteria[-1].required == "no limit set"
    assert "no champion yet; all criteria passed" in decision.reason


@pytest.mark.parametrize(
    ("config", "model_mb", "criterion"),
    [
        (PromotionConfig(min_f_beta=0.99), 20.0, "score"),
        (PromotionConfig(max_false_count_empty=0.001), 20.0, "false detections"),
        (PromotionConfig(max_model_mb=19.9), 20.0, "size"),
        (PromotionConfig(max_latency_ms=50.0), 20.0, "latency"),
    ],
)
def test_each_limit_alone_stops(pair, config, model_mb, criterion):
    decision = decide(pair[0], None, None, model_mb, config, latency_ms=50.1)
    assert not decision.promote
    assert failed(decision) == [criterion]
    assert f"Not promoted: F2 {pair[0].f_beta.value:.4f}" in decision.reason


def test_a_limit_met_exactly_is_met(pair):
    config = PromotionConfig(
        min_f_beta=pair[0].f_beta.value, max_model_mb=20.0, max_latency_ms=50.0
    )
    assert decide(pair[0], None, None, 20.0, config, latency_ms=50.0).promote


def test_a_latency_limit_without_a_measurement_stops(pair):
    assert failed(decide(pair[0], None, None, 1.0, PromotionConfig(max_latency_ms=9.0))) == [
        "latency"
    ]


def test_no_empty_photos_is_said(pair):
    headline = {**pair[0].headline, "false_count_empty": Interval(math.nan, math.nan, math.nan)}
    decision = decide(replace(pair[0], headline=headline), None, None, 1.0, CONFIG)
    assert decision.promote
    assert decision.criteria[1].actual == "not measured: every photo has objects"


def test_a_better_candidate_is_promoted(pair):
    decision = decide(*pair, 20.0, CONFIG)
    assert (decision.promote, decision.forced, failed(decision)) == (True, False, [])


def test_a_worse_candidate_is_not_and_the_reason_has_numbers(pair):
    worse, better, _ = pair[1], pair[0], pair[2]
    decision = decide(worse, better, compare(worse, better, Config(), 0), 20.0, CONFIG)
    assert not decision.promote
    assert "better than the champion" in failed(decision)
    assert f"{worse.f_beta.value:.4f} against the champion's {better.f_beta.value:.4f}" in (
        decision.reason
    )
    assert "This test set shows gains of" in decision.reason


def test_the_same_model_again_is_not_promoted(pair):
    same = compare(pair[1], pair[1], Config(), 0)
    assert failed(decide(pair[1], pair[1], same, 20.0, CONFIG)) == ["better than the champion"]


def test_a_worse_count_stops(pair):
    comparison = replace(pair[2], count_mae_bound=0.01)
    assert failed(decide(pair[0], pair[1], comparison, 1.0, CONFIG)) == ["count no worse"]
    unknown = replace(pair[2], count_mae_bound=math.nan)
    assert failed(decide(pair[0], pair[1], unknown, 1.0, CONFIG)) == ["count no worse"]


@pytest.mark.parametrize(
    ("change", "smallest", "stops"),
    [
        # Large enough to show a loss of 0.1: the loss must be ruled out.
        (Interval(-0.02, -0.09, 0.05), 0.08, False),
        (Interval(-0.05, -0.12, 0.02), 0.08, True),
        # Too small for that: only a large loss that surely is one stops.
        (Interval(-0.05, -0.40, 0.30), 0.40, False),
        (Interval(-0.30, -0.65, 0.05), 0.40, False),
        (Interval(-0.50, -0.85, -0.15), 0.40, True),
        (Interval(-0.08, -0.15, -0.01), 0.12, False),
    ],
)
def test_slices(pair, change, smallest, stops):
    comparison = replace(pair[2], slices=(SliceChange("dark", 30, 20, change, smallest),))
    decision = decide(pair[0], pair[1], comparison, 1.0, CONFIG)
    assert failed(decision) == (["no slice worse"] if stops else [])
    assert ("dark" in decision.reason) == stops


def test_force_promotes_and_says_so(pair):
    decision = decide(pair[1], None, None, 1.0, PromotionConfig(min_f_beta=0.99), forced=True)
    assert (decision.promote, decision.forced) == (True, True)
    assert decision.reason.startswith("Promoted by order although criteria failed")
    # Where nothing stood in the way, nothing had to be forced.
    assert not decide(*pair, 1.0, CONFIG, forced=True).forced


@pytest.mark.parametrize(
    ("groups", "thin"), [(1, True), (3, True), (9, True), (10, False), (42, False)]
)
def test_few_groups_are_too_thin_whatever_the_gain(pair, groups, thin):
    comparison = replace(pair[2], n_groups=groups)
    decision = decide(pair[0], pair[1], comparison, 1.0, CONFIG)
    assert failed(decision) == (["enough evidence"] if thin else [])
    assert ("too thin to compare two models by" in decision.reason) == thin
    first = decide(replace(pair[0], n_groups=groups), None, None, 1.0, CONFIG)
    assert first.promote  # there is no champion to lose, but it is said
    assert ("thin evidence" in first.reason) == thin


def test_champion_and_comparison_go_together(pair):
    with pytest.raises(ValueError, match="found no comparison"):
        decide(pair[0], pair[1], None, 1.0, CONFIG)


def test_json(pair):
    values = json.loads(json.dumps(decide(*pair, 20.0, CONFIG).to_dict(), allow_nan=False))
    assert values["promote"] is True
    assert values["gates"][0]["name"] == "score"


@pytest.mark.parametrize(
    ("champion", "candidate", "promoted", "found"),
    [
        (("robin",), ("robin", "wren"), True, "robin, wren"),
        (("tit", "robin"), ("robin", "wren", "tit"), True, "robin, wren, tit"),
        (("robin", "wren"), ("robin",), False, "robin; lost: wren"),
        (("robin", "wren", "tit"), ("tit", "owl"), False, "tit, owl; lost: robin, wren"),
    ],
)
def test_a_class_may_be_added_and_never_lost(pair, champion, candidate, promoted, found):
    ours, theirs, comparison = pair
    classes = ClassDifference(champion, candidate, ours)
    decision = decide(ours, theirs, comparison, 20.0, CONFIG, classes=classes)
    assert decision.promote == promoted
    criterion = next(one for one in decision.criteria if one.name == "no class lost")
    assert (criterion.passed, criterion.actual) == (promoted, found)
    assert f"on {', '.join(classes.shared)} alone" in decision.reason
    assert decide(ours, theirs, comparison, 20.0, CONFIG, True, classes=classes).promote


def test_without_a_class_in_common_there_is_a_champion_all_the_same(pair):
    classes = ClassDifference(("owl",), ("robin",), None)
    decision = decide(pair[0], None, None, 20.0, CONFIG, classes=classes)
    assert failed(decision) == ["no class lost"]
    assert "not compared with the champion, which counts owl" in decision.reason
