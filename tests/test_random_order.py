"""Which tests begin first."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# Nine tests each: that two shuffles leave them as they are is one chance in 362,880.
QUICK = "import pytest\n@pytest.mark.parametrize('n', range(9))\ndef test_n(n): assert n < 8\n"
LONG = QUICK + "@pytest.mark.slow\ndef test_flow(): pass\n"


@pytest.fixture
def order(tmp_path):
    """Runs three files, one with a slow test, and returns what ran in its order, and the output."""
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = slow: long\n")
    for name, text in (("a", QUICK), ("b", QUICK), ("z", LONG)):
        (tmp_path / f"test_{name}.py").write_text(text)

    def run(seed):
        command = [sys.executable, "-m", "pytest", "-v", "-p", "pytest_randomly"]
        command += ["-p", "random_order", f"--randomly-seed={seed}"]
        here = str(Path(__file__).parent)
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": here, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        )  # fmt: skip
        lines = [line.split()[0] for line in done.stdout.splitlines() if "%]" in line]
        return lines, done.stdout

    return run


@pytest.mark.slow
def test_long_files_begin_first_whole_and_the_rest_is_shuffled_by_the_seed(order):
    (first, said), (other, _) = order(1), order(2)
    assert len(first) == 28
    assert first != other
    for lines in (first, other):
        assert {line[:9] for line in lines[:10]} == {"test_z.py"}
        assert len({line[:9] for line in lines[10:19]}) == 1  # a file stays together
        assert sorted(lines) != lines
    assert "Using --randomly-seed=1" in said
    assert "The same order again: ARGS=--randomly-seed=1" in said.splitlines()
