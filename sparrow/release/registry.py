"""MLflow's model registry: versions hold model folders, the alias ``champion`` says which serves.

A version is a plain folder (no pickle) that ``mlflow.pyfunc.load_model`` can load as well. The
champion's folder is also published to a path, from which the service takes it without MLflow.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.entities import LoggedModelStatus
from mlflow.exceptions import MlflowException

from sparrow.config import StoresConfig
from sparrow.model.folder import INFO, file_sha256, read_info
from sparrow.release.promotion_log import (
    BrokenChain,
    Entry,
    PromotionConflictError,
    PromotionLog,
)
from sparrow.release.tracking import make_client

CHAMPION = "champion"
PREVIOUS = "previous"
INFO_HASH = "info_sha256"  # a version's tag: of model.json, which holds the other files' hashes
MODEL_SUBFOLDER = "model"  # of a version's artifacts; beside it lies pyfunc's MLmodel


class RegistryError(RuntimeError):
    """The registry does not hold what was asked for."""


@dataclass(frozen=True)
class Version:
    """A registered version."""

    number: int
    run_id: str
    tags: dict[str, str]


class Registry:
    """The versions of one registered model."""

    def __init__(self, stores: StoresConfig, name: str) -> None:
        self.client: MlflowClient = make_client(stores)
        self.name = name
        self._published = Path(stores.champion)
        self._log = PromotionLog(stores.promotion_log, name)

    def versions(self) -> list[Version]:
        """All versions, oldest first."""
        found = self.client.search_model_versions(f"name = '{self.name}'")
        versions = [Version(int(v.version), v.run_id or "", dict(v.tags)) for v in found]
        return sorted(versions, key=lambda version: version.number)

    def aliased(self, alias: str) -> Version | None:
        """The version an alias points to, if there is one."""
        try:
            found = self.client.get_model_version_by_alias(self.name, alias)
        except MlflowException as error:
            if error.error_code in ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST"):
                return None
            raise
        return Version(int(found.version), found.run_id or "", dict(found.tags))

    def champion(self) -> Version | None:
        """The version that serves."""
        return self.aliased(CHAMPION)

    def register(self, folder: Path, run_id: str, key: str, tags: Mapping[str, str]) -> Version:
        """Store a model folder as a new version, once for each ``key``.

        Args:
            folder: a whole model folder.
            run_id: the MLflow run that trained it.
            key: what makes the model this one (a Metaflow run); asked again with the same key,
                the version that exists is returned: a step that is run again registers nothing.
            tags: more to say about the version.
        """
        for version in self.versions():
            if version.tags.get("key") == key:
                return version
        info = read_info(folder)
        with tempfile.TemporaryDirectory() as staging:
            shutil.copytree(folder, Path(staging) / MODEL_SUBFOLDER)
            _write_pyfunc(Path(staging))
            # Without its experiment it would go to MLflow's default one, and to ./mlruns.
            experiment_id = self.client.get_run(run_id).info.experiment_id
            logged = self.client.create_logged_model(
                experiment_id, self.name, source_run_id=run_id, model_type="detector"
            )
            self.client.log_model_artifacts(logged.model_id, staging)
        self.client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
        which = {
            "key": key,
            "data_version": info.data_version,
            INFO_HASH: file_sha256(folder / INFO),
        }
        all_tags = {**which, **tags}
        made = mlflow.register_model(f"models:/{logged.model_id}", self.name, tags=all_tags)
        return Version(int(made.version), run_id, all_tags)

    def tag(self, number: int, tags: Mapping[str, str]) -> None:
        """Say more about a version."""
        for name, value in tags.items():
            self.client.set_model_version_tag(self.name, str(number), name, value)

    def download(self, number: int, into: Path) -> Path:
        """A version's model folder, fetched below ``into`` and checked.

        Raises:
            ModelFolderError: what the store returned is not what was registered.
        """
        source = f"models:/{self.name}/{number}"
        fetched = mlflow.artifacts.download_artifacts(source, dst_path=str(into))
        folder = Path(fetched) / MODEL_SUBFOLDER
        read_info(folder)
        return folder

    def promote(
        self,
        number: int,
        why: str,
        *,
        forced: bool = False,
        evidence: dict[str, Any] | None = None,
        follows: int | None = None,
    ) -> None:
        """Make a version the champion, and the champion before it ``previous``.

        The version is fetched and checked first, the log decides between rivals, then the aliases
        and the published folder follow. Doing it again for the champion changes nothing; of two at
        once, one wins and the other is told.

        Args:
            number: the version.
            why: the reason, for the log.
            forced: by a person's order, whatever the gate said.
            evidence: the gate's decision.
            follows: number of the log entry on which the decision was made (``last_entry``); None
                takes the latest.

        Raises:
            RegistryError: there is no such version.
            PromotionConflictError: the champion changed since ``follows``, or is about to.
        """
        self.fetch(number)
        last = self.last_entry() if follows is None else follows
        with self._alone():
            current = self.champion()
            before = current.number if current else None
            if before != number:
                if not self._logged(before, number):
                    self._check_settled(before, number)
                    self._log.append(last, before, number, why, forced=forced, evidence=evidence)
                if before is not None:
                    self.client.set_registered_model_alias(self.name, PREVIOUS, str(before))
                self.client.set_registered_model_alias(self.name, CHAMPION, str(number))
            self.publish(number)

    def rollback(self, why: str) -> int:
        """Make the champion before this one champion again.

        Returns:
            Its number.

        Raises:
            RegistryError: there is none.
        """
        previous = self.aliased(PREVIOUS)
        if previous is None:
            raise RegistryError(f"{self.name} has no previous champion to go back to")
        self.promote(previous.number, f"rollback: {why}", forced=True)
        return previous.number

    def history(self) -> list[Entry]:
        """Every change of champion, oldest first."""
        return self._log.entries()

    def broken_chain(self) -> BrokenChain | None:
        """Where the log of promotions is not what was written; None where it is."""
        return self._log.verify()

    def last_entry(self) -> int:
        """Number of the latest log entry, 0 when there is none."""
        entries = self._log.entries()
        return entries[-1].number if entries else 0

    def _logged(self, before: int | None, number: int) -> bool:
        """Whether this very change is the latest in the log: a promotion that was killed between
        the log and the aliases is completed, not written twice.
        """
        entries = self._log.entries()
        return bool(entries) and (entries[-1].from_version, entries[-1].to_version) == (
            before,
            number,
        )

    def publish(self, number: int) -> Path:
        """Put a version's folder where the service looks, in one atomic switch.

        The published path is a link to ``<path>.versions/<name>/<number>``: whoever reads it sees
        the old folder or the new one, never a mixture.
        """
        target = self.fetch(number)
        link = self._published.with_name(self._published.name + f".{os.getpid()}")
        link.unlink(missing_ok=True)
        link.symlink_to(target.relative_to(self._published.parent), target_is_directory=True)
        link.replace(self._published)
        return self._published

    def fetch(self, number: int) -> Path:
        """A version's folder on this machine, downloaded and checked the first time.

        Raises:
            RegistryError: there is no such version.
            ModelFolderError: what the store returned is not what was registered.
        """
        versions = {version.number: version for version in self.versions()}
        if number not in versions:
            names = ", ".join(map(str, versions)) or "none"
            raise RegistryError(f"{self.name} has no version {number}; its versions: {names}")
        # Models of several names may be published at one path, one after the other.
        home = self._published.with_name(self._published.name + ".versions") / self.name
        target = home / str(number)
        if not _is_version(target, versions[number]):
            home.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=home) as scratch:
                fetched = self.download(number, Path(scratch))
                if target.exists():
                    target.rename(Path(scratch) / "old")
                fetched.rename(target)
        return target

    def _check_settled(self, before: int | None, number: int) -> None:
        """Raise PromotionConflictError while another change is in the log but not yet done."""
        entries = self._log.entries()
        last = entries[-1] if entries else None
        if last and last.from_version == before and last.to_version not in (before, number):
            raise PromotionConflictError(
                f"{last.who} has been making version {last.to_version} champion since {last.at}; "
                f"if that was interrupted, complete it first: sparrow promote {last.to_version}"
            )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One change of champion at a time on this machine: aliases and folder move together."""
        self._published.parent.mkdir(parents=True, exist_ok=True)
        with self._published.with_name(self._published.name + ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # let go when the file is closed, by a kill too
            yield


def _is_version(folder: Path, version: Version) -> bool:
    """Whether a folder fetched earlier is of this version, not of one that had its number before
    the registry was made anew.
    """
    info = folder / INFO
    return info.is_file() and version.tags.get(INFO_HASH) in (None, file_sha256(info))


def _write_pyfunc(folder: Path) -> None:
    """``MLmodel``: lets anyone load the version with ``mlflow.pyfunc.load_model``."""
    with warnings.catch_warnings():
        # As it is imported, MLflow warns of the type hints of its own classes.
        warnings.filterwarnings("ignore", ".*Any type hint is inferred as AnyType")
        from mlflow.models import Model
        from mlflow.pyfunc import add_to_model

    model = Model()
    add_to_model(model, loader_module="sparrow.release.pyfunc", data=MODEL_SUBFOLDER)
    model.save(str(folder / "MLmodel"))
