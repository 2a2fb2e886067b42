"""Which run `resume` takes up, told from what Metaflow knows of all runs."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import runpy
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

FLOWS = Path(__file__).resolve().parents[2] / "flows"


@pytest.fixture(scope="module")
def lineage():
    return runpy.run_path(str(FLOWS / "lineage.py"))


@pytest.fixture(scope="module")
def attempt(lineage):
    """A run: its number tells its age."""

    def make(number, origin=None, *, finished=False, own=3, name="demo"):
        started = datetime(2026, 1, 1) + timedelta(hours=number)
        origin = None if origin is None else str(origin)
        return lineage["Attempt"](str(number), origin, started, finished, lambda: own, name)

    return make


@pytest.fixture(scope="module")
def chosen(lineage):
    def choose(*attempts, busy=(), name=None, **more):
        ordered = sorted(attempts, key=lambda one: one.started)
        return lineage["choose"](ordered, {str(n) for n in busy}, name, **more)

    return choose


@pytest.fixture(scope="module")
def nothing(lineage):
    return lineage["NothingToResumeError"]


def test_no_run(chosen, nothing):
    with pytest.raises(nothing, match="no run was started here yet"):
        chosen()


def test_the_newest_of_a_chain_and_not_its_first(chosen, attempt):
    assert chosen(attempt(1)).run_id == "1"
    assert chosen(attempt(1), attempt(2, 1)).run_id == "2"
    assert chosen(attempt(1), attempt(2, 1), attempt(5, 2), attempt(9, 5)).run_id == "9"
    # Named by hand, the origin may be an earlier one: still the newest.
    assert chosen(attempt(1), attempt(2, 1), attempt(3, 1)).run_id == "3"


def test_a_run_that_was_killed_while_it_took_over_steps_is_passed_by(chosen, attempt):
    assert chosen(attempt(1), attempt(2, 1, own=0)).run_id == "1"
    assert (
        chosen(attempt(1), attempt(2, 1), attempt(3, 2, own=0), attempt(4, 3, own=0)).run_id == "2"
    )
    assert chosen(attempt(1, own=0)).run_id == "1"  # killed in its first step
    assert chosen(attempt(1, own=0), attempt(2, 1, own=0)).run_id == "1"


def test_what_finished_by_a_resumption_is_finished(chosen, attempt, nothing):
    done = (attempt(1), attempt(2, 1), attempt(3, 2, finished=True))
    with pytest.raises(nothing, match=r"the last run, 3 .* has finished"):
        chosen(*done)
    assert chosen(*done, finished_too=True).run_id == "3"  # a step of it is to be run again
    older = chosen(attempt(0), *done)
    assert older.run_id == "0"
    assert "Run 3 of demo, started later, has finished." in older.words


def test_each_config_finds_its_own(chosen, attempt, nothing):
    runs = (attempt(1, name="own"), attempt(2, name="demo"), attempt(3, 1, name="own"))
    assert chosen(*runs).run_id == "2"  # a training is as old as its first run
    assert chosen(*runs, name="own").run_id == "3"
    assert chosen(*runs, name="demo").run_id == "2"
    assert "resume --origin-run-id 3" in chosen(*runs).words[-1]
    with pytest.raises(nothing, match="no run of wren was started here yet"):
        chosen(*runs, name="wren")


def test_a_run_under_way_is_not_taken(chosen, attempt, nothing):
    with pytest.raises(nothing, match="run 2 is still under way"):
        chosen(attempt(1), attempt(2, 1), busy=(2,))
    with pytest.raises(nothing, match="still under way"):
        chosen(attempt(1), attempt(2, 1), busy=(1,))  # its first process still works
    two = chosen(attempt(1), attempt(2), busy=(2,))
    assert two.run_id == "1"
    assert not any("Not finished either" in line for line in two.words)


def test_a_run_named_by_hand_is_refused_while_it_works(lineage, attempt, nothing):
    runs = [attempt(1), attempt(2, 1), attempt(3)]
    lineage["check_origin"](runs, {"3"}, "1")
    lineage["check_origin"](runs, set(), "77")  # Metaflow says that there is none
    with pytest.raises(nothing, match="run 2 is still under way, from 1"):
        lineage["check_origin"](runs, {"2"}, "1")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "sparrow"),
        ({"USER": "root"}, "sparrow"),
        ({"USER": "", "SUDO_USER": "root", "LOGNAME": "root"}, "sparrow"),
        ({"METAFLOW_USER": "root"}, "sparrow"),
        ({"USER": "ann"}, "ann"),
        ({"USER": "root", "SUDO_USER": "ben"}, "ben"),
        ({"METAFLOW_USER": "ci", "USER": "ann"}, "ci"),
    ],
)
def test_metaflow_finds_a_user_whoever_starts_the_flow(given, expected):
    code = (
        "from user_name import settle_user_name; print(settle_user_name()); "
        "from metaflow.util import get_username; print(get_username())"
    )
    names = ("METAFLOW_USER", "SUDO_USER", "USERNAME", "USER", "LOGNAME")
    clean = {key: value for key, value in os.environ.items() if key not in names}
    if os.getuid() != 0 and expected == "sparrow":
        pytest.skip("only root is nobody")
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=FLOWS, env={**clean, **given},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert run.stdout.split() == [expected, expected]


@pytest.mark.parametrize("flow", ["train.py", "monitor.py"])
def test_a_flow_starts_for_root_without_any_name(flow, tmp_path):
    names = ("METAFLOW_USER", "SUDO_USER", "USERNAME", "USER", "LOGNAME")
    clean = {key: value for key, value in os.environ.items() if key not in names}
    run = subprocess.run(
        [sys.executable, str(FLOWS / flow), "show"], cwd=tmp_path, env=clean,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert "for user:" in run.stdout + run.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--production", "run"], "put it behind: run --production"),
        (["--branch", "x", "--production", "resume"], "put it behind: run --production"),
        (["--config", "config", "none.yaml", "resume"], "none.yaml"),
        (["--config", "config", "resume"], "expected --config config FILE"),
    ],
)
def test_a_command_line_that_means_something_else_is_refused(arguments, expected, tmp_path):
    (tmp_path / ".metaflow").mkdir()
    run = subprocess.run(
        [sys.executable, str(FLOWS / "train.py"), *arguments], cwd=tmp_path,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 1
    assert expected in run.stderr
    assert "Traceback" not in run.stderr
    assert list((tmp_path / ".metaflow").glob("Train/[0-9]*")) == []  # nothing was started


EARLIER = """
from metaflow import FlowSpec, step
class Train(FlowSpec):
    @step
    def start(self):
        self.next(self.choose)
    @step
    def choose(self):
        {chosen}
        self.next(self.end)
    @step
    def end(self):
        pass
if __name__ == "__main__":
    Train()
"""
ASK = """
import json, sys
sys.path.insert(0, sys.argv[1])
from command_line import CommandError, _step_again
steps, run = ["start", "choose", "train", "evaluate"], open("run").read()
for named in ([], ["start"], ["evaluate"]):
    try:
        print(json.dumps(_step_again("Train", run, steps, set(named))))
    except CommandError as error:
        print(json.dumps(error.message))
"""


@pytest.mark.parametrize("chosen", ["pass", "self.processes = 'one'"])
def test_a_run_of_an_earlier_release_goes_on_from_its_choice(tmp_path, chosen):
    """Its train was a parallel step: Metaflow would now run what follows twice."""
    (tmp_path / ".metaflow").mkdir()
    (tmp_path / "train.py").write_text(EARLIER.format(chosen=chosen))
    run = [sys.executable, "train.py", "--quiet", "--no-pylint", "run", "--run-id-file", "run"]
    subprocess.run(run, cwd=tmp_path, check=True, capture_output=True)
    asked = subprocess.run(
        [sys.executable, "-c", ASK, FLOWS], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    last_three = [json.loads(line) for line in asked.stdout.splitlines() if line[0] in '["']
    if chosen != "pass":
        assert last_three == [[], [], []]
        return
    assert last_three[:2] == [["choose"], []]
    assert "evaluate cannot be run again in it. Go on from: resume choose" in last_three[2]
    assert "goes on from choose, and from the epochs" in asked.stdout


@pytest.fixture
def stored(tmp_path):
    """Metaflow's store of a run: three steps, a value that the second one only passes on."""

    def store(value):
        sha1 = hashlib.sha1(value).hexdigest()
        path = tmp_path / "Train" / "data" / sha1[:2] / sha1
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(value))
        path.with_name(sha1 + "_meta").write_text('{"cas_raw": false, "cas_version": 1}')
        return sha1

    data, model, decision = (store(word * 500) for word in (b"data", b"model", b"yes"))
    for number, (step, values) in enumerate(
        {"_parameters": [store(b"{}")], "start": [data], "train": [data, model],
         "promote": [data, model, decision]}.items()
    ):  # fmt: skip
        listed = tmp_path / "Train" / "7" / step / str(number) / "0.data.json"
        listed.parent.mkdir(parents=True)
        listed.write_text(json.dumps({"objects": {str(i): v for i, v in enumerate(values)}}))
    return tmp_path, {"start": data, "train": model, "promote": decision}


def _flip(path, place=20):
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("step", ["start", "train", "promote"])
@pytest.mark.parametrize(
    "damage",
    [
        _flip,
        lambda path: _flip(path, -5),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-9]),
        lambda path: path.write_bytes(gzip.compress(b"another value")),
        lambda path: path.unlink(),
    ],
)
def test_the_step_whose_value_is_damaged_runs_again(step, damage, stored):
    root, values = stored
    check = runpy.run_path(str(FLOWS / "artifacts.py"))["set_damaged_aside"]
    assert check(root, "Train", "7") == set()
    assert check(root, "Train", "8") == set()  # no such run
    path = root / "Train" / "data" / values[step][:2] / values[step]
    damage(path)
    there = path.exists()
    passed_on = {"start": {"start", "train", "promote"}, "train": {"train", "promote"}}
    assert check(root, "Train", "7") == passed_on.get(step, {step})
    assert not path.exists()  # or Metaflow would take it for written already
    assert path.with_name(path.name + ".damaged").exists() == there
