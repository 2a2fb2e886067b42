"""What every section is made of: strict, frozen, with named ranges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from sparrow.store_url import hide_in_text

Fraction = Annotated[float, Field(gt=0, lt=1)]
Unit = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Overlap = Annotated[float, Field(ge=0.1, lt=1)]  # below 0.1 two boxes are not held to be one object
MAX_SIDE_PX = 16_384  # of a photo as a network gets it: more takes all memory


class ConfigError(ValueError):
    """A config that cannot be used; one line per fault, each with the key's path.

    What a message quotes of the file shows no secret of an address in it.
    """

    def __init__(self, message: str) -> None:
        super().__init__(hide_in_text(message))


class Section(BaseModel):
    """Frozen, strict on names: the base of every part of the config."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    def __getattribute__(self, name: str) -> Any:  # the fields' own types are declared by each
        value = super().__getattribute__(name)
        if _watchers and (watcher := _watchers[-1]) and name in type(self).model_fields:
            watcher(type(self), name, value)
        return value


Watcher = Callable[[type[Section], str, object], None]
_watchers: list[Watcher | None] = []


@contextmanager
def watch_reads(watcher: Watcher | None) -> Iterator[None]:
    """Call ``watcher`` with each field that is read of any section: its class, name and value.

    None hides reads from the watcher outside: those of the config's own checks.
    """
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.pop()
