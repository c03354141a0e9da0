"""Byte-pair encoding (Sennrich et al., 2016), learnt incrementally: the pair of neighbours that occurs most often
becomes an entry, until there are enough.

Each position of the text is in the list of the pair that begins there, so that a merge visits only the places that
it changes. It can go on from where an earlier call stopped, with other texts and wider limits, and that is what
entries over several words are learnt by (SuperBPE: Liu et al., 2025).

An entry is whole characters, or a beginning of one. It never has text on both sides of the end of a line or a
sentence: it may close with one, as `.\\n\\n`, or open with one, as `. The`.
"""

from __future__ import annotations

import heapq
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from octavo.compiled import Hashes, Ints, compiled, spread

Symbols = npt.NDArray[np.int32]

NONE = -1
MOST_BYTES = 64
"""Bytes in an entry at most: a row of dashes or a formula is no word."""

SENTENCE_ENDS = b"\r\n.!?;:"
_TEXT, _END, _TEXT_END, _END_TEXT, _NEVER = range(5)
_TOGETHER = np.array(
    [
        [_TEXT, _TEXT_END, _NEVER, _NEVER],
        [_END_TEXT, _END, _NEVER, _NEVER],
        [_NEVER, _TEXT_END, _NEVER, _NEVER],
        [_END_TEXT, _NEVER, _NEVER, _NEVER],
    ],
    np.int8,
)
"""What two neighbours give: text, the end of a line or sentence, or one before the other."""

_INNER, _NO_BYTE_OF_UTF8 = -1, -2


class Entries(NamedTuple):
    """What must be known of each entry to tell what it may be merged with; arrays with room for all to come."""

    missing: npt.NDArray[np.int8]
    """Bytes until its last character is whole; _INNER for a byte from within one."""
    shape: npt.NDArray[np.int8]
    spaces: Symbols
    length: Symbols
    hash: Hashes


class Text(NamedTuple):
    """Symbols in rows; learning changes them in place. A merge leaves NONE where its right side was."""

    symbols: Symbols
    following: Symbols
    """Position of the next symbol in the row, or NONE."""
    owner: Symbols
    """Which of the owners a position belongs to: a unit with its counts, or a document."""


class Owners(NamedTuple):
    """What rows of symbols belong to."""

    weight: Ints
    """How often each counts."""
    works: Symbols
    """Two different works that each occurs in, or NONE for the second (owners x 2)."""


class _Pairs(NamedTuple):
    key: Ints
    often: Ints
    first: Symbols
    seen: Symbols
    number: Ints
    """How many there are, in the only place."""


class _Places(NamedTuple):
    pair: Symbols
    after: Symbols
    before: Symbols


def byte_entries(room: int) -> Entries:
    """The 256 bytes as entries 0 to 255, with room for so many in all."""
    entries = Entries(
        np.zeros(room, np.int8),
        np.zeros(room, np.int8),
        np.zeros(room, np.int32),
        np.zeros(room, np.int32),
        np.zeros(room, np.uint64),
    )
    for byte in range(256):
        lead = (0xC2 <= byte < 0xE0) + 2 * (0xE0 <= byte < 0xF0) + 3 * (0xF0 <= byte < 0xF5)
        inner = _INNER if 0x80 <= byte < 0xC0 else _NO_BYTE_OF_UTF8
        entries.missing[byte] = lead if lead or byte < 0x80 else inner
        entries.shape[byte] = _END if byte in SENTENCE_ENDS else _TEXT
        entries.spaces[byte] = byte == ord(" ")
        entries.length[byte] = 1
        entries.hash[byte] = byte + 1
    return entries


def learn(text: Text, owners: Owners, entries: Entries, known: int, wanted: int, most_spaces: int) -> Symbols:
    """Merge until there are `wanted` entries where `known` were, or no pair of two works is left.

    Returns the merges in order (left, right, entry). An entry that two merges lead to is there once.
    """
    merges: Symbols = _learn(text, owners, entries, known, wanted, most_spaces, _TOGETHER)
    return merges


@compiled
def _learn(
    text: Text,
    owners: Owners,
    entries: Entries,
    known: int,
    wanted: int,
    most_spaces: int,
    together: npt.NDArray[np.int8],
) -> Symbols:
    size = len(text.symbols)
    preceding = np.full(size, NONE, np.int32)
    for at in range(size):
        if text.following[at] != NONE:
            preceding[text.following[at]] = at
    places = _Places(np.full(size, NONE, np.int32), np.empty(size, np.int32), np.empty(size, np.int32))
    # There are never more pairs; memory that is never touched is never taken.
    most = 3 * size + 1
    pairs = _Pairs(
        np.empty(most, np.int64),
        np.empty(most, np.int64),
        np.empty(most, np.int32),
        np.empty(most, np.int32),
        np.zeros(1, np.int64),
    )
    table = np.full(1 << 16, NONE, np.int32)
    for at in range(size):
        if text.following[at] != NONE:
            table = _with_room(1, table, pairs)
            _enter(np.int32(at), text, owners, places, pairs, table)
    heap: list[tuple[np.int64, np.int64, np.int32]] = [(np.int64(0), np.int64(0), np.int32(0)) for _ in range(0)]
    for number in range(pairs.number[0]):
        allowed = _may_merge(pairs.key[number], entries, most_spaces, together)
        if allowed and _in_two_works(pairs.first[number], text, owners, places):
            heap.append((-pairs.often[number], pairs.key[number], np.int32(number)))
    heapq.heapify(heap)
    entry_of = numba.typed.Dict.empty(numba.uint64, numba.int32)
    for old in range(known):
        entry_of[entries.hash[old]] = np.int32(old)
    merges = np.empty((2 * (wanted - known) + 1, 3), np.int32)
    done = 0
    touched = [np.int32(0) for _ in range(0)]
    while known < wanted and done < len(merges) and len(heap):
        negative, key, pair = heapq.heappop(heap)
        count = pairs.often[pair]
        if count != -negative:  # it was counted before other merges took some of it
            if 0 < count < -negative:
                heapq.heappush(heap, (-count, key, pair))
            continue
        if count == 0 or not _in_two_works(pairs.first[pair], text, owners, places):
            continue
        left, right = np.int32(key >> 32), np.int32(key & 0xFFFFFFFF)
        hashed = _hash(left, right, entries)
        if hashed not in entry_of:
            _add(np.int32(known), hashed, left, right, entries, together)
            entry_of[hashed] = np.int32(known)
            known += 1
        entry = entry_of[hashed]
        merges[done, 0], merges[done, 1], merges[done, 2] = left, right, entry
        found = _all_places(pairs.first[pair], places)
        if left == right:  # of three in a row, the first two
            found.sort()
        touched.clear()
        table = _with_room(2 * len(found), table, pairs)
        for at in found:
            if places.pair[at] != pair:
                continue
            gone = text.following[at]
            before, after = preceding[at], text.following[gone]
            for place in (at, before, gone):
                if place != NONE and places.pair[place] != NONE:
                    _leave(place, text, owners, places, pairs)
            text.symbols[at], text.symbols[gone] = entry, NONE
            text.following[at], text.following[gone] = after, NONE
            if after != NONE:
                preceding[after] = at
            for place in (before, at):
                if place != NONE and text.following[place] != NONE:
                    new = _enter(place, text, owners, places, pairs, table)
                    if pairs.seen[new] != done:
                        pairs.seen[new] = done
                        touched.append(new)
        for new in touched:
            if pairs.often[new] and _may_merge(pairs.key[new], entries, most_spaces, together):
                heapq.heappush(heap, (-pairs.often[new], pairs.key[new], new))
        done += 1
    return merges[:done].copy()


@compiled
def _enter(at: np.int32, text: Text, owners: Owners, places: _Places, pairs: _Pairs, table: Symbols) -> np.int32:
    """Put a position into the list of the pair that begins there, and return the pair's number."""
    key = np.int64(text.symbols[at]) << 32 | np.int64(text.symbols[text.following[at]])
    slot = _slot(key, table, pairs)
    if table[slot] == NONE:
        new = pairs.number[0]
        pairs.key[new], pairs.often[new] = key, 0
        pairs.first[new] = pairs.seen[new] = NONE
        pairs.number[0] += 1
        table[slot] = new
    pair = np.int32(table[slot])
    pairs.often[pair] += owners.weight[text.owner[at]]
    places.pair[at], places.before[at], places.after[at] = pair, NONE, pairs.first[pair]
    if pairs.first[pair] != NONE:
        places.before[pairs.first[pair]] = at
    pairs.first[pair] = at
    return pair


@compiled
def _slot(key: np.int64, table: Symbols, pairs: _Pairs) -> np.int64:
    """Where a pair's number is in the hash table, or would be."""
    last = np.uint64(len(table) - 1)
    slot = spread(np.uint64(key)) & last
    while table[slot] != NONE and pairs.key[table[slot]] != key:
        slot = (slot + np.uint64(1)) & last
    return np.int64(slot)


@compiled
def _with_room(more: int, table: Symbols, pairs: _Pairs) -> Symbols:
    """The hash table, or a larger one where so many pairs more would fill over half of it."""
    size = len(table)
    while 2 * (pairs.number[0] + more) > size:
        size *= 2
    if size == len(table):
        return table
    larger = np.full(size, NONE, np.int32)
    for pair in range(pairs.number[0]):
        larger[_slot(pairs.key[pair], larger, pairs)] = pair
    return larger


@compiled
def _leave(at: np.int32, text: Text, owners: Owners, places: _Places, pairs: _Pairs) -> None:
    """Take a position out of the list of its pair."""
    pair, before, after = places.pair[at], places.before[at], places.after[at]
    pairs.often[pair] -= owners.weight[text.owner[at]]
    if before == NONE:
        pairs.first[pair] = after
    else:
        places.after[before] = after
    if after != NONE:
        places.before[after] = before
    places.pair[at] = NONE


@compiled
def _all_places(first: np.int32, places: _Places) -> Symbols:
    count, at = 0, first
    while at != NONE:
        count, at = count + 1, places.after[at]
    found = np.empty(count, np.int32)
    at = first
    for n in range(count):
        found[n], at = at, places.after[at]
    return found


@compiled
def _in_two_works(first: np.int32, text: Text, owners: Owners, places: _Places) -> bool:
    """Whether a pair occurs in more than one work: a name of one novel's is worth no entry."""
    work, at = np.int32(NONE), first
    while at != NONE:
        one, other = owners.works[text.owner[at]]
        if other != NONE or (work != NONE and work != one):
            return True
        work, at = one, places.after[at]
    return False


@compiled
def _may_merge(key: np.int64, entries: Entries, most_spaces: int, together: npt.NDArray[np.int8]) -> bool:
    left, right = key >> 32, key & 0xFFFFFFFF
    missing, next_missing = entries.missing[left], entries.missing[right]
    fits = next_missing == _INNER if missing > 0 else missing == 0 and next_missing == 0
    return bool(
        fits
        and together[entries.shape[left], entries.shape[right]] != _NEVER
        and entries.spaces[left] + entries.spaces[right] <= most_spaces
        and entries.length[left] + entries.length[right] <= MOST_BYTES
    )


@compiled
def _add(
    new: np.int32,
    hashed: np.uint64,
    left: np.int32,
    right: np.int32,
    entries: Entries,
    together: npt.NDArray[np.int8],
) -> None:
    entries.missing[new] = entries.missing[left] - 1 if entries.missing[left] > 0 else 0
    entries.shape[new] = together[entries.shape[left], entries.shape[right]]
    entries.spaces[new] = entries.spaces[left] + entries.spaces[right]
    entries.length[new] = entries.length[left] + entries.length[right]
    entries.hash[new] = hashed


@compiled
def _hash(left: np.int32, right: np.int32, entries: Entries) -> np.uint64:
    """Of an entry's bytes, however it came about: a polynomial of them, modulo two to the 64th."""
    hashed = np.uint64(entries.hash[left])
    for _ in range(entries.length[right]):
        hashed *= np.uint64(0x9E3779B97F4A7C15)
    return np.uint64(hashed + entries.hash[right])
