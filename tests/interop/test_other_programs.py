"""Files of ``sparrow count`` opened by the programs they are for, each in its own environment.

``make test-interop``. The environments are kept in ``SPARROW_INTEROP``, by default in the folder
for temporary files, and made where they are not there. Those programs need other versions of much
that is locked here, and MegaDetector's whole tree holds another torch.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import venv
from collections import Counter
from pathlib import Path
from typing import Any

import camtrap_rules as rules
import pytest
from counted_folder import count
from two_cameras import COUNTED, FOUND, write_model, write_photos

pytestmark = pytest.mark.interop

HOME = Path(os.environ.get("SPARROW_INTEROP") or Path(tempfile.gettempdir()) / "sparrow-interop")
# Of MegaDetector, what its post-processing imports: detecting needs torch, which is not tried here.
PACKAGES: dict[str, tuple[list[str], list[str]]] = {
    "megadetector": (
        ["megadetector>=10,<11"],
        [
            "clipboard", "dill", "fastquadtree", "humanfriendly", "jsonpickle", "matplotlib",
            "numpy", "opencv-python-headless", "pandas", "pillow", "pytest", "python-dateutil",
            "requests", "scikit-learn", "send2trash", "tqdm",
        ],
    ),
    "frictionless": ([], ["frictionless>=5.18,<6"]),
    "trap-schema": ([], ["trap-schema>=0.2,<0.3"]),
}  # fmt: skip

READ_PACKAGE = """
import json, sys
from pathlib import Path
from frictionless import Package, system
package, schemas = Path(sys.argv[1]), Path(sys.argv[2])
content = json.loads((package / "datapackage.json").read_text())
for resource in content["resources"]:  # the standard's addresses, from copies
    name = resource["schema"].rpartition("/")[2]
    resource["schema"] = json.loads((schemas / name).read_text())
del content["profile"]
with system.use_context(trusted=True):
    report = Package.from_descriptor(content, basepath=str(package)).validate()
errors = report.flatten(["rowNumber", "fieldName", "message"])
rows = {task.name: task.stats["rows"] for task in report.tasks}
print(json.dumps({"valid": report.valid, "errors": errors, "rows": rows}))
"""
READ_DATASET = """
import json, sys
import trap_schema
read = trap_schema.Dataset.load(sys.argv[1])
rows = {name: len(getattr(read, name).rows) for name in ("deployments", "media", "observations")}
print(json.dumps(rows))
"""
READ_DETECTIONS = """
import json, sys
from megadetector.postprocessing import postprocess_batch_results as post
from megadetector.postprocessing.load_api_results import load_api_results
from megadetector.postprocessing.validate_batch_results import (
    ValidateBatchResultsOptions, validate_batch_results,
)
results, photos, out = sys.argv[1:]
check = ValidateBatchResultsOptions()
check.check_image_existence, check.relative_path_base, check.return_data = True, photos, True
told = validate_batch_results(results, check)["validation_results"]
table, _ = load_api_results(results)
options = post.PostProcessingOptions()
options.md_results_file, options.image_base_dir, options.output_dir = results, photos, out
options.num_images_to_sample, options.parallelize_rendering = None, False
page = post.process_batch_results(options).output_html_file
print(json.dumps({
    "errors": told["errors"], "warnings": told["warnings"], "page": page,
    "boxes": {row.file: len(row.detections or ()) for row in table.itertuples()},
}))
"""


def environment(name: str) -> Path:
    """The Python of an environment with a program; made where it is not there."""
    folder = HOME / name
    python = folder / "bin" / "python"
    if not (folder / ".ready").exists():
        alone, whole = PACKAGES[name]
        venv.create(folder, clear=True, with_pip=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *whole], check=True)
        if alone:
            subprocess.run([*pip, "--no-deps", *alone], check=True)
        (folder / ".ready").touch()
    return python


def answer(name: str, script: str, *arguments: Path) -> Any:
    """What a script prints last in the environment, as JSON."""
    command = [str(environment(name)), "-c", script, *map(str, arguments)]
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(command, capture_output=True, text=True, cwd=HOME, env=clean, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos of two cameras, counted by a model of two classes, one of them broken."""
    home = tmp_path_factory.mktemp("interop")
    photos = write_photos(home / "photos")
    (photos / "garden" / "IMG_20260501_130000.jpg").write_text("no photo")
    options = [
        "--camtrap-dp", home / "dp", "--timezone", "Europe/Berlin", "--gps",
        "--species", "house_sparrow=Passer domesticus",
        "--to", home / "md.json", "--megadetector", "--boxes-from", "0.2",
    ]  # fmt: skip
    assert count(write_model(home / "model"), photos, "-r", *options) == 3
    return home


def rows_of(package: Path) -> dict[str, int]:
    return {name: len(rules.table(package, name)) for name in rules.TABLES}


def test_frictionless_finds_no_fault_in_a_package(home: Path) -> None:
    told = answer("frictionless", READ_PACKAGE, home / "dp", rules.SCHEMAS)
    assert told == {"valid": True, "errors": [], "rows": rows_of(home / "dp")}


@pytest.mark.skipif(sys.version_info < (3, 12), reason="trap-schema needs Python 3.12")
def test_trap_schema_reads_a_package(home: Path) -> None:
    assert answer("trap-schema", READ_DATASET, home / "dp") == rows_of(home / "dp")


def test_megadetectors_post_processing_opens_the_results(home: Path) -> None:
    told = answer("megadetector", READ_DETECTIONS, home / "md.json", home / "photos", home / "page")
    assert told["errors"] == []
    images = json.loads((home / "md.json").read_text())["images"]
    whole = {i["file"]: len(i["detections"]) for i in images if not i.get("failure")}
    assert set(whole.values()) == {len(FOUND)}
    assert len(FOUND) > COUNTED
    read = Counter(told["boxes"])
    assert {name: read[name] for name in whole} == whole
    assert Path(home / "page" / told["page"]).is_file()
