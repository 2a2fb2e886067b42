"""Photos that show the same picture: two perceptual hashes must agree.

The DCT hash alone mistakes pictures of the same layout for one another, the gradient hash alone
pictures of the same texture. Their larger distance is small only for the same picture.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

CHUNK_PAIRS = 4_000_000  # compared at a time: some tens of MB


def hash_distances(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Bits (0..64) in which photos differ: the larger of both hashes' Hamming distances.

    Args:
        a: [N, 2] phash and dhash (``hash_codes``). b: [M, 2].

    Returns:
        uint8 [N, M].
    """
    differ = np.bitwise_count(a[:, None, 0] ^ b[None, :, 0])
    return np.maximum(differ, np.bitwise_count(a[:, None, 1] ^ b[None, :, 1]))


def hash_distances_of_pairs(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """The same for photo i of ``a`` and photo i of ``b``, both [N, 2]: uint8 [N]."""
    return np.asarray(np.bitwise_count(a ^ b).max(axis=1, initial=0), dtype=np.uint8)


def hash_codes(images: pd.DataFrame) -> NDArray[np.uint64]:
    """[N, 2] from the hex columns ``phash`` and ``dhash`` of measured photos."""
    columns = [[int(text, 16) for text in images[name]] for name in ("phash", "dhash")]
    return np.array(columns, dtype=np.uint64).reshape(2, -1).T


def near_duplicate_pairs(images: pd.DataFrame, max_bits: int) -> pd.DataFrame:
    """Pairs of photos at most ``max_bits`` apart (``hash_distances``).

    Args:
        images: with ``image``, ``sha256``, ``phash``, ``dhash`` (both empty: unreadable).

    Returns:
        image_a, image_b (names), bits (0..64), exact (the files are identical), closest first.
    """
    known = np.flatnonzero(images["phash"].to_numpy() != "")
    codes = hash_codes(images.iloc[known])
    rows = max(1, CHUNK_PAIRS // max(1, len(codes)))
    chunks = []
    for start in range(0, len(codes), rows):
        layout = np.bitwise_count(codes[start : start + rows, None, 0] ^ codes[None, start:, 0])
        a, b = np.nonzero(layout <= max_bits)
        a, b = a[b > a] + start, b[b > a] + start
        # The second hash only for the few that the first lets through.
        bits = hash_distances_of_pairs(codes[a], codes[b])
        close = bits <= max_bits
        chunks.append(np.stack([known[a[close]], known[b[close]], bits[close]]))
    a, b, apart = np.concatenate(chunks, axis=1) if chunks else np.zeros((3, 0), dtype=int)
    names, contents = images["image"].to_numpy(), images["sha256"].to_numpy()
    pairs = pd.DataFrame({"image_a": names[a], "image_b": names[b], "bits": apart})
    pairs["exact"] = contents[a] == contents[b]
    return pairs.sort_values(["bits", "image_a", "image_b"], ignore_index=True)


def near_duplicate_clusters(images: pd.DataFrame, max_bits: int) -> pd.Series:
    """Cluster number of each row: photos connected by pairs at most ``max_bits`` apart.

    Numbers count up from 0 in order of first appearance; a photo like no other has its own.
    """
    pairs = near_duplicate_pairs(images, max_bits)
    position = pd.Index(images["image"])
    edges = np.stack([position.get_indexer(pairs[side]) for side in ("image_a", "image_b")])
    return pd.Series(connected(len(images), edges), index=images.index, name="cluster")


def connected(n: int, edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """Component number [n] of each node, in order of first appearance; ``edges`` is [2, E]."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not n:
        return np.zeros(0, dtype=np.int64)
    graph = coo_array((np.ones(edges.shape[1], dtype=bool), tuple(edges)), shape=(n, n))
    _, labels = connected_components(graph, directed=False)
    return np.asarray(pd.factorize(labels)[0], dtype=np.int64)
