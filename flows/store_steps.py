"""Steps that touch a store: a limit of time, and another try where the store was away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from metaflow import retry, timeout  # type: ignore[attr-defined]  # made when it is imported


def store_step(hours: int, tries: int) -> Callable[[Any], Any]:  # of Metaflow's own functions
    """Decorate a step that does the same again when it is run again.

    Args:
        hours: after which it is ended.
        tries: in all, a minute apart.
    """

    def decorate(function: Any) -> Any:
        again = retry(times=tries - 1, minutes_between_retries=1)(function)
        return timeout(hours=hours)(again)

    return decorate
