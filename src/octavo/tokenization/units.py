"""Texts cut into units: what the first half of a vocabulary is learnt within, and what nothing may reach across.

Where a unit ends depends on the two characters on either side and on nothing else, so that no entry learnt within
units can ever reach across an end, wherever it stands in a text:

- A word takes the spaces before it: ` word`.
- An elision stays whole: `l'`, `d’`, `qu'` with their apostrophe, then the word that follows, as ` l'` `homme`.
- Long s, ligatures, letters of abbreviations and combining marks are letters like others; compounds are one word.
- Punctuation is one unit with the line breaks after it, which have a page's or a verse's layout: `.\\n\\n`.
- The spaces before a line's first word belong to the word, those of an empty line to its end.
- Digits are cut by threes from the right, as thousands are, and nothing ever joins digits to others.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from octavo.compiled import Flags, Ints, compiled
from octavo.curation.code_points import POINTS, Bytes, all_characters, point_at

LETTER, MARK, NUMBER, SPACE, BREAK, APOSTROPHE, OTHER = range(7)

_CLASS_OF_CATEGORY = {"L": LETTER, "M": MARK, "N": NUMBER}

_JOINED = {
    LETTER: (LETTER, MARK, APOSTROPHE),
    MARK: (LETTER, MARK, APOSTROPHE),
    NUMBER: (NUMBER,),
    SPACE: (LETTER, MARK, SPACE, BREAK, APOSTROPHE, OTHER),
    BREAK: (BREAK,),
    APOSTROPHE: (MARK, BREAK, APOSTROPHE, OTHER),
    OTHER: (MARK, BREAK, APOSTROPHE, OTHER),
}
"""By the class of a character, those of the next that leave both in one unit."""


class Units(NamedTuple):
    """The units of a batch of texts."""

    bounds: Ints
    """Where in the bytes each begins, and the last one ends."""
    closed: Flags
    """Whether nothing may reach across a unit's end: at digits, and where a text ends."""
    text: npt.NDArray[np.int32]
    """Number of the text that each is in."""


def units_of(data: Bytes, offsets: Ints) -> Units:
    """The units of texts, given as valid UTF-8 and the positions where each begins and the last one ends."""
    return Units(*_cut(data, offsets, _classes(), _joined()))


@cache
def _classes() -> Bytes:
    """The class of each code point."""
    import unicodedata

    table = np.full(POINTS, OTHER, np.uint8)
    for character in all_characters():
        name = unicodedata.category(character)[0]
        spaces = character.isspace() and character not in "\x1c\x1d\x1e\x1f"
        table[ord(character)] = SPACE if spaces else _CLASS_OF_CATEGORY.get(name, OTHER)
    table[[ord(c) for c in "\r\n"]] = BREAK
    table[[ord(c) for c in "'’"]] = APOSTROPHE
    return table


@cache
def _joined() -> Flags:
    joined = np.zeros((7, 7), np.bool_)
    for before, after in _JOINED.items():
        joined[before, list(after)] = True
    return joined


@compiled
def _cut(data: Bytes, offsets: Ints, classes: Bytes, joined: Flags) -> tuple[Ints, Flags, npt.NDArray[np.int32]]:
    bounds = np.empty(len(data) + 1, np.int64)
    closed = np.empty(len(data), np.bool_)
    text = np.empty(len(data), np.int32)
    count = 0
    for number in range(len(offsets) - 1):
        at, end = offsets[number], offsets[number + 1]
        before, digits_end = np.int64(-1), at
        while at < end:
            point, following = point_at(data, at)
            kind = np.int64(classes[point])
            digits = kind == NUMBER
            if at >= digits_end:
                digits_end = at
                while digits_end < end and 48 <= data[digits_end] <= 57:
                    digits_end += 1
            thousands = digits_end > at and (digits_end - at) % 3 == 0
            if before < 0 or thousands or not joined[before, kind]:
                if before >= 0:
                    closed[count - 1] = digits or before == NUMBER
                bounds[count] = at
                text[count] = number
                count += 1
            before, at = kind, following
        if before >= 0:
            closed[count - 1] = True
    bounds[count] = offsets[-1]
    return bounds[: count + 1].copy(), closed[:count].copy(), text[:count].copy()
