"""A Bento holds the champion's own folder, is built once, and is not mistaken for another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sparrow.inference.model_folder import read_info
from sparrow.served_settings import registered_version

# BentoML reads its home once, as it is imported: hence a process of its own.
BUILD = """
import json, sys
from pathlib import Path
import bentoml
from sparrow.registry.bundle import build_bento
from sparrow.served_settings import ServedSettings

first, second = Path(sys.argv[1]), Path(sys.argv[2])
made = []
for folder in (first, first, second):  # a new model, the same again, another under its number
    tag = build_bento(folder, ServedSettings(name="test-detector", version="1"))
    bento = bentoml.get(tag)
    made.append((tag, bento.path, bento.creation_time.isoformat(), dict(bento.info.labels)))
print(json.dumps([made, [str(one.tag) for one in bentoml.list()]]))
"""


@pytest.mark.slow
def test_a_bento_is_built_once_for_one_model(folders, tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", BUILD, str(folders[0]), str(folders[1])],
        cwd=Path(__file__).parents[2], env={**os.environ, "BENTOML_HOME": str(tmp_path / "home")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    made, listed = json.loads(run.stdout.splitlines()[-1])
    tags, paths, times, labels = zip(*made, strict=True)
    expected = f"test-detector:v1-{read_info(folders[0]).data_version[:8]}"
    assert set(tags) == {expected}
    assert listed == [expected]
    assert times[0] == times[1] < times[2]
    # The last one carries the second folder's model.json, to the byte.
    inside = Path(paths[2]) / "src"
    assert (inside / "model" / "model.json").read_bytes() == (
        folders[1] / "model.json"
    ).read_bytes()
    assert labels[2]["threshold"] == "0.2000"
    assert read_info(inside / "model").threshold == 0.2
    assert registered_version(inside / "model") == "1"
    # What serves travels along; what trains need not run there.
    assert (inside / "service" / "app.py").exists()
    assert (inside / "sparrow" / "inference" / "engine.py").exists()
    assert (inside / "sparrow" / "reports" / "templates" / "base.html").exists()
    assert not list(inside.rglob("*.pyc"))
    assert "Apache License 2.0" in (inside / "NOTICE").read_text()
    assert (inside / "LICENSE").is_file()
