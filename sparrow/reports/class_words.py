"""What the classes of a model are called in a sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence


def plural(class_name: str) -> str:
    """The English plural of a class's name: ``house_sparrow`` -> ``house sparrows``."""
    name = class_name.replace("_", " ")
    if re.search(r"(s|x|z|ch|sh)$", name):
        return f"{name}es"
    if re.search(r"[^aeiou]y$", name):
        return f"{name[:-1]}ies"
    return f"{name}s"


def listed(class_names: Sequence[str]) -> str:
    """The plurals of all classes: ``blackbirds, house sparrows``."""
    return ", ".join(plural(name) for name in class_names)


def objects(class_names: Sequence[str]) -> str:
    """What is counted, in the plural: the one class by its name, several as ``objects``."""
    return plural(class_names[0]) if len(class_names) == 1 else "objects"
