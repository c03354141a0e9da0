"""A text that is asked after, as a trace index has texts, and the way back from it to the text as it was given."""

from __future__ import annotations

import functools
import unicodedata
from typing import Final, NamedTuple

import numpy as np

from octavo.compiled import Ints
from octavo.tracing.index.text import Bytes, classes, normalise

_TOGETHER: Final = 32
"""Characters that are composed with one another at most, as in Unicode's stream-safe texts: of more, marks would be
put into order in quadratic time."""


class Asked(NamedTuple):
    """A text in the index's form."""

    text: Bytes
    starts: Ints
    """Where words begin."""
    ends: Ints
    """Where they end."""
    firsts: Ints
    """By byte, where in the given text the character begins that it comes from, in code points."""
    lasts: Ints
    """By byte, where that character ends."""

    def place(self, first: int, last: int) -> tuple[int, int]:
        """Where the words from `first` up to `last` begin and end in the given text, in code points."""
        return int(self.firsts[self.starts[first]]), int(self.lasts[self.ends[last - 1] - 1])


def ask(text: str) -> Asked:
    """The text in NFC, as curated texts are, with each stretch of spaces as one."""
    composed, bounds = _composed(text)
    raw = np.frombuffer(composed.encode("utf-8", "replace"), np.uint8)  # a lone surrogate is a question mark
    written, starts, ends = np.empty(len(raw), np.uint8), *np.empty((2, len(raw)), np.int64)
    origins = np.empty(max(len(raw), 1), np.int64)
    size, words = normalise(raw, classes(), written, starts, ends, origins)
    character = np.cumsum((raw & 0xC0) != 0x80) - 1
    came_from = character[origins[:size]]
    return Asked(written[:size], starts[:words], ends[:words], bounds[came_from], bounds[came_from + 1])


def _goes_on(character: str) -> bool:
    """Whether a character may be composed with what stands before it."""
    return bool(unicodedata.combining(character)) or character in _seconds()


@functools.cache
def _seconds() -> frozenset[str]:
    """Characters that are no marks and are composed with what stands before them: vowels and ends of syllables in
    Hangul, and vowels of some Indic scripts."""
    pairs = [unicodedata.decomposition(chr(point)).split() for point in range(0x20000)]
    seconds = {chr(int(pair[1], 16)) for pair in pairs if len(pair) == 2 and "<" not in pair[0]}
    hangul = {chr(point) for point in (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))}
    return frozenset({second for second in seconds if not unicodedata.combining(second)} | hangul)


def _composed(text: str) -> tuple[str, Ints]:
    """The text in NFC, and where each of its characters begins in the given text, and the last one ends.

    What is composed of several characters stands where the first of these does.
    """
    if unicodedata.is_normalized("NFC", text):
        return text, np.arange(len(text) + 1)
    written: list[str] = []
    bounds: list[int] = []
    first = 0
    for last in range(1, len(text) + 1):
        if last == len(text) or not _goes_on(text[last]) or last - first == _TOGETHER:
            own = unicodedata.normalize("NFC", text[first:last])
            written.append(own)
            bounds += range(first, last) if len(own) == last - first else [first] * len(own)
            first = last
    return "".join(written), np.array([*bounds, len(text)])
