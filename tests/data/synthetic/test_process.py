"""Many photos are drawn by several processes, and are the same photos."""

from __future__ import annotations

import filecmp
from pathlib import Path

import psutil
import pytest

from sparrow.data.synthetic import process
from sparrow.data.synthetic.generate import generate_dataset
from sparrow.data.synthetic.settings import SyntheticSettings


@pytest.mark.parametrize("cores", [1, 2, 3])
def test_processes_draw_the_same_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cores: int
) -> None:
    settings = SyntheticSettings(4, seed=9, season="winter")
    generate_dataset(tmp_path / "here", settings)
    monkeypatch.setattr(process, "FEW_PHOTOS", 1)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(cores))
    steps: list[tuple[int, int]] = []
    generate_dataset(tmp_path / "aside", settings, progress=lambda *done: steps.append(done))
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    files = sorted(p.relative_to(tmp_path / "here") for p in (tmp_path / "here").rglob("*.*"))
    assert len(files) == 6  # photos and tables
    same, *others = filecmp.cmpfiles(tmp_path / "here", tmp_path / "aside", files, shallow=False)
    assert (len(same), others) == (6, [[], []])


def test_a_process_that_dies_is_told_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "FEW_PHOTOS", 1)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(2))

    def kill_all(done: int, _total: int) -> None:
        if done == 1:
            for child in psutil.Process().children():
                if "sparrow.data.synthetic.process" in child.cmdline():
                    child.kill()

    with pytest.raises(RuntimeError, match=r"the process that was to draw photo \d+ died"):
        generate_dataset(tmp_path / "set", SyntheticSettings(200, seed=9), progress=kill_all)
    assert not (tmp_path / "set").exists()
    names = [" ".join(child.cmdline()) for child in psutil.Process().children()]
    assert not any("sparrow.data.synthetic.process" in name for name in names)
