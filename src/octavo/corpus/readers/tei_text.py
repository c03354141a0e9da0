"""A text of TEI as running text: what becomes of each of its elements."""

from __future__ import annotations

import re
from collections.abc import Callable

from lxml import etree

from octavo.corpus.readers.elements import child, children, local, names_in, words_of
from octavo.corpus.readers.flowing_text import JOIN, LINE_BREAK, PAGE_BREAK, TIGHT, Flow

GAP = "…"
UNKNOWN_GLYPH = "\ufffd"

_STRUCTURES = names_in(
    "text body front back group div div0 div1 div2 div3 div4 div5 div6 div7 floatingText titlePage argument "
    "epigraph postscript castGroup spGrp performance prologue epilogue set figure listBibl annotationBlock"
)
_BLOCKS = names_in(
    "p ab head u lg opener closer docTitle castList list table trailer byline docAuthor docDate docImprint "
    "docEdition imprimatur address entry"
)
_LINES = names_in("l titlePart castItem item addrLine salute signed dateline speaker")
_DROPPED = names_in(
    "teiHeader fw figDesc graphic media binaryObject del index interp interpGrp spanGrp span join certainty "
    "precision respons ptr anchor standOff facsimile sourceDoc xenoData notatedMusic"
)
_ORIGINAL = frozenset({"orig", "sic", "abbr", "am"})
_REGULARISED = frozenset({"reg", "corr", "expan", "ex"})
_CLOSING = frozenset(",.;:!?)]}»”’…")
_CLOSING_UP = frozenset(",.)")
_MARK = re.compile(r"^[(\[]?\s*(?:\d{1,4}|[a-z]|[*†‡§]{1,3})\s*[)\]]?$", re.IGNORECASE)
_FOREIGN_MARKUP = re.compile(r"mei-c\.org|/svg$")


def running_text(
    text: etree._Element, root: etree._Element, header: etree._Element | None, regularised: bool
) -> str:
    """A text of the TEI element `root`; `regularised` where of two spellings the modern one is wanted."""
    return _Writing(root, header, regularised).write(text)


class _Writing:
    """Writes a text element by element; each kind of element has its method."""

    def __init__(self, root: etree._Element, header: etree._Element | None, regularised: bool) -> None:
        self._wanted = _REGULARISED if regularised else _ORIGINAL
        self._regularised = regularised
        self._glyphs = glyphs_of(header)
        # EEBO-TCP's own character for a hyphen at the end of a line; elsewhere it is a sign of mathematics.
        self._tcp = header is not None and "Text Creation Partnership" in words_of(header)
        self._notes_with_id = {
            identifier for note in root.iter("{*}note") if (identifier := note.get(_XML_ID) or note.get("id"))
        }
        self._flow = Flow()
        self._notes: list[str] = []
        self._tight = 0
        self._in_speech = 0

    def write(self, text: etree._Element) -> str:
        """The whole text, with the notes that are in no division at its end."""
        self._element(text)
        self._flow.set_apart(self._notes)
        return self._flow.text()

    def _element(self, element: etree._Element) -> None:
        tag = element.tag
        if not isinstance(tag, str) or _FOREIGN_MARKUP.search(tag.partition("}")[0]):
            return
        name = local(tag)
        if name in _DROPPED:
            return
        special = _SPECIAL.get(name)
        if special is not None:
            special(self, element)
        elif name in _STRUCTURES:
            self._structure(element)
        elif name in _BLOCKS:
            self._block(element)
        elif name in _LINES:
            self._line(element)
        else:
            self._inside(element)

    def _inside(self, element: etree._Element) -> None:
        """An element's text and what is in it, with no break before or after."""
        self._add(element.text)
        for part in element:
            self._element(part)
            self._add(part.tail)

    def _add(self, text: str | None) -> None:
        if text:
            self._flow.add(text.replace("∣", JOIN).replace("¦", JOIN) if self._tcp else text)

    def _structure(self, element: etree._Element) -> None:
        """A division: whatever stands in it directly is a block, but for lines, which stay together."""
        self._end()
        self._add(element.text)
        for part in element:
            is_line = local(str(part.tag)) in _LINES
            if not is_line:
                self._end()
            self._element(part)
            if not is_line:
                self._end()
            self._add(part.tail)
        self._end()

    def _division(self, element: etree._Element) -> None:
        """A division that has its notes at its end."""
        outer, self._notes = self._notes, []
        self._structure(element)
        self._flow.set_apart(self._notes)
        self._notes = outer

    def _block(self, element: etree._Element) -> None:
        self._end()
        self._inside(element)
        self._end()

    def _line(self, element: etree._Element) -> None:
        self._flow.end_line()
        self._inside(element)
        if (element.tail or "").lstrip()[:1] in _CLOSING:
            # A salutation and such in early prints has its comma outside.
            self._flow.add(TIGHT)
        else:
            self._flow.end_line()

    def _end(self) -> None:
        """End a block, or only a line within a speech, an item or a cell."""
        if self._tight:
            self._flow.end_line()
        else:
            self._flow.end_block()

    def _together(self, element: etree._Element) -> None:
        """A block whose paragraphs are lines, such as a speech."""
        self._end()
        self._tight += 1
        self._inside(element)
        self._tight -= 1
        self._end()

    def _speech(self, element: etree._Element) -> None:
        self._in_speech += 1
        self._together(element)
        self._in_speech -= 1

    def _stanza(self, element: etree._Element) -> None:
        """Stanzas are apart by a blank line, in a speech too; a group within a line of its own is none."""
        tight, self._tight = self._tight, 0
        if not tight or _follows(element, "lg"):
            self._flow.end_block()
        else:
            self._flow.end_line()
        for part in element:
            self._element(part)
            if local(str(part.tag)) == "head":
                self._flow.end_line() if tight else self._flow.end_block()
        self._tight = tight
        self._end()

    def _item(self, element: etree._Element) -> None:
        """An item of a list on a line, after the label that stands before it."""
        if not _follows(element, "label"):
            self._flow.end_line()
        self._tight += 1
        self._inside(element)
        self._tight -= 1
        self._flow.end_line()

    def _label(self, element: etree._Element) -> None:
        parent = element.getparent()
        if parent is not None and local(str(parent.tag)) == "list":
            self._flow.end_line()
            self._inside(element)
            self._flow.add(" ")
        else:
            self._inside(element)

    def _stage(self, element: etree._Element) -> None:
        """A stage direction: within a speech in brackets, or it would read as spoken."""
        if not self._in_speech:
            self._block(element)
            return
        aside = self._aside(element)
        if not aside:
            return
        text = " ".join(aside).replace("\n", " ")
        self._flow.add(text if text[0] in "([" else f"({text})")

    def _note(self, element: etree._Element) -> None:
        if element.get("place") in ("inline", "inline-parens"):
            self._inside(element)
        else:
            self._notes += self._aside(element)
            self._close_up(element)

    def _aside(self, element: etree._Element) -> list[str]:
        """An element's blocks, written apart from the running text."""
        flow, self._flow = self._flow, Flow()
        tight, self._tight = self._tight, 0
        speech, self._in_speech = self._in_speech, 0
        self._inside(element)
        blocks = self._flow.blocks()
        self._flow, self._tight, self._in_speech = flow, tight, speech
        return blocks

    def _reference(self, element: etree._Element) -> None:
        """A reference stays, but for the mark of a note that was set apart."""
        targets = (element.get("target") or "").split()
        if any(t.removeprefix("#") in self._notes_with_id for t in targets) and _MARK.match(words_of(element)):
            self._close_up(element)
        else:
            self._inside(element)

    def _close_up(self, element: etree._Element) -> None:
        """Where a note or its mark stood, no space is left before a comma."""
        if (element.tail or "").lstrip()[:1] in _CLOSING_UP:
            self._flow.add(TIGHT)

    def _row(self, element: etree._Element) -> None:
        self._flow.end_line()
        cells = [" ".join(self._aside(cell)).replace("\n", " ") for cell in children(element, "cell")]
        if any(cells):
            self._flow.add(" | ".join(cells))
        self._flow.end_line()

    def _choice(self, element: etree._Element) -> None:
        """Of two readings the one that the recipe wants; of two of a kind the first."""
        parts = [part for part in element if isinstance(part.tag, str)]
        wanted = [part for part in parts if local(str(part.tag)) in self._wanted] or parts
        for part in wanted[:1]:
            self._element(part)

    def _apparatus(self, element: etree._Element) -> None:
        """The reading in the text, or the first where the edition prefers none."""
        readings = list(element.iter("{*}lem", "{*}rdg"))
        lemma = next((e for e in readings if local(str(e.tag)) == "lem"), readings[0] if readings else None)
        if lemma is not None:
            self._inside(lemma)

    def _surplus(self, element: etree._Element) -> None:
        if not self._regularised:
            self._inside(element)

    def _line_break(self, element: etree._Element) -> None:
        self._flow.add(JOIN if element.get("break") == "no" else LINE_BREAK)

    def _page_break(self, element: etree._Element) -> None:
        self._flow.add(JOIN if element.get("break") == "no" else PAGE_BREAK)

    def _milestone(self, element: etree._Element) -> None:
        parent = element.getparent()
        if element.get("break") == "no":
            self._flow.add(JOIN)
        elif parent is not None and local(str(parent.tag)) in _STRUCTURES:
            self._end()

    def _gap(self, element: etree._Element) -> None:
        """What could not be read: the transcriber's own sign, as EEBO-TCP has one, else an ellipsis."""
        sign = words_of(child(element, "desc"))
        self._flow.add(sign if sign and not any(c.isalnum() for c in sign) else GAP)

    def _space(self, element: etree._Element) -> None:
        self._flow.add(" ")

    def _glyph(self, element: etree._Element) -> None:
        reference = (element.get("ref") or element.get("type") or "").rpartition(":")[2].removeprefix("#")
        if reference in ("EOLhyphen", "EOLunhyphen"):
            self._flow.add(JOIN)
        elif words_of(element):
            self._inside(element)
        else:
            self._flow.add(self._glyphs.get(reference, UNKNOWN_GLYPH))

    def _word(self, element: etree._Element) -> None:
        """A word of a text that marks each; its regular form is an attribute."""
        regular = element.get("reg") or element.get("norm")
        if self._regularised and regular:
            self._flow.add(regular)
        else:
            self._inside(element)

    def _punctuation(self, element: etree._Element) -> None:
        """A mark after a word that stands on a line of its own in the file, but not in print."""
        before = element.getprevious()
        if before is not None and "\n" in (before.tail or "") and words_of(element)[:1] in _CLOSING:
            self._flow.add(TIGHT)
        self._inside(element)


_XML_ID = "{http://www.w3.org/XML/1998/namespace}id"

_SPECIAL: dict[str, Callable[[_Writing, etree._Element], None]] = {
    **dict.fromkeys(("div", *(f"div{n}" for n in range(8))), _Writing._division),
    "sp": _Writing._speech,
    "stage": _Writing._stage,
    "lg": _Writing._stanza,
    "item": _Writing._item,
    "label": _Writing._label,
    "note": _Writing._note,
    "ref": _Writing._reference,
    "row": _Writing._row,
    "choice": _Writing._choice,
    "app": _Writing._apparatus,
    "surplus": _Writing._surplus,
    "lb": _Writing._line_break,
    "pb": _Writing._page_break,
    "cb": _Writing._page_break,
    "gb": _Writing._page_break,
    "milestone": _Writing._milestone,
    "gap": _Writing._gap,
    "space": _Writing._space,
    "g": _Writing._glyph,
    "w": _Writing._word,
    "pc": _Writing._punctuation,
}


def _follows(element: etree._Element, name: str) -> bool:
    """Whether an element comes right after one of a name."""
    before = element.getprevious()
    return before is not None and local(str(before.tag)) == name


def glyphs_of(header: etree._Element | None) -> dict[str, str]:
    """What the characters stand for that a header declares, and the few that EEBO-TCP leaves empty."""
    glyphs = {"abque": "que", "cmbAbbrStroke": "\u0304", "punc": "▪"}
    if header is None:
        return glyphs
    for declared in header.iter("{*}char", "{*}glyph"):
        identifier = declared.get(_XML_ID) or declared.get("id")
        mappings = {m.get("type", "standard"): words_of(m) for m in children(declared, "mapping") if words_of(m)}
        if identifier and mappings:
            preferred = (
                mappings[kind] for kind in ("composed", "precomposed", "Unicode", "standard") if kind in mappings
            )
            glyphs[identifier] = next(preferred, next(iter(mappings.values())))
    return glyphs
