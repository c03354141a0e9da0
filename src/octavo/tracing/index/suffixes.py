"""A suffix array over the words of a text, built by radix, multikey quicksort and doubling.

Manber and Myers (1990) sort all suffixes of a text; here those that begin a word are sorted, as a span that is
worth showing begins with one (a sparse suffix array; Kärkkäinen and Ukkonen, 1996): a sixth of the entries. Sorting
is by multikey quicksort (Bentley and Sedgewick, 1997), eight bytes at a time, up to DEPTH bytes. Suffixes that are
alike for longer are sorted by where the word stands that begins some words later, which is known by then, and so on
with twice as many words each time (Larsson and Sadakane, 2007): no text, however repetitive, makes the sort slow.
A suffix ends with its document; those that are alike stand in the order of their places.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Final

import numpy as np

from octavo.compiled import Hashes, Ints, compiled
from octavo.tracing.index.text import BORDER, Bytes, Places, Whole
from octavo.workers import CORES

DEPTH: Final = 1024
_FEW: Final = 24
"""As many are sorted by insertion."""
_BY_PLACE: Final = -1
"""The depth of suffixes that are told apart by their places alone."""
_BUCKETS: Final = 1 << 16
_ALONE: Final = 0
_ALIKE: Final = 1
"""A mark of suffixes that are alike to the end of their documents."""
_UNSURE: Final = 2
"""A mark of suffixes that are alike as far as they were looked at."""
_FIRST: Final = 4
"""Added to the mark of the first of these."""
_BLOCK: Final = 256
"""Bytes of the text in which a word is looked for one by one."""


def sort_suffixes(text: Bytes, starts: Places) -> Places:
    """The places of words in the order of what follows them; on all cores."""
    counts = _count(text, starts)
    bounds = np.concatenate(([0], np.cumsum(counts)))
    places = np.empty(len(starts), np.uint32)
    _distribute(text, starts, bounds[:-1].copy(), places)
    marks = np.full(len(starts), _ALONE, np.uint8)
    # Buckets of about as many suffixes each: the largest first would wait for nothing, as there are many shares.
    edges = np.unique(np.searchsorted(bounds, np.linspace(0, len(starts), 64 * CORES + 1)))
    edges[0], edges[-1] = 0, _BUCKETS
    with ThreadPoolExecutor(CORES) as pool:
        for done in [
            pool.submit(_sort_buckets, text, starts, places, marks, bounds, int(first), int(last))
            for first, last in pairwise(edges)
        ]:
            done.result()
        if (marks & _UNSURE).any():
            blocks = np.searchsorted(starts, np.arange(0, len(text), _BLOCK, dtype=np.uint32))
            ranks = np.empty(len(starts), np.uint32)
            shares = np.linspace(0, len(starts), CORES + 1, dtype=np.int64).tolist()
            for done in [
                pool.submit(_rank, starts, blocks, places, marks, ranks, first, last)
                for first, last in pairwise(shares)
            ]:
                done.result()
            _sort_unsure(starts, blocks, places, marks, ranks)
    return places


def _sort_unsure(starts: Places, blocks: Ints, places: Places, marks: Bytes, ranks: Places) -> None:
    """Sort the suffixes that are alike as far as they were looked at.

    Of each word, by its number in the text, `ranks` has where in `places` the first stands of those that its suffix
    is alike to, as far as is known.
    """
    at = np.flatnonzero(marks & _UNSURE)
    numbers = _numbers(starts, blocks, places[at])
    firsts = ranks[numbers].astype(np.int64)
    # In what is alike, words begin at the same places, as far as characters are whole: at one more at least.
    until = np.minimum(places[firsts].astype(np.int64) + DEPTH - 4, np.iinfo(np.uint32).max).astype(np.uint32)
    hops = np.searchsorted(starts, until, "right") - 1 - _numbers(starts, blocks, places[firsts])
    hops = np.maximum(hops, 1)
    while len(at):
        keys = ranks[numbers + hops].astype(np.int64)
        order = np.lexsort((keys, firsts))
        numbers, keys = numbers[order], keys[order]
        places[at] = starts[numbers]
        other = np.diff(firsts, prepend=-1)
        heads, begins = np.flatnonzero(other), np.flatnonzero(other | np.diff(keys, prepend=-1))
        sizes = np.diff(begins, append=len(at))
        renewed = np.repeat(at[begins], sizes)
        ranks[numbers] = renewed
        # Those whose words that many words later are unsure, too, are alike up to where these were looked at.
        known = np.minimum(np.searchsorted(firsts[heads], keys), len(heads) - 1)
        unsure = (np.repeat(sizes, sizes) > 1) & (firsts[heads][known] == keys)
        hops = (hops + hops[heads][known])[unsure]
        at, numbers, firsts = at[unsure], numbers[unsure], renewed[unsure]


@compiled
def _rank(starts: Places, blocks: Ints, places: Places, marks: Bytes, ranks: Places, first: int, last: int) -> None:
    """Fill in the ranks of what stands in `places` from `first` up to `last`."""
    rank = first
    while rank < last and marks[rank] and not marks[rank] & _FIRST:
        rank -= 1
    for n in range(first, last):
        if not marks[n] or marks[n] & _FIRST:
            rank = n
        ranks[_number(starts, blocks, places[n])] = rank


@compiled
def _numbers(starts: Places, blocks: Ints, places: Places) -> Ints:
    """The numbers of the words that begin at places."""
    numbers = np.empty(len(places), np.int64)
    for n in range(len(places)):
        numbers[n] = _number(starts, blocks, places[n])
    return numbers


@compiled
def _number(starts: Places, blocks: Ints, place: Whole) -> Whole:
    number: Whole = blocks[np.int64(place) // _BLOCK]
    while starts[number] < place:
        number += 1
    return number


@compiled
def _same_spaces(value: np.uint64) -> np.uint64:
    """Eight bytes with line breaks as spaces."""
    low = np.uint64(0x7F7F7F7F7F7F7F7F)
    other = value ^ np.uint64(0x0A0A0A0A0A0A0A0A)
    breaks = ~(((other & low) + low) | other | low)  # the high bit of each byte that was a line break
    return value + (breaks >> np.uint64(7)) * np.uint64(0x16)


@compiled
def same_space(byte: Whole) -> Whole:
    """A byte of a text, a line break as a space."""
    return 0x20 if byte == 0x0A else np.int64(byte)


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
def _to_border(key: np.uint64) -> np.uint64:
    """The bytes before the first border alone: what follows is another document's."""
    kept = np.uint64(56)
    while (key >> kept) & np.uint64(0xFF):
        kept -= np.uint64(8)
    return (key >> kept) << kept


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
def _sort_buckets(
    text: Bytes, starts: Places, places: Places, marks: Bytes, bounds: Ints, first: int, last: int
) -> None:
    largest = 0
    for bucket in range(first, last):
        largest = max(largest, bounds[bucket + 1] - bounds[bucket])
    keys = np.empty(largest, np.uint64)
    waiting = np.empty((128, 3), np.int64)  # what waits is halved again and again: 2 log2(n) and _FEW / 2 at most
    for bucket in range(first, last):
        low, high = bounds[bucket], bounds[bucket + 1]
        if high - low > 1:
            _sort(text, starts, places[low:high], marks[low:high], keys, waiting)


@compiled
def _sort(text: Bytes, starts: Places, places: Places, marks: Bytes, keys: Hashes, waiting: Ints) -> None:
    """Sort places of one bucket by what follows them, and mark what is alike."""
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
                        waiting[count, 2] = _deeper(text, starts, places, marks, keys, start, n, depth)
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
                waiting[count, 0], waiting[count, 1], waiting[count, 2] = first, last, depth
                if part == 1:
                    waiting[count, 2] = _deeper(text, starts, places, marks, keys, first, last, depth)
                count += 1


@compiled
def _deeper(
    text: Bytes, starts: Places, places: Places, marks: Bytes, keys: Hashes, low: int, high: int, depth: int
) -> int:
    """Load the next keys of suffixes that have been equal so far; returns their depth."""
    deeper = depth + 8
    if _has_border(keys[low]):
        marks[low:high], deeper = _ALIKE, _BY_PLACE
    elif deeper >= DEPTH and _another_word(starts, places[low], deeper):
        marks[low:high], deeper = _UNSURE, _BY_PLACE
    if deeper == _BY_PLACE:
        marks[low] += _FIRST
    _load(text, places, keys, low, high, deeper)
    return deeper


@compiled
def _another_word(starts: Places, place: Whole, size: int) -> bool:
    """Whether, in so many bytes of a suffix, the first character of one more word is whole."""
    following = np.searchsorted(starts, place, "right")
    return bool(following < len(starts) and starts[following] + 4 <= np.int64(place) + size)


@compiled
def _load(text: Bytes, places: Places, keys: Hashes, low: int, high: int, depth: int) -> None:
    for n in range(low, high):
        if depth == _BY_PLACE:
            keys[n] = places[n]
        else:
            key = _key(text, np.int64(places[n]) + depth)
            keys[n] = _to_border(key) if _has_border(key) else key


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
