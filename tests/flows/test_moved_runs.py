"""Metaflow's runs in a folder that was moved: read where they are, by Metaflow's own client."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

FLOWS = Path(__file__).resolve().parents[2] / "flows"
FLOW = """
from metaflow import FlowSpec, Parameter, step
class Small(FlowSpec):
    greeting = Parameter("greeting", default="hello")
    @step
    def start(self):
        self.x = 7
        self.next(self.end)
    @step
    def end(self):
        pass
if __name__ == "__main__":
    Small()
"""
READ = """
from metaflow import Flow, namespace
namespace(None)
run = next(iter(Flow("Small").runs()))
print(run["start"].task.data.x, run["_parameters"].task["greeting"].data)
"""


def follow(root: Path) -> int:
    count = runpy.run_path(str(FLOWS / "moved_runs.py"))["follow_moved_runs"](root, "Small")
    assert isinstance(count, int)
    return count


def in_folder(home: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(home)}
    command = (sys.executable, *command)
    return subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True)


@pytest.mark.slow
def test_runs_of_a_moved_folder_are_read_in_it(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    assert follow(old / ".metaflow") == 0
    old.mkdir()
    (old / "small.py").write_text(FLOW)
    ran = in_folder(old, "small.py", "--no-pylint", "run")
    assert ran.returncode == 0, ran.stderr
    assert follow(old / ".metaflow") == 0
    old.rename(new)
    assert in_folder(new, "-c", READ).returncode != 0  # Metaflow alone looks in the old folder
    assert follow(new / ".metaflow") == 1
    read = in_folder(new, "-c", READ)
    assert read.stdout.split() == ["7", "hello"], read.stderr
    notes = [path.read_text() for path in new.rglob("_meta/*.json")]
    assert len(notes) > 10
    assert not [note for note in notes if str(old) in note]
    assert follow(new / ".metaflow") == 0
