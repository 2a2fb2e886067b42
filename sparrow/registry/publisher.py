"""The published link and the aliases, brought to what the promotion log says."""

from __future__ import annotations

import logging
from pathlib import Path

from mlflow import MlflowClient

from sparrow.inference.model_folder import ModelFolderError
from sparrow.registry.published import PublishedFolders
from sparrow.registry.state import RegistryState
from sparrow.registry.versions import (
    RegistryError,
    Version,
    download_version,
    find_aliased,
    list_versions,
)

CHAMPION = "champion"
PREVIOUS = "previous"

logger = logging.getLogger("sparrow.registry")


class Publisher:
    """Fetches one model's versions and publishes one of them. Callers hold the champion's lock."""

    def __init__(self, client: MlflowClient, name: str, published: PublishedFolders) -> None:
        self._client = client
        self._name = name
        self._published = published

    def fetch(self, number: int) -> Path:
        """A version's folder on this machine; see ``Registry.fetch``."""
        versions = {version.number: version for version in list_versions(self._client, self._name)}
        if number not in versions:
            names = ", ".join(map(str, versions)) or "none"
            raise RegistryError(f"{self._name} has no version {number}; its versions: {names}")
        version, published = versions[number], self._published
        if not published.holds(number, version.info_sha256):
            fetched = download_version(self._name, version, published.scratch())
            published.store(number, fetched)
            published.clear_scratch()
        return published.folder(number)

    def publish(self, number: int) -> None:
        """Fetch a version and point the link to it.

        Raises:
            RegistryError, ModelFolderError: see ``Registry.publish``.
        """
        self.fetch(number)
        self.require_free_path()
        self._published.switch(number)

    def require_free_path(self) -> None:
        """Raise a ``RegistryError`` where something else is in the link's place."""
        if not self._published.is_free():
            raise RegistryError(
                f"{self._published.path} is expected to be a link that promotions switch; found a "
                "file or folder that no promotion made. Move it away, or name another path in "
                "stores.champion"
            )

    def reconcile(self, state: RegistryState) -> tuple[bool, Exception | None]:
        """Finish what the log's last entry says, where a killed process did not.

        An entry whose model cannot be published any more must not block the change to another.

        Returns:
            Whether the entry had been left unfinished and is finished now, and what prevents it.
        """
        self._published.clear_scratch()
        if state.entry is None:
            if state.number:
                logger.warning(
                    "%s: the last entry of the promotion log is about a version that this registry "
                    "does not hold; the registry's aliases say who is champion",
                    self._name,
                )
            return False, None
        try:
            return self.finish(state), None
        except (ModelFolderError, RegistryError) as error:
            logger.warning(
                "%s: version %d is champion by the promotion log, but cannot be published: %s",
                self._name,
                state.entry.to_version,
                error,
            )
            return False, error

    def finish(self, state: RegistryState) -> bool:
        """Bring link and aliases to what the log says; whether its last entry was unfinished."""
        if state.entry is None or state.champion is None:
            raise RegistryError(f"{self._name}: the promotion log does not name a champion")
        number, before = state.champion.number, state.entry.from_version
        served, alias = self._published.current(), self.aliased(CHAMPION)
        # The champion's alias is set last. (Earlier releases set it before the link.)
        unfinished = alias is None or alias.number != number or served == (self._name, before)
        if alias is not None and alias.number not in (number, before):
            logger.warning(
                "%s: the alias %s pointed to version %d, which the promotion log does not know as "
                "champion; it is set to version %d",
                self._name,
                CHAMPION,
                alias.number,
                number,
            )
        if unfinished or served is None or served[0] == self._name:
            self.publish(number)
        self._set_alias(PREVIOUS, state.previous)
        self._set_alias(CHAMPION, state.champion)
        return unfinished

    def aliased(self, alias: str) -> Version | None:
        """The version an alias points to, if there is one."""
        return find_aliased(self._client, self._name, alias)

    def _set_alias(self, alias: str, version: Version | None) -> None:
        now = self.aliased(alias)
        if version is None:
            if now is not None:
                self._client.delete_registered_model_alias(self._name, alias)
        elif now is None or now.number != version.number:
            self._client.set_registered_model_alias(self._name, alias, str(version.number))
