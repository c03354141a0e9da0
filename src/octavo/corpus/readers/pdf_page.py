"""A page of a PDF as lines with their places, and which of them are the book's and not the text's."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

FEW_LINES = 4
"""A page of so many shows neither how wide its column is nor how far its lines are apart."""

LARGE = 1.25
"""A line that is set so much larger than the text below it is a heading."""


@dataclass(slots=True)
class Line:
    """A line of a page: its words, the box around it, and how far its first word reaches from its left edge."""

    text: str
    left: float
    right: float
    bottom: float
    top: float
    first_word: float
    hyphenated: bool = False

    @property
    def height(self) -> float:
        """How high the line is; of letters without any height, a little."""
        return max(self.top - self.bottom, 1.0)


def without_running_heads(pages: list[list[Line]]) -> list[list[Line]]:
    """The lines of each page but for running heads and page numbers."""
    repeated = _running_heads(pages)
    lines = [line for page in pages if len(page) > FEW_LINES for line in page]
    leading = usual_leading(lines or [line for page in pages for line in page[:1]][:1])
    places = Counter(line.text.casefold() for page in pages for line in _edges(page))
    once = {text for text, count in places.items() if count == 1}
    return [_body(page, repeated, once, leading) for page in pages]


def usual_leading(page: list[Line]) -> float:
    """The usual space between the lines of a page, which may be below 0 as the boxes of letters are generous."""
    gaps = sorted(before.bottom - line.top for before, line in pairwise(page) if line.top <= before.top)
    return gaps[len(gaps) // 2] if len(gaps) > 3 else 0.4 * page[0].height if page else 0.0


def _edges(page: list[Line]) -> list[Line]:
    """The two highest and the two lowest lines of a page: where running heads and page numbers stand."""
    by_height = sorted(page, key=lambda line: -line.top)
    return by_height[:2] + by_height[2:][-2:]


def _without_numbers(line: Line) -> str:
    bare = re.sub(r"\d+", "#", line.text.casefold())
    return "#" if re.fullmatch(r"[\W_]*(?:#|[ivxlcdm]{1,8})(?:[\W_]+(?:#|of|von|/)+)*[\W_]*", bare) else bare


def _running_heads(pages: list[list[Line]]) -> set[str]:
    """Lines at the edges of half of the pages or more, or of half of the left or right ones."""
    counted = [Counter[str](), Counter[str]()]
    for number, page in enumerate(pages):
        counted[number % 2].update({_without_numbers(line) for line in _edges(page)})
    total = counted[0] + counted[1]
    sides = (len(pages) + 1) // 2, len(pages) // 2
    heads = {head for head, count in total.items() if count >= max(2, len(pages) / 2)}
    for count_of, pages_of in zip(counted, sides, strict=True):
        heads |= {head for head, count in count_of.items() if count >= max(3, pages_of / 2)}
    return heads


def _body(page: list[Line], repeated: set[str], once: set[str], leading: float) -> list[Line]:
    """The lines of a page that are no heads; one that the document has once may be text all the same."""
    by_height = sorted(page, key=lambda line: -line.top)
    heads: set[int] = set()
    for edge, inwards in ((by_height[:2], by_height), (by_height[2:][-2:][::-1], by_height[::-1])):
        # From within, as the line beside a head tells nothing of it where that is a head too.
        for place, line in reversed(list(enumerate(edge))):
            if _without_numbers(line) in repeated:
                outer = edge[place - 1] if place else None
                inner = next((other for other in inwards[place + 1 :] if not _is_level(line, other)), None)
                beside = inner if id(inner) not in heads else None
                if line.text.casefold() not in once or not _is_text(line, outer, beside, leading):
                    heads.add(id(line))
    return [line for line in page if id(line) not in heads]


def _is_level(line: Line, other: Line) -> bool:
    """Whether two lines stand side by side."""
    return min(line.top, other.top) - max(line.bottom, other.bottom) > 0.5 * min(line.height, other.height)


def _is_text(line: Line, outer: Line | None, inner: Line | None, leading: float) -> bool:
    """Whether a line that comes back with other numbers is text: `Letter 3` as a heading, `1804.` as a last line.

    Running heads stand apart from the text, and are not larger. Of two bare numbers the outer is the page's.
    """
    if inner is None:
        return False
    gap = max(line.bottom, inner.bottom) - min(line.top, inner.top)
    in_step = gap <= leading + 0.35 * max(line.height, inner.height)
    if _without_numbers(line) == "#":
        return in_step and outer is not None and _without_numbers(outer) == "#"
    return in_step or line.height > LARGE * inner.height
