"""The source files of a step: what it imports, at the top, inside functions, by way of others."""

from __future__ import annotations

from pathlib import Path

import pytest

import sparrow.pipeline.sources as sources
from sparrow.pipeline.sources import FlowSource, changed_files

FLOW = """
from __future__ import annotations
from typing import TYPE_CHECKING
import room.first as first
from room.second import act
from outside import thing
if TYPE_CHECKING:
    from room.typing_only import Kind

class Train:
    @property
    def place(self):
        return 1

    def one(self):
        first.run()

    def two(self):
        act()
        from room.late import late
        late()
"""
FILES = {
    "room/__init__.py": "",
    "room/first.py": "def run(): pass\n",
    "room/second.py": "from room import third\ndef act():\n    import room.deep\n",
    "room/third.py": "",
    "room/deep.py": "import json\n",
    "room/late.py": "def late(): pass\n",
    "room/typing_only.py": "Kind = int\n",
}


@pytest.fixture
def flow(tmp_path: Path) -> FlowSource:
    for name, text in {**FILES, "train.py": FLOW}.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return FlowSource(tmp_path / "train.py", (tmp_path,))


def again(flow: FlowSource) -> FlowSource:
    for cached in (sources._parse, sources._digest, sources._find, sources._imports_of):
        cached.cache_clear()
    return flow


def test_each_step_has_its_own_files(flow: FlowSource) -> None:
    assert set(flow.files_of("one")) == {"train.py:one", "room/first.py"}
    assert set(flow.files_of("two")) == {
        "train.py:two", "room/second.py", "room/third.py", "room/deep.py", "room/late.py",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("edited", "steps"),
    [
        ("room/first.py", {"one"}),
        ("room/deep.py", {"two"}),  # by way of second, inside a function
        ("room/late.py", {"two"}),
        ("room/typing_only.py", set()),  # never run
    ],
)
def test_an_edit_changes_the_steps_that_run_it(
    flow: FlowSource, edited: str, steps: set[str]
) -> None:
    before = {step: flow.files_of(step) for step in ("one", "two")}
    path = flow.path.parent / edited
    path.write_text(path.read_text() + "\nx = 1\n")
    now = {step: again(flow).files_of(step) for step in before}
    assert {step for step in before if before[step] != now[step]} == steps
    for step in steps:
        assert changed_files(before[step], now[step]) == [edited]


def test_an_edit_of_one_step_leaves_the_other(flow: FlowSource) -> None:
    before = {step: flow.files_of(step) for step in ("one", "two")}
    flow.path.write_text(FLOW.replace("first.run()", "first.run(); first.run()"))
    now = {step: again(flow).files_of(step) for step in before}
    assert before["one"] != now["one"]
    assert before["two"] == now["two"]


def test_an_edit_of_what_all_steps_use_changes_all(flow: FlowSource) -> None:
    before = {step: flow.files_of(step) for step in ("one", "two")}
    flow.path.write_text(FLOW.replace("return 1", "return 2"))
    assert all(again(flow).files_of(step) != before[step] for step in before)


def test_the_real_flow_trains_without_the_service_and_gates_without_the_trainer() -> None:
    root = Path(__file__).resolve().parents[2]
    real = FlowSource(root / "flows" / "train.py", (root / "flows", root))
    training, promoting = real.files_of("train"), real.files_of("promote")
    assert "sparrow/training/loop.py" in training
    assert "sparrow/registry/promotion_gate.py" not in training
    assert "sparrow/registry/promotion_gate.py" in promoting
    assert not any(name.startswith("service/") for name in (*training, *promoting))
