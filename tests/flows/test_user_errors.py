"""The log of a run's steps is read whatever a kill left of it."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

USER_ERRORS = Path(__file__).resolve().parents[2] / "flows" / "user_errors.py"


@pytest.mark.parametrize("cut", ['{"run": "7", "st', "\x00\x00\x00", "[1, 2]", "null", ""])
def test_a_line_that_was_cut_is_left_out(cut, tmp_path):
    plain = runpy.run_path(str(USER_ERRORS))
    line = {"run": "7", "step": "start", "started": 1.0, "finished": 2.0}
    other = {**line, "run": "8"}
    later = {**line, "step": "train", "started": 3.0}
    texts = [json.dumps(later), cut, json.dumps(other), json.dumps(line)]
    (tmp_path / "steps.jsonl").write_text("\n".join(texts))
    assert plain["read_steps"](tmp_path, "7") == [line, later]
