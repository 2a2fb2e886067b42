"""What MLflow's users find beside a registered model: signature, example, requirements, code."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from sparrow.inference.model_folder import ENGINE, INFO, WEIGHTS, read_info
from sparrow.inference.trial_photos import trial_photos
from sparrow.registry import pyfunc_files
from sparrow.registry.pyfunc import BOX_COLUMNS
from sparrow.registry.pyfunc_files import ARCHIVE, REQUIRED, requirements, write_version

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def version(folders, tmp_path_factory):
    """The artifacts of a version whose threshold is 0.1."""
    into = tmp_path_factory.mktemp("version") / "artifacts"
    write_version(folders[0], into)
    return into


@pytest.fixture(scope="module")
def model(version):
    return mlflow.pyfunc.load_model(str(version))


def test_a_version_holds_the_model_folder_and_what_mlflow_needs(version, folders):
    files = {str(path.relative_to(version)) for path in version.rglob("*") if path.is_file()}
    files = {name for name in files if "__pycache__" not in name}
    assert files == {
        "MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt", "input_example.json",
        "serving_input_example.json", "code/load_sparrow.py", f"code/{ARCHIVE}",
        f"model/{WEIGHTS}", f"model/{ENGINE}", f"model/{INFO}",
    }  # fmt: skip
    assert read_info(version / "model") == read_info(folders[0])
    # The state dict, readable without a pickle and without this package.
    assert load_file(version / "model" / WEIGHTS).keys() == {"weight"}


def test_the_signature_names_what_goes_in_and_comes_out(model):
    signature = model.metadata.signature
    assert [str(column.type) for column in signature.inputs.inputs] == ["Any"]
    assert signature.outputs.input_names() == list(BOX_COLUMNS)
    assert [(spec.name, spec.default) for spec in signature.params.params] == [
        ("min_score", None), ("rows", "boxes"),
    ]  # fmt: skip


def test_the_input_example_is_a_photo_that_the_model_counts(model, version):
    example = model.input_example
    assert list(example.columns) == ["photo"]
    assert model.predict(example)["photo"].tolist() == ["photo 1", "photo 1"]
    # What `mlflow models serve` takes as a request.
    payload = json.loads((version / "serving_input_example.json").read_text())
    split = payload["dataframe_split"]
    served = pd.DataFrame(split["data"], columns=split["columns"])
    assert model.predict(served).equals(model.predict(example))


@pytest.fixture
def photos(tmp_path):
    """The same photo as a path, as bytes and as pixels."""
    photo = next(photo for photo in trial_photos() if photo.name == "landscape.jpg")
    path = tmp_path / photo.name
    path.write_bytes(photo.content)
    return str(path), photo.content, photo.pixels()


def test_mlflow_passes_every_kind_of_photo_on(model, photos):
    path, content, pixels = photos
    tables = [
        model.predict(given)
        for given in (
            path, [path], {"photo": [path]}, pd.DataFrame({"photo": [path]}),
            content, [content], {"photo": [content]}, {"photo": [pixels]},
            pd.DataFrame({"anything": [pixels]}),
        )
    ]  # fmt: skip
    assert len(tables[0]) == 2
    for table in tables[1:]:
        assert table.drop(columns="photo").equals(tables[0].drop(columns="photo"))
    assert len(model.predict({"photo": [path, path]})) == 4
    assert model.predict([path, content], params={"rows": "photos"})["count"].tolist() == [2, 2]
    assert len(model.predict([path], params={"min_score": 0.85})) == 1


def test_bad_input_is_refused_through_mlflow(model, photos):
    with pytest.raises(ValueError, match="photo 2: there is no such file"):
        model.predict([photos[0], "missing.jpg"])
    with pytest.raises(ValueError, match="photo 1: expected the path of a photo"):
        model.predict([3])
    with pytest.raises(mlflow.exceptions.MlflowException, match="min_score"):
        model.predict([photos[0]], params={"min_score": "much"})
    with pytest.raises(mlflow.exceptions.MlflowException):
        model.predict(np.zeros((4, 4, 3), np.uint8))  # MLflow makes tables of at most two axes


def test_the_requirements_are_pins_of_what_is_installed(version):
    lines = (version / "requirements.txt").read_text().splitlines()
    assert lines == requirements()
    assert {line.split("==")[0] for line in lines} == set(REQUIRED)


def normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def closure(names):
    """Distributions and all that they require, extras left out."""
    import re

    known, waiting = set(), list(names)
    while waiting:
        name = normal(waiting.pop())
        if name in known:
            continue
        known.add(name)
        try:
            lines = distribution(name).requires or []
        except Exception:  # for another platform
            continue
        waiting += [re.split(r"[^\w.-]", line)[0] for line in lines if "extra ==" not in line]
    return known


def test_the_archive_is_this_package_and_the_same_for_the_same_code(version):
    content = (version / "code" / ARCHIVE).read_bytes()
    pyfunc_files._package_archive.cache_clear()
    assert content == pyfunc_files._package_archive()
    names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert {"sparrow/__init__.py", "sparrow/registry/pyfunc.py"} <= set(names)
    assert all(name.endswith(".py") for name in names)


def test_without_the_package_its_code_beside_the_model_is_used_and_the_requirements_do(
    version, tmp_path
):
    """Every package that loading and counting import is required, or required by one that is."""
    code = (
        "import os, sys\n"
        "sys.path[:] = [p for p in sys.path if not os.path.isdir(os.path.join(p, 'sparrow'))]\n"
        "sys.meta_path[:] = [f for f in sys.meta_path if '__editable__' not in repr(f)]\n"
        f"sys.path.insert(0, {str(version / 'code')!r})\n"
        "import load_sparrow, sparrow.registry.pyfunc as loader\n"
        "from sparrow.inference.trial_photos import trial_photos\n"
        f"model = load_sparrow._load_pyfunc({str(version / 'model')!r})\n"
        "table = model.predict([trial_photos()[0].content], {'rows': 'photos'})\n"
        "files = {n: str(getattr(m, '__file__', '')) for n, m in sys.modules.items()}\n"
        "names = {n.split('.')[0] for n, file in files.items() if 'site-packages' in file}\n"
        "print(loader.__file__, table['count'][0], *names)"
    )
    run = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    file, count, *modules = run.stdout.split()
    assert Path(file) == version / "code" / ARCHIVE / "sparrow" / "registry" / "pyfunc.py"
    assert count == "2"
    by_module = packages_distributions()
    used = {normal(name) for module in modules for name in by_module.get(module, [])}
    assert {"numpy", "onnxruntime", "pillow"} <= used
    # pandas imports these where they are installed, and does without.
    optional = {"pyarrow", "defusedxml", "cloudpickle", "setuptools"}
    optional.add("coverage")  # `make coverage` measures each process of Python
    assert used - optional - closure(REQUIRED) == set()
