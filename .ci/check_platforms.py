"""Asks the package index whether the serve lock installs from wheels on each platform.

uv resolves the lock for a platform and a Python that need not be here, and builds and installs
nothing. Exit status: 0 all do, 1 some do not, 2 the index could not be asked.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements-serve.lock"
# As uv names them. manylinux_2_31 is Raspberry Pi OS 11, 64 bits; macOS is 14, as onnxruntime asks.
PLATFORMS = {
    "Linux, x86-64": "x86_64-manylinux_2_28",
    "Linux, ARM, 64 bits": "aarch64-manylinux_2_31",
    "macOS 14, ARM": "aarch64-apple-darwin",
    "Windows, x86-64": "x86_64-pc-windows-msvc",
}
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


def main() -> int:
    """Ask for each platform and Python; print a line for each, and what is missing."""
    worst = 0
    for name, platform in PLATFORMS.items():
        for python in PYTHONS:
            worst = max(worst, check(LOCK, name, platform, python))
            if worst == 2:
                return worst
    return worst


def check(lock: Path, name: str, platform: str, python: str) -> int:
    """Print whether ``lock`` installs from wheels alone; the exit status for it, as above."""
    with tempfile.TemporaryDirectory() as target:
        command = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--dry-run"]
        command += ["--no-deps", "--only-binary", ":all:", "--target", target]
        command += ["--python-platform", platform, "--python-version", python]
        done = subprocess.run(  # noqa: S603 - fixed words and a path of this repository
            [*command, "--requirement", str(lock)], capture_output=True, text=True, check=False,
            env={**os.environ, "MACOSX_DEPLOYMENT_TARGET": "14.0"},
        )  # fmt: skip
    if done.returncode == 0:
        print(f"{name}, Python {python}: wheels for all of {lock.name}")
        return 0
    print(f"{name}, Python {python}:\n{done.stderr.strip()}", file=sys.stderr)
    if "No solution found" in done.stderr and "network was disabled" not in done.stderr:
        return 1
    print("The package index could not be asked: nothing was checked.", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
