"""The blocks of a TEI text: paragraphs, headings, stanzas, speeches' lines, notes, each with its pieces in order.

What reads as text is what the corpus's reader takes for text: of two spellings the printed one, no running heads,
no deletions; divided words are whole.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from octavo.corpus.readers.elements import names_in
from octavo.corpus.readers.tei_text import GAP, UNKNOWN_GLYPH, glyphs_of
from octavo.corpus.readers.xml_parsing import parse
from octavo.tuning.files.running_pieces import Kind, Piece, settled, text_pieces
from octavo.tuning.files.xml_source import Aside, Element, Text, XmlSource

_BLOCKS = names_in(
    "text body front back group div div0 div1 div2 div3 div4 div5 div6 div7 floatingText titlePage argument "
    "epigraph postscript castGroup spGrp performance prologue epilogue set listBibl annotationBlock "
    "p ab head u lg sp speaker opener closer docTitle titlePart castList castItem list item table row cell trailer "
    "byline docAuthor docDate docImprint docEdition imprimatur address addrLine entry salute signed dateline"
)
_APART = names_in("note stage figure")
"""Within a block, but none of its text: a passage of its own."""
_UNTOUCHED = names_in(
    "teiHeader fw figDesc graphic media binaryObject del index interp interpGrp spanGrp span join certainty "
    "precision respons ptr anchor standOff facsimile sourceDoc xenoData notatedMusic formula"
)
_PRINTED = frozenset({"orig", "sic", "abbr", "am"})
_MARK = re.compile(r"^[(\[]?\s*(?:\d{1,4}|[a-z]|[*†‡§]{1,3})\s*[)\]]?$", re.IGNORECASE)
"""What stands in the text for a note."""
_DIVISION = re.compile("([∣¦])")
_FOREIGN = ("mei-c.org", "/svg", "MathML")


class Block(NamedTuple):
    """A passage of a TEI text."""

    element: Element
    """The block that its text begins in."""
    pieces: list[Piece]


def blocks_of(file: XmlSource) -> list[Block]:
    """The blocks with text of a file, in order; a note comes before the end of what it is a note to."""
    header = file.root.child("teiHeader")
    said = file.source[header.start : header.end] if header is not None else ""
    parsed = parse(file.source.encode(file.encoding)).find("{*}teiHeader") if header is not None else None
    collector = _Collector(file, glyphs_of(parsed), "Text Creation Partnership" in " ".join(said.split()))
    for text in _texts(file.root):
        collector.block(text)
    return collector.blocks


def _texts(element: Element) -> list[Element]:
    found: list[Element] = []
    for part in element.elements():
        if part.name == "text":
            found.append(part)
        elif part.name not in _UNTOUCHED:
            found += _texts(part)
    return found


class _Collector:
    """Goes through a text element by element."""

    def __init__(self, file: XmlSource, glyphs: dict[str, str], tcp: bool) -> None:
        self.blocks: list[Block] = []
        self._file = file
        self._glyphs = glyphs
        self._tcp = tcp
        self._pieces: list[Piece] = []
        self._home: Element = file.root

    def block(self, element: Element) -> None:
        """A block, and the blocks within it."""
        self._end()
        outer, self._home = self._home, element
        self._inside(element)
        self._end()
        self._home = outer

    def _end(self) -> None:
        pieces = settled(self._pieces)
        self._pieces = []
        shown = [n for n, piece in enumerate(pieces) if piece.value]
        if any(piece.kind is Kind.TEXT and piece.value for piece in pieces):
            first, last = _with_tags(pieces, shown[0], shown[-1])
            self.blocks.append(Block(self._home, pieces[first : last + 1]))

    def _inside(self, element: Element) -> None:
        for part in element.content:
            if isinstance(part, Element):
                self._element(part)
            elif isinstance(part, Aside):
                self._pieces.append(Piece(Kind.STAYS, part.start, part.end))
            else:
                self._text(part)

    def _text(self, part: Text) -> None:
        if part.cdata:
            self._pieces.append(Piece(Kind.STAYS, part.start, part.end))
            return
        pieces = text_pieces(self._file.source[part.start : part.end], part.start, self._file.value)
        self._pieces += self._divided(pieces) if self._tcp else pieces

    def _divided(self, pieces: list[Piece]) -> list[Piece]:
        """Pieces with EEBO-TCP's own characters for a hyphen at the end of a line set apart."""
        parts: list[Piece] = []
        for piece in pieces:
            if piece.kind is not Kind.TEXT or not _DIVISION.search(piece.value):
                parts.append(piece)
                continue
            place = piece.start
            for run in _DIVISION.split(piece.value):
                if run:
                    kind = Kind.JOIN if _DIVISION.fullmatch(run) else Kind.TEXT
                    value = run if kind is Kind.TEXT else ""
                    parts.append(Piece(kind, place, place + len(run), value=value))
                    place += len(run)
        return parts

    def _element(self, element: Element) -> None:
        name = element.name
        if name in _UNTOUCHED or any(mark in element.namespace for mark in _FOREIGN):
            self._stays(element)
        elif name == "note" and (element.get("place") or "").startswith("inline"):
            self._tagged(element)
        elif name in _APART:
            self._apart(element)
        elif (
            name == "ref"
            and (element.get("target") or "").startswith("#")
            and _MARK.match(self._file.text(element))
        ):
            self._note_mark(element)
        elif name in _BLOCKS or (name == "label" and self._home.name == "list"):
            self.block(element)
        elif name == "l":
            self._verse(element)
        elif name in ("choice", "app"):
            self._readings(element)
        elif name in ("lb", "pb", "cb", "gb", "milestone"):
            self._milestone(element)
        elif name == "gap":
            self._gap(element)
        elif name == "g" and not self._file.text(element).strip():
            self._glyph(element)
        elif name == "space":
            self._pieces += [Piece(Kind.SPACE, element.start, element.start), self._piece(Kind.STAYS, element)]
        elif element.inner == element.end:
            self._stays(element)
        else:
            self._tagged(element)

    def _piece(self, kind: Kind, element: Element, value: str = "") -> Piece:
        return Piece(kind, element.start, element.end, element.tag, value)

    def _stays(self, element: Element) -> None:
        self._pieces.append(self._piece(Kind.STAYS, element))

    def _tagged(self, element: Element) -> None:
        """An element around a part of the text."""
        self._pieces.append(Piece(Kind.OPENS, element.start, element.inner, element=element))
        self._inside(element)
        self._pieces.append(Piece(Kind.CLOSES, element.outer, element.end, element=element))

    def _apart(self, element: Element) -> None:
        self._stays(element)
        outer, self._pieces = self._pieces, []
        self.block(element)
        self._pieces = outer
        if element.name == "note":
            self._close_up(element)

    def _note_mark(self, element: Element) -> None:
        self._stays(element)
        self._close_up(element)

    def _close_up(self, element: Element) -> None:
        """Where a note or its mark stands, no space is read before a comma."""
        if self._file.source[element.end : element.end + 100].lstrip(" \t\r\n")[:1] in (",", ".", ")"):
            self._pieces.append(Piece(Kind.TIGHT, element.end, element.end))

    def _verse(self, element: Element) -> None:
        self._pieces.append(Piece(Kind.VERSE, element.inner, element.inner))
        self._inside(element)
        self._pieces.append(Piece(Kind.VERSE, element.outer, element.outer))

    def _readings(self, element: Element) -> None:
        """Of two readings the printed one is the text; the other goes with it where the text is replaced."""
        parts = list(element.elements())
        wanted = [p for p in parts if p.name in _PRINTED or p.name == "lem"] or parts
        if next(element.below(*_BLOCKS, *_APART), None) is not None:
            for part in wanted[:1]:
                self.block(part)
            return
        if not wanted:
            self._stays(element)
            return
        chosen = wanted[0]
        self._pieces.append(Piece(Kind.UNREAD, element.start, chosen.inner))
        self._inside(chosen)
        self._pieces.append(Piece(Kind.UNREAD, chosen.outer, element.end))

    def _milestone(self, element: Element) -> None:
        if element.inner != element.end:
            self._stays(element)
        elif element.get("break") == "no":
            self._pieces.append(self._piece(Kind.JOIN, element))
        elif element.name == "milestone":
            self._stays(element)
        else:
            kind = Kind.LINE_BREAK if element.name == "lb" else Kind.PAGE_BREAK
            self._pieces.append(self._piece(kind, element))

    def _gap(self, element: Element) -> None:
        described = element.child("desc")
        sign = self._file.text(described).strip() if described is not None else ""
        sign = sign if sign and not any(c.isalnum() for c in sign) else GAP
        self._pieces.append(self._piece(Kind.SIGN, element, sign))

    def _glyph(self, element: Element) -> None:
        named = (element.get("ref") or element.get("type") or "").rpartition(":")[2].removeprefix("#")
        if named in ("EOLhyphen", "EOLunhyphen"):
            self._pieces.append(Piece(Kind.JOIN, element.start, element.end))
        else:
            self._pieces.append(self._piece(Kind.SIGN, element, self._glyphs.get(named, UNKNOWN_GLYPH)))


def _with_tags(pieces: list[Piece], first: int, last: int) -> tuple[int, int]:
    """A stretch of pieces, widened by the tags that stand directly around it."""
    around = (Kind.OPENS, Kind.CLOSES, Kind.UNREAD)
    while first > 0 and pieces[first - 1].kind in around:
        first -= 1
    while last + 1 < len(pieces) and pieces[last + 1].kind in around:
        last += 1
    return first, last
