"""A registered champion counts a photo where nothing but its requirements is installed.

Not part of ``make test``: it makes an environment from the package index (``make test-mlflow``).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest

from sparrow.registry.registry import Registry

NAME = "test-detector"
COUNT = """
import importlib.util, sys
assert importlib.util.find_spec("sparrow") is None, "the environment has the package"
import mlflow
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model(sys.argv[2])
counts = model.predict(sys.argv[3:], params={"rows": "photos"})
boxes = model.predict(sys.argv[3:], params={"min_score": 0.0})
assert "torch" not in sys.modules
print(*counts["count"], len(boxes), *boxes["score"].round(4))
"""


@pytest.mark.alone
def test_the_champion_counts_in_an_environment_of_its_requirements(
    stores, model_folder, drawn_dataset, tmp_path
):
    registry = Registry(stores, NAME)
    run = registry.versions()[0].run_id
    number = registry.register(model_folder.resolve(), run, "run/alone", {}).number
    registry.promote(number, "why")
    uri = f"models:/{NAME}@champion"
    photos = [str(path) for path in sorted((drawn_dataset / "images").iterdir())[:2]]
    wanted = mlflow.pyfunc.load_model(uri).predict(photos, params={"min_score": 0.0})

    uv, home = Path(sys.executable).parent / "uv", tmp_path / "environment"
    pins = mlflow.artifacts.download_artifacts(f"models:/{NAME}/{number}/requirements.txt")
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    subprocess.run([uv, "venv", "-q", "-p", python, home], check=True, env=clean, cwd=tmp_path)
    subprocess.run(
        [uv, "pip", "install", "-q", "-r", pins],
        check=True, env={**clean, "VIRTUAL_ENV": str(home)}, cwd=tmp_path,
    )  # fmt: skip
    words = [home / "bin" / "python", "-I", "-c", COUNT, stores.tracking, uri, *photos]
    answer = subprocess.run(
        words, check=True, capture_output=True, text=True, env=clean, cwd=tmp_path
    )
    first, second, boxes, *scores = answer.stdout.split()
    assert int(first) > 0 < int(second)
    assert int(boxes) == len(wanted)
    assert [float(score) for score in scores] == pytest.approx(wanted["score"].tolist(), abs=1e-4)
