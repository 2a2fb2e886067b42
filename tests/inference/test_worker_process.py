"""A process that counts: it is begun anew when it dies, and ends with its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from sparrow.inference.counter import PhotoCounter
from sparrow.inference.worker_process import ProcessLostError, WorkerProcess


@pytest.fixture
def model_folder(write_small_model: Callable[..., Path], tmp_path: Path) -> Path:
    """It counts nothing here: each new process loads it within milliseconds."""
    return write_small_model(tmp_path / "model")


def own_id(_counter: PhotoCounter) -> int:
    return os.getpid()


def name_of(counter: PhotoCounter) -> str:
    return counter.info.name


def die(_counter: PhotoCounter, marker: Path) -> str:
    """Die as a process does that runs out of memory: the first time, or always without a file."""
    if marker.name == "always" or not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "alive"


def test_work_is_done_elsewhere_and_tried_again_after_a_death(
    model_folder: Path, tmp_path: Path
) -> None:
    process = WorkerProcess()
    try:
        assert process.run(name_of, model_folder) == "test-detector"
        first = process.run(own_id, model_folder)
        assert first != os.getpid()
        assert process.run(die, model_folder, tmp_path / "once") == "alive"
        assert process.run(own_id, model_folder) != first
        with pytest.raises(ProcessLostError, match="twice"):
            process.run(die, model_folder, tmp_path / "always")
        assert process.run(name_of, model_folder) == "test-detector"
    finally:
        process.close()


PARENT = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_worker_process import own_id
from sparrow.inference.worker_process import WorkerProcess
if __name__ == "__main__":
    print(WorkerProcess().run(own_id, Path({model!r})), flush=True)
    time.sleep(60)
"""


def test_it_ends_when_its_parent_is_killed(model_folder: Path, tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT.format(tests=str(Path(__file__).parent), model=str(model_folder)))
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    for _ in range(200):
        if not child.is_running() or child.status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.05)
    child.kill()
    raise AssertionError("the process outlived its parent")
