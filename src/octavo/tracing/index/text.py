"""The text that a trace index holds, made of documents' tokens: one byte for each stretch of spaces, a border after
each document, and where words begin.

Texts are compared as they read, so that a passage is found however its lines are broken: a stretch of spaces is one
space or, where it has a line break in it, one line break, and both count as equal. All else stands as it is.
"""

from __future__ import annotations

import functools
import sys
import unicodedata
from typing import Final

import numpy as np
import numpy.typing as npt

from octavo.compiled import Ints, compiled, spread

Bytes = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.uint32]
Places = npt.NDArray[np.uint32]
Whole = int | np.int64
"""A number of either kind, as compiled functions make no difference."""

BORDER: Final = 0x00
"""Stands after each document: it sorts before all that a text has."""
SPECIAL: Final = 0xFF
"""Stands for a special entry of the vocabulary: no UTF-8 has it, so that nothing is found across one."""
OTHER: Final = 0
LETTER: Final = 1
WORD: Final = 2
"""A character that is a word of its own, in scripts that put no spaces between words."""
SPACE: Final = 3
BREAK: Final = 4

_UNSPACED: Final = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17FF),  # Khmer
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x3400, 0x9FFF),  # Han
    (0xF900, 0xFAFF),
    (0x20000, 0x323AF),
)


@functools.cache
def classes() -> Bytes:
    """By code point: a letter, digit or mark, a word of its own, a space, a line break, or none of these."""
    found = np.full(sys.maxunicode + 1, OTHER, np.uint8)
    for point in range(0x33480):  # past these no plane has letters
        character = chr(point)
        if unicodedata.category(character)[0] in "LNM":
            found[point] = LETTER
        elif character.isspace() or point < 0x20:
            found[point] = SPACE
    for first, last in _UNSPACED:
        within = found[first : last + 1]
        within[within == LETTER] = WORD
    found[[0x0A, 0x0B, 0x0C, 0x0D, 0x85, 0x2028, 0x2029]] = BREAK
    return found


@compiled
def character_at(text: Bytes, at: Whole) -> tuple[Whole, int]:
    """The code point that begins at a byte, and its bytes; what is no UTF-8 is one byte of no class."""
    first = np.int64(text[at])
    if first < 0x80:
        return first, 1
    size = 2 if first < 0xE0 else 3 if first < 0xF0 else 4
    if first < 0xC2 or first > 0xF4 or at + size > len(text):
        return 0xFFFD, 1
    point = first & (0x7F >> size)
    for n in range(1, size):
        following = np.int64(text[at + n])
        if following & 0xC0 != 0x80:
            return 0xFFFD, 1
        point = (point << 6) | (following & 0x3F)
    if point > 0x10FFFF or (size == 3 and point < 0x800) or (size == 4 and point < 0x10000):
        return 0xFFFD, 1
    return point, size


@compiled
def normalise(raw: Bytes, kinds: Bytes, text: Bytes, starts: Ints, ends: Ints, origins: Ints) -> tuple[int, int]:
    """Write a document as the index has it into `text`, and where its words begin and end into `starts` and `ends`.

    Returns the bytes and the words. `origins`, where it has room, is filled with the place in `raw` of each byte
    written.
    """
    size, words, at = 0, 0, 0
    before, gap = np.int64(OTHER), np.int64(OTHER)
    while at < len(raw):
        point, width = character_at(raw, at)
        kind = np.int64(kinds[point])
        if kind >= SPACE:
            gap = max(gap, kind)
        else:
            if gap != OTHER and size:
                text[size] = 0x0A if gap == BREAK else 0x20
                if len(origins):
                    origins[size] = at - 1
                size += 1
            begins = kind == WORD or (kind == LETTER and (before != LETTER or gap != OTHER))
            if words and ends[words - 1] < 0 and (begins or kind == OTHER):
                ends[words - 1] = size if gap == OTHER else size - 1
            if begins:
                starts[words], ends[words] = size, -1
                words += 1
            for n in range(width):
                text[size] = raw[at + n]
                if len(origins):
                    origins[size] = at + n
                size += 1
            before, gap = kind, np.int64(OTHER)
        at += width
    if words and ends[words - 1] < 0:
        ends[words - 1] = size
    return size, words


@compiled
def slot_of(text: Bytes, start: Whole, end: Whole, slots: int) -> Whole:
    """The slot of a word in a table of counts, whose slots are a power of two."""
    value = np.uint64(end - start)
    for at in range(start, end):
        value = value * np.uint64(0x9E3779B97F4A7C15) + np.uint64(text[at])
    return np.int64(spread(value) & np.uint64(slots - 1))


@compiled
def slots_of(text: Bytes, starts: Ints, ends: Ints, slots: int) -> Ints:
    """The slots of words that begin and end at these bytes."""
    found = np.empty(len(starts), np.int64)
    for word in range(len(starts)):
        found[word] = slot_of(text, starts[word], ends[word], slots)
    return found


@compiled
def spell_documents(tokens: Ints, begins: Ints, ends: Ints, flat: Bytes, firsts: Ints) -> tuple[Bytes, Ints]:
    """The bytes of documents one after the other, and where each begins and the last one ends.

    A document's tokens lie between its begin and its end; an entry of the vocabulary, between two of `firsts`,
    stands for bytes of `flat`. Special entries before and after a text are left out.
    """
    bounds, total = np.zeros(len(begins) + 1, np.int64), 0
    for document in range(len(begins)):
        for n in range(begins[document], ends[document]):
            total += firsts[tokens[n] + 1] - firsts[tokens[n]]
    raw, size = np.empty(total, np.uint8), 0
    for document in range(len(begins)):
        first, last = begins[document], ends[document]
        while first < last and flat[firsts[tokens[first]]] == SPECIAL:
            first += 1
        while first < last and flat[firsts[tokens[last - 1]]] == SPECIAL:
            last -= 1
        for n in range(first, last):
            for place in range(firsts[tokens[n]], firsts[tokens[n] + 1]):
                raw[size] = flat[place]
                size += 1
        bounds[document + 1] = size
    return raw[:size], bounds


@compiled
def write_documents(
    raw: Bytes, bounds: Ints, kinds: Bytes, text: Bytes, at: int, starts: Places
) -> tuple[Ints, int, int]:
    """Write documents' texts into `text` from byte `at` on, and where words begin into `starts`.

    Document n is the bytes of `raw` from `bounds[n]` to `bounds[n + 1]`. Returns where each begins in `text`, the
    byte after the last, and the words.
    """
    written, words = np.empty(len(bounds) - 1, np.int64), 0
    none = np.empty(0, np.int64)
    for document in range(len(bounds) - 1):
        first, last = bounds[document], bounds[document + 1]
        own, own_ends = np.empty(last - first, np.int64), np.empty(last - first, np.int64)
        written[document] = at
        length, count = normalise(raw[first:last], kinds, text[at:], own, own_ends, none)
        for n in range(count):
            starts[words + n] = at + own[n]
        words += count
        text[at + length] = BORDER
        at += length + 1
    return written, at, words


@compiled
def count_words(text: Bytes, starts: Places, kinds: Bytes, slots: int) -> Counts:
    """How often words stand in a text, by their slots: at least so often, as two words may have one slot."""
    counts = np.zeros(slots, np.uint32)
    for start in starts:
        point, size = character_at(text, np.int64(start))
        end = np.int64(start) + size
        while kinds[point] == LETTER:
            following, size = character_at(text, end) if end < len(text) else (BORDER, 1)
            if kinds[following] != LETTER:
                break
            end += size
        counts[slot_of(text, np.int64(start), end, slots)] += np.uint32(1)
    return counts
