"""Invented photographers."""

from __future__ import annotations

import numpy as np

_FIRST = (
    "Ada", "Bruno", "Carla", "Dmitri", "Elif", "Farah", "Goran", "Hanna", "Ivo", "Jana", "Kofi",
    "Lena", "Mateo", "Nadia", "Oskar", "Priya", "Quentin", "Rosa", "Sven", "Tomoko", "Uma",
    "Viktor", "Wanda", "Yusuf", "Zofia",
)  # fmt: skip
_LAST = (
    "Ashdown", "Birch", "Calder", "Dunmore", "Elmwood", "Fenwick", "Garrow", "Heathcote", "Inkpen",
    "Juniper", "Kestrelby", "Larkin", "Mossman", "Nettleship", "Oakhurst", "Pinefield",
    "Quillfeather", "Rookwood", "Starling", "Thornbury", "Underhill", "Vetch", "Wrenfield",
    "Yarrow",
)  # fmt: skip


def authors(photos: int, seed: int) -> list[str]:
    """One invented author per photo; about a quarter as many names as photos, some prolific."""
    distinct = max(1, round(photos / 4))
    rng = np.random.default_rng([seed, photos])
    names = [_author_name(int(n)) for n in rng.permutation(max(distinct, 600))[:distinct]]
    diligence = 1 / (1 + np.arange(distinct)) ** 0.5
    extra = rng.choice(distinct, photos - distinct, p=diligence / diligence.sum())
    chosen = rng.permutation(np.concatenate([np.arange(distinct), extra]).astype(int))
    return [names[int(i)] for i in chosen]


def _author_name(number: int) -> str:
    """A different name for every number: first and last, then middle initials as well."""
    rest, first = divmod(number, len(_FIRST))
    rest, last = divmod(rest, len(_LAST))
    initials = ""
    while rest:
        rest, letter = divmod(rest - 1, 26)
        initials += f" {chr(65 + letter)}."
    return f"{_FIRST[first]}{initials} {_LAST[last]}"
