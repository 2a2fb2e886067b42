"""Logs of two clones as one, also where a clock was set back."""

from __future__ import annotations

from sparrow.data.pins.arrange import merged_logs


def lines(*times: str) -> list[dict[str, str]]:
    return [{"version": f"{n}@{time}", "time": time} for n, time in enumerate(times)]


def test_nothing_and_nothing_new() -> None:
    assert merged_logs([], []) == []
    ours = lines("10", "12")
    assert merged_logs(ours, ours[:1]) == merged_logs([], ours) == ours


def test_lines_are_in_the_order_of_their_time() -> None:
    ours, theirs = lines("10", "14"), lines("10", "12", "16")
    assert [line["time"] for line in merged_logs(ours, theirs)] == ["10", "12", "14", "16"]


def test_a_clock_that_was_set_back_changes_no_order() -> None:
    ours = lines("10", "08", "09")  # the last is the state in place
    theirs = [*ours[:2], {"version": "x", "time": "11"}]
    assert merged_logs(ours, theirs) == [*ours, theirs[-1]]
    assert merged_logs(theirs, ours)[:2] == ours[:2]
