"""Stretches of a text cut out or replaced, all at once, and where what is left lies afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

Span = tuple[int, int]
"""From one byte up to another."""


class Edited(NamedTuple):
    """A text after its changes, in UTF-8."""

    text: bytes
    rewritten: list[Span | None]
    """Where each replacement lies, in their order; None where it was cut."""
    marks: list[Span | None]
    """Where each mark lies; None where nothing of it is left."""


def edit(
    text: bytes, cuts: Sequence[Span], rewrites: Sequence[tuple[int, int, bytes]], marks: Sequence[Span] = ()
) -> Edited:
    """Cut and replace stretches of a text, given by its bytes, and follow marks through the changes.

    Cuts may overlap anything. A replacement that overlaps a cut is cut as a whole, so that neither half of the
    old nor of the new one stays. Replacements and marks do not overlap each other.
    """
    cuts = [cut for cut in cuts if cut[0] < cut[1]]  # an empty one within a replacement would cut all of it
    dropped = [any(_overlap(span[:2], cut) for cut in cuts) for span in rewrites]
    gone = _union([*cuts, *(span[:2] for span, cut in zip(rewrites, dropped, strict=True) if cut)])
    changes = [(start, end, b"") for start, end in gone]
    changes += [span for span, cut in zip(rewrites, dropped, strict=True) if not cut]
    changes.sort()
    pieces: list[bytes] = []
    places: dict[int, Span] = {}
    at = length = 0
    for start, end, instead in changes:
        length += start - at
        places[start] = (length, length + len(instead))
        length += len(instead)
        pieces += [text[at:start], instead]
        at = end

    def moved(byte: int) -> int:
        """Where a byte lies that was not replaced; of one that was cut, where it would."""
        shift = 0
        for start, end, instead in changes:
            if byte <= start:
                break
            shift += len(instead) - (min(byte, end) - start)
        return byte + shift

    spans = [(moved(start), moved(end)) for start, end in marks]
    return Edited(
        b"".join([*pieces, text[at:]]),
        [None if cut else places[span[0]] for span, cut in zip(rewrites, dropped, strict=True)],
        [span if span[0] < span[1] else None for span in spans],
    )


def _overlap(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _union(spans: Sequence[Span]) -> list[Span]:
    joined: list[Span] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
