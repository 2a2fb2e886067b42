"""What make says of a command's end."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("status", [0, 1, 3, 4, 7])
def test_make_prints_the_monitors_exit_status(tmp_path: Path, status: int) -> None:
    (tmp_path / "python").write_text(f'#!/bin/sh\necho "called with $@"\nexit {status}\n')
    (tmp_path / "python").chmod(0o755)
    make = ["make", "--old-file", ".venv/.ready", "monitor", f"BIN={tmp_path}", "CONFIG=a.yaml"]
    done = subprocess.run([*make, "ARGS=--set b=1"], cwd=ROOT, capture_output=True, text=True)
    assert "called with flows/monitor.py --config config a.yaml run --set b=1" in done.stdout
    assert f"exit status of flows/monitor.py: {status} (0 ok, 3 drift, 4 " in done.stdout
    assert done.returncode == (2 if status else 0)  # make knows no other
