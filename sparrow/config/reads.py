"""Which keys of the config a piece of work reads: noted as it reads them."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from pydantic import BaseModel

from sparrow.config.base import Section, watch_reads
from sparrow.config.whole import Config


@contextmanager
def recorded_reads() -> Iterator[set[str]]:
    """Note each key that is read in between, by whatever copy of the config.

    Sections themselves are not noted, only what is read of them: ``config.data`` notes nothing,
    ``config.data.root`` notes ``data.root``. What is read of a whole section at once
    (``model_dump``) is not noted.

    Yields:
        The dotted keys; grows while the block runs.
    """
    reads: set[str] = set()

    def note(section: type[Section], name: str, value: object) -> None:
        place = _places().get(section)
        if place is not None and not isinstance(value, Section):
            reads.add(f"{place}.{name}".lstrip("."))

    with watch_reads(note):
        yield reads


@cache
def _places() -> dict[type[BaseModel], str]:
    """Section class -> its dotted key; empty for the whole config."""
    places: dict[type[BaseModel], str] = {Config: ""}
    waiting: list[type[BaseModel]] = [Config]
    while waiting:
        section = waiting.pop()
        for name, field in section.model_fields.items():
            for kind in _kinds(field.annotation):
                if kind not in places:
                    places[kind] = f"{places[section]}.{name}".lstrip(".")
                    waiting.append(kind)
    return places


def _kinds(annotation: object) -> Iterator[type[Section]]:
    """The sections an annotation names by itself or beside None; not those in containers."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    elif typing.get_origin(annotation) in (typing.Union, types.UnionType):
        for argument in typing.get_args(annotation):
            yield from _kinds(argument)
