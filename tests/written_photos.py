"""Photos written byte by byte: what no library writes, but cameras and scanners do."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

_TYPES = {1: "B", 3: "H", 4: "I", 11: "f"}
Tag = tuple[int, int, Sequence[float]]  # number, type, values


def tiff(values: Any, bits: int, *tags: Tag, order: str = "<", packed: bytes = b"") -> bytes:
    """An uncompressed TIFF.

    Args:
        values: [height, width] or [height, width, channels].
        bits: of one value.
        tags: take the place of those of the same number.
        order: of bytes, ``<`` or ``>``.
        packed: the pixels, where they are not the bytes of the values.
    """
    height, width, *colours = values.shape
    n = colours[0] if colours else 1
    data = packed or values.astype(values.dtype.newbyteorder(order)).tobytes()
    kind = {"u": 1, "i": 2, "f": 3}[values.dtype.kind]
    entries = {
        256: (4, [width]), 257: (4, [height]), 258: (3, [bits] * n), 259: (3, [1]),
        262: (3, [2 if n == 3 else 1]), 273: (4, [0]), 277: (3, [n]), 278: (4, [height]),
        279: (4, [len(data)]), 339: (3, [kind] * n),
    } | {number: (type_, list(numbers)) for number, type_, numbers in tags}  # fmt: skip
    begin = 8 + 2 + 12 * len(entries) + 4
    long = b""
    rows = []
    for number, (type_, numbers) in sorted(entries.items()):
        letter = _TYPES[type_]
        cell = b"".join(struct.pack(order + letter, value) for value in numbers)
        rows.append((number, type_, len(numbers), cell, begin + len(long)))
        long += cell if len(cell) > 4 else b""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, len(rows))
    for number, type_, count, cell, place in rows:
        cell = struct.pack(order + "I", begin + len(long)) if number == 273 else cell
        value = struct.pack(order + "I", place) if len(cell) > 4 else cell.ljust(4, b"\0")
        head += struct.pack(order + "HHI", number, type_, count) + value
    return head + bytes(4) + long + data


def png16(values: Any) -> bytes:
    """A PNG of 16 bits a value: grey, grey and alpha, RGB or RGBA by its last axis."""
    height, width, *colours = values.shape
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[colours[0] if colours else 1]
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in values)
    header = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
    body = [(b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(part)) + name + part + struct.pack(">I", zlib.crc32(name + part))
        for name, part in body
    )


def packed_12(values: Any) -> bytes:
    """12-bit values, two in three bytes."""
    first, second = values.reshape(-1, 2).astype(np.uint32).T
    both = first << 12 | second
    return np.stack([both >> 16, both >> 8 & 255, both & 255], 1).astype(np.uint8).tobytes()


def exif(*entries: tuple[int, int, int, bytes]) -> bytes:
    """An EXIF block of (tag, type, count, value or offset) as they are, right or wrong."""
    head = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", len(entries))
    rows = [struct.pack("<HHI", *row[:3]) + row[3].ljust(4, b"\0") for row in entries]
    return head + b"".join(rows) + bytes(4)


def saved(pixels: Any, kind: str, **options: Any) -> bytes:
    """A photo in a format that Pillow, or its plugin for HEIC, writes."""
    if kind == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener(decode_threads=1, thumbnails=False, depth_images=False)
    stream = io.BytesIO()
    photo = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    photo.save(stream, kind, **options)
    return stream.getvalue()
