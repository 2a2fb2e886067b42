"""What lies beside a registered model folder, so that MLflow loads it anywhere.

``MLmodel`` with the signature, an input example, ``requirements.txt`` (``conda.yaml`` and
``python_env.yaml`` say the same to other tools), and in ``code/`` this package, which no index
holds: a loader and one archive, since an object store is slow with hundreds of files. The network
itself is ``model/weights.safetensors``, a plain state dict, and ``model/engine.onnx``.
"""

from __future__ import annotations

import base64
import io
import shutil
import tempfile
import warnings
import zipfile
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from sparrow.inference.trial_photos import trial_photos
from sparrow.registry.pyfunc import BOX_COLUMNS, BOXES
from sparrow.shipped import PACKAGE

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

MODEL_SUBFOLDER = "model"  # of a version's artifacts
LOADER = "load_sparrow"
ARCHIVE = "sparrow.zip"
LOADER_CODE = f'''"""Loads the model beside it; an installed sparrow goes before {ARCHIVE}."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).with_name("{ARCHIVE}")))

from sparrow.registry.pyfunc import _load_pyfunc  # noqa: E402, F401
'''
# All that the loader imports, beside what MLflow brings.
REQUIRED = (
    "mlflow",
    "numpy",
    "onnxruntime",
    "pandas",
    "pillow",
    "pillow-heif",
    "pydantic",
    "pyyaml",
    "sqlalchemy",
)


def requirements() -> list[str]:
    """Pins of the packages that the loader needs: those that the model was registered with."""
    return [f"{name}=={version(name)}" for name in REQUIRED]


def write_version(folder: Path, into: Path) -> None:
    """Everything that a version's artifacts hold, the model folder included.

    Args:
        folder: a whole model folder.
        into: the folder to make.
    """
    with warnings.catch_warnings():
        # As it is imported, MLflow warns of the type hints of its own classes.
        warnings.filterwarnings("ignore", ".*Any type hint is inferred as AnyType")
        import mlflow.pyfunc
        from mlflow.models import Model

    with tempfile.TemporaryDirectory() as staging:
        loader, archive = Path(staging) / f"{LOADER}.py", Path(staging) / ARCHIVE
        loader.write_text(LOADER_CODE, encoding="utf-8")
        archive.write_bytes(_package_archive())
        mlflow.pyfunc.save_model(
            str(into),
            loader_module=LOADER,
            code_paths=[str(loader), str(archive)],
            pip_requirements=requirements(),
            signature=_signature(),
            input_example=input_example(),
        )
    shutil.copytree(folder, into / MODEL_SUBFOLDER)
    # MLflow would put it into data/; versions have it where earlier releases look for it.
    model = Model.load(str(into))
    model.flavors["python_function"]["data"] = MODEL_SUBFOLDER
    model.save(str(into / "MLmodel"))


@cache
def _package_archive() -> bytes:
    """This package as a zip that Python imports from: the same code, the same bytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(PACKAGE.rglob("*.py")):
            entry = zipfile.ZipInfo(path.relative_to(PACKAGE.parent).as_posix())
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    return stream.getvalue()


def input_example() -> pd.DataFrame:
    """One photo, made by a program, as base64 text: what a request to ``mlflow models serve``
    holds.
    """
    photo = next(photo for photo in trial_photos() if photo.name == "tiny.png")
    return pd.DataFrame({"photo": [base64.b64encode(photo.content).decode()]})


def _signature() -> ModelSignature:
    """One column of photos of any kind, without a name, so that a plain list is one as well."""
    from mlflow.models import ModelSignature
    from mlflow.types.schema import (
        AnyType,
        ColSpec,
        DataType,
        ParamSchema,
        ParamSpec,
        Schema,
        TensorSpec,
    )

    texts = ("photo", "label")
    outputs: list[ColSpec | TensorSpec] = [
        ColSpec(DataType.string if name in texts else DataType.double, name) for name in BOX_COLUMNS
    ]
    params = [
        ParamSpec("min_score", DataType.double, None),
        ParamSpec("rows", DataType.string, BOXES),
    ]
    return ModelSignature(Schema([ColSpec(AnyType())]), Schema(outputs), ParamSchema(params))
