"""Progress: plain lines in a file, a bar on a terminal."""

from __future__ import annotations

import io
import os
import re
import sys
from contextlib import suppress

import pytest

from sparrow.progress import show_progress


class Terminal(io.StringIO):
    """What a program writes to where somebody looks at it."""

    def isatty(self) -> bool:
        return True


def test_nothing_to_do_says_nothing(capsys):
    show_progress("measured")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("total", "shown"),
    [
        (1, [1]),
        (3, [1, 2, 3]),  # fewer than ten: every one
        (25, [2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 25]),  # every second, and the last
        (200, [*range(20, 201, 20)]),
    ],
)
def test_a_line_a_tenth_without_a_terminal(total, shown, capsys):
    show = show_progress("measured")
    for done in range(1, total + 1):
        show(done, total)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"measured {done} of {total} photos" for done in shown]


def test_it_can_stay_silent_without_a_terminal(capsys):
    show_progress("drawn", lines=False)(1, 1)
    assert capsys.readouterr() == ("", "")


def test_a_bar_on_a_terminal():
    to = Terminal()
    show = show_progress("counted", "files", to=to)
    for done in range(1, 4):
        show(done, 3)
    last = re.split(r"[\r\n]+", to.getvalue().strip())[-1]
    assert last.startswith("counted: 100%")
    assert "3/3" in last
    assert " files/s" in last
    assert to.getvalue().endswith("\n")  # what comes next has a line of its own


def test_a_loop_that_broke_off_does_not_disturb_the_next():
    to = Terminal()
    show = show_progress("counted", to=to)
    show(5, 9)
    for done in (1, 2):
        show(done, 2)
    assert "5/9" in to.getvalue()
    assert "2/2" in re.split(r"[\r\n]+", to.getvalue().strip())[-1]


def test_a_terminal_without_a_size_shows_the_bar(monkeypatch):
    """As in a container: the terminal is there, and calls itself 0 columns wide."""
    reader, writer = os.openpty()  # its size is 0 × 0
    monkeypatch.delenv("COLUMNS", raising=False)
    with os.fdopen(reader, "rb", buffering=0) as terminal:
        with os.fdopen(writer, "w") as to:
            monkeypatch.setattr(sys, "stderr", to)  # of which tqdm asks the size
            show_progress("counted", to=to)(1, 1)
        shown = b""
        with suppress(OSError):  # the end of a terminal whose other side was closed
            while piece := terminal.read(1000):  # one read may give one of the bar's two states
                shown += piece
    assert b"1/1" in shown
