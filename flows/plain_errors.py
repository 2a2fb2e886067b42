"""Errors in plain words for the steps of a flow that keeps no folder of its runs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from user_errors import UserError


def plain_errors(function: Callable[..., None]) -> Callable[..., None]:
    """Wrap a step: faults of input, and the library's own, become plain messages."""

    @functools.wraps(function)
    def wrapped(flow: Any, *inputs: Any) -> None:  # Metaflow's: a flow; a join's inputs
        try:
            function(flow, *inputs)
        except (ValueError, RuntimeError) as error:
            # Every fault of input is a ValueError; those of others than the library are bugs.
            own = type(error).__module__.startswith("sparrow.")
            if own or type(error) is ValueError:
                raise UserError(str(error)) from None
            raise

    return wrapped
