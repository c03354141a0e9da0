"""An encoder of octavo's own for vocabularies whose entries reach over several words, compiled by Numba.

Such a tokenizer splits texts at numbers alone. A whole page is then one piece, of which other encoders find no
second to remember, and they become slow. This one takes the merges as they are ranked, lowest first and leftmost
first, but in two steps. Where no entry holds two bytes side by side, no merge joins them: at such places a text is
cut. The merges before the first superword leave far more cuts, about one a word, and what they make of a word is
remembered. The rest goes on from there within the larger cuts. So the ids are those of byte-pair encoding itself.
"""

from __future__ import annotations

import os
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, pre_tokenizers

from octavo.compiled import Flags, Hashes, Ints, compiled, spread
from octavo.curation.code_points import Bytes
from octavo.tokenization.entries import letters_of_bytes
from octavo.tokenization.train import SPLITS

if TYPE_CHECKING:
    from octavo.tokenization.encoders import Encode

Symbols = NDArray[np.int32]

LONGEST = 1000
"""Bytes or tokens in one cut at most. A text with more, which is none of a language, is left to the reference."""

_NONE = np.int32(2**31 - 1)
_REMEMBERED_BYTES, _REMEMBERED_TOKENS, _REMEMBERED_WORDS = 16, 6, 2**18


TOKEN, RANK, MADE = range(3)
"""Rows of neighbouring tokens: each, and the rank of its merge with its right neighbour and what that makes."""


class _Table(NamedTuple):
    """The merges, and where a text is cut."""

    pairs: Hashes
    """(places, 2): two tokens that may become neighbours, in the place that their hash gives, and in one number the
    rank of their merge, or _NONE, and what it makes."""
    bytes: Symbols
    """The token of each byte."""
    within_words: Flags
    """By two bytes: whether an entry before the first superword holds them side by side."""
    within_any: Flags
    """The same of all entries."""
    first_superword: int
    """Rank of its merge."""
    numerals: Flags
    """By code point: whether the split takes it for part of a number."""


class _Memory(NamedTuple):
    """What has become of words, each in the one place that its hash gives; another word may overwrite it."""

    words: Hashes
    """(places, 2): the word's bytes."""
    tokens: Symbols
    """(places, 2 + _REMEMBERED_TOKENS): how many bytes it has, 0 where there is none, how many tokens, and they."""


def superword_encoder(content: dict[str, Any], reference: Encode) -> Encode:
    """An encoder for a tokenizer.json; ValueError where that is none of byte-level BPE with SPLITS alone."""
    table = _table_of_content(content)
    threads = os.cpu_count() or 1
    pool = ThreadPoolExecutor(threads)
    memories: SimpleQueue[_Memory] = SimpleQueue()

    def work(data: Bytes, bounds: Ints, out: Symbols) -> Ints:
        try:
            memory = memories.get_nowait()
        except Empty:
            memory = _empty_memory()
        try:
            return _encode(data, bounds, table, memory, out)
        finally:
            memories.put(memory)

    def encode(texts: list[str]) -> list[np.ndarray]:
        encoded = [text.encode() for text in texts]
        data = np.frombuffer(b"".join(encoded), np.uint8)
        bounds = np.concatenate(([0], np.cumsum([len(e) for e in encoded], dtype=np.int64)))
        out = np.empty(len(data), np.int32)
        cuts = np.searchsorted(bounds, np.linspace(0, len(data), threads + 1)).tolist()
        cuts[0], cuts[-1] = 0, len(texts)
        futures = [pool.submit(work, data, bounds[a : b + 1], out) for a, b in pairwise(cuts)]
        counts = np.concatenate([future.result() for future in futures])
        ids = out.view(np.uint32)
        return [
            ids[start : start + count] if count >= 0 else reference([text])[0]
            for text, start, count in zip(texts, bounds.tolist(), counts.tolist(), strict=False)
        ]

    return encode


def _table_of_content(content: dict[str, Any]) -> _Table:
    model, vocab = content["model"], content["model"]["vocab"]
    *cutting, byte_level = (content["pre_tokenizer"] or {}).get("pretokenizers") or [{}]
    plain = (
        model["type"] == "BPE"
        and not any(model.get(key) for key in ("dropout", "continuing_subword_prefix", "end_of_word_suffix"))
        and not any(model.get(key) for key in ("ignore_merges", "byte_fallback", "unk_token"))
        and content["normalizer"] is None
        and all(entry["special"] for entry in content["added_tokens"])
        and [(s.get("pattern"), s.get("behavior"), s.get("invert")) for s in cutting]
        == [({"Regex": pattern}, "Isolated", False) for pattern in SPLITS]
        and byte_level.get("type") == "ByteLevel"
        and not (byte_level["add_prefix_space"] or byte_level["use_regex"])
    )
    letters = letters_of_bytes()
    if not plain or not all(letter in vocab for letter in letters):
        raise ValueError("it is none of byte-level BPE that splits at numbers alone")
    pairs = [tuple(merge) for merge in model["merges"]]
    bytes_by_letter = {letter: byte for byte, letter in enumerate(letters)}
    made = [bytes(bytes_by_letter[letter] for letter in left + right) for left, right in pairs]
    first_superword = next((rank for rank, entry in enumerate(made) if b" " in entry.lstrip(b" ")), len(made))
    ids = np.array([(vocab[a], vocab[b], vocab[a + b]) for a, b in pairs], np.int32).reshape(-1, 3)
    pairs_of = _pairs_of(ids, _neighbours(ids, first_superword))
    return _Table(
        pairs_of,
        np.array([vocab[letter] for letter in letters], np.int32),
        _side_by_side(made[:first_superword]),
        _side_by_side(made),
        first_superword,
        _numerals(),
    )


def _neighbours(merges: Symbols, first_superword: int) -> Symbols:
    """Tokens of words that a later merge may join, alone or as the last and the first of what they have become.

    Later are the merges from the first superword on, and those before that take up what later ones have made.
    """
    earlier, later = merges[:first_superword].tolist(), merges[first_superword:].tolist()
    before = -1
    while before < len(later):
        before, made_later = len(later), {made for _, _, made in later}
        later += [merge for merge in earlier if not made_later.isdisjoint(merge[:2])]
        earlier = [merge for merge in earlier if made_later.isdisjoint(merge[:2])]
    firsts: defaultdict[int, set[int]] = defaultdict(set)
    lasts: defaultdict[int, set[int]] = defaultdict(set)
    before, known = -1, 0
    while before < known:  # more than once, as an entry may come from a merge that stands after its use
        before = known
        for left, right, made in later:
            firsts[made] |= firsts[left] | {left}
            lasts[made] |= lasts[right] | {right}
        known = sum(map(len, firsts.values())) + sum(map(len, lasts.values()))
    found = {(a, b) for left, right, _ in later for a in lasts[left] | {left} for b in firsts[right] | {right}}
    return np.array(sorted(found), np.int32).reshape(-1, 2)


def _side_by_side(entries: list[bytes]) -> Flags:
    found = np.zeros(2**16, np.bool_)
    for entry in entries:
        for left, right in pairwise(entry):
            found[left << 8 | right] = True
    return found


@cache
def _numerals() -> Flags:
    """Which code points the reference's regular expressions take for numbers: they have a Unicode of their own."""
    # Past the second plane there are none.
    text = "".join(chr(point) for point in range(0x20000) if not 0xD800 <= point <= 0xDFFF)
    pieces = pre_tokenizers.Split(Regex(SPLITS[0]), behavior="isolated").pre_tokenize_str(text)
    found = np.zeros(0x110000, np.bool_)
    for numerals, _ in pieces[1::2]:  # between others, of which U+0000 is the first
        found[[ord(numeral) for numeral in numerals]] = True
    return found


def _empty_memory() -> _Memory:
    places = _REMEMBERED_WORDS
    return _Memory(np.zeros((places, 2), np.uint64), np.zeros((places, 2 + _REMEMBERED_TOKENS), np.int32))


@compiled
def _place(left: np.int32, right: np.int32, pairs: Hashes) -> np.int64:
    """The place of two tokens in the table, or the free one that they would take."""
    key = np.uint64(left) << np.uint64(32) | np.uint64(right) << np.uint64(1) | np.uint64(1)
    last = np.uint64(len(pairs) - 1)
    at = (key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(24) & last  # Fibonacci hashing (Knuth, 1973)
    while pairs[at, 0] != np.uint64(0) and pairs[at, 0] != key:
        at = (at + np.uint64(1)) & last
    return np.int64(at)


@compiled
def _look(at: np.int64, pairs: Hashes, row: Symbols, n: int) -> bool:
    """Note what is in a place of the table for the n-th token of a row; returns whether the place is taken."""
    row[RANK, n], row[MADE, n] = (
        np.int32(pairs[at, 1] >> np.uint64(32)),
        np.int32(pairs[at, 1] & np.uint64(2**32 - 1)),
    )
    return bool(pairs[at, 0] != np.uint64(0))


@compiled
def _pairs_of(merges: Symbols, neighbours: Symbols) -> Hashes:
    size = 8
    while 2 * size < 3 * (len(merges) + len(neighbours)):
        size *= 2
    pairs = np.zeros((size, 2), np.uint64)
    pairs[:, 1] = np.uint64(_NONE) << np.uint64(32)
    for rank in range(len(merges) + len(neighbours)):
        left, right = merges[rank, :2] if rank < len(merges) else neighbours[rank - len(merges)]
        at = _place(left, right, pairs)
        pairs[at, 0] = np.uint64(left) << np.uint64(32) | np.uint64(right) << np.uint64(1) | np.uint64(1)
        if rank < len(merges):
            pairs[at, 1] = np.uint64(rank) << np.uint64(32) | np.uint64(merges[rank, 2])
    return pairs


@compiled
def _merge(count: int, pairs: Hashes, below: int, row: Symbols) -> int:
    """Merge the first `count` tokens of the row by the merges ranked below `below`; returns how many are left."""
    while count > 1:
        best = 0
        for n in range(1, count - 1):
            if row[RANK, n] < row[RANK, best]:
                best = n
        if row[RANK, best] >= below:
            break
        row[TOKEN, best] = row[MADE, best]
        count -= 1
        for n in range(best + 1, count):
            row[TOKEN, n] = row[TOKEN, n + 1]
        for n in range(best, count - 1):
            row[RANK, n], row[MADE, n] = row[RANK, n + 1], row[MADE, n + 1]
        for n in range(max(best - 1, 0), min(best + 1, count - 1)):
            _look(_place(row[TOKEN, n], row[TOKEN, n + 1], pairs), pairs, row, n)
    return count


@compiled
def _cuts(data: Bytes, within_words: Flags, within_any: Flags, numerals: Flags) -> Bytes:
    """Before which bytes a text is cut: 2 where no entry holds it and the last, 1 where superwords alone do."""
    cuts = np.zeros(len(data) + 1, np.uint8)
    for n in range(1, len(data)):
        pair = np.int64(data[n - 1]) << 8 | np.int64(data[n])
        if not within_any[pair]:
            cuts[n] = 2
        elif not within_words[pair]:
            cuts[n] = 1
    cuts[len(data)] = 2
    at, before = 0, False
    while at < len(data):
        first = np.int64(data[at])
        if first < 0x80:
            point, after = first, at + 1
        elif first < 0xE0:
            point, after = (first & 0x1F) << 6 | np.int64(data[at + 1] & 0x3F), at + 2
        elif first < 0xF0:
            point = (first & 0x0F) << 12 | np.int64(data[at + 1] & 0x3F) << 6 | np.int64(data[at + 2] & 0x3F)
            after = at + 3
        else:
            point = (first & 0x07) << 18 | np.int64(data[at + 1] & 0x3F) << 12
            point |= np.int64(data[at + 2] & 0x3F) << 6 | np.int64(data[at + 3] & 0x3F)
            after = at + 4
        number = numerals[point]
        if number != before:
            cuts[at] = 2
        before = number
        if 0x30 <= first <= 0x39:
            end = at
            while end < len(data) and 0x30 <= data[end] <= 0x39:
                end += 1
            for n in range(at + (end - at) % 3, end, 3):
                cuts[n] = 2
            after = end
        at = after
    return cuts


@compiled
def _encode(data: Bytes, bounds: Ints, table: _Table, memory: _Memory, out: Symbols) -> Ints:
    """Write each text's tokens to where its bytes begin; returns their numbers, -1 for a text left to others."""
    counts = np.zeros(len(bounds) - 1, np.int64)
    row = np.empty((3, LONGEST), np.int32)
    for text in range(len(bounds) - 1):
        octets = data[bounds[text] : bounds[text + 1]]
        cuts = _cuts(octets, table.within_words, table.within_any, table.numerals)
        tokens = np.empty(len(octets), np.int32)
        count = _words(octets, cuts, table, memory, row, tokens)
        if count > 0:
            count = _superwords(tokens[:count], cuts, table.pairs, row, out[bounds[text] :])
        counts[text] = count
    return counts


@compiled
def _words(octets: Bytes, cuts: Bytes, table: _Table, memory: _Memory, row: Symbols, tokens: Symbols) -> int:
    """Write the tokens of a text by the merges before the first superword; returns how many, or -1: too long.

    Leaves in `cuts`, in the place of each token, whether it begins at a cut of all entries.
    """
    words, known = memory.words, memory.tokens
    count, start = 0, 0
    while start < len(octets):
        end = start + 1
        while cuts[end] == 0:
            end += 1
        size = end - start
        if size > LONGEST:
            return -1
        low, high, place = np.uint64(0), np.uint64(0), np.int64(-1)
        if size <= _REMEMBERED_BYTES:
            for n in range(start, min(end, start + 8)):
                low = low << np.uint64(8) | np.uint64(octets[n])
            for n in range(start + 8, end):
                high = high << np.uint64(8) | np.uint64(octets[n])
            place = np.int64(spread(low ^ spread(high + np.uint64(size))) & np.uint64(_REMEMBERED_WORDS - 1))
        alone = cuts[start]
        if place >= 0 and words[place, 0] == low and words[place, 1] == high and known[place, 0] == size:
            got = int(known[place, 1])
            for n in range(got):
                tokens[count + n] = known[place, 2 + n]
        else:
            for n in range(size):
                row[TOKEN, n] = table.bytes[octets[start + n]]
            for n in range(size - 1):
                _look(_place(row[TOKEN, n], row[TOKEN, n + 1], table.pairs), table.pairs, row, n)
            got = _merge(size, table.pairs, table.first_superword, row)
            tokens[count : count + got] = row[TOKEN, :got]
            if place >= 0 and got <= _REMEMBERED_TOKENS:
                words[place, 0], words[place, 1] = low, high
                known[place, 0], known[place, 1] = size, got
                known[place, 2 : 2 + got] = row[TOKEN, :got]
        for n in range(count, count + got):
            cuts[n] = 0
        cuts[count] = alone
        count += got
        start = end
    return count


@compiled
def _superwords(tokens: Symbols, cuts: Bytes, pairs: Hashes, row: Symbols, out: Symbols) -> int:
    """Go on by all merges, between tokens that some merge may join; returns how many are left, or -1: too long."""
    count, size = 0, 0
    for n in range(len(tokens) + 1):
        if size:
            joined = False
            if n < len(tokens) and cuts[n] != 2:
                joined = _look(_place(tokens[n - 1], tokens[n], pairs), pairs, row, size - 1)
            if not joined:
                if size > 1:
                    size = _merge(size, pairs, int(_NONE), row)
                for k in range(size):
                    out[count + k] = row[TOKEN, k]
                count, size = count + size, 0
        if n < len(tokens):
            if size == LONGEST:
                return -1
            row[TOKEN, size] = tokens[n]
            size += 1
    return count
