"""Texts cut into passages, and passages into the short windows that the classifier reads.

A passage is a paragraph, or of a long one about a thousand characters; a window is a sentence or a few short ones.
Cuts fall where a paragraph ends (a blank line), else after a sentence or line, else between words, else anywhere:
so every character but white space lies in exactly one passage and one window.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from octavo.compiled import Ints, compiled
from octavo.curation.code_points import Bytes

PASSAGE_BYTES: Final = 1200
"""Of a passage, at most: some 1,000 characters and more, with the letters beyond ASCII."""

WINDOW_BYTES: Final = 280
"""Of a window, at most: the length of the posts that most labels are of."""

_SHORTEST: Final = 3
"""A cut is looked for in the last two of so many parts of the most."""


class Passages(NamedTuple):
    """The passages of a batch of texts in order, by bytes of the batch."""

    start: Ints
    end: Ints
    doc: Ints
    windows: Ints
    """Of each window its start, end and passage: (windows, 3)."""


def passages_of(data: Bytes, offsets: Ints) -> Passages:
    """The passages of texts that lie one behind the other, and their windows; a blank text has none."""
    start, end, doc = _cut(data, offsets[:-1].copy(), offsets[1:].copy(), PASSAGE_BYTES, True)
    windows = np.stack(_cut(data, start, end, WINDOW_BYTES, False), axis=1)
    return Passages(start, end, doc, windows)


@compiled
def _is_space(byte: np.uint8) -> bool:
    return bool(byte == 32 or 9 <= byte <= 13)


@compiled
def _cut(data: Bytes, starts: Ints, ends: Ints, most: int, paragraphs: bool) -> tuple[Ints, Ints, Ints]:
    """Cut each stretch into pieces of at most so many bytes: start and end without white space, and the stretch."""
    start = np.empty(64, np.int64)
    end = np.empty(64, np.int64)
    owner = np.empty(64, np.int64)
    count = 0
    for stretch in range(len(starts)):
        at, stop = starts[stretch], ends[stretch]
        while True:
            while at < stop and _is_space(data[at]):
                at += 1
            if at == stop:
                break
            cut = _end_of_piece(data, at, stop, most, paragraphs)
            last = cut
            while _is_space(data[last - 1]):
                last -= 1
            if count == len(start):
                start, end, owner = np.append(start, start), np.append(end, end), np.append(owner, owner)
            start[count], end[count], owner[count] = at, last, stretch
            count += 1
            at = cut
    return start[:count].copy(), end[:count].copy(), owner[:count].copy()


@compiled
def _end_of_piece(data: Bytes, start: int, stop: int, most: int, paragraphs: bool) -> int:
    """Where a piece that starts there ends: at a paragraph's end, or within `most` bytes where that is best."""
    limit = start + most
    least = start + most // _SHORTEST
    sentence = 0
    line = 0
    word = 0
    at = start
    while at < stop and at < limit:
        byte = data[at]
        if not _is_space(byte):
            at += 1
            continue
        first = at
        feeds = 0
        while at < stop and _is_space(data[at]):
            feeds += data[at] == 10
            at += 1
        if paragraphs and feeds > 1:
            return first
        word = first
        if first >= least:
            if feeds:
                line = first
            if _ends_sentence(data, start, first):
                sentence = first
    if at >= stop:
        return stop
    for cut in (sentence, line, word):
        if cut > start:
            return cut
    while data[limit] & 0xC0 == 0x80:
        limit -= 1
    return limit


@compiled
def _ends_sentence(data: Bytes, start: int, at: int) -> bool:
    """Whether the word before ends a sentence: with . ! ? and perhaps quotation marks or a bracket after it."""
    place = at - 1
    while place > start and (data[place] in (0x22, 0x27, 0x29, 0x5D) or data[place] >= 0x80):
        place -= 1  # all quotation marks beyond ASCII, and at worst the last letters of a word
    return bool(data[place] == 0x2E or data[place] == 0x21 or data[place] == 0x3F)
