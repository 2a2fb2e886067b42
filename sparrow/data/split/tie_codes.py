"""Codes of what ties photos: a number for each text, -1 for what ties nobody."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sparrow.data.duplicates import connected

Ints = NDArray[np.int64]
Texts = NDArray[np.object_]


def tied(count: int, *codes: Ints) -> Ints:
    """Group number [count] of each photo, in order of first appearance.

    Args:
        count: of photos.
        codes: [count] each; photos of one code are tied, -1 ties nobody.
    """
    edges, nodes = [np.zeros((2, 0), dtype=np.int64)], count
    for code in codes:
        photos = np.flatnonzero(code >= 0)
        dense, values = pd.factorize(code[photos])
        edges.append(np.stack([photos, nodes + dense]))
        nodes += len(values)
    return connected(nodes, np.concatenate(edges, axis=1))[:count]


def codes_of(texts: Texts) -> Ints:
    """[N] number of each text, -1 for an empty one."""
    codes, known = np.full(len(texts), -1), texts != ""
    codes[known] = pd.factorize(texts[known])[0]
    return codes


def pair_codes(a: Ints, b: Ints) -> Ints:
    """[N] code of each pair of codes, -1 where either is."""
    pairs = a * (int(b.max(initial=-1)) + 1) + b
    return np.where((a < 0) | (b < 0), -1, pairs)


def texts_of(images: pd.DataFrame, column: str) -> Texts:
    """A column as texts; "" where it or a cell is missing."""
    if column not in images:
        return np.full(len(images), "", dtype=object)
    cells = images[column]
    return cells.where(cells.notna(), "").astype(str).to_numpy(dtype=object).copy()
