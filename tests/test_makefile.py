"""What make says of a command's end, and what it installs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
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


@pytest.fixture
def setup(tmp_path: Path) -> Callable[..., tuple[str, list[str]]]:
    """Calls ``make setup`` in a folder whose uv notes what it is to install.

    It returns what make printed, and the packages of the last installation.
    """
    tools, binaries = tmp_path / "tools", tmp_path / ".venv" / "bin"
    for folder in (tools, binaries):
        folder.mkdir(parents=True)
    version = re.search(r"UV_VERSION := (\S+)", (ROOT / "Makefile").read_text())
    assert version is not None
    uv = f"case $1 in --version) echo uv {version[1]};; *) echo $@;; esac"
    for name, text in (("pip", "exit 9"), ("uv", uv), ("python", "echo Python 3.11")):
        (binaries / name).write_text(f"#!/bin/sh\n{text}\n")
        (binaries / name).chmod(0o755)
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)

    def call(*arguments: str, gpu: bool = False) -> tuple[str, list[str]]:
        driver = tools / "nvidia-smi"
        if gpu:
            driver.write_text("#!/bin/sh\n")
            driver.chmod(0o755)
        environment = {"PATH": f"{tools}:{os.defpath}:{Path(sys.executable).parent}"}
        done = subprocess.run(
            ["make", "setup", *arguments], cwd=tmp_path, capture_output=True, text=True,
            env=environment, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        lines = (tmp_path / ".venv" / "installed.lock").read_text().splitlines()
        return done.stdout, [line.split("==")[0] for line in lines if "==" in line]

    return call


LEFT_OUT = {"triton", "nvidia-cusolver", "nvidia-nvjitlink", "nvidia-cuda-cccl", "nvidia-nvtx",
            "cuda-bindings", "cuda-pathfinder", "cuda-toolkit"}  # fmt: skip


@pytest.mark.skipif(
    any(Path("/dev").glob("nvidia*")) or Path("/dev/dxg").exists(), reason="there is a GPU here"
)
def test_without_a_gpu_what_only_a_gpu_uses_is_left_out_and_named(setup) -> None:
    lock = [line.split("==")[0] for line in (ROOT / "requirements.lock").read_text().splitlines()]
    whole = [name for name in lock if not name.startswith("#")]
    assert set(whole) > LEFT_OUT
    said, packages = setup()
    assert packages == [name for name in whole if name not in LEFT_OUT]
    assert {"torch", "nvidia-cublas", "nvidia-ml-py"} < set(packages)
    (line,) = (line for line in said.splitlines() if line.startswith("Left out"))
    assert set(line.split(": ")[1].rstrip(".").split()) == LEFT_OUT
    assert "make setup NVIDIA=yes" in said
    assert "Installing" not in setup()[0]  # nothing twice

    said, packages = setup("NVIDIA=yes")
    assert packages == whole
    assert "Left out" not in said
    assert "Installing" not in setup()[0]  # what is there stays without a word for less
    assert setup("NVIDIA=no")[1] != whole
    assert "Installing" not in setup("NVIDIA=no")[0]
    assert setup(gpu=True)[1] == whole  # completed where a driver is found since


def test_make_refuses_another_word_for_nvidia() -> None:
    done = subprocess.run(
        ["make", "-n", "setup", "NVIDIA=1"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "NVIDIA is yes or no" in done.stderr
    assert "found: 1" in done.stderr
