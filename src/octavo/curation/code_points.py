"""Texts as bytes and code points, for compiled loops that look at every character of a batch."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from octavo.compiled import Ints, compiled

Bytes = npt.NDArray[np.uint8]
Bits = npt.NDArray[np.int32]

POINTS = 0x30000
"""Code points that tables tell apart; those above, tags and private use, count as the last one, which is none."""


def bytes_of(text: pa.Array) -> tuple[Bytes, Ints]:
    """The UTF-8 of an array of large strings, and where each text begins and the last one ends; null is empty."""
    text = pc.fill_null(text, "") if text.null_count else text
    _, offset_buffer, data_buffer = text.buffers()
    data = np.frombuffer(data_buffer or b"", np.uint8)
    offsets = np.zeros(1, np.int64)
    if len(text):
        offsets = np.frombuffer(offset_buffer, np.int64)[text.offset :][: len(text) + 1]
    # Arrow may or may not let write there, and to a compiled function that would be two kinds of array.
    data.flags.writeable = offsets.flags.writeable = False
    return data, offsets


@cache
def all_characters() -> str:
    """One of each code point but for surrogates."""
    return "".join(chr(point) for point in range(POINTS) if not 0xD800 <= point <= 0xDFFF)


def characters_of(pattern: str) -> str:
    """The characters that a regular expression for one of them finds."""
    return "".join(re.findall(pattern, all_characters()))


def table_of(bits: dict[int, str]) -> Bits:
    """Of each code point, the sum of the bits whose characters it is among."""
    table = np.zeros(POINTS, np.int32)
    for bit, characters in bits.items():
        table[np.frombuffer(characters.encode("utf-32-le"), np.uint32)] |= bit
    return table


@compiled
def point_at(data: Bytes, at: int) -> tuple[np.int64, int]:
    """The code point whose first byte is there, and where the next one begins."""
    first = np.int64(data[at])
    if first < 0x80:
        return first, at + 1
    if first < 0xE0:
        return (first & 0x1F) << 6 | (data[at + 1] & 0x3F), at + 2
    if first < 0xF0:
        return (first & 0x0F) << 12 | np.int64(data[at + 1] & 0x3F) << 6 | (data[at + 2] & 0x3F), at + 3
    high = (first & 0x07) << 18 | np.int64(data[at + 1] & 0x3F) << 12
    point = high | np.int64(data[at + 2] & 0x3F) << 6 | (data[at + 3] & 0x3F)
    return min(point, np.int64(POINTS - 1)), at + 4


@compiled
def point_before(data: Bytes, at: int) -> int:
    """Where the character before begins."""
    at -= 1
    while data[at] & 0xC0 == 0x80:
        at -= 1
    return at
