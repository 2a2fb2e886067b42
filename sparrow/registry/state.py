"""Who is champion and who was before it, read from the promotion log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sparrow.registry.promotion_log import Entry
from sparrow.registry.versions import INFO_HASH, Version

CLOCK_TOLERANCE = timedelta(seconds=1)  # entries are written to the second, rounded down


@dataclass(frozen=True)
class RegistryState:
    """Who is champion, as the promotion log has it.

    Attributes:
        number: of the log's latest entry; 0 where there is none.
        entry: that entry. None where there is none of this registry; the aliases hold then.
        champion, previous: the versions that it names.
    """

    number: int
    entry: Entry | None
    champion: Version | None
    previous: Version | None


def read_state(entries: Sequence[Entry], versions: Sequence[Version]) -> RegistryState:
    """What the latest entry says of these versions.

    A log may be older than the registry, which was made anew: an entry about another model than the
    version that has its number now says nothing.

    Args:
        entries: all of the log, oldest first.
        versions: all that the registry holds.
    """
    if not entries:
        return RegistryState(0, None, None, None)
    last, numbered = entries[-1], {version.number: version for version in versions}
    champion = numbered.get(last.to_version)
    if champion is None or not _is_about(last, champion):
        return RegistryState(last.number, None, None, None)
    return RegistryState(last.number, last, champion, numbered.get(last.from_version or 0))


def _is_about(entry: Entry, version: Version) -> bool:
    """Whether an entry means this version, not one that had its number in an earlier registry."""
    recorded = entry.evidence.get(INFO_HASH)
    if recorded is not None and version.info_sha256 is not None:
        return bool(recorded == version.info_sha256)
    written_at = datetime.fromisoformat(entry.at)  # an entry of a time when hashes were not noted
    return version.registered_at <= written_at + CLOCK_TOLERANCE
