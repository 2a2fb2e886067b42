"""The shared state of the step that this process runs, where ``stores.state`` is set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sparrow.pipeline.shared_state import SharedState

_own: list[SharedState] = []  # one process runs one step


@contextmanager
def state_of_step(flow: Any) -> Iterator[None]:  # a FlowSpec, whose attributes no type knows
    """Fetch what the step works on, and publish what it has done."""
    if flow.given_config.stores.state is None:
        yield
        return
    from sparrow.pipeline.shared_state import shared

    _own.append(flow.shared_state())
    with shared(_own[-1]):
        yield


def publish_so_far() -> None:
    """Publish what the step has done until now, such as the checkpoint of an epoch."""
    for state in _own:
        state.publish()
