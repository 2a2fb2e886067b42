"""Nothing reports home, whoever loads an engine: commands, service, or somebody's script."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sparrow.telemetry import OFF

LOAD = "import sys; from pathlib import Path; from sparrow.inference.engine import Engine; "
LOAD += "Engine(Path(sys.argv[1]))"


@pytest.mark.slow
def test_an_engine_leaves_no_trace_of_onnxruntimes_reports(
    model_folder: Path, tmp_path: Path
) -> None:
    """Its C++ code asks no Python: what it writes before it sends is what can be seen."""
    environment = {name: value for name, value in os.environ.items() if name not in OFF}
    environment |= {"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "tmp")}
    environment.pop("XDG_CACHE_HOME", None)
    for name in ("home", "tmp"):
        (tmp_path / name).mkdir()
    subprocess.run(
        [sys.executable, "-c", LOAD, str(model_folder)], env=environment, check=True, timeout=300
    )
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert left == []
