"""A batch of texts as arrays: its words, lines and paragraphs by position and hash, without a loop over them.

The texts lie one behind the other in one buffer, each ended by a line feed. Words are runs of bytes
between white space; letters, digits and punctuation are told apart by UTF-8's leading bytes, which is
exact for ASCII and the Latin, Greek and Cyrillic blocks. Hashes of any span come from one table of prefix
sums (Karp and Rabin, 1987, modulo 2^64), over the text with ASCII letters in lower case.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]
Counts = npt.NDArray[np.int32]
Hashes = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_BASE = 0x9E3779B97F4A7C15 | 1
_INVERSE = pow(_BASE, -1, 2**64)
_MIX = np.uint64(0xBF58476D1CE4E5B9)

_BYTES = np.arange(256)
SPACE = np.isin(_BYTES, [*b" \t\n\r\f\v"])
LETTER = np.isin(_BYTES, [*range(0x41, 0x5B), *range(0x61, 0x7B), *range(0xC3, 0xE0), 0xE1, 0xEA, 0xEF])
DIGIT = np.isin(_BYTES, [*b"0123456789"])
UPPER = np.isin(_BYTES, [*range(0x41, 0x5B)])
CHARACTER = (_BYTES & 0xC0) != 0x80
"""Bytes that begin a character."""
_CORE = LETTER | DIGIT
_LOWER = np.where(UPPER, _BYTES + 32, _BYTES).astype(np.uint8)


@dataclass(frozen=True)
class Spans:
    """Stretches of the buffer (start, end) in order, each within a text `doc`."""

    start: Ints
    end: Ints
    doc: Ints


@dataclass(frozen=True)
class Words:
    """A batch of texts taken apart."""

    texts: int
    data: npt.NDArray[np.uint8]
    offsets: Ints
    """Where each text begins, and the end of the last."""
    words: Spans

    @property
    def length(self) -> Ints:
        """Characters of each text but for white space."""
        return self.sum(self.characters(self.words), self.words.doc)

    @cached_property
    def count(self) -> Ints:
        """Words of each text."""
        return np.bincount(self.words.doc, minlength=self.texts)

    @cached_property
    def _characters_before(self) -> Counts:
        before = np.zeros(len(self.data) + 1, np.int32)
        np.cumsum(CHARACTER[self.data], out=before[1:])
        return before

    @cached_property
    def _prefix(self) -> Hashes:
        prefix = np.zeros(len(self.data) + 1, np.uint64)
        np.cumsum((_LOWER[self.data].astype(np.uint64) + np.uint64(1)) * _powers(len(self.data))[0], out=prefix[1:])
        return prefix

    @cached_property
    def _lines_before(self) -> Counts:
        before = np.zeros(len(self.data) + 1, np.int32)
        np.cumsum(self.data == ord("\n"), out=before[1:])
        return before

    @cached_property
    def word_hash(self) -> Hashes:
        """A hash of each word."""
        return self.hash(self.words)

    @cached_property
    def cores(self) -> Spans:
        """The words without the punctuation around them; words of punctuation alone are left out."""
        core, inner = _CORE[self.data], ~CHARACTER[self.data]
        for _ in range(2):  # the bytes of a character that follow its first
            core[1:] |= core[:-1] & inner[1:]
        kept = np.flatnonzero(core)
        left, right = np.searchsorted(kept, self.words.start), np.searchsorted(kept, self.words.end)
        any_left = right > left
        return Spans(kept[left[any_left]], kept[right[any_left] - 1] + 1, self.words.doc[any_left])

    @cached_property
    def core_hash(self) -> Hashes:
        """A hash of each core."""
        return self.hash(self.cores)

    @cached_property
    def lines(self) -> Spans:
        """The lines that hold a word, from their first word to their last."""
        return self._grouped(np.diff(self._lines_before[self.words.start], prepend=-1) > 0)

    @cached_property
    def paragraphs(self) -> Spans:
        """What stands between blank lines; a text without any is one paragraph a line."""
        lines = self._lines_before[self.lines.start]
        blank = (np.diff(lines, prepend=-2) > 1) | (np.diff(self.lines.doc, prepend=-1) > 0)
        has_blank = np.zeros(self.texts, bool)
        inner = blank & (np.diff(self.lines.doc, prepend=-1) == 0)
        has_blank[self.lines.doc[inner]] = True
        first = np.flatnonzero(blank | ~has_blank[self.lines.doc])
        return _group(self.lines, first)

    def characters(self, spans: Spans) -> Ints:
        """Characters of each span."""
        counts: Ints = (self._characters_before[spans.end] - self._characters_before[spans.start]).astype(np.int64)
        return counts

    def hash(self, spans: Spans) -> Hashes:
        """A hash of each span's text."""
        inverse = _powers(len(self.data))[1]
        return mixed((self._prefix[spans.end] - self._prefix[spans.start]) * inverse[spans.start])

    def holds(self, table: npt.NDArray[np.bool_]) -> Ints:
        """How many bytes of a kind each text holds."""
        return np.add.reduceat(table[self.data], self.offsets[:-1], dtype=np.int64)

    def words_with(self, table: npt.NDArray[np.bool_]) -> Flags:
        """Which words hold a byte of a kind."""
        found: Flags = np.maximum.reduceat(table[self.data], self.words.start)
        return found

    def sum(self, values: npt.NDArray[np.generic], doc: Ints) -> Ints:
        """Sum of whole numbers by text."""
        return np.bincount(doc, weights=values, minlength=self.texts).astype(np.int64)

    def ngrams(self, n: int, among: Flags | None = None) -> tuple[Ints, Hashes]:
        """The n-grams of words that lie within a text: index of the first word, and a hash that holds for the text.

        `among` chooses texts, as a flag for each.
        """
        first = self._ngram_starts(n, among)
        return first, _ngram_hashes(self.word_hash, n, first, self.words.doc[first].astype(np.uint64))

    def plain_ngrams(self, n: int) -> tuple[Ints, Hashes]:
        """The n-grams of `cores` that lie within a text: index of the first, and a hash that is the same in all."""
        doc = self.cores.doc
        last = max(len(doc) - n + 1, 0)
        first = np.flatnonzero(doc[:last] == doc[n - 1 :])
        return first, _ngram_hashes(self.core_hash, n, first, np.zeros(len(first), np.uint64))

    def _ngram_starts(self, n: int, among: Flags | None) -> Ints:
        doc = self.words.doc
        last = max(len(doc) - n + 1, 0)
        inside = doc[:last] == doc[n - 1 :]
        if among is not None:
            inside &= among[doc[:last]]
        return np.flatnonzero(inside)

    def _grouped(self, begins: Flags) -> Spans:
        return _group(self.words, np.flatnonzero(begins | (np.diff(self.words.doc, prepend=-1) > 0)))


def read_words(text: pa.Array) -> Words:
    """Take a batch of texts apart; null counts as empty. Takes some 40 bytes of memory a byte of text."""
    line_feed, nothing = pa.scalar("\n", pa.large_string()), pa.scalar("", pa.large_string())
    ended = pc.binary_join_element_wise(pc.fill_null(text.cast(pa.large_string()), ""), line_feed, nothing)
    _, offset_buffer, data_buffer = ended.buffers()
    offsets = np.frombuffer(offset_buffer, np.int64)[ended.offset : ended.offset + len(ended) + 1]
    data = np.frombuffer(data_buffer, np.uint8)[offsets[0] : offsets[-1]] if len(ended) else np.zeros(0, np.uint8)
    offsets = offsets - offsets[0]
    edges = np.flatnonzero(np.diff(SPACE[data].astype(np.int8), prepend=np.int8(1)))
    start, end = edges[0::2], edges[1::2]
    doc = np.searchsorted(offsets, start, side="right") - 1
    return Words(len(ended), data, offsets, Spans(start, end, doc))


def mixed(values: Hashes) -> Hashes:
    """Spread a hash over all its bits, as sums modulo 2^64 leave the low ones weak."""
    values = (values ^ (values >> np.uint64(32))) * _MIX
    return values ^ (values >> np.uint64(29))


def within(values: Hashes, doc: Ints) -> Hashes:
    """Hashes that are equal only within the same text."""
    return mixed(values + (doc.astype(np.uint64) + np.uint64(1)) * np.uint64(_BASE))


def runs(keys: Hashes) -> tuple[Ints, Ints]:
    """The places of keys, equal ones together and each in order; and where among them a new key begins.

    Place and as many bits of the key as have room are sorted as one number, which is ten times faster than
    a sort by key of places. Of a million keys, two that differ look the same once in thirty calls.
    """
    bits = np.uint64(max(len(keys), 1).bit_length())
    packed = np.sort(((keys >> bits) << bits) | np.arange(len(keys), dtype=np.uint64))
    place = (packed & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.int64)
    new = np.ones(len(keys), bool)
    new[1:] = (packed[1:] >> bits) != (packed[:-1] >> bits)
    return place, np.flatnonzero(new)


def hashes_of(words: str) -> Hashes:
    """The hashes that `Words.word_hash` gives to words between white space."""
    return read_words(pa.array([words])).word_hash


def _ngram_hashes(word: Hashes, n: int, first: Ints, total: Hashes) -> Hashes:
    for place in range(n):
        total = total * np.uint64(_BASE) + word[first + place]
    return mixed(total)


def _group(spans: Spans, first: Ints) -> Spans:
    last = np.append(first[1:], len(spans.start)) - 1
    return Spans(spans.start[first], spans.end[last] if len(first) else spans.end[:0], spans.doc[first])


@cache
def _power_table(size: int) -> tuple[Hashes, Hashes]:
    powers, inverses = np.full(size, _BASE, np.uint64), np.full(size, _INVERSE, np.uint64)
    if size:
        powers[0] = inverses[0] = 1
    return np.cumprod(powers, dtype=np.uint64), np.cumprod(inverses, dtype=np.uint64)


def _powers(size: int) -> tuple[Hashes, Hashes]:
    """Powers of the base and of its inverse up to a size; tables grow by doubling and are kept."""
    powers, inverses = _power_table(1 << max(16, size.bit_length()))
    return powers[:size], inverses[:size]
