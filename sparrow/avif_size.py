"""The size of the pixels that an AVIF will be decoded to, without decoding any.

Its container states a size, and so does each picture in it. Pillow tells the first and decodes the
second, which may be 16,384 × 16,384 in a file of a kilobyte. (HEIC's decoder compares the two.)
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_CONTAINERS = {b"moov": 0, b"trak": 0, b"mdia": 0, b"minf": 0, b"stbl": 0, b"meta": 4}
_CHUNK_OFFSETS = {b"stco": ">I", b"co64": ">Q"}
_SEQUENCE_HEADER = 1
_OBU_TYPES = {1, 2, 3, 4, 5, 6, 7, 8, 15}  # of AV1; others end the reading
MAX_CHUNKS = 1000  # of an animation


def largest_frame_px(content: bytes) -> int:
    """The most pixels, width × height, that a picture in the file states; 0 where none is found.

    Raises:
        struct.error: the container is cut.
        IndexError: a picture is.
    """
    sizes = [
        size
        for picture in _pictures(content)
        for size in (_frame_px(header) for header in _sequence_headers(picture))
    ]
    return max(sizes, default=0)


def _pictures(content: bytes) -> Iterator[bytes]:
    """The data of each item, and what begins at each chunk of an animation."""
    boxes = list(_boxes(content, 0, len(content)))
    data_begins = next((begin for kind, begin, _ in boxes if kind == b"idat"), 0)
    for kind, begin, end in boxes:
        if kind == b"iloc":
            yield from _items(content, begin, data_begins)
        if kind in _CHUNK_OFFSETS:
            number = min(struct.unpack_from(">I", content, begin + 4)[0], MAX_CHUNKS)
            size = struct.calcsize(_CHUNK_OFFSETS[kind])
            for place in range(begin + 8, min(begin + 8 + number * size, end), size):
                yield content[struct.unpack_from(_CHUNK_OFFSETS[kind], content, place)[0] :]


def _boxes(content: bytes, begin: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(type, where its body begins, where it ends) of all boxes, inner ones included."""
    while begin + 8 <= end:
        size, kind = struct.unpack_from(">I4s", content, begin)
        body = begin + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", content, body)
            body += 8
        ends = end if size == 0 else min(begin + size, end)
        if ends < body:
            return
        yield kind, body, ends
        if kind in _CONTAINERS:
            yield from _boxes(content, body + _CONTAINERS[kind], ends)
        begin = ends


@dataclass
class _Numbers:
    """Big-endian numbers, one after the other."""

    content: bytes
    place: int

    def next(self, n_bytes: int) -> int:
        self.place += n_bytes
        if self.place > len(self.content):
            raise IndexError("the container is cut")
        return int.from_bytes(self.content[self.place - n_bytes : self.place], "big")


def _items(content: bytes, begin: int, data_begins: int) -> Iterator[bytes]:
    """The data of each item of an ``iloc`` box (ISO 14496-12, 8.11.3), its extents joined."""
    numbers = _Numbers(content, begin)
    version = numbers.next(4) >> 24
    sizes = numbers.next(2)
    of_offset, of_length, of_base = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    of_index = sizes & 15 if version else 0
    of_id = 4 if version == 2 else 2
    for _ in range(numbers.next(of_id)):
        numbers.next(of_id)
        inside = (numbers.next(2) & 15) == 1 if version else False
        numbers.next(2)
        base = numbers.next(of_base) + (data_begins if inside else 0)
        parts = []
        for _ in range(numbers.next(2)):
            numbers.next(of_index)
            first = base + numbers.next(of_offset)
            length = numbers.next(of_length)
            parts.append(content[first : first + length] if length else content[first:])
        yield b"".join(parts)


def _sequence_headers(picture: bytes) -> Iterator[bytes]:
    """Payloads of the sequence headers among a picture's units (AV1, 5.3)."""
    place = 0
    while place < len(picture):
        head = picture[place]
        kind, extended, sized = head >> 3 & 15, head >> 2 & 1, head >> 1 & 1
        if head >> 7 or kind not in _OBU_TYPES:
            return
        place += 1 + extended
        size, place = _leb128(picture, place) if sized else (len(picture) - place, place)
        if kind == _SEQUENCE_HEADER:
            yield picture[place : place + size]
        place += size


def _leb128(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 56, 7):
        value |= (data[place] & 127) << shift
        place += 1
        if not data[place - 1] >> 7:
            break
    return value, place


@dataclass
class _Bits:
    value: int
    left: int

    def next(self, n_bits: int) -> int:
        self.left -= n_bits
        if self.left < 0:
            raise IndexError("a picture's header is cut")
        return self.value >> self.left & ((1 << n_bits) - 1)


def _frame_px(header: bytes) -> int:
    """Width × height of a sequence header (AV1, 5.5.1)."""
    bits = _Bits(int.from_bytes(header, "big"), 8 * len(header))
    bits.next(4)  # profile, still picture
    if bits.next(1):  # a reduced header
        bits.next(5)
    else:
        _skip_operating_points(bits, *_skip_timing(bits))
    of_width, of_height = bits.next(4) + 1, bits.next(4) + 1
    return (bits.next(of_width) + 1) * (bits.next(of_height) + 1)


def _skip_timing(bits: _Bits) -> tuple[bool, int]:
    """Whether there is a decoder model, and of how many bits its delays are."""
    if not bits.next(1):
        return False, 0
    bits.next(64)
    if bits.next(1):  # a number of as many bits again as it has leading zeros
        zeros = 0
        while not bits.next(1):
            zeros += 1
        bits.next(zeros)
    if not bits.next(1):
        return False, 0
    delay = bits.next(5) + 1
    bits.next(42)
    return True, delay


def _skip_operating_points(bits: _Bits, model: bool, delay: int) -> None:
    display = bits.next(1)
    for _ in range(bits.next(5) + 1):
        bits.next(12)
        if bits.next(5) > 7:
            bits.next(1)
        if model and bits.next(1):
            bits.next(2 * delay + 1)
        if display and bits.next(1):
            bits.next(4)
