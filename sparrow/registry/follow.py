"""The champion on a host where nobody promotes: fetched when the promotion log names another."""

from __future__ import annotations

from sparrow.registry.registry import Registry
from sparrow.served_settings import ServedSettings, write_served_settings


class Follower:
    """Keeps the published champion of this host at what the promotion log says."""

    def __init__(self, registry: Registry, settings: ServedSettings) -> None:
        """Nothing is looked at yet.

        Args:
            registry: whose stores other hosts share; the published path is this host's.
            settings: that the champion is served with.
        """
        self._registry, self._settings = registry, settings
        self._seen: int | None = None

    def update(self) -> str:
        """Fetch and publish the champion if the log has changed; what was done, in words.

        Raises:
            RegistryError, ModelFolderError: the version cannot be fetched, or not published here.
            SQLAlchemyError: the log cannot be read.
        """
        newest = self._registry.last_entry()
        if newest == self._seen:
            return ""
        champion = self._registry.reconcile().champion
        if champion is None:
            words = f"{self._registry.name} has no champion yet"
        else:
            write_served_settings(self._registry.published_folder(champion.number), self._settings)
            path = self._registry.publish(champion.number)
            words = f"{path}: version {champion.number}"
        self._seen = newest
        return words
