"""Build a Bento: the service, the library it needs, and the champion's model folder."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from sparrow.model.folder import ModelInfo, read_info
from sparrow.shipped import PACKAGE, SERVE_LOCK, shipped

ROOT = PACKAGE.parent  # a clone or site-packages: the service lies beside the package
SOURCES = ("sparrow", "service")
REQUIREMENTS = SERVE_LOCK


class BundleError(RuntimeError):
    """A Bento that cannot be built here."""


def build_bento(folder: Path, name: str, version: int) -> str:
    """Build the Bento of a model version, or find the one that was built before.

    Args:
        folder: the champion's model folder.
        name: the Bento's name.
        version: number of the registered version.

    Returns:
        The Bento's tag, ``name:v<version>-<data version>``. Its model folder travels inside, so
        that ``bentoml serve TAG`` needs neither registry nor repo.

    Raises:
        BundleError: the repo's ``service/`` is not beside the package.
    """
    import bentoml

    info = read_info(folder)
    tag = f"{name}:v{version}-{info.data_version[:8]}"
    if any(str(bento.tag) == tag and _holds(bento.path, info) for bento in bentoml.list()):
        return tag
    _delete(tag)
    parts = {**{part: ROOT / part for part in SOURCES}, REQUIREMENTS: shipped(SERVE_LOCK)}
    missing = [part for part, path in parts.items() if not path.exists()]
    if missing:
        raise BundleError(
            f"expected {', '.join(missing)} in {ROOT}; build from a clone of the repo"
        )
    with tempfile.TemporaryDirectory() as staging_name:
        staging = Path(staging_name)
        for part in SOURCES:
            ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
            shutil.copytree(ROOT / part, staging / part, ignore=ignore)
        shutil.copy(parts[REQUIREMENTS], staging / REQUIREMENTS)
        shutil.copytree(folder, staging / "model")
        bento = bentoml.build(
            "service.app:Sparrow",
            name=name,
            version=tag.split(":")[1],
            build_ctx=str(staging),
            include=["sparrow/**", "service/**", "model/**", REQUIREMENTS],
            labels={"data_version": info.data_version, "threshold": f"{info.threshold:.4f}"},
            python={"requirements_txt": REQUIREMENTS, "lock_packages": False},
        )
    return str(bento.tag)


def _holds(bento_path: str, info: ModelInfo) -> bool:
    """Whether a built Bento carries this very model."""
    return any(
        path.is_file() and read_info(path.parent, verify=False) == info
        for path in (Path(bento_path) / "src" / "model").glob("model.json")
    )


def _delete(tag: str) -> None:
    import bentoml

    if any(str(bento.tag) == tag for bento in bentoml.list()):
        bentoml.delete(tag)
