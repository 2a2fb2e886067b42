"""The gate and the single class: evaluations of hand-made photos, decided on by the real gate."""

from __future__ import annotations

import numpy as np
import pytest

from sparrow.config import Config, PromotionConfig, make_config
from sparrow.detections import Detections
from sparrow.evaluation.compare import compare
from sparrow.evaluation.evaluate import Evaluation, evaluate
from sparrow.evaluation.matching import flatten
from sparrow.registry.promotion_criteria import Candidate, Criterion
from sparrow.registry.promotion_gate import AgainstChampion, PromotionDecision, decide

CONFIG: Config = make_config({"evaluation": {"bootstrap_samples": 200}})
NAMES = ("goose", "raccoon", "owl")
PHOTOS = 12  # of an author each: as many groups


@pytest.fixture(scope="module")
def score(make_dataset):
    """``score({"goose": 1.0, "raccoon": 0.5})``: an evaluation with that recall of each class.

    Every photo shows eight geese and two raccoons, and an owl where ``owls`` says so; nothing is
    found where nothing is.
    """

    def make(recall: dict[str, float], owls: bool = True, photos: int = PHOTOS) -> Evaluation:
        counts = {"goose": 8, "raccoon": 2, "owl": int(owls)}
        boxes: dict[str, list[tuple]] = {}
        predictions: dict[str, Detections] = {}
        seen = dict.fromkeys(counts, 0)
        for number in range(photos):
            truth, found = [], []
            for name, count in counts.items():
                for _ in range(count):
                    box = (40 * len(truth), 0, 40 * len(truth) + 30, 30)
                    truth.append((name, *box))
                    seen[name] += 1
                    # Of every ten objects the first ones are found: as many as the recall says.
                    if (seen[name] - 1) % 10 < 10 * recall.get(name, 0):
                        found.append((NAMES.index(name) + 1, *box))
            image = f"{number}.jpg"
            boxes[image] = truth
            rows = np.array(found, dtype=float).reshape(-1, 5)
            scores = np.full(len(rows), 0.9)
            predictions[image] = Detections(rows[:, 1:], scores, rows[:, 0].astype(int))
        flat = flatten(make_dataset(boxes), predictions, NAMES)
        return evaluate(flat, 0.5, CONFIG.evaluation)

    return make


def first(candidate: Evaluation, **keys: float) -> PromotionDecision:
    return decide(Candidate(candidate, 1.0), AgainstChampion(), PromotionConfig(**keys))


def against(candidate: Evaluation, champion: Evaluation, **keys: float) -> PromotionDecision:
    comparison = compare(candidate, champion, CONFIG)
    pair = AgainstChampion(champion, comparison)
    return decide(Candidate(candidate, 1.0), pair, PromotionConfig(**keys))


def criterion(decision: PromotionDecision, name: str) -> Criterion:
    (wanted,) = (one for one in decision.criteria if one.name == name)
    return wanted


def failed(decision: PromotionDecision) -> list[str]:
    return [one.name for one in decision.criteria if not one.passed]


def test_a_model_that_never_finds_two_of_its_three_classes_is_refused(score):
    """All together it has F2 0.77: eight of eleven objects of every photo are found."""
    candidate = score({"goose": 1.0})
    assert candidate.f_beta.value == pytest.approx(5 * 8 / (5 * 8 + 4 * 3))
    decision = first(candidate)
    assert failed(decision) == ["every class found"]
    assert (
        "every class found: required F2 at IoU 0.5 of at least 0.25 for each class, found raccoon "
        "0.000 on 24 objects in 12 photos; owl 0.000 on 12 objects in 12 photos"
    ) in decision.reason
    assert first(candidate, min_class_f_beta=0.0).promote  # a person's choice


def test_a_class_that_just_reaches_the_floor_passes(score):
    candidate = score({"goose": 1.0, "raccoon": 1.0, "owl": 0.5})
    owl = candidate.classes[2].scores["f2_iou50"].value
    assert owl == pytest.approx(5 * 7 / (5 * 7 + 4 * 5))  # seven of twelve
    assert first(candidate, min_class_f_beta=owl).promote
    assert failed(first(candidate, min_class_f_beta=owl + 1e-6)) == ["every class found"]
    assert criterion(first(candidate), "every class found").actual == (
        f"weakest is owl {owl:.3f} on 12 objects in 12 photos"
    )


def test_a_class_that_no_test_photo_shows_does_not_pass_in_silence(score):
    candidate = score({"goose": 1.0, "raccoon": 1.0}, owls=False)
    unknown = "not judged, for no test photo shows it: owl"
    decision = first(candidate)
    assert failed(decision) == ["every class found"]
    assert unknown in decision.reason
    # Without a bar there is nothing to reach, and it is said all the same.
    decision = first(candidate, min_class_f_beta=0.0)
    assert decision.promote
    assert unknown in decision.reason
    assert unknown in criterion(decision, "every class found").actual


def test_one_class_has_no_such_criterion(make_dataset, found):
    dataset = make_dataset({f"{n}.jpg": [("goose", 0, 0, 9, 9)] for n in range(12)})
    predictions = {image: found((1, 0.9, 0, 0, 9, 9)) for image in dataset.images["image"]}
    flat = flatten(dataset, predictions, ["goose"])
    candidate = evaluate(flat, 0.5, CONFIG.evaluation)
    names = [one.name for one in against(candidate, candidate).criteria]
    assert "every class found" not in names
    assert "no class worse" not in names


def test_a_gain_of_all_does_not_pay_for_a_class(score):
    """Geese 0.5 -> 1 lift F2 of all; raccoons fall from all found to four in five."""
    champion = score({"goose": 0.5, "raccoon": 1.0, "owl": 1.0}, photos=40)
    candidate = score({"goose": 1.0, "raccoon": 0.8, "owl": 1.0}, photos=40)
    decision = against(candidate, champion)
    assert candidate.f_beta.value > champion.f_beta.value
    assert criterion(decision, "better than the champion").passed
    assert failed(decision) == ["no class worse"]
    # F2 of 64 of 80 raccoons without a false one, from 1.
    change = 5 * 64 / (5 * 64 + 4 * 16) - 1
    assert criterion(decision, "no class worse").actual.startswith(f"class raccoon {change:+.3f}")
    assert against(candidate, champion, max_slice_loss=0.5).promote


def test_classes_that_lose_nothing_are_named(score):
    champion = score({"goose": 0.5, "raccoon": 1.0, "owl": 1.0}, photos=40)
    candidate = score({"goose": 1.0, "raccoon": 1.0, "owl": 1.0}, photos=40)
    decision = against(candidate, champion)
    assert decision.promote
    assert criterion(decision, "no class worse").actual in (
        "worst is class raccoon, +0.000",
        "worst is class owl, +0.000",
    )
    assert "class" not in criterion(decision, "no slice worse").actual


def test_a_class_of_one_group_cannot_be_compared_and_is_named(score):
    champion = score({"goose": 0.5, "raccoon": 1.0, "owl": 1.0}, photos=40)
    candidate = score({"goose": 1.0, "raccoon": 1.0, "owl": 1.0}, photos=40)
    both = [_owls_in_one_photo(one) for one in (candidate, champion)]
    assert criterion(against(*both), "no class worse").actual.endswith(
        "; in fewer than two groups, so not compared: owl"
    )


def _owls_in_one_photo(evaluation: Evaluation) -> Evaluation:
    evaluation.per_photo.loc[1:, [f"{part} of class owl" for part in ("tp", "fp", "fn")]] = 0
    return evaluation
