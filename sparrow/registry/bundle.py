"""Build a Bento: the service, the library it needs, and the champion's model folder."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sparrow.config import StoresConfig
from sparrow.inference.model_folder import ModelInfo, read_info
from sparrow.inference.without_settings import strip_settings
from sparrow.registry.notice import LICENSE, NOTICE, TEXTS, write_notices
from sparrow.served_settings import (
    FILE,
    ServedSettings,
    read_served_settings,
    settings_path,
    write_served_settings,
)
from sparrow.shipped import PACKAGE, SERVE_LOCK, shipped

ROOT = PACKAGE.parent  # a clone or site-packages: the service lies beside the package
SOURCES = ("sparrow", "service")
REQUIREMENTS = SERVE_LOCK
INCLUDED = [
    *(f"{part}/**" for part in (*SOURCES, "model", TEXTS)),
    *(FILE, REQUIREMENTS, NOTICE, LICENSE),
]  # of a Bento

KEY_VARIABLE = "SPARROW_API_KEY"  # of the service


class BundleError(RuntimeError):
    """A Bento that cannot be built here."""


def build_bento(folder: Path, settings: ServedSettings) -> str:
    """Build the Bento of a model version, or find the one that was built before.

    Args:
        folder: the champion's model folder.
        settings: what it is served with; its ``version`` is the registered one.

    Returns:
        The Bento's tag, ``name:v<version>-<data version>``. Its model folder travels inside, so
        that ``bentoml serve TAG`` needs neither registry nor repo.

    Raises:
        BundleError: the repo's ``service/`` is not beside the package.
    """
    import bentoml

    info = read_info(folder)
    tag = f"{settings.name}:v{settings.version}-{info.data_version[:8]}"
    built = [bento.path for bento in bentoml.list() if str(bento.tag) == tag]
    if any(_holds(Path(path) / "src" / "model", info, settings) for path in built):
        return tag
    _delete(tag)
    with tempfile.TemporaryDirectory() as staging:
        _stage_sources(Path(staging))
        copy_model(folder, Path(staging) / "model", settings)
        write_notices(Path(staging) / "model", info, Path(staging))
        with _some_key():
            return _build(Path(staging), tag, info)


def keep_bento(tag: str, folder: Path) -> Path:
    """Write a Bento of this host into a file, which ``bentoml import`` reads on another.

    Args:
        folder: of the file; one of the same name is replaced.
    """
    import bentoml

    folder.mkdir(parents=True, exist_ok=True)
    # BentoML takes a relative path from the root.
    path = folder.absolute() / f"{tag.replace(':', '-')}.bento"
    path.unlink(missing_ok=True)
    bentoml.export_bento(tag, str(path))
    return path


def _build(staging: Path, tag: str, info: ModelInfo) -> str:
    import bentoml

    name, _, version = tag.partition(":")
    bento = bentoml.build(
        "service.app:Sparrow",
        name=name,
        version=version,
        build_ctx=str(staging),
        include=INCLUDED,
        labels={"data_version": info.data_version, "threshold": f"{info.threshold:.4f}"},
        python={"requirements_txt": REQUIREMENTS, "lock_packages": False},
    )
    return str(bento.tag)


def _stage_sources(staging: Path) -> None:
    """Copy the library, the service and what they require."""
    parts = {**{part: ROOT / part for part in SOURCES}, REQUIREMENTS: shipped(SERVE_LOCK)}
    missing = [part for part, path in parts.items() if not path.exists()]
    if missing:
        raise BundleError(
            f"expected {', '.join(missing)} in {ROOT}; build from a clone of the repo"
        )
    for part in SOURCES:
        ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
        shutil.copytree(ROOT / part, staging / part, ignore=ignore)
    shutil.copy(parts[REQUIREMENTS], staging / REQUIREMENTS)


@contextmanager
def _some_key() -> Iterator[None]:
    """BentoML imports the service to build it, and that refuses to start without a required key.

    A training does not know the key of those who serve; this one is random and used nowhere else.
    """
    if os.environ.get(KEY_VARIABLE):
        yield
        return
    os.environ[KEY_VARIABLE] = secrets.token_urlsafe()
    try:
        yield
    finally:
        del os.environ[KEY_VARIABLE]


def copy_model(folder: Path, into: Path, settings: ServedSettings) -> None:
    """Copy a model folder that is to leave this machine, and write its settings beside it.

    Of the stores, only the prediction log goes along; what an earlier release wrote of this
    machine into the model does not.
    """
    shutil.copytree(folder.resolve(), into)
    strip_settings(into)
    write_served_settings(into, travelling(settings))


def travelling(settings: ServedSettings) -> ServedSettings:
    """Settings of a model that leaves this machine."""
    stores = StoresConfig(prediction_log=settings.stores.prediction_log)
    return settings.model_copy(update={"stores": stores})


def _holds(model: Path, info: ModelInfo, settings: ServedSettings) -> bool:
    """Whether a built Bento carries this very model, with these settings."""
    if not settings_path(model).is_file() or read_served_settings(model) != travelling(settings):
        return False
    if not (model.parent / NOTICE).is_file():
        return False  # built by an earlier release
    inside = read_info(model, verify=False)
    return inside.model_copy(update={"config": info.config}) == info  # see ``without_settings``


def _delete(tag: str) -> None:
    import bentoml

    if any(str(bento.tag) == tag for bento in bentoml.list()):
        bentoml.delete(tag)
