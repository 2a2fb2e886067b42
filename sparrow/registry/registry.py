"""Which version is the champion: log, published link and aliases, which always agree.

A change of champion is decided by its entry in the promotion log. The link that the service follows
and the aliases ``previous`` and ``champion`` are set after it, in this order. A process may be
killed between any two of them; so every command first finishes what the last entry says.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlflow import MlflowClient

from sparrow.config import StoresConfig
from sparrow.inference.counter import PhotoCounter
from sparrow.inference.model_folder import INFO, ModelFolderError
from sparrow.registry.champion_lock import champion_lock
from sparrow.registry.promotion_log import BrokenChain, Entry, PromotionLog
from sparrow.registry.published import PublishedFolders
from sparrow.registry.standing import Standing, read_standing
from sparrow.registry.tracking import make_client
from sparrow.registry.versions import (
    INFO_HASH,
    RegistryError,
    Version,
    download_version,
    find_aliased,
    list_versions,
    register_folder,
)
from sparrow.regular_file import sha256_of

CHAMPION = "champion"
PREVIOUS = "previous"
ROLLBACK = "rollback: "  # how the reason of a way back begins

logger = logging.getLogger("sparrow.registry")


class Registry:
    """The versions of one registered model, and its champion."""

    def __init__(self, stores: StoresConfig, name: str) -> None:
        self.client: MlflowClient = make_client(stores)
        self.name = name
        self._stores = stores
        self._published = PublishedFolders(Path(stores.champion), name)
        self._log = PromotionLog(stores.promotion_log, name)

    def versions(self) -> list[Version]:
        """All versions, oldest first."""
        return list_versions(self.client, self.name)

    def aliased(self, alias: str) -> Version | None:
        """The version an alias points to, if there is one."""
        return find_aliased(self.client, self.name, alias)

    def champion(self) -> Version | None:
        """The version that serves."""
        return self.standing().champion

    def standing(self) -> Standing:
        """Who is champion and who was before, by the log; by the aliases where it says nothing.

        A log may be older than the registry, which was made anew: an entry about another model
        than the version that has its number now says nothing.
        """
        standing = read_standing(self._log.entries(), self.versions())
        if standing.entry is not None:
            return standing
        return replace(standing, champion=self.aliased(CHAMPION), previous=self.aliased(PREVIOUS))

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

    def register(self, folder: Path, run_id: str, key: str, tags: Mapping[str, str]) -> Version:
        """Store a model folder as a new version, once for each ``key`` and content.

        Args:
            folder: a whole model folder.
            run_id: the MLflow run that trained it.
            key: what makes the model this one (a Metaflow run); asked again with the same key and
                the same folder, the version that exists is returned: a step that is run again
                registers nothing.
            tags: more to say about the version.

        Raises:
            ModelFolderError: the folder is not a whole, untouched model.
        """
        sha256 = sha256_of(folder / INFO)
        for version in self.versions():
            if version.tags.get("key") == key and version.info_sha256 in (None, sha256):
                return version
        return register_folder(self.client, self.name, folder, run_id, {"key": key, **tags})

    def tag(self, number: int, tags: Mapping[str, str]) -> None:
        """Say more about a version."""
        for name, value in tags.items():
            self.client.set_model_version_tag(self.name, str(number), name, value)

    def fetch(self, number: int) -> Path:
        """A version's folder on this machine, as it was registered; downloaded where it is not.

        Raises:
            RegistryError: there is no such version, or the store does not return it.
            ModelFolderError: what the store returned is not what was registered.
        """
        with self._alone():
            return self._fetch(number)

    def published_folder(self, number: int) -> Path:
        """Where a version's folder lies on this machine, or will."""
        return self._published.folder(number)

    def publish(self, number: int) -> Path:
        """Put a version's folder where the service looks, in one atomic switch.

        Raises:
            RegistryError, ModelFolderError: see ``fetch``.
        """
        with self._alone():
            self._publish(number)
        return self._published.path

    def settle(self) -> Standing:
        """Finish what the log's last entry says, as every change of champion does first."""
        with self._alone():
            self._settle()
            return self.standing()

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
        Doing it again for the champion changes nothing; of two at once, one wins and the other gets
        an error.

        Args:
            number: the version.
            why: the reason, for the log.
            forced: by a person's order, whatever the gate said.
            evidence: the gate's decision.
            follows: number of the log entry on which the decision was made (``last_entry``); None
                takes the latest of this moment.

        Raises:
            RegistryError: there is no such version, or nothing can be published.
            ModelFolderError: the store returned another model than the one registered.
            CannotCountError: the version loads but cannot count photos.
            PromotionConflictError: the champion changed since ``follows``.
        """
        decided_on = self.last_entry() if follows is None else follows
        with self._alone():
            self._settle()
            self._change(number, why, decided_on, forced, evidence)

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
        with self._alone():
            finished, fault = self._settle()
            standing = self.standing()
            last = standing.entry
            if last is not None and last.why.startswith(ROLLBACK) and (finished or fault):
                if fault is not None:
                    raise fault
                return last.to_version
            if standing.previous is None:
                raise RegistryError(f"{self.name} has no previous champion to go back to")
            number = standing.previous.number
            self._change(number, ROLLBACK + why, decided_on, True, None)
        return number

    def _change(
        self,
        number: int,
        why: str,
        decided_on: int,
        forced: bool,
        evidence: Mapping[str, Any] | None,
    ) -> None:
        """The change itself: everything that can be refused comes before the log's entry."""
        folder, standing = self._fetch(number), self.standing()
        self._require_free_path()
        before = standing.champion.number if standing.champion else None
        if before == number:
            self._publish(number)  # it may be another model's folder that is published now
            return
        PhotoCounter(folder, verify=False).try_out()
        self._log.append(
            decided_on,
            before,
            number,
            why,
            forced=forced,
            evidence={**(evidence or {}), INFO_HASH: sha256_of(folder / INFO)},
        )
        self._finish(self.standing())

    def _settle(self) -> tuple[bool, Exception | None]:
        """(whether the last entry had been left unfinished and is finished now, what prevents it).

        An entry whose model cannot be published any more must not block the change to another.
        """
        self._published.clear_scratch()
        standing = self.standing()
        if standing.entry is None:
            if standing.number:
                logger.warning(
                    "%s: the last entry of the promotion log is about a version that this registry "
                    "does not hold; the registry's aliases say who is champion",
                    self.name,
                )
            return False, None
        try:
            return self._finish(standing), None
        except (ModelFolderError, RegistryError) as error:
            logger.warning(
                "%s: version %d is champion by the promotion log, but cannot be published: %s",
                self.name,
                standing.entry.to_version,
                error,
            )
            return False, error

    def _finish(self, standing: Standing) -> bool:
        """Bring link and aliases to what the log says; whether its last entry was unfinished."""
        if standing.entry is None or standing.champion is None:
            raise RegistryError(f"{self.name}: the promotion log does not name a champion")
        number, before = standing.champion.number, standing.entry.from_version
        served, alias = self._published.current(), self.aliased(CHAMPION)
        # The champion's alias comes last. (It came before the link once.)
        unfinished = alias is None or alias.number != number or served == (self.name, before)
        if alias is not None and alias.number not in (number, before):
            logger.warning(
                "%s: the alias %s pointed to version %d, which the promotion log does not know as "
                "champion; it is set to version %d",
                self.name,
                CHAMPION,
                alias.number,
                number,
            )
        if unfinished or served is None or served[0] == self.name:
            self._publish(number)
        self._set_alias(PREVIOUS, standing.previous)
        self._set_alias(CHAMPION, standing.champion)
        return unfinished

    def _publish(self, number: int) -> None:
        self._fetch(number)
        self._require_free_path()
        self._published.switch(number)

    def _require_free_path(self) -> None:
        if not self._published.is_free():
            raise RegistryError(
                f"{self._published.path} is expected to be a link that promotions switch; found a "
                "file or folder that nobody here made. Move it away, or name another path in "
                "stores.champion"
            )

    def _fetch(self, number: int) -> Path:
        versions = {version.number: version for version in self.versions()}
        if number not in versions:
            names = ", ".join(map(str, versions)) or "none"
            raise RegistryError(f"{self.name} has no version {number}; its versions: {names}")
        version, published = versions[number], self._published
        if not published.holds(number, version.info_sha256):
            fetched = download_version(self.name, version, published.scratch())
            published.store(number, fetched)
            published.clear_scratch()
        return published.folder(number)

    def _set_alias(self, alias: str, version: Version | None) -> None:
        now = self.aliased(alias)
        if version is None:
            if now is not None:
                self.client.delete_registered_model_alias(self.name, alias)
        elif now is None or now.number != version.number:
            self.client.set_registered_model_alias(self.name, alias, str(version.number))

    def _alone(self) -> AbstractContextManager[None]:
        return champion_lock(self._published.path, self._stores.promotion_log, self.name)
