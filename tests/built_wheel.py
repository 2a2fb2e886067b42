"""A wheel of this working tree, and an environment that does not lead back to it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PARTS = (
    "sparrow", "service", "monitoring", "flows", "configs", "pyproject.toml", "setup.py",
    "README.md", "LICENSE", "requirements-serve.lock",
)  # fmt: skip


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """Built from a copy: nothing is left in the working tree, nothing is asked of an index."""
    source = tmp_path_factory.mktemp("source")
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, source / part, ignore=ignore)
        else:
            shutil.copy(ROOT / part, source / part)
    out = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index",
         "--quiet", "--wheel-dir", out, source],
        capture_output=True, text=True, env=clean_environment(), check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr[-3000:]
    (found,) = out.glob("*.whl")
    return found


def clean_environment(**more):
    """Without what would lead back to the clone, or to a model or config of another test."""
    left_out = ("PYTHONPATH", "METAFLOW_USER", "SPARROW_")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(left_out)}
    return {**kept, **more}
