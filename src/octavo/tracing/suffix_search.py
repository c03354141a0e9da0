"""Where stretches of a text stand in a sorted one: word for word, with spaces and line breaks alike."""

from __future__ import annotations

import numpy as np

from octavo.compiled import Ints, compiled
from octavo.tracing.index_text import BORDER, LETTER, Bytes, Places, Whole, character_at
from octavo.tracing.suffixes import DEPTH


@compiled
def longest(text: Bytes, suffixes: Places, kinds: Bytes, asked: Bytes, starts: Ints, ends: Ints) -> Ints:
    """By word of `asked`, how many words from it on stand in the text as they do here.

    The words of `asked` begin and end at these bytes. A stretch is found where it ends with a whole word.
    """
    found = np.zeros(len(starts), np.int64)
    reached, ended = np.int64(0), np.int64(0)  # by bytes of `asked`, of an earlier word: stands, stands as words
    for word in range(len(starts)):
        start = starts[word]
        reached = start + _reach(text, suffixes, asked, start, max(reached - start, 0))
        last = word
        while last < len(ends) and ends[last] <= reached:
            last += 1
        while last > word and not (
            ends[last - 1] <= ended
            or _is_whole(text, suffixes, kinds, asked, start, ends[last - 1], reached - start)
        ):
            last -= 1
        if last > word:
            ended = max(ended, ends[last - 1])
        found[word] = last - word
    return found


@compiled
def occurrences(text: Bytes, suffixes: Places, kinds: Bytes, asked: Bytes, start: Whole, end: Whole) -> Places:
    """The places in the text of a stretch that ends with a whole word."""
    first, last = _range(text, suffixes, asked, start, end)
    found = suffixes[first:last].copy()
    count = 0
    for place in suffixes[first:last]:
        if _stands(text, kinds, asked, start, end, place):
            found[count] = place
            count += 1
    return found[:count]


@compiled
def _is_whole(
    text: Bytes, suffixes: Places, kinds: Bytes, asked: Bytes, start: Whole, end: Whole, reach: Whole
) -> bool:
    """Whether a stretch that is known to be in the text is there with its last word ending as it does here."""
    if end < start + reach:
        return True  # what follows the word stands in the text, too
    first, last = _range(text, suffixes, asked, start, end)
    for place in suffixes[first:last]:  # noqa: SIM110  # compiled; borders, spaces and most marks sort first
        if _stands(text, kinds, asked, start, end, place):
            return True
    return False


@compiled
def _stands(text: Bytes, kinds: Bytes, asked: Bytes, start: Whole, end: Whole, place: Whole) -> bool:
    """Whether a stretch, whose first DEPTH bytes are known to be at a place, stands there and ends with a word."""
    size = end - start
    if size > DEPTH and _common(text, np.int64(place), asked, start, end) < size:
        return False
    after = np.int64(place) + size
    if after >= len(text) or text[after] == BORDER:
        return True
    following, _ = character_at(text, after)
    if kinds[following] != LETTER:
        return True
    before = after - 1
    while before > place and text[before] & 0xC0 == 0x80:
        before -= 1
    point, _ = character_at(text, before)
    return bool(kinds[point] != LETTER)


@compiled
def _reach(text: Bytes, suffixes: Places, asked: Bytes, start: Whole, known: Whole) -> Whole:
    """The bytes of the longest stretch from `start` on that stands in the text, where `known` surely do."""
    if start + known == len(asked):
        return known
    end = min(len(asked), start + DEPTH)
    at = _first_not_below(text, suffixes, asked, start, end)
    reach: Whole = np.int64(known)
    for neighbour in (at - 1, at):
        if 0 <= neighbour < len(suffixes):
            common = _common(text, np.int64(suffixes[neighbour]), asked, start, end)
            reach = common if common > reach else reach
    if reach < DEPTH:
        return reach
    first, last = _range(text, suffixes, asked, start, end)
    for tied in suffixes[first:last]:  # in the order of their places: how far they reach is to be looked up
        place = np.int64(tied)
        if start + reach == len(asked):
            break
        back = reach  # from behind, as one that reaches no further differs near its end
        while (
            back >= DEPTH and place + back < len(text) and _same(text[place + back]) == _same(asked[start + back])
        ):
            back -= 1
        if back < DEPTH and place + reach < len(text):
            reach += 1 + _common(text, place + reach + 1, asked, start + reach + 1, len(asked))
    return reach


@compiled
def _range(text: Bytes, suffixes: Places, asked: Bytes, start: Whole, end: Whole) -> tuple[int, int]:
    """The suffixes that begin with a stretch, or with its first DEPTH bytes."""
    end = min(end, start + DEPTH)
    first = _first_not_below(text, suffixes, asked, start, end)
    low, high = first, len(suffixes)
    while low < high:
        middle = (low + high) // 2
        if _common(text, np.int64(suffixes[middle]), asked, start, end) == end - start:
            low = middle + 1
        else:
            high = middle
    return first, low


@compiled
def _first_not_below(text: Bytes, suffixes: Places, asked: Bytes, start: Whole, end: Whole) -> int:
    """The first suffix that sorts with or after a stretch."""
    low, high = 0, len(suffixes)
    while low < high:
        middle = (low + high) // 2
        place = np.int64(suffixes[middle])
        common = _common(text, place, asked, start, end)
        if common < end - start and (
            place + common >= len(text) or _same(text[place + common]) < _same(asked[start + common])
        ):
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def _common(text: Bytes, place: Whole, asked: Bytes, start: Whole, end: Whole) -> int:
    """How many bytes are alike from a place and from `start` on, up to `end`."""
    size = min(end - start, len(text) - place)
    n = 0
    while n < size and _same(text[place + n]) == _same(asked[start + n]):
        n += 1
    return n


@compiled
def _same(byte: Whole) -> Whole:
    return 0x20 if byte == 0x0A else np.int64(byte)
