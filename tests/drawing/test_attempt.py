"""A picture that cannot be drawn is said and done without; what else ends a process still does."""

from __future__ import annotations

import pytest

from sparrow.drawing.attempt import attempt_drawing


def test_a_picture_is_returned_and_nothing_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert attempt_drawing("Curves", lambda: {"a": b"1"}) == {"a": b"1"}
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("error", [ValueError("no points"), MemoryError("32 GB"), OSError("full")])
def test_what_is_missing_is_said(capsys: pytest.CaptureFixture[str], error: Exception) -> None:
    def draw() -> dict[str, bytes]:
        raise error

    assert attempt_drawing("Curves", draw) is None
    assert capsys.readouterr().out == (
        f"Curves: not drawn ({type(error).__name__}: {error}); the run goes on without\n"
    )


def test_a_person_who_stops_the_run_stops_it() -> None:
    def draw() -> dict[str, bytes]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attempt_drawing("Curves", draw)
