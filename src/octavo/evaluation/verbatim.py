"""What of some short texts stands word for word in the token files: exact, without an index, in one pass.

The texts are few and the files may be of any size, so the texts are kept in a hash table and the files are read
past it, block by block. Spans are compared by bytes: they do not depend on how a tokenizer cuts words, and one that
a model writes in other tokens than the corpus has is found too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from octavo.compiled import Hashes, Ints, compiled
from octavo.progress import Progress
from octavo.tokenization.entries import bytes_of_entry
from octavo.tokenization.shards import Shard

Bytes = npt.NDArray[np.uint8]

LEAST: Final = 16
"""Bytes of the shortest span that is looked for: two registers' worth."""
_BORDER: Final = 0xFF
"""Stands between documents and for special entries: no UTF-8 has it."""
BLOCK: Final = 1 << 22
"""Tokens that are read at once."""


class Span(NamedTuple):
    """The longest stretch of a text that stands in the token files too."""

    start: int
    """Its first byte in the text."""
    length: int
    """In bytes."""
    token: int
    """The token of the files, numbered through all of them, in which it begins first."""


def entry_bytes(tokenizer: Tokenizer) -> list[bytes]:
    """What each entry of a vocabulary stands for, by id; of a special one the border between documents."""
    content = json.loads(tokenizer.to_str())
    byte_level = "ByteLevel" in _types(content["decoder"])
    added = tokenizer.get_added_tokens_decoder()
    vocabulary = tokenizer.get_vocab()
    found = [bytes([_BORDER])] * (max(vocabulary.values()) + 1)
    for entry, number in vocabulary.items():
        if number in added:
            text = b"" if added[number].special else entry.encode()
        else:
            text = bytes_of_entry(entry, byte_level)
        found[number] = text or bytes([_BORDER])
    return found


def _types(decoder: Any) -> set[str]:
    parts = (decoder or {}).get("decoders", [decoder])
    return {part["type"] for part in parts if part}


def longest_spans(
    shards: Sequence[Shard], entries: Sequence[bytes], texts: Sequence[bytes], progress: Progress
) -> list[Span | None]:
    """Of each text the longest span of LEAST bytes or more that stands in one document; None where there is none.

    `entries` is what each id of the files stands for. Of several as long, the one that comes first in the files.
    """
    lengths = np.array([len(text) for text in texts], np.int64)
    bounds = np.concatenate(([0], np.cumsum(lengths)))
    # What is no UTF-8 in a text must not be taken for a border.
    joined = np.frombuffer(b"".join(texts).replace(b"\xff", b"\xfe"), np.uint8)
    owners = np.repeat(np.arange(len(texts)), lengths)
    seeds = _seeds(joined, bounds)
    flat = np.frombuffer(b"".join(entries), np.uint8)
    firsts = np.concatenate(([0], np.cumsum([len(entry) for entry in entries], dtype=np.int64)))
    best = np.full(len(texts), LEAST - 1, np.int64)
    starts, at = np.zeros(len(texts), np.int64), np.full(len(texts), -1, np.int64)
    reach = int(lengths.max(initial=0))
    for first, own, tokens, ends in _blocks(shards, reach, progress, "spans in the corpus"):
        size = int((firsts[tokens + 1] - firsts[tokens]).sum()) + len(ends)
        block, places = _spelled(tokens, ends, flat, firsts, size)
        found = _extend(block, places[own], joined, bounds, owners, seeds, best, starts)
        longer = np.flatnonzero(found >= 0)
        at[longer] = first + np.searchsorted(places, found[longer], side="right") - 1
    return [
        Span(int(start - bound), int(length), int(token)) if token >= 0 else None
        for start, bound, length, token in zip(starts, bounds, best, at, strict=False)
    ]


def occurrences(shards: Sequence[Shard], windows: Ints, most: int, progress: Progress) -> list[Ints]:
    """Where windows of tokens, (windows, tokens), stand in the files: of each the first `most` places, in order."""
    if not len(windows):
        return []
    counts, places = np.zeros(len(windows), np.int64), np.zeros((len(windows), most), np.int64)
    table, hashes = _table_of(windows)
    for first, own, tokens, _ in _blocks(shards, windows.shape[1] - 1, progress, "repeats in the corpus"):
        _find(tokens, first, own, windows, hashes, table, counts, places)
    return [found[:count] for found, count in zip(places, np.minimum(counts, most), strict=True)]


def _blocks(
    shards: Sequence[Shard], reach: int, progress: Progress, note: str
) -> Iterator[tuple[int, int, Ints, Ints]]:
    """Blocks of tokens: the first one's number, how many are the block's own, these and `reach` more, and where
    documents end among them."""
    total, before = sum(len(shard.tokens) for shard in shards), 0
    for shard in shards:
        ends = shard.document_ends
        for start in range(0, len(shard.tokens), BLOCK):
            progress.check()
            progress.update(before + start, total, note)
            tokens = np.asarray(shard.tokens[start : start + BLOCK + reach]).astype(np.int64)
            within = slice(*np.searchsorted(ends, np.array([start + 1, start + len(tokens) + 1], np.uint64)))
            own = min(BLOCK, len(tokens))
            yield before + start, own, tokens, np.unique(ends[within]).astype(np.int64) - start
        before += len(shard.tokens)


class _Seeds(NamedTuple):
    """All stretches of LEAST bytes of the texts, by their content."""

    high: Hashes
    low: Hashes
    """The content, by the place of the first byte."""
    maybe: Hashes
    """A bit a hash: whether any stretch has it."""
    heads: Ints
    """By slot of the table the first place; -1 is free."""
    following: Ints
    """By place the next one of the same content; -1 is none."""


def _seeds(joined: Bytes, bounds: Ints) -> _Seeds:
    slots = 64
    while slots < 4 * len(joined):
        slots *= 2
    return _Seeds(*_fill_seeds(joined, bounds, slots))


@compiled
def _mixed(high: np.uint64, low: np.uint64) -> np.uint64:
    value = (high * np.uint64(0x9E3779B97F4A7C15)) ^ low
    value = (value ^ (value >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
    return value ^ (value >> np.uint64(32))


@compiled
def _fill_seeds(joined: Bytes, bounds: Ints, slots: int) -> tuple[Hashes, Hashes, Hashes, Ints, Ints]:
    high, low = np.zeros(len(joined), np.uint64), np.zeros(len(joined), np.uint64)
    maybe = np.zeros(slots // 16, np.uint64)  # four bits a slot
    heads, following = np.full(slots, -1, np.int64), np.full(len(joined), -1, np.int64)
    bits, last = np.uint64(64 * len(maybe) - 1), np.uint64(slots - 1)
    for text in range(len(bounds) - 1):
        for place in range(bounds[text], bounds[text + 1] - LEAST + 1):
            a, b = np.uint64(0), np.uint64(0)
            for n in range(8):
                a = (a << np.uint64(8)) | np.uint64(joined[place + n])
                b = (b << np.uint64(8)) | np.uint64(joined[place + 8 + n])
            high[place], low[place] = a, b
            mixed = _mixed(a, b)
            bit = mixed & bits
            maybe[bit >> np.uint64(6)] |= np.uint64(1) << (bit & np.uint64(63))
            slot = mixed & last
            while heads[slot] >= 0 and (high[heads[slot]] != a or low[heads[slot]] != b):
                slot = (slot + np.uint64(1)) & last
            following[place] = heads[slot]
            heads[slot] = place
    return high, low, maybe, heads, following


@compiled
def _spelled(tokens: Ints, ends: Ints, flat: Bytes, firsts: Ints, size: int) -> tuple[Bytes, Ints]:
    """The bytes of tokens with a border after each document, and where each token's begin."""
    block, places = np.empty(size, np.uint8), np.empty(len(tokens) + 1, np.int64)
    at, end = 0, 0
    for n in range(len(tokens)):
        places[n] = at
        for place in range(firsts[tokens[n]], firsts[tokens[n] + 1]):
            block[at] = flat[place]
            at += 1
        if end < len(ends) and ends[end] == n + 1:
            block[at] = _BORDER
            at += 1
            end += 1
    places[len(tokens)] = at
    return block, places


@compiled
def _extend(
    block: Bytes, own: int, joined: Bytes, bounds: Ints, owners: Ints, seeds: _Seeds, best: Ints, starts: Ints
) -> Ints:
    """Find spans longer than the `best` that begin in the first `own` bytes; by text where, or -1 if none is."""
    found = np.full(len(best), -1, np.int64)
    bits, last = np.uint64(64 * len(seeds.maybe) - 1), np.uint64(len(seeds.heads) - 1)
    high, low = np.uint64(0), np.uint64(0)
    for n in range(min(len(block), own + LEAST - 1)):
        high = (high << np.uint64(8)) | (low >> np.uint64(56))
        low = (low << np.uint64(8)) | np.uint64(block[n])
        mixed = _mixed(high, low)
        bit = mixed & bits
        if n < LEAST - 1 or not (seeds.maybe[bit >> np.uint64(6)] >> (bit & np.uint64(63))) & np.uint64(1):
            continue
        slot, place = mixed & last, -1
        while seeds.heads[slot] >= 0:
            if seeds.high[seeds.heads[slot]] == high and seeds.low[seeds.heads[slot]] == low:
                place = seeds.heads[slot]
                break
            slot = (slot + np.uint64(1)) & last
        start = n - LEAST + 1
        while place >= 0:
            text = owners[place]
            longer = start > 0 and place > bounds[text] and block[start - 1] == joined[place - 1]
            if not longer:  # what begins further left was or will be found from there
                length = LEAST
                while (
                    start + length < len(block)
                    and place + length < bounds[text + 1]
                    and block[start + length] == joined[place + length]
                ):
                    length += 1
                if length > best[text]:
                    best[text], starts[text], found[text] = length, place, start
            place = seeds.following[place]
    return found


def _table_of(windows: Ints) -> tuple[Ints, Hashes]:
    """Hash table of windows, and their hashes."""
    slots = 64
    while slots < 4 * len(windows):
        slots *= 2
    table, hashes = np.full(slots, -1, np.int64), _hashed(windows)
    for n, value in enumerate(hashes.tolist()):
        slot = _slot(value, slots)
        while table[slot] >= 0:
            slot = (slot + 1) % slots
        table[slot] = n
    return table, hashes


def _slot(value: int, slots: int) -> int:
    return (value >> 32) & (slots - 1)


_FACTOR: Final = 0x9E3779B97F4A7C15


@compiled
def _hashed(windows: Ints) -> Hashes:
    hashes = np.zeros(len(windows), np.uint64)
    for n in range(len(windows)):
        for token in windows[n]:
            hashes[n] = hashes[n] * np.uint64(_FACTOR) + np.uint64(token + 1)
    return hashes


@compiled
def _find(
    tokens: Ints, first: int, own: int, windows: Ints, hashes: Hashes, table: Ints, counts: Ints, places: Ints
) -> None:
    """Count windows that begin among the `own` tokens, by a rolling hash (Karp and Rabin, 1987)."""
    width, last = windows.shape[1], np.uint64(len(table) - 1)
    leaving = np.uint64(1)
    for _ in range(width):
        leaving *= np.uint64(_FACTOR)
    value = np.uint64(0)
    for n in range(min(len(tokens), own + width - 1)):
        value = value * np.uint64(_FACTOR) + np.uint64(tokens[n] + 1)
        start = n - width + 1
        if start > 0:
            value -= leaving * np.uint64(tokens[start - 1] + 1)
        if start < 0:
            continue
        slot = (value >> np.uint64(32)) & last
        while table[slot] >= 0:
            window = table[slot]
            if hashes[window] == value and np.all(windows[window] == tokens[start : n + 1]):
                if counts[window] < places.shape[1]:
                    places[window, counts[window]] = first + start
                counts[window] += 1
            slot = (slot + np.uint64(1)) & last
