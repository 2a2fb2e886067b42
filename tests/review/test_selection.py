from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from sparrow.predictions.record import LoggedBox, PredictionRecord
from sparrow.predictions.window import FEEDBACK_COLUMNS, Window, window_of
from sparrow.review.selection import Selection, SelectionLimits, select

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def photo(name: str, *boxes: LoggedBox, brightness: float = 0.5) -> PredictionRecord:
    return PredictionRecord(
        id=name, time=NOON + timedelta(seconds=len(name)), source="api", model_name="m",
        model_version="1", file_name=f"{name}.jpg", sha256=name, width_px=400, height_px=300,
        brightness=brightness, contrast=0.2, sharpness=0.1, saturation=0.3, count=len(boxes),
        boxes=boxes,
    )  # fmt: skip


def box(score: float, left: float = 0.0, label: str = "sparrow") -> LoggedBox:
    return LoggedBox(label, score, left, 0.0, left + 100.0, 100.0)


def feedback(window: Window, *rows: tuple[str, float | None, bool]) -> Window:
    table = [(f"f{i}", name, NOON, count, wrong) for i, (name, count, wrong) in enumerate(rows)]
    frame = pd.DataFrame(table, columns=list(FEEDBACK_COLUMNS))
    frame["true_count"] = frame["true_count"].astype(float)
    return replace(window, feedback=frame)


def pick(window: Window, reference: Window | None = None, **limits: int) -> Selection:
    options = {"photos": 100, "random_empty": 0, "seed": 0, **limits}
    available = set(window.photos["id"])
    return select(window, reference, available, 0.4, SelectionLimits(**options))


def reasons(choice: Selection) -> dict[str, str]:
    return {one.prediction_id: "; ".join(one.reasons) for one in choice.photos}


def test_an_empty_log_gives_an_empty_queue() -> None:
    assert pick(window_of([]), random_empty=5) == Selection((), 0)


def test_each_reason_is_said() -> None:
    window = window_of(
        [
            photo("fine", box(0.9)),
            photo("doubt", box(0.9), box(0.45, 200)),
            photo("twice", box(0.9), box(0.8, 50)),  # 50 of 150 px shared: IoU 1/3
            photo("dark", box(0.9), brightness=0.1),
            photo("said", box(0.9)),
            photo("told", box(0.9)),
        ]
    )
    window = feedback(window, ("said", None, True), ("told", 4.0, False), ("fine", 1.0, False))
    seen = window_of([photo(f"r{i}", brightness=0.4 + 0.02 * i) for i in range(10)])
    assert reasons(pick(window, seen)) == {
        "told": "feedback: 4, counted 1",
        "said": "feedback: called wrong",
        "doubt": "low score: 0.45 at threshold 0.40",
        "twice": "conflict: two boxes overlap by 0.33, scores 0.90 and 0.80",
        # median 0.49, MAD 0.05: 3 × 1.48 × 0.05 below it is 0.27
        "dark": "unusual: brightness 0.1, known 0.4 to 0.58",
    }


def test_reasons_take_turns_within_the_limit() -> None:
    doubtful = [photo(f"doubt{i}", box(0.41 + i / 100)) for i in range(9)]
    window = feedback(window_of([*doubtful, photo("said", box(0.9))]), ("said", None, True))
    assert list(reasons(pick(window, photos=3))) == ["said", "doubt0", "doubt1"]


def test_two_classes_on_one_bird_are_a_conflict() -> None:
    window = window_of([photo("both", box(0.9), box(0.7, 10, "tree_sparrow"))])
    assert "(sparrow, tree_sparrow)" in reasons(pick(window))["both"]


def test_only_photos_that_are_at_hand_and_each_once() -> None:
    again = replace(photo("again", box(0.42)), sha256="doubt")
    window = window_of([photo("doubt", box(0.41)), again, photo("gone", box(0.41))])
    choice = select(window, None, {"doubt", "again"}, 0.4, SelectionLimits(9, 0, 0))
    assert list(reasons(choice)) == ["again"]  # the later of the two


def test_an_unreadable_photo_is_not_picked() -> None:
    broken = replace(photo("broken"), error="unreadable_photo", count=None)
    assert pick(window_of([broken]), random_empty=3) == Selection((), 0)


def test_the_random_sample_is_uniform_over_photos_without_a_detection() -> None:
    window = window_of([*(photo(f"empty{i}") for i in range(10)), photo("bird", box(0.9))])
    drawn = np.zeros(10)
    for seed in range(300):
        choice = pick(window, random_empty=3, seed=seed)
        assert choice.empty_photos == 10
        assert len(choice.photos) == 3
        assert all(one.random_empty for one in choice.photos)
        drawn[[int(one.prediction_id.removeprefix("empty")) for one in choice.photos]] += 1
    # 300 draws of 3 in 10: 90 each, standard deviation 7.9; four of them either way
    assert (abs(drawn - 90) < 32).all()


def test_a_minimum_is_disputed_only_by_fewer() -> None:
    least = [replace(photo(n, box(0.9)), count_low=1, count_high=None) for n in ("more", "none")]
    window = feedback(window_of(least), ("more", 9.0, False), ("none", 0.0, False))
    assert reasons(pick(window)) == {"none": "feedback: 0, counted 1 or more"}
