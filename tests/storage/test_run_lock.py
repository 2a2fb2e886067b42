"""A run counts as under way while a process of it lives, and not a moment longer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sparrow.storage.run_lock import (
    LINK,
    VARIABLE,
    RunsUnderWayError,
    is_held,
    is_under_way,
    join_run,
    name_run,
    run_under_way,
    runs_under_way,
)

ROOT = Path(__file__).parents[2]
STARTER = """
import subprocess, sys, time
from pathlib import Path
from sparrow.storage.run_lock import run_under_way
with run_under_way(Path(sys.argv[1])):
    step = subprocess.Popen([sys.executable, "-c", sys.argv[3], sys.argv[2]])
    print(step.pid, flush=True)
    step.wait()
    time.sleep(60)
"""
STEP = """
import sys, time
from pathlib import Path
from sparrow.storage.run_lock import join_run
join_run("17", Path(sys.argv[1]))
print("joined", flush=True)
time.sleep(60)
"""


@pytest.fixture
def nobody(monkeypatch):
    monkeypatch.setenv(VARIABLE, "")
    monkeypatch.delenv(VARIABLE)


def test_nothing_is_under_way(tmp_path, nobody):
    assert runs_under_way(tmp_path) == set()
    assert not is_under_way(tmp_path)
    join_run("1", tmp_path)  # on a cluster nobody says where the lock is
    assert list(tmp_path.iterdir()) == []


def test_a_step_that_outlives_its_starter_still_holds_the_run(tmp_path, nobody):
    locks, work_dir = tmp_path / "locks", tmp_path / "runs" / "17"
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, locks, work_dir, STEP],
        stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    step = int(starter.stdout.readline())
    assert starter.stdout.readline() == "joined\n"
    try:
        assert is_under_way(work_dir)
        assert runs_under_way(locks) == {"17"}
        starter.kill()
        starter.wait()
        assert is_under_way(work_dir)  # its step goes on
        os.kill(step, signal.SIGKILL)
        for _ in range(100):
            if not is_under_way(work_dir):
                break
            subprocess.run(["sleep", "0.05"], check=True)
        assert not is_under_way(work_dir)
        assert runs_under_way(locks) == set()
        (left,) = locks.glob("*.lock")
        with run_under_way(locks):
            assert not left.exists()  # what a kill left behind is cleared away
    finally:
        starter.kill()
        starter.stdout.close()
        starter.wait()


def test_a_lock_stands_for_the_run_and_what_it_resumes(tmp_path, nobody, monkeypatch):
    with run_under_way(tmp_path / "locks") as lock:
        assert runs_under_way(tmp_path / "locks") == set()  # one's own does not count
        monkeypatch.delenv(VARIABLE)
        with pytest.raises(RunsUnderWayError, match="has no number yet"):
            runs_under_way(tmp_path / "locks", timeout_s=0.3)
        name_run(lock, "5")
        name_run(lock, "8")
        assert runs_under_way(tmp_path / "locks") == {"5", "8"}
    assert not is_held(lock)
    assert not lock.exists()
    assert not (tmp_path / LINK).exists()
