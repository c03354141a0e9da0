"""A suffix array over the words of a text: built by radix, searched by halving.

Manber and Myers (1990) sort all suffixes of a text; here those that begin a word are sorted, as a span that is
worth showing begins with one (a sparse suffix array; Kärkkäinen and Ukkonen, 1996): a sixth of the entries. Sorting
is by multikey quicksort (Bentley and Sedgewick, 1997), eight bytes at a time.
Suffixes are sorted by their first DEPTH bytes; those that are equal so far stand in the order of their places, and
are told apart when they are searched.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Final

import numpy as np

from octavo.compiled import Hashes, Ints, compiled
from octavo.tracing.index_text import BORDER, Bytes, Places, Whole
from octavo.workers import CORES

DEPTH: Final = 1024
_FEW: Final = 24
"""As many are sorted by insertion."""
_BY_PLACE: Final = -1
"""The depth of suffixes that are told apart by their places alone."""
_BUCKETS: Final = 1 << 16


def sort_suffixes(text: Bytes, starts: Places) -> Places:
    """The places of words in the order of what follows them; on all cores."""
    counts = _count(text, starts)
    bounds = np.concatenate(([0], np.cumsum(counts)))
    places = np.empty(len(starts), np.uint32)
    _distribute(text, starts, bounds[:-1].copy(), places)
    # Buckets of about as many suffixes each: the largest first would wait for nothing, as there are many shares.
    edges = np.unique(np.searchsorted(bounds, np.linspace(0, len(starts), 64 * CORES + 1)))
    edges[0], edges[-1] = 0, _BUCKETS
    with ThreadPoolExecutor(CORES) as pool:
        for done in [
            pool.submit(_sort_buckets, text, places, bounds, int(first), int(last))
            for first, last in pairwise(edges)
        ]:
            done.result()
    return places


@compiled
def _same_spaces(value: np.uint64) -> np.uint64:
    """Eight bytes with line breaks as spaces."""
    low = np.uint64(0x7F7F7F7F7F7F7F7F)
    other = value ^ np.uint64(0x0A0A0A0A0A0A0A0A)
    breaks = ~(((other & low) + low) | other | low)  # the high bit of each byte that was a line break
    return value + (breaks >> np.uint64(7)) * np.uint64(0x16)


@compiled
def _key(text: Bytes, at: Whole) -> np.uint64:
    """Eight bytes as a number that sorts as they do; past the end there are borders."""
    value = np.uint64(0)
    if at + 8 <= len(text):
        for n in range(8):
            value = (value << np.uint64(8)) | np.uint64(text[at + n])
    else:
        for n in range(8):
            following = np.uint64(text[at + n]) if at + n < len(text) else np.uint64(BORDER)
            value = (value << np.uint64(8)) | following
    return _same_spaces(value)


@compiled
def _has_border(key: np.uint64) -> bool:
    return bool((key - np.uint64(0x0101010101010101)) & ~key & np.uint64(0x8080808080808080))


@compiled
def _bucket(text: Bytes, at: Whole) -> Whole:
    return np.int64(_key(text, at) >> np.uint64(48))


@compiled
def _count(text: Bytes, starts: Places) -> Ints:
    counts = np.zeros(_BUCKETS, np.int64)
    for at in starts:
        counts[_bucket(text, np.int64(at))] += 1
    return counts


@compiled
def _distribute(text: Bytes, starts: Places, firsts: Ints, places: Places) -> None:
    for at in starts:
        bucket = _bucket(text, np.int64(at))
        places[firsts[bucket]] = at
        firsts[bucket] += 1


@compiled
def _sort_buckets(text: Bytes, places: Places, bounds: Ints, first: int, last: int) -> None:
    largest = 0
    for bucket in range(first, last):
        largest = max(largest, bounds[bucket + 1] - bounds[bucket])
    keys = np.empty(largest, np.uint64)
    waiting = np.empty((128, 3), np.int64)  # what waits is halved again and again: 2 log2(n) and _FEW / 2 at most
    for bucket in range(first, last):
        if bounds[bucket + 1] - bounds[bucket] > 1:
            _sort(text, places[bounds[bucket] : bounds[bucket + 1]], keys, waiting)


@compiled
def _sort(text: Bytes, places: Places, keys: Hashes, waiting: Ints) -> None:
    """Sort places of one bucket by what follows them."""
    _load(text, places, keys, 0, len(places), 0)
    waiting[0, 0], waiting[0, 1], waiting[0, 2] = 0, len(places), 0
    count = 1
    while count:
        count -= 1
        low, high, depth = waiting[count, 0], waiting[count, 1], waiting[count, 2]
        if high - low <= _FEW:
            _insert(places, keys, low, high)
            start = low
            for n in range(low + 1, high + 1):
                if n == high or keys[n] != keys[start]:
                    if n - start > 1:
                        waiting[count, 0], waiting[count, 1] = start, n
                        waiting[count, 2] = _deeper(text, places, keys, start, n, depth)
                        count += 1
                    start = n
            continue
        less, more = _part(places, keys, low, high)
        edges = (low, less, more, high)
        largest = 0 if less - low >= max(more - less, high - more) else 1 if more - less >= high - more else 2
        for n in range(3):  # the largest first, as what is gone on with last is done first: so few ever wait
            part = (largest + n) % 3
            first, last = edges[part], edges[part + 1]
            if last - first > 1:
                deeper = _deeper(text, places, keys, first, last, depth) if part == 1 else depth
                waiting[count, 0], waiting[count, 1], waiting[count, 2] = first, last, deeper
                count += 1


@compiled
def _deeper(text: Bytes, places: Places, keys: Hashes, low: int, high: int, depth: int) -> int:
    """Load the next keys of suffixes that have been equal so far; returns their depth."""
    ended = depth + 8 >= DEPTH or _has_border(keys[low])
    deeper = _BY_PLACE if ended else depth + 8
    _load(text, places, keys, low, high, deeper)
    return deeper


@compiled
def _load(text: Bytes, places: Places, keys: Hashes, low: int, high: int, depth: int) -> None:
    for n in range(low, high):
        keys[n] = np.uint64(places[n]) if depth == _BY_PLACE else _key(text, np.int64(places[n]) + depth)


@compiled
def _part(places: Places, keys: Hashes, low: int, high: int) -> tuple[int, int]:
    """Put keys below, equal to and above a middling one into three parts; where the equal begin and end."""
    step = (high - low) // 8
    a = _median(keys[low], keys[low + step], keys[low + 2 * step])
    b = _median(keys[low + 3 * step], keys[low + 4 * step], keys[low + 5 * step])
    c = _median(keys[low + 6 * step], keys[low + 7 * step], keys[high - 1])
    pivot = _median(a, b, c)
    less, at, more = low, low, high
    while at < more:
        key = keys[at]
        if key < pivot:
            keys[at], keys[less] = keys[less], key
            places[at], places[less] = places[less], places[at]
            less += 1
            at += 1
        elif key > pivot:
            more -= 1
            keys[at], keys[more] = keys[more], key
            places[at], places[more] = places[more], places[at]
        else:
            at += 1
    return less, more


@compiled
def _median(a: np.uint64, b: np.uint64, c: np.uint64) -> np.uint64:
    return max(min(a, b), min(max(a, b), c))


@compiled
def _insert(places: Places, keys: Hashes, low: int, high: int) -> None:
    for n in range(low + 1, high):
        key, place, at = keys[n], places[n], n
        while at > low and keys[at - 1] > key:
            keys[at], places[at] = keys[at - 1], places[at - 1]
            at -= 1
        keys[at], places[at] = key, place
