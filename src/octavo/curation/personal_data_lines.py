"""Which lines could hold personal data, found for a batch of texts in one pass over their bytes.

No datum goes on in another line. A line that is found may hold none, but no line with one is missing.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from octavo.compiled import Ints, compiled
from octavo.curation.code_points import Bytes, bytes_of

LEAST_DIGITS: Final = 6
"""Of a number, with at most MOST_BETWEEN signs between one digit and the next."""
MOST_BETWEEN: Final = 3
ADDRESS_DOTS: Final = 3
"""In an address of the net, each between two digits."""
LONGEST_AT: Final = 14
"""Bytes of the longest word for @ that may stand in brackets."""
LEAST_CODE: Final = 16
"""Capitals and digits in a row: Italy's codice fiscale."""

_LINE_FEED: Final = 1
_DIGIT: Final = 2
_BETWEEN: Final = 4
_CAPITAL: Final = 8
_AT: Final = 16
_OPENS: Final = 32
_CLOSES: Final = 64
_COLON: Final = 128
_LETTER: Final = 256
_HEX: Final = 512
_CALLS: Final = _LINE_FEED | _DIGIT | _CAPITAL | _AT | _OPENS | _COLON


def _kinds() -> Ints:
    """Of each byte, what it is."""
    capitals, small, digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"abcdefghijklmnopqrstuvwxyz", b"0123456789"
    members = {
        _LINE_FEED: b"\n",
        _DIGIT: digits,
        _BETWEEN: b" \t./()-",
        _CAPITAL: capitals,
        _AT: b"@",
        _OPENS: b"([",
        _CLOSES: b")]",
        _COLON: b":",
        _LETTER: capitals + small + bytes(range(0x80, 0x100)),
        _HEX: digits + b"abcdefABCDEF",
    }
    table = np.zeros(256, np.int64)
    for kind, held in members.items():
        table[list(held)] |= kind
    return table


_KINDS = _kinds()


class Line(NamedTuple):
    """A line, its line feed included."""

    text: int
    """The place of its text."""
    start: int
    """Where it begins in its text's UTF-8."""
    end: int
    words: str


def suspect_lines(text: pa.Array) -> list[Line]:
    """The lines of an array of large strings that could hold personal data, in their order."""
    data, offsets = bytes_of(text)
    return [
        Line(text, start - offsets[text], end - offsets[text], data[start:end].tobytes().decode())
        for text, start, end in _find(data, offsets)
    ]


@compiled
def _find(data: Bytes, offsets: Ints) -> list[tuple[int, int, int]]:
    lines = []
    for text in range(len(offsets) - 1):
        line = at = offsets[text]
        end = offsets[text + 1]
        suspect = False
        while at < end:
            kind = _KINDS[data[at]]
            at += 1
            if not kind & _CALLS:
                continue
            if kind & _DIGIT:
                is_number, at = _read_number(data, at, end)
                suspect |= is_number
            elif kind & _CAPITAL:
                suspect |= _is_code(data, at, end)
                while at < end and _KINDS[data[at]] & _CAPITAL:
                    at += 1
            elif kind & _OPENS:
                suspect |= _is_spelt_at(data, at, end)
            elif kind & _COLON:
                suspect |= _is_between_groups(data, line, at, end)
            elif kind & _AT:
                suspect = True
            if suspect:
                while at < end and data[at - 1] != 10:
                    at += 1
                lines.append((text, line, at))
                suspect = False
            if data[at - 1] == 10:
                line = at
    return lines


@compiled
def _read_number(data: Bytes, at: int, end: int) -> tuple[bool, int]:
    """Whether a number that could be somebody's goes on here, behind its first digit; and where it ends."""
    digits, dots, between, last = 1, 0, 0, at
    while at < end and between <= MOST_BETWEEN:
        kind = _KINDS[data[at]]
        if kind & _DIGIT:
            digits += 1
            dots += between == 1 and data[at - 1] == 46
            between, last = 0, at + 1
        elif kind & _BETWEEN:
            between += 1
        elif data[at] == 0xE2 and at + 2 < end and data[at + 1] == 0x80 and data[at + 2] == 0x91:
            between += 1  # the hyphen at which no line breaks
            at += 2
        else:
            break
        at += 1
    return digits >= LEAST_DIGITS or dots >= ADDRESS_DOTS, last


@compiled
def _is_code(data: Bytes, at: int, end: int) -> bool:
    """Whether capitals and digits go on here for long, behind the first."""
    first = at - 1
    while at < end and _KINDS[data[at]] & (_CAPITAL | _DIGIT):
        at += 1
    return at - first >= LEAST_CODE


@compiled
def _is_spelt_at(data: Bytes, at: int, end: int) -> bool:
    """Whether one word is in the brackets that open before here."""
    if at < end and data[at] == 32:
        at += 1
    first = at
    while at < end and at - first <= LONGEST_AT and _KINDS[data[at]] & _LETTER:
        at += 1
    if at - first < 2:
        return False
    if at < end and data[at] == 32:
        at += 1
    return at < end and _KINDS[data[at]] & _CLOSES != 0


@compiled
def _is_between_groups(data: Bytes, line: int, at: int, end: int) -> bool:
    """Whether a colon stands between groups of an IPv6 address: a digit before, four digits or colons after it."""
    if at - line < 2 or at + 4 > end or not _KINDS[data[at - 2]] & _HEX:
        return False
    last = at
    while last < at + 4 and _KINDS[data[last]] & (_HEX | _COLON):
        last += 1
    return last == at + 4
