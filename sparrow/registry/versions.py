"""Versions in MLflow's model registry: a model folder goes in once, and comes back checked.

A version is a plain folder (no pickle) that ``mlflow.pyfunc.load_model`` loads as well, wherever
its requirements are installed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.entities import LoggedModelStatus
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from sparrow.inference.model_folder import INFO, ModelFolderError, read_info
from sparrow.registry.pyfunc_files import MODEL_SUBFOLDER, write_version
from sparrow.regular_file import sha256_of

INFO_HASH = "info_sha256"  # a version's tag: of model.json, which holds the other files' hashes


class RegistryError(RuntimeError):
    """The registry does not hold what was asked for."""


@dataclass(frozen=True)
class Version:
    """A registered version."""

    number: int
    run_id: str
    tags: dict[str, str]
    registered_at: datetime  # UTC, by the clock of the registry

    @property
    def info_sha256(self) -> str | None:
        """Of its ``model.json``; None where it was registered before that was written down."""
        return self.tags.get(INFO_HASH)


def list_versions(client: MlflowClient, name: str) -> list[Version]:
    """All versions of a registered model, oldest first."""
    stored = client.search_model_versions(f"name = '{name}'")
    return sorted(map(_version, stored), key=lambda version: version.number)


def find_aliased(client: MlflowClient, name: str, alias: str) -> Version | None:
    """The version an alias points to, if there is one."""
    try:
        return _version(client.get_model_version_by_alias(name, alias))
    except MlflowException as error:
        if error.error_code in ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST"):
            return None
        raise


def register_folder(
    client: MlflowClient, name: str, folder: Path, run_id: str, tags: Mapping[str, str]
) -> Version:
    """Store a model folder as a new version of ``name``.

    Args:
        client: of the registry.
        name: of the registered model.
        folder: a whole model folder.
        run_id: the MLflow run that trained it.
        tags: what to say about the version, besides its data version and its hash.

    Raises:
        ModelFolderError: the folder is not a whole, untouched model.
    """
    info = read_info(folder)
    all_tags = {
        "data_version": info.data_version,
        INFO_HASH: sha256_of(folder / INFO),
        **tags,
    }
    model_id = _log_model(client, name, folder, run_id)
    return _version(mlflow.register_model(f"models:/{model_id}", name, tags=all_tags))


def _log_model(client: MlflowClient, name: str, folder: Path, run_id: str) -> str:
    """Store a model folder as a logged model of MLflow's; its id."""
    with tempfile.TemporaryDirectory() as staging:
        write_version(folder, Path(staging))
        # Without its experiment it would go to MLflow's default one, and to ./mlruns.
        experiment_id = client.get_run(run_id).info.experiment_id
        logged = client.create_logged_model(
            experiment_id, name, source_run_id=run_id, model_type="detector"
        )
        client.log_model_artifacts(logged.model_id, staging)
    client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
    return str(logged.model_id)


def download_version(name: str, version: Version, into: Path) -> Path:
    """A version's model folder, fetched below ``into`` and held against what was registered.

    Raises:
        RegistryError: the store does not return it.
        ModelFolderError: what it returned is not whole, or is another model.
    """
    what = f"{name} version {version.number}"
    try:
        fetched = mlflow.artifacts.download_artifacts(
            f"models:/{name}/{version.number}", dst_path=str(into)
        )
    except (MlflowException, OSError) as error:
        raise RegistryError(f"{what} cannot be fetched from the artifact store: {error}") from error
    folder = Path(fetched) / MODEL_SUBFOLDER
    if not folder.is_dir():
        raise RegistryError(
            f"{what} cannot be fetched: the artifact store holds nothing of it. Restore the "
            "store's files, or promote another version"
        )
    _refuse_another(folder, version, what)
    return folder


def _refuse_another(folder: Path, version: Version, what: str) -> None:
    """Refuse a fetched model that is damaged, or not the one that was registered."""
    try:
        read_info(folder)
    except ModelFolderError as error:
        raise ModelFolderError(f"{what}, as the artifact store returned it: {error}") from error
    info_sha256 = sha256_of(folder / INFO)
    if version.info_sha256 not in (None, info_sha256):
        raise ModelFolderError(
            f"{what}: the artifact store returned another model than the one that was registered; "
            f"expected a {INFO} of SHA-256 {version.info_sha256}, found {info_sha256}. Restore the "
            "store's files, or register the other model as its own version"
        )


def _version(stored: ModelVersion) -> Version:
    """MLflow's entity as a ``Version``."""
    at = datetime.fromtimestamp(stored.creation_timestamp / 1000, UTC)
    return Version(int(stored.version), stored.run_id or "", dict(stored.tags), at)
