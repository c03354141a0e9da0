"""What the classifier of harmful text reads: hashed sequences of letters and words of short windows.

Letters are folded by a table over code points: lower case, no accents, long s as s, and wide, mathematical,
Cyrillic or Greek look-alikes as the Latin letter. Characters of no width vanish. Within a word that has letters,
digits and signs that stand for letters are read as these; three letters or more set apart one by one are read as
one word, and a letter said three times or more as said once. So common ways to hide a word change little.

A word gives itself and the sequences of its letters, with its two ends (Bojanowski et al., 2017). A number alone
gives nothing.
"""

from __future__ import annotations

import unicodedata
from typing import Final

import numpy as np
import numpy.typing as npt

from octavo.compiled import Ints, compiled, spread
from octavo.curation.code_points import POINTS, Bytes, point_at

Indices = npt.NDArray[np.int32]

SHORTEST: Final = 3
LONGEST: Final = 5
"""Letters of a sequence, an end of the word counted as one."""

BUCKETS_A_LETTER: Final = LONGEST - SHORTEST + 1
"""Sequences that begin at each letter or end of a word, at most."""

_SEPARATOR, _NOTHING, _DIGIT, _SIGN = 0, 1, 2, 3
_WORD_END: Final = 0x1F
_FIRST_LETTER: Final = 0x20
_READ_AS: Final = {
    **dict(zip("0134578", "oieastb", strict=True)),
    **{"@": "a", "$": "s", "!": "i", "€": "e", "*": ""},
}
_LOOK_ALIKES: Final = dict(
    zip(
        "аеорсухіјѕԁһкмтвнпдгαεορυικτνμøłđħßæœıƒ",
        "aeopcyxijsdhkmtbhndraeopuiktvmoldhsaoif",
        strict=True,
    )
)


def _folding() -> npt.NDArray[np.int32]:
    """Of each code point, the letter that it is read as (from 0x20 on), or what it is instead."""
    table = np.zeros(POINTS, np.int32)
    for point in range(0x30, POINTS - 1):
        if 0xD800 <= point < 0xE000:
            continue
        character = chr(point)
        category = unicodedata.category(character)
        if category[0] == "M" or category == "Cf":
            table[point] = _NOTHING
        elif category[0] in "LN" or category == "So":
            plain = unicodedata.normalize("NFKD", character).lower()[:1]
            plain = _LOOK_ALIKES.get(plain, plain)
            if plain.isdecimal():
                table[point] = _DIGIT
            elif plain.isalpha():
                table[point] = ord(plain)
    table[0xAD] = _NOTHING
    for sign in _READ_AS:
        table[ord(sign)] = _DIGIT if sign.isdecimal() else _SIGN
    table[0x31:0x3A] = _DIGIT
    return table


def _readings() -> npt.NDArray[np.int32]:
    """Of each digit or sign below 0x80 and of the euro at 0, the letter that it stands for in a word, or 0."""
    table = np.zeros(0x80, np.int32)
    for sign, letter in _READ_AS.items():
        table[ord(sign) if ord(sign) < 0x80 else 0] = ord(letter) if letter else 0
    return table


FOLDING: Final = _folding()
READINGS: Final = _readings()


@compiled
def read_words(data: Bytes, start: int, end: int, letters: Ints, ends: Ints) -> int:
    """Fold a window into the letters of its words, one behind the other, and where each ends; how many words.

    `letters` needs room for a number a byte and one, `ends` for one more.
    """
    words = 0
    size = 0
    begin = 0
    any_letter = False
    singles = 0  # words of one letter in a row, last
    at = start
    while at <= end:
        kind = np.int32(_SEPARATOR)
        point = np.int64(0)
        after = at + 1
        if at < end:
            point, after = point_at(data, at)
            kind = FOLDING[point]
        if kind == _SIGN:
            follows = FOLDING[point_at(data, after)[0]] if after < end else np.int32(_SEPARATOR)
            inside = size > begin and follows >= _DIGIT
            opening = size == begin and point == 0x24 and follows >= _FIRST_LETTER
            kind = np.int32(_DIGIT) if inside or opening else np.int32(_SEPARATOR)
        if kind == _DIGIT:
            letters[size] = -(point if point < 0x80 else np.int64(0)) - 1
            size += 1
        elif kind >= _FIRST_LETTER:
            any_letter = True
            letters[size] = np.int64(kind)
            size += 1
        elif kind == _SEPARATOR and size > begin:
            size = _finish(letters, begin, size) if any_letter else begin
            if size > begin:
                singles = singles + 1 if size - begin == 1 else 0
                if singles == 3:
                    words -= 2
                elif singles > 3:
                    words -= 1
                ends[words] = size
                words += 1
            begin = size
            any_letter = False
        at = after
    return words


@compiled
def _finish(letters: Ints, begin: int, size: int) -> int:
    """Read the digits and signs of a word as letters and runs of three as one; where the word then ends."""
    to = begin
    at = begin
    while at < size:
        letter = letters[at]
        if letter < 0:
            letter = np.int64(READINGS[-letter - 1])
        at += 1
        if letter == 0:
            continue
        letters[to] = letter
        to += 1
        if to - begin >= 3 and letters[to - 2] == letter and letters[to - 3] == letter:
            while at < size and letters[at] == letter:
                at += 1
            to -= 2
    return to


@compiled
def word_hash(letters: Ints, begin: int | np.int64, stop: int | np.int64) -> np.uint64:
    """A number for a word, by which it is known."""
    whole = np.uint64(0xCBF29CE484222325)
    for place in range(begin, stop):
        whole = (whole ^ np.uint64(letters[place])) * np.uint64(0x100000001B3)
    return spread(whole)


@compiled
def read_word(
    letters: Ints,
    begin: int | np.int64,
    stop: int | np.int64,
    whole: np.uint64,
    bits: int,
    buckets: Indices,
    count: int,
) -> int:
    """Add a word's buckets to those that are there, `whole` being its hash; how many there are then."""
    mask = np.uint64((1 << bits) - 1)
    for first in range(begin - 1, stop + 1):
        value = np.uint64(0x84222325CBF29CE4)
        for place in range(first, min(first + LONGEST, stop + 1)):
            letter = np.uint64(letters[place]) if begin <= place < stop else np.uint64(_WORD_END)
            value = (value ^ letter) * np.uint64(0x100000001B3)
            if place - first >= SHORTEST - 1:
                buckets[count] = np.int32(spread(value) & mask)
                count += 1
    buckets[count] = np.int32(whole & mask)
    return count + 1


@compiled
def read_window(data: Bytes, start: int, end: int, bits: int, letters: Ints, buckets: Indices, bounds: Ints) -> int:
    """The buckets of each word of a stretch of bytes, the word's between two neighbouring `bounds`; how many words.

    `letters` needs room for a number a byte and one, `bounds` for two more, `buckets` for `room(bytes)`.
    """
    words = read_words(data, start, end, letters, bounds[1:])
    count = 0
    begin = np.int64(0)
    bounds[0] = 0
    for word in range(words):
        stop = bounds[word + 1]
        count = read_word(letters, begin, stop, word_hash(letters, begin, stop), bits, buckets, count)
        begin = stop
        bounds[word + 1] = count
    return words


def room(size: int) -> int:
    """How many buckets a stretch of so many bytes has at most."""
    return (size + 1) * (3 * BUCKETS_A_LETTER + 1)
