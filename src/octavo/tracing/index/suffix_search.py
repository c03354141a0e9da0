"""Where stretches of a text stand in a sorted one: word for word, with spaces and line breaks alike."""

from __future__ import annotations

import numpy as np

from octavo.compiled import Ints, compiled
from octavo.tracing.index.suffixes import same_space
from octavo.tracing.index.text import BORDER, LETTER, Bytes, Places, Whole, character_at


@compiled
def longest(text: Bytes, suffixes: Places, kinds: Bytes, asked: Bytes, starts: Ints, ends: Ints) -> Ints:
    """By word of `asked`, how many words from it on stand in the text as they do here.

    The words of `asked` begin and end at these bytes. A stretch is found where it ends with a whole word.
    """
    found = np.zeros(len(starts), np.int64)
    reached = np.int64(0)  # the bytes of `asked` that are known to stand there, from an earlier word on
    further = 0  # the first word that may stand with more than these
    after = 0  # the first word that ends past them
    whole_from = np.full(len(starts), -1, np.int64)  # by last word: the first word to stand with it as a whole one
    for word in range(len(starts)):
        if word >= further and reached < len(asked):
            more = starts[word] + _first_not_below(text, suffixes, asked, starts[word], len(asked))[1]
            if more > reached:
                reached = more
            else:
                further = _first_standing(text, suffixes, asked, starts, word, reached + 1)
        while after < len(ends) and ends[after] <= reached:
            after += 1
        last = max(after, word)
        while last > word:
            if ends[last - 1] < reached and ends[last - 1] + character_at(asked, ends[last - 1])[1] <= reached:
                break  # the character that follows the word stands there, too
            if whole_from[last - 1] < 0:
                whole_from[last - 1] = _first_whole(text, suffixes, kinds, asked, starts, word, ends[last - 1])
            if whole_from[last - 1] <= word:
                break
            last -= 1
        found[word] = last - word
    return found


@compiled
def _first_standing(text: Bytes, suffixes: Places, asked: Bytes, starts: Ints, word: int, end: Whole) -> int:
    """The first word after one from which on all up to `end` stands in the text: the nearer to it, the likelier."""
    size, high = 1, int(np.searchsorted(starts, end))
    low = high - 1
    while low > word and _stands(text, suffixes, asked, starts[low], end):
        size *= 2
        low, high = high - size, low
    low = max(low, word)
    while high - low > 1:
        middle = (low + high) // 2
        if _stands(text, suffixes, asked, starts[middle], end):
            high = middle
        else:
            low = middle
    return high


@compiled
def _first_whole(
    text: Bytes, suffixes: Places, kinds: Bytes, asked: Bytes, starts: Ints, word: int, end: Whole
) -> int:
    """The first word from one on with which a later one ends in the text as it does here."""
    low, high = word, int(np.searchsorted(starts, end))
    while low < high:
        middle = (low + high) // 2
        if _is_whole(text, suffixes, kinds, asked, starts[middle], end):
            high = middle
        else:
            low = middle + 1
    return low


@compiled
def _stands(text: Bytes, suffixes: Places, asked: Bytes, start: Whole, end: Whole) -> bool:
    return bool(_first_not_below(text, suffixes, asked, start, end)[1] == end - start)


@compiled
def occurrences(text: Bytes, suffixes: Places, kinds: Bytes, asked: Bytes, start: Whole, end: Whole) -> Places:
    """The places in the text of a stretch that ends with a whole word."""
    first, last = _range(text, suffixes, asked, start, end)
    found = suffixes[first:last].copy()
    count = 0
    for place in suffixes[first:last]:
        fits = np.int64(place) + end - start <= len(text)  # as all do where the index is whole
        if fits and not _letters_after(text, kinds, np.int64(place), end - start):
            found[count] = place
            count += 1
    return found[:count]


@compiled
def _is_whole(text: Bytes, suffixes: Places, kinds: Bytes, asked: Bytes, start: Whole, end: Whole) -> bool:
    """Whether a stretch is in the text with its last word ending as it does here."""
    at, last = _range(text, suffixes, asked, start, end)
    while at < last:
        place = np.int64(suffixes[at])
        letter = _letters_after(text, kinds, place, end - start)
        if not letter:
            return True
        at = _end_of_range(text, suffixes, text, place, place + end - start + letter, at)  # none of these does
    return False


@compiled
def _letters_after(text: Bytes, kinds: Bytes, place: Whole, size: Whole) -> int:
    """The bytes of the letter by which a word goes on after a stretch; 0 where it ends with a whole word."""
    after = place + size
    if after >= len(text) or text[after] == BORDER:
        return 0
    following, width = character_at(text, after)
    if kinds[following] != LETTER:
        return 0
    before = after - 1
    while before > place and text[before] & 0xC0 == 0x80:
        before -= 1
    point, _ = character_at(text, before)
    return width if kinds[point] == LETTER else 0


@compiled
def _range(text: Bytes, suffixes: Places, asked: Bytes, start: Whole, end: Whole) -> tuple[int, int]:
    """The suffixes that begin with a stretch."""
    first, _ = _first_not_below(text, suffixes, asked, start, end)
    return first, _end_of_range(text, suffixes, asked, start, end, first)


@compiled
def _end_of_range(text: Bytes, suffixes: Places, asked: Bytes, start: Whole, end: Whole, first: int) -> int:
    """The suffix after those that begin with a stretch, the first of which is known."""
    low, high = first, len(suffixes)
    while low < high:
        middle = (low + high) // 2
        if _common(text, np.int64(suffixes[middle]), asked, start, end) == end - start:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def _first_not_below(text: Bytes, suffixes: Places, asked: Bytes, start: Whole, end: Whole) -> tuple[int, Whole]:
    """The first suffix that sorts with or after a stretch, and how many bytes of it stand in the text."""
    low, high = 0, len(suffixes)
    below, above = np.int64(0), np.int64(0)  # bytes that the suffixes next to these two have of the stretch
    while low < high:
        middle = (low + high) // 2
        place = np.int64(suffixes[middle])
        common = min(below, above)  # as all between have
        common += _common(text, place + common, asked, start + common, end)
        if common < end - start and (
            place + common >= len(text) or same_space(text[place + common]) < same_space(asked[start + common])
        ):
            low, below = middle + 1, common
        else:
            high, above = middle, common
    return low, max(below, above)


@compiled
def _common(text: Bytes, place: Whole, asked: Bytes, start: Whole, end: Whole) -> Whole:
    """How many bytes are alike from a place and from `start` on, up to `end`."""
    size = min(end - start, len(text) - place)
    n: Whole = np.int64(0)
    while n < size:
        block = min(n + 32, size)
        if block == n + 32 and _same_32(text, np.uint64(place + n), asked, np.uint64(start + n)):
            n = block
            continue
        while n < block and same_space(text[place + n]) == same_space(asked[start + n]):
            n += 1
        if n < block:
            break
    return n


@compiled
def _same_32(text: Bytes, place: np.uint64, asked: Bytes, start: np.uint64) -> bool:
    """Whether so many bytes are the same; written for vector instructions, with no index that could be negative."""
    other = np.uint8(0)
    for n in range(np.uint64(32)):
        other |= text[place + n] ^ asked[start + n]
    return bool(other == 0)
