"""Which repairs a text could need, found for a batch of texts in one pass over their bytes.

A sign may be found where the repair then changes nothing, but must not be missing where it would. Most
characters call for nothing. The others say it by themselves, or have the loop look at what stands around them.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from octavo.compiled import Ints, compiled
from octavo.curation.code_points import (
    Bits,
    Bytes,
    all_characters,
    bytes_of,
    characters_of,
    point_at,
    point_before,
    table_of,
)
from octavo.curation.repairs import broken_words, characters, encoding, page_edges

Signs = npt.NDArray[np.uint32]

LINE_ENDING: Final = 1 << 0
ENTITY: Final = 1 << 1
MOJIBAKE: Final = 1 << 2
DOS: Final = 1 << 3
CONTROL: Final = 1 << 4
UNNORMALISED: Final = 1 << 5
FORM_FEED: Final = 1 << 6
RUNNING_HEAD: Final = 1 << 7
BROKEN_WORD: Final = 1 << 8
SOFT_HYPHEN: Final = 1 << 9
GUTENBERG: Final = 1 << 10

# What a character is, beside the signs that one by itself gives.
_LINE_FEED: Final = 1 << 16
_MISREAD: Final = 1 << 17
_DOS_SIGN: Final = 1 << 18
_AMPERSAND: Final = 1 << 19
_OF_GUTENBERG: Final = 1 << 20
_SMALL: Final = 1 << 21
_CAPITAL: Final = 1 << 22
_LETTER: Final = 1 << 23
_HYPHEN: Final = 1 << 24
_OPEN: Final = 1 << 25
_OPEN_MARK: Final = 1 << 26

_ALONE: Final = LINE_ENDING | MOJIBAKE | CONTROL | UNNORMALISED | FORM_FEED | SOFT_HYPHEN
_CALLS: Final = _ALONE | _LINE_FEED | _MISREAD | _DOS_SIGN | _AMPERSAND | _OF_GUTENBERG

_LEAST_INTERRUPTIONS: Final = page_edges.FEWEST_PAGES // 2
"""Half of the fewest heads, the least share of them that must stand within sentences."""
_HEAD_CHARACTERS: Final = page_edges.HEAD_CHARACTERS
_REACH: Final = page_edges.REACH
_LEAST_DOS_WORDS: Final = encoding.FEWEST_SHARP_WORDS
_LONGEST_ENTITY: Final = 8


def signs(text: pa.Array) -> Signs:
    """Of each text (large strings), the signs that are found in it, as the sum of their bits."""
    kinds, first, second = _tables()
    return _sieve(*bytes_of(text), kinds, first, second)


@cache
def _tables() -> tuple[Bits, Bits, Bits]:
    """Of each code point: what it is, in which pairs of MISREAD it is the first, and in which the second."""
    kinds = {
        LINE_ENDING: characters_of(characters.LINE_ENDINGS),
        MOJIBAKE: characters_of(encoding.C1),
        CONTROL: characters_of(characters.CONTROLS),
        UNNORMALISED: characters.unnormalised(),
        FORM_FEED: "\f",
        SOFT_HYPHEN: "\xad",
        _LINE_FEED: "\n",
        _MISREAD: "".join(characters_of(first) for first, _ in encoding.MISREAD),
        _DOS_SIGN: encoding.DOS_SIGNS,
        _AMPERSAND: "&",
        _OF_GUTENBERG: "P*",
        _SMALL: "".join(c for c in all_characters() if c.islower()),
        _CAPITAL: "".join(c for c in all_characters() if c.isupper()),
        _LETTER: characters_of(broken_words.LETTER),
        _HYPHEN: characters_of(broken_words.HYPHENS),
        _OPEN: characters_of(page_edges.OPEN),
        _OPEN_MARK: characters_of(page_edges.OPEN_MARKS),
    }
    first = {1 << pair: characters_of(first) for pair, (first, _) in enumerate(encoding.MISREAD)}
    second = {1 << pair: characters_of(second) for pair, (_, second) in enumerate(encoding.MISREAD)}
    return table_of(kinds), table_of(first), table_of(second)


@compiled
def _sieve(data: Bytes, offsets: Ints, kinds: Bits, first: Bits, second: Bits) -> Signs:
    signs = np.zeros(len(offsets) - 1, np.uint32)
    for text in range(len(signs)):
        start, end = offsets[text], offsets[text + 1]
        interruptions = dos_words = 0
        found = 0
        at = start
        while at < end:
            point, after = point_at(data, at)
            kind = int(kinds[point])
            if kind & _CALLS:
                found |= kind & _ALONE
                if kind & _LINE_FEED:
                    if _breaks_word(data, start, at, end, kinds):
                        found |= BROKEN_WORD
                    interruptions += _interrupts_sentence(data, start, at, end, kinds)
                if kind & _AMPERSAND and _is_entity(data, after, end):
                    found |= ENTITY
                if kind & _OF_GUTENBERG and _is_of_gutenberg(data, after, end):
                    found |= GUTENBERG
                if kind & _MISREAD and after < end and first[point] & second[point_at(data, after)[0]]:
                    found |= MOJIBAKE
                if kind & _DOS_SIGN:
                    dos_words += _is_in_latin(data, start, at, after, end)
            at = after
        if interruptions >= _LEAST_INTERRUPTIONS:
            found |= RUNNING_HEAD
        if dos_words >= _LEAST_DOS_WORDS:
            found |= DOS
        signs[text] = found
    return signs


@compiled
def _is_blank(byte: int) -> bool:
    return byte == 32 or byte == 9


@compiled
def _after_blanks(data: Bytes, at: int, end: int) -> int:
    while at < end and _is_blank(data[at]):
        at += 1
    return at


@compiled
def _before_blanks(data: Bytes, at: int, start: int) -> int:
    while at > start and _is_blank(data[at - 1]):
        at -= 1
    return at


@compiled
def _is_letter(byte: int) -> bool:
    """Whether a byte is a letter of ASCII."""
    return 97 <= byte | 32 <= 122


@compiled
def _breaks_word(data: Bytes, start: int, at: int, end: int, kinds: Bits) -> bool:
    """Whether a hyphen behind a letter ends the line, and the next one begins small or in capitals."""
    last = _before_blanks(data, at, start)
    if last == start or not (data[last - 1] == 45 or data[last - 1] >= 0x80):
        return False
    hyphen = point_before(data, last)
    if hyphen == start or not kinds[point_at(data, hyphen)[0]] & _HYPHEN:
        return False
    if not kinds[point_at(data, point_before(data, hyphen))[0]] & _LETTER:
        return False
    following = _after_blanks(data, at + 1, end)
    if following == end:
        return False
    point, after = point_at(data, following)
    if kinds[point] & _SMALL:
        return True
    return bool(kinds[point] & _CAPITAL and after < end and kinds[point_at(data, after)[0]] & _CAPITAL)


@compiled
def _interrupts_sentence(data: Bytes, start: int, at: int, end: int, kinds: Bits) -> bool:
    """Whether the line that ends here is short and between blank ones, and a sentence goes on after it."""
    if not _goes_on_small(data, at, end, kinds):
        return False
    line = at
    while line > start and data[line - 1] != 10:
        line -= 1
    first = _after_blanks(data, line, at)
    length = 0
    for place in range(first, at):
        length += data[place] & 0xC0 != 0x80
    return 0 < length <= _HEAD_CHARACTERS and _stays_open(data, start, line, first, kinds)


@compiled
def _goes_on_small(data: Bytes, at: int, end: int, kinds: Bits) -> bool:
    """Whether a blank line comes after the line that ends here, and then a small letter."""
    following = _after_blanks(data, at + 1, end)
    if following == end or data[following] != 10:
        return False
    end = min(end, at + _REACH)
    while following < end and data[following] <= 32:
        following += 1
    return bool(following < end and kinds[point_at(data, following)[0]] & _SMALL)


@compiled
def _stays_open(data: Bytes, start: int, line: int, first: int, kinds: Bits) -> bool:
    """Whether a blank line comes before this one, which begins at `first`, and before that an open sentence."""
    last = _before_blanks(data, max(line - 1, start), start)
    if last == start or data[last - 1] != 10:
        return False
    start = max(start, first - _REACH)
    while last > start and data[last - 1] <= 32:
        last -= 1
    if last <= start:
        return False
    before = point_before(data, last)
    kind = kinds[point_at(data, before)[0]]
    if kind & _OPEN_MARK and before > start:
        kind = kinds[point_at(data, point_before(data, before))[0]]
    return bool(kind & _OPEN)


@compiled
def _is_entity(data: Bytes, at: int, end: int) -> bool:
    """Whether a name and a semicolon stand here, behind an ampersand."""
    last = min(at + _LONGEST_ENTITY, end)
    place = at
    while place < last and _is_letter(data[place]):
        place += 1
    return place > at and place < last and data[place] == 59


@compiled
def _begins(data: Bytes, at: int, end: int, words: bytes) -> bool:
    matching = 0
    while matching < len(words) and at + matching < end and data[at + matching] == words[matching]:
        matching += 1
    return matching == len(words)


@compiled
def _is_of_gutenberg(data: Bytes, at: int, end: int) -> bool:
    """Whether what all of Project Gutenberg's notices have goes on here, behind its first character."""
    return (
        _begins(data, at, end, b"roject Gutenberg")
        or _begins(data, at, end, b"ROJECT GUTENBERG")
        or _begins(data, at, end, b"END")
    )


@compiled
def _is_in_latin(data: Bytes, start: int, at: int, after: int, end: int) -> bool:
    """Whether two letters of ASCII stand before a character, or after it."""
    before = at - start > 1 and _is_letter(data[at - 1]) and _is_letter(data[at - 2])
    return before or (end - after > 1 and _is_letter(data[after]) and _is_letter(data[after + 1]))
