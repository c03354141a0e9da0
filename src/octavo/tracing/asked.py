"""A text that is asked after, as a trace index has texts, and the way back from it to the text as it was given."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from octavo.compiled import Ints
from octavo.tracing.index.composing import composed_with_places
from octavo.tracing.index.text import Bytes, classes, normalise


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
    composed, bounds = composed_with_places(text)
    raw = np.frombuffer(composed.encode("utf-8", "replace"), np.uint8)  # a lone surrogate is a question mark
    written, starts, ends = np.empty(len(raw), np.uint8), *np.empty((2, len(raw)), np.int64)
    origins = np.empty(max(len(raw), 1), np.int64)
    size, words = normalise(raw, classes(), written, starts, ends, origins)
    character = np.cumsum((raw & 0xC0) != 0x80) - 1
    came_from = character[origins[:size]]
    return Asked(written[:size], starts[:words], ends[:words], bounds[came_from], bounds[came_from + 1])
