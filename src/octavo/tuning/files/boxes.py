"""Where words lie on a page, when words are split and joined."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple


class Box(NamedTuple):
    """A rectangle, in the units of its file."""

    left: float
    top: float
    right: float
    bottom: float


def around(boxes: Sequence[Box | None]) -> Box | None:
    """The box around boxes; None where one of them is not known."""
    known = [box for box in boxes if box is not None]
    if len(known) < len(boxes) or not known:
        return None
    return Box(
        min(b.left for b in known),
        min(b.top for b in known),
        max(b.right for b in known),
        max(b.bottom for b in known),
    )


def shares(box: Box | None, characters: Sequence[int]) -> list[Box | None]:
    """A box cut from left to right for words of so many characters, each cut as wide as a character."""
    if box is None or len(characters) == 1:
        return [box] * len(characters)
    each = (box.right - box.left) / (sum(characters) + len(characters) - 1)
    ends = list(accumulate(characters))
    return [
        Box(box.left + each * (end - size + n), box.top, box.left + each * (end + n), box.bottom)
        for n, (end, size) in enumerate(zip(ends, characters, strict=True))
    ]
