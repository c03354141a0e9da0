"""What the formats of text recognition share: a page is regions of lines, and becomes running text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise

from octavo.corpus.readers.flowing_text import HYPHENS, seam

VERSE_LINES = 4
VERSE_SHARE = 0.8


class Kind(Enum):
    """What a region is to the text of its page."""

    TEXT = "text"
    NOTE = "note"
    """Marginalia and footnotes, set apart after the text."""
    CAPITAL = "capital"
    """An initial that the first word of the next region lacks."""
    DROPPED = "dropped"
    """Running heads, page numbers, signatures, catchwords: of the book, not of the text."""


_KINDS = (
    (
        Kind.DROPPED,
        re.compile(
            r"^(?:page-?)?(?:header|footer|numbering|number|num)(?:zone)?$|^running|^page-?num|^quire|^sig(?:nature)?-?mark"
            r"|^catch-?word|^stamp|^digiti[sz]ation|^folio|^barcode"
        ),
    ),
    (Kind.NOTE, re.compile(r"^margin|^footnote|^endnote|^note")),
    (Kind.CAPITAL, re.compile(r"^drop-?capital|^initial")),
)


def kind_of(label: str | None) -> Kind:
    """The kind of region that a label means: PAGE's types, SegmOnto's zones and their common variants."""
    said = re.sub(r"[\s_]+", "-", (label or "").strip().casefold())
    return next((kind for kind, pattern in _KINDS if pattern.search(said)), Kind.TEXT)


@dataclass(slots=True)
class Line:
    """A printed line; `divided` where the source itself says that its last word goes on in the next."""

    text: str
    divided: bool = False


@dataclass(slots=True)
class Region:
    """A paragraph, heading or note as it stands on the page."""

    lines: list[Line] = field(default_factory=list)
    kind: Kind = Kind.TEXT


def page_text(regions: Iterable[Region]) -> list[str]:
    """The paragraphs of a page in order, then its notes."""
    paragraphs: list[str] = []
    notes: list[str] = []
    capital = ""
    for region in regions:
        text = _paragraph(region.lines)
        if not text or region.kind is Kind.DROPPED:
            continue
        if region.kind is Kind.NOTE:
            notes.append(text)
        elif region.kind is Kind.CAPITAL and len(text) <= 2:
            capital += text
        else:
            paragraphs.append(capital + text)
            capital = ""
    if capital:
        paragraphs.append(capital)
    return paragraphs + notes


def _paragraph(lines: Sequence[Line]) -> str:
    """Lines as running text: divided words joined, and verse or display lines left as they are."""
    kept = [line for line in lines if line.text]
    if not kept:
        return ""
    pieces: list[str] = []
    between = "\n" if _is_verse(kept) else " "
    for line, following in pairwise(kept):
        if line.divided:
            # Before a capital the hyphen is the word's own: Orgel-Pfeiffen.
            marked = line.text if line.text[-1] in HYPHENS else line.text + "-"
            hyphen, space = seam(marked, following.text)
            pieces.append(line.text if space else marked if hyphen else marked[:-1])
            continue
        hyphen, space = seam(line.text, following.text)
        pieces.append(line.text if hyphen else line.text[:-1])
        if space:
            pieces.append(between)
    last = kept[-1]
    pieces.append(last.text + "-" if last.divided and last.text[-1] not in HYPHENS else last.text)
    return "".join(pieces)


def _is_verse(lines: Sequence[Line]) -> bool:
    """Whether lines are verse, or set as in titles: nearly all begin with a capital."""
    capitals = sum(line.text[0].isupper() for line in lines)
    return len(lines) >= VERSE_LINES and capitals >= VERSE_SHARE * len(lines)


def squeezed(text: str) -> str:
    """A line of recognised text without the whitespace around it and the runs of it within."""
    return re.sub(r"[ \t\r\n]+", " ", text).strip(" ")


class Confidence:
    """The mean of the words' confidences, each from 0 to 1."""

    def __init__(self) -> None:
        self._sum = 0.0
        self._words = 0

    def add(self, value: str | None, scale: float = 1.0) -> None:
        """Count a word's confidence, where it states a number."""
        try:
            number = float(value or "") / scale
        except ValueError:
            return
        if 0 <= number <= 1:
            self._sum += number
            self._words += 1

    def mean(self) -> float | None:
        """The mean, or None where no word states any."""
        return self._sum / self._words if self._words else None
