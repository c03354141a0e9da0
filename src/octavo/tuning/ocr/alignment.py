"""Which characters of two texts answer to each other, by the fewest edits (Levenshtein, 1966).

Two texts of up to PIECE characters are aligned by rapidfuzz, whose time grows with the product of their lengths.
Longer ones are first cut where both say the same and say it once: runs of GRAM characters that occur once in each,
in the same order, as in patience diff. Pieces without such a run are cut at equal shares, so the time stays linear.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Final, NamedTuple

PIECE: Final = 3000
GRAM: Final = 12
_LONGEST: Final = 8 * PIECE
"""Characters of a side without an anchor that are still aligned as a whole."""


class Match(NamedTuple):
    """A stretch that both texts have."""

    start: int
    other: int
    """Where it starts in the other text."""
    length: int


class Change(NamedTuple):
    """A stretch of a text, and what stands for it in the other; one of both may be empty."""

    start: int
    end: int
    other_start: int
    other_end: int


def matches(text: str, other: str) -> list[Match]:
    """The stretches that both have, in order; none touches the next one on both sides."""
    found: list[Match] = []
    for start, end, other_start, other_end in _pieces(text, other):
        for match in _matches(text[start:end], other[other_start:other_end]):
            at, there = start + match.start, other_start + match.other
            last = found[-1] if found else None
            if last and last.start + last.length == at and last.other + last.length == there:
                found[-1] = last._replace(length=last.length + match.length)
            else:
                found.append(Match(at, there, match.length))
    return found


def changes(text: str, other: str) -> list[Change]:
    """What lies between the matches, in order: put in place of each other, they make one text the other."""
    found = []
    end = other_end = 0
    for match in [*matches(text, other), Match(len(text), len(other), 0)]:
        if match.start > end or match.other > other_end:
            found.append(Change(end, match.start, other_end, match.other))
        end, other_end = match.start + match.length, match.other + match.length
    return found


def _matches(text: str, other: str) -> Iterator[Match]:
    from rapidfuzz.distance import Levenshtein

    for block in Levenshtein.opcodes(text, other):
        if block.tag == "equal":
            yield Match(block.src_start, block.dest_start, block.src_end - block.src_start)


def _pieces(text: str, other: str) -> Iterator[Change]:
    """Stretches of both that are aligned by themselves."""
    start = other_start = 0
    if max(len(text), len(other)) > PIECE:
        for at, there in _anchors(text, other):
            if max(at - start, there - other_start) >= PIECE:
                yield from _shares(start, at, other_start, there)
                start, other_start = at, there
    yield from _shares(start, len(text), other_start, len(other))


def _shares(start: int, end: int, other_start: int, other_end: int) -> Iterator[Change]:
    """A stretch as it is, or cut into equally many parts of both sides where it is too long."""
    parts = -(-max(end - start, other_end - other_start) // _LONGEST) or 1
    for part in range(parts):
        yield Change(
            start + (end - start) * part // parts,
            start + (end - start) * (part + 1) // parts,
            other_start + (other_end - other_start) * part // parts,
            other_start + (other_end - other_start) * (part + 1) // parts,
        )


def _anchors(text: str, other: str) -> list[tuple[int, int]]:
    """Places of both where the same run of characters starts that is nowhere else, in an order that both have."""
    places = _places_of_single(text)
    others = _places_of_single(other)
    pairs = [(at, others[gram]) for gram, at in places.items() if gram in others]
    return _longest_rise(pairs)


def _places_of_single(text: str) -> dict[str, int]:
    """Where each run of GRAM characters stands, if it occurs once; in the order of places."""
    places: dict[str, int] = {}
    again: set[str] = set()
    for at in range(len(text) - GRAM + 1):
        gram = text[at : at + GRAM]
        if places.setdefault(gram, at) != at:
            again.add(gram)
    return {gram: at for gram, at in places.items() if gram not in again}


def _longest_rise(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Of pairs by their first number, as many as can be whose second rises too (Fredman, 1975)."""
    ends: list[int] = []
    numbers: list[int] = []
    before: list[int] = []
    for number, (_, there) in enumerate(pairs):
        length = bisect_left(ends, there)
        before.append(numbers[length - 1] if length else -1)
        ends[length : length + 1] = [there]
        numbers[length : length + 1] = [number]
    found = []
    number = numbers[-1] if numbers else -1
    while number >= 0:
        found.append(pairs[number])
        number = before[number]
    return found[::-1]
