"""``bentoml serve`` that cannot start says why, once, and ends."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BENTOML = Path(sys.executable).with_name("bentoml")


def damage(folder: Path) -> None:
    (folder / "engine.onnx").write_bytes(b"no engine")


def serve(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command, "serve", "service.app:Sparrow", "--port", "0"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PWD": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("command", [[str(BENTOML)], [sys.executable, "-m", "bentoml"]])
def test_without_a_model(tmp_path: Path, command: list[str]) -> None:
    # Named, since the clone itself may hold a champion.
    done = serve(tmp_path, *command, SPARROW_MODEL=str(tmp_path / "none"))
    assert done.returncode == 1
    assert "The service cannot start: there is no model in" in done.stderr
    assert "make train" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("change", "environment", "said"),
    [
        (damage, {}, "engine.onnx"),
        (shutil.rmtree, {}, "there is no model in"),
        (lambda _: None, {"SPARROW_CONFIG": "nowhere.yaml"}, "nowhere.yaml"),
        (lambda _: None, {"SPARROW_CONFIG": "key.yaml"}, "SPARROW_API_KEY is empty"),
    ],
)
def test_what_no_second_attempt_can_change(
    write_small_model: Callable[..., Path],
    tmp_path: Path,
    change: Callable[[Path], object],
    environment: dict[str, str],
    said: str,
) -> None:
    model = write_small_model(tmp_path / "model")
    change(model)
    (tmp_path / "key.yaml").write_text("service: {require_api_key: true}")
    done = serve(tmp_path, str(BENTOML), SPARROW_MODEL=str(model), **environment)
    assert done.returncode == 1
    assert "The service cannot start: " in done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
