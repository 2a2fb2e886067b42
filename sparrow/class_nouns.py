"""What the classes of a model are called in a sentence: the one place that makes nouns of names.

A plural is the config's (``data.plurals``), else English's by rule. Wherever a function here takes
``plurals``, it is class name -> plural of the classes that have one; a model's are
``ModelInfo.plurals``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

NO_PLURALS: Mapping[str, str] = MappingProxyType({})


def stored_plurals(section: object) -> dict[str, str]:
    """The plurals in a stored config's section ``data``: none where it has none that can be shown.

    Args:
        section: JSON of any release, which nobody has checked.
    """
    plurals = section.get("plurals") if isinstance(section, dict) else None
    if not isinstance(plurals, dict):
        return {}
    words = plurals.items()
    return {name: word for name, word in words if isinstance(word, str) and word.isprintable()}


def noun(count: int, class_name: str, plurals: Mapping[str, str] = NO_PLURALS) -> str:
    """What so many objects of a class are: ``house sparrow`` or ``house sparrows``."""
    return singular(class_name) if count == 1 else plural(class_name, plurals)


def singular(class_name: str) -> str:
    """``house_sparrow`` -> ``house sparrow``."""
    return class_name.replace("_", " ")


def plural(class_name: str, plurals: Mapping[str, str] = NO_PLURALS) -> str:
    """``house_sparrow`` -> ``house sparrows``; ``goose`` -> ``geese`` where the config says so."""
    if class_name in plurals:
        return plurals[class_name]
    name = singular(class_name)
    if re.search(r"(s|x|z|ch|sh)$", name):
        return f"{name}es"
    if re.search(r"[^aeiou]y$", name):
        return f"{name[:-1]}ies"
    return f"{name}s"


def listed(class_names: Sequence[str], plurals: Mapping[str, str] = NO_PLURALS) -> str:
    """The plurals of all classes: ``blackbirds, house sparrows``."""
    return ", ".join(plural(name, plurals) for name in class_names)


def objects(
    class_names: Sequence[str], plurals: Mapping[str, str] = NO_PLURALS, count: int = 0
) -> str:
    """What is counted, all classes together: the one class by its name, several as ``objects``.

    Args:
        count: how many there are, for singular or plural.
    """
    if len(class_names) == 1:
        return noun(count, class_names[0], plurals)
    return "object" if count == 1 else "objects"
