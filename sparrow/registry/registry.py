"""Which version is the champion: promotion log, published link and aliases, which always agree.

A change of champion is decided by its entry in the promotion log. The link that the service follows
and the aliases ``previous`` and ``champion`` are set after it, in this order. A process may be
killed between any two of them; so every command first finishes what the last entry says.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlflow import MlflowClient

from sparrow.config import StoresConfig
from sparrow.inference.counter import PhotoCounter
from sparrow.inference.model_folder import INFO
from sparrow.registry.champion_lock import champion_lock
from sparrow.registry.promotion_log import Change, Entry, PromotionLog
from sparrow.registry.published import PublishedFolders
from sparrow.registry.publisher import CHAMPION, PREVIOUS, Publisher
from sparrow.registry.state import RegistryState, read_state
from sparrow.registry.tracking import make_client
from sparrow.registry.versions import (
    INFO_HASH,
    RegistryError,
    Version,
    list_versions,
    register_folder,
)
from sparrow.regular_file import sha256_of

ROLLBACK = "rollback: "  # how the reason of a rollback begins


class Registry:
    """The versions of one registered model, and its champion."""

    def __init__(self, stores: StoresConfig, name: str) -> None:
        self.client: MlflowClient = make_client(stores)
        self.name = name
        self._stores = stores
        self._published = PublishedFolders(Path(stores.champion), name)
        self._publisher = Publisher(self.client, name, self._published)
        self._log = PromotionLog(stores.promotion_log, name)

    def versions(self) -> list[Version]:
        """All versions, oldest first."""
        return list_versions(self.client, self.name)

    def aliased(self, alias: str) -> Version | None:
        """The version an alias points to, if there is one."""
        return self._publisher.aliased(alias)

    def champion(self) -> Version | None:
        """The version that serves."""
        return self.state().champion

    def state(self) -> RegistryState:
        """Who is champion and who was before, by the log; by the aliases where it says nothing.

        A log may be older than the registry, which was made anew: an entry about another model
        than the version that has its number now says nothing.
        """
        state = read_state(self._log.entries(), self.versions())
        if state.entry is not None:
            return state
        return replace(state, champion=self.aliased(CHAMPION), previous=self.aliased(PREVIOUS))

    def history(self) -> list[Entry]:
        """Every change of champion, oldest first."""
        return self._log.entries()

    def last_entry(self) -> int:
        """Number of the latest log entry, 0 when there is none."""
        entries = self._log.entries()
        return entries[-1].number if entries else 0

    def register(self, folder: Path, run_id: str, key: str, tags: Mapping[str, str]) -> Version:
        """Store a model folder as a new version, once for each ``key`` and content.

        Args:
            folder: a whole model folder.
            run_id: the MLflow run that trained it.
            key: of the Metaflow run; asked again with the same key and
                the same folder, the version that exists is returned: a step that is run again
                registers nothing.
            tags: of the version.

        Raises:
            ModelFolderError: the folder is not a whole, untouched model.
        """
        sha256 = sha256_of(folder / INFO)
        for version in self.versions():
            if version.tags.get("key") == key and version.info_sha256 in (None, sha256):
                return version
        return register_folder(self.client, self.name, folder, run_id, {"key": key, **tags})

    def tag(self, number: int, tags: Mapping[str, str]) -> None:
        """Add tags to a version."""
        for name, value in tags.items():
            self.client.set_model_version_tag(self.name, str(number), name, value)

    def fetch(self, number: int) -> Path:
        """A version's folder on this machine, as it was registered; downloaded where it is not.

        Raises:
            RegistryError: there is no such version, or the store does not return it.
            ModelFolderError: what the store returned is not what was registered.
        """
        with self._locked():
            return self._publisher.fetch(number)

    def published_folder(self, number: int) -> Path:
        """Where a version's folder is on this machine, or will be."""
        return self._published.folder(number)

    def publish(self, number: int) -> Path:
        """Put a version's folder where the service looks, in one atomic switch.

        Raises:
            RegistryError, ModelFolderError: see ``fetch``.
        """
        with self._locked():
            self._publisher.publish(number)
        return self._published.path

    def reconcile(self) -> RegistryState:
        """Finish what the log's last entry says, as every change of champion does first."""
        with self._locked():
            self._publisher.reconcile(self.state())
            return self.state()

    def promote(
        self,
        number: int,
        why: str,
        *,
        forced: bool = False,
        evidence: Mapping[str, Any] | None = None,
        follows: int | None = None,
    ) -> None:
        """Make a version the champion, and the champion before it ``previous``.

        The version is fetched, checked and tried out first; then the log decides between rivals.
        Doing it again for the champion changes nothing; of two at once, one gets an error.

        Args:
            why: the reason, for the log.
            forced: by a person's order, whatever the gate said.
            evidence: the gate's decision.
            follows: number of the log entry on which the decision was made; None: the latest.

        Raises:
            RegistryError: there is no such version, or nothing can be published.
            ModelFolderError: the store returned another model than the one registered.
            CannotCountError: the version loads but cannot count photos.
            PromotionConflictError: the champion changed since ``follows``.
        """
        decided_on = self.last_entry() if follows is None else follows
        with self._locked():
            self._publisher.reconcile(self.state())
            self._change(decided_on, Change(number, why, forced, dict(evidence or {})))

    def rollback(self, why: str) -> int:
        """Make the champion before this one champion again.

        A rollback that was killed on its way is finished, and not undone by a second one.

        Returns:
            Its number.

        Raises:
            RegistryError: there is none.
            ModelFolderError, CannotCountError, PromotionConflictError: see ``promote``.
        """
        decided_on = self.last_entry()
        with self._locked():
            finished, fault = self._publisher.reconcile(self.state())
            state = self.state()
            last = state.entry
            if last is not None and last.why.startswith(ROLLBACK) and (finished or fault):
                if fault is not None:
                    raise fault
                return last.to_version
            if state.previous is None:
                raise RegistryError(f"{self.name} has no previous champion to go back to")
            number = state.previous.number
            self._change(decided_on, Change(number, ROLLBACK + why, forced=True))
        return number

    def _change(self, decided_on: int, change: Change) -> None:
        """The change itself: everything that can be refused is before the log's entry."""
        number = change.to_version
        folder, state = self._publisher.fetch(number), self.state()
        self._publisher.require_free_path()
        before = state.champion.number if state.champion else None
        if before == number:
            self._publisher.publish(number)  # another model's folder may be published now
            return
        PhotoCounter(folder, verify=False).try_out()
        evidence = {**change.evidence, INFO_HASH: sha256_of(folder / INFO)}
        self._log.append(decided_on, before, replace(change, evidence=evidence))
        self._publisher.finish(self.state())

    def _locked(self) -> AbstractContextManager[None]:
        return champion_lock(self._published.path, self._stores.promotion_log, self.name)
