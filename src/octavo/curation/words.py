"""A batch of texts taken apart: its words, lines and paragraphs by position and hash.

The texts lie one behind the other in one buffer, each ended by a line feed. Words are runs of bytes
between white space; letters, digits and punctuation are told apart by UTF-8's leading bytes, which is
exact for ASCII and the Latin, Greek and Cyrillic blocks. Hashes are of the text with ASCII letters in lower
case, v as u and j as i: of a word (FNV-1a, Fowler, Noll and Vo, 1991) its bytes, of a line or paragraph its words.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from octavo.compiled import Flags, Hashes, Ints, compiled, joined, spread

Floats = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]

_BYTES = np.arange(256)
SPACE = np.isin(_BYTES, [*b" \t\n\r\f\v"])
LETTER = np.isin(_BYTES, [*range(0x41, 0x5B), *range(0x61, 0x7B), *range(0xC3, 0xE0), 0xE1, 0xEA, 0xEF])
DIGIT = np.isin(_BYTES, [*b"0123456789"])
CHARACTER = (_BYTES & 0xC0) != 0x80
"""Bytes that begin a character."""

_IS_SPACE, _IS_LETTER, _IS_DIGIT, _IS_FIRST = 1, 2, 4, 8
_KINDS = (SPACE * _IS_SPACE + LETTER * _IS_LETTER + DIGIT * _IS_DIGIT + CHARACTER * _IS_FIRST).astype(np.uint8)
_LOWER = np.where((_BYTES >= 0x41) & (_BYTES <= 0x5A), _BYTES + 32, _BYTES).astype(np.uint64)
_LOWER[[*b"VvJj"]] = [*b"uuii"]  # which editions and ages do not tell apart: mouerat, moverat


@dataclass(frozen=True)
class Spans:
    """Stretches of the buffer (start, end) in order, each within a text `doc`."""

    start: Ints
    end: Ints
    doc: Ints
    characters: Ints
    hash: Hashes

    def bounds(self, texts: int) -> Ints:
        """Where each text's spans begin, and the end of the last one's."""
        return np.searchsorted(self.doc, np.arange(texts + 1))


@dataclass(frozen=True)
class Words:
    """A batch of texts taken apart."""

    texts: int
    data: Bytes
    offsets: Ints
    """Where each text begins, and the end of the last."""
    words: Spans
    cores: Spans
    """The words without the punctuation around them; words of punctuation alone are left out."""
    alphabetic: Flags
    """Which words hold a letter."""
    line_feeds: Ints
    """How many line feeds stand before each word, after the one before it."""

    @cached_property
    def length(self) -> Ints:
        """Characters of each text but for white space."""
        return self.sum(self.words.characters, self.words.doc)

    @cached_property
    def count(self) -> Ints:
        """Words of each text."""
        return np.bincount(self.words.doc, minlength=self.texts)

    @cached_property
    def bounds(self) -> Ints:
        """Where each text's words begin, and the end of the last one's."""
        return self.words.bounds(self.texts)

    @cached_property
    def lines(self) -> Spans:
        """The lines that hold a word, from their first word to their last."""
        return self._grouped(np.flatnonzero(self._begins_text | (self.line_feeds > 0)))

    @cached_property
    def paragraphs(self) -> Spans:
        """What stands between blank lines; a text without any is one paragraph a line."""
        blank = (self.line_feeds > 1) & ~self._begins_text
        has_blank = np.zeros(self.texts, bool)
        has_blank[self.words.doc[blank]] = True
        line = (self.line_feeds > 0) & ~has_blank[self.words.doc]
        return self._grouped(np.flatnonzero(self._begins_text | blank | line))

    def holds(self, *kinds: npt.NDArray[np.bool_]) -> Ints:
        """How many bytes of each kind, given as the bytes that are of it, each text holds: (kinds, texts)."""
        bits = sum((kind << place for place, kind in enumerate(kinds)), np.zeros(256, np.int64))
        return _count_bytes(self.data, self.offsets, bits, len(kinds))

    def sum(self, values: Ints | Flags, doc: Ints) -> Ints:
        """Sum of whole numbers by text."""
        return _sum_by_text(values, doc, self.texts)

    def plain_ngrams(self, n: int) -> tuple[Ints, Hashes]:
        """The n-grams of `cores` that lie within a text: index of the first, and a hash that is the same in all."""
        doc = self.cores.doc
        last = max(len(doc) - n + 1, 0)
        first = np.flatnonzero(doc[:last] == doc[n - 1 :])
        return first, _hash_rows(self.cores.hash, first, first + n)

    @cached_property
    def _begins_text(self) -> Flags:
        return np.diff(self.words.doc, prepend=-1) > 0

    def _grouped(self, first: Ints) -> Spans:
        """Spans of words, from each of `first` up to the next."""
        words = self.words
        numbers, hashes = _group(first, words.start, words.end, words.characters, words.hash)
        start, end, characters = numbers
        return Spans(start, end, words.doc[first], characters, hashes)


def read_words(text: pa.Array) -> Words:
    """Take a batch of texts apart; null counts as empty. Takes some 25 bytes of memory a byte of text."""
    line_feed, nothing = pa.scalar("\n", pa.large_string()), pa.scalar("", pa.large_string())
    ended = pc.binary_join_element_wise(pc.fill_null(text.cast(pa.large_string()), ""), line_feed, nothing)
    _, offset_buffer, data_buffer = ended.buffers()
    offsets = np.frombuffer(offset_buffer, np.int64)[ended.offset : ended.offset + len(ended) + 1]
    data = np.frombuffer(data_buffer, np.uint8)[offsets[0] : offsets[-1]] if len(ended) else np.zeros(0, np.uint8)
    offsets = offsets - offsets[0]
    numbers, hashes, alphabetic = _read(data, offsets)
    start, end, doc, characters, core_start, core_end, core_characters, line_feeds = numbers
    any_left = core_end > core_start
    cores = (core_start, core_end, doc, core_characters, hashes[1])
    return Words(
        texts=len(ended),
        data=data,
        offsets=offsets,
        words=Spans(start, end, doc, characters, hashes[0]),
        cores=Spans(*(values[any_left] for values in cores)),
        alphabetic=alphabetic,
        line_feeds=line_feeds,
    )


def hashes_of(words: str) -> Hashes:
    """The hashes that words between white space have."""
    return read_words(pa.array([words])).words.hash


@compiled
def _read(data: Bytes, offsets: Ints) -> tuple[Ints, Hashes, Flags]:
    """Of each word: eight numbers (see `read_words`), the hashes of it and of its core, whether it has a letter."""
    count = 0
    for text in range(len(offsets) - 1):
        within = False
        for at in range(offsets[text], offsets[text + 1]):
            space = _KINDS[data[at]] & _IS_SPACE
            count += not space and not within
            within = not space
    numbers = np.empty((8, count), np.int64)
    hashes = np.empty((2, count), np.uint64)
    alphabetic = np.empty(count, np.bool_)
    word = 0
    for text in range(len(offsets) - 1):
        at, stop, line_feeds = offsets[text], offsets[text + 1], 0
        while at < stop:
            if _KINDS[data[at]] & _IS_SPACE:
                line_feeds += data[at] == 10
                at += 1
                continue
            start = at
            whole = core = core_so_far = np.uint64(0xCBF29CE484222325)
            characters = core_characters = core_characters_so_far = 0
            core_start = core_end = start
            any_letter = within_core = False
            while at < stop:
                byte = data[at]
                kind = _KINDS[byte]
                if kind & _IS_SPACE:
                    break
                value = _LOWER[byte]
                whole = (whole ^ value) * np.uint64(0x100000001B3)
                characters += kind >> 3
                any_letter |= (kind & _IS_LETTER) != 0
                if kind & (_IS_LETTER | _IS_DIGIT):
                    if core_end == core_start:
                        core_start = at
                    within_core = True
                elif kind & _IS_FIRST:
                    within_core = False
                if within_core or core_end > core_start:
                    core_so_far = (core_so_far ^ value) * np.uint64(0x100000001B3)
                    core_characters_so_far += kind >> 3
                at += 1
                if within_core:
                    core, core_end, core_characters = core_so_far, at, core_characters_so_far
            numbers[0, word], numbers[1, word], numbers[2, word], numbers[3, word] = start, at, text, characters
            numbers[4, word], numbers[5, word], numbers[6, word] = core_start, core_end, core_characters
            numbers[7, word] = line_feeds
            hashes[0, word], hashes[1, word] = spread(whole), spread(core)
            alphabetic[word] = any_letter
            word += 1
            line_feeds = 0
    return numbers, hashes, alphabetic


@compiled
def _hash_rows(hashes: Hashes, first: Ints, last: Ints) -> Hashes:
    """The hash of each row of hashes, from a `first` up to a `last`."""
    found = np.empty(len(first), np.uint64)
    for row in range(len(first)):
        found[row] = joined(hashes, first[row], last[row])
    return found


@compiled
def _group(first: Ints, start: Ints, end: Ints, characters: Ints, hashes: Hashes) -> tuple[Ints, Hashes]:
    """Of the words from each of `first` up to the next: start, end and characters, and the hash."""
    numbers = np.empty((3, len(first)), np.int64)
    found = np.empty(len(first), np.uint64)
    for group in range(len(first)):
        one = first[group]
        last = first[group + 1] if group + 1 < len(first) else len(start)
        following = 0  # bytes that begin no character
        for word in range(one, last):
            following += end[word] - start[word] - characters[word]
        numbers[0, group], numbers[1, group] = start[one], end[last - 1]
        numbers[2, group] = end[last - 1] - start[one] - following
        found[group] = joined(hashes, one, last)
    return numbers, found


@compiled
def _sum_by_text(values: Ints | Flags, doc: Ints, texts: int) -> Ints:
    found = np.zeros(texts, np.int64)
    for place in range(len(values)):
        found[doc[place]] += values[place]
    return found


@compiled
def _count_bytes(data: Bytes, offsets: Ints, bits: Ints, kinds: int) -> Ints:
    found = np.zeros((kinds, len(offsets) - 1), np.int64)
    for text in range(len(offsets) - 1):
        for at in range(offsets[text], offsets[text + 1]):
            kind = bits[data[at]]
            if kind:  # of most bytes nothing is to be counted
                for place in range(kinds):
                    found[place, text] += (kind >> place) & 1
    return found
