"""JATS: articles of journals, title, abstracts, body and back matter as running text.

References, formulas set apart and pictures are left out; of a table the rows stay, of a picture the caption.
Translations, replies and reviews that a file holds beside its article are documents of their own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pyarrow as pa
from lxml import etree

from octavo.corpus.locations import Location
from octavo.corpus.readers.elements import (
    LICENCE_ADDRESS,
    child,
    children,
    document,
    is_url,
    licence_in,
    licence_stated,
    local,
    names_in,
    title_from_name,
    together,
    words_of,
)
from octavo.corpus.readers.flowing_text import Flow
from octavo.recipe.schema import Source

_XLINK = "{http://www.w3.org/1999/xlink}href"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

_BLOCKS = names_in(
    "p title disp-quote attrib verse-group list def-list table caption statement boxed-text fig table-wrap "
    "sec abstract trans-abstract fig-group app ack notes bio fn-group glossary speech preformat subtitle body "
    "app-group floats-group table-wrap-group"
)
_LINES = frozenset(["verse-line", "tr", "speaker"])
_DROPPED = names_in(
    "ref-list disp-formula disp-formula-group graphic inline-graphic media object-id tex-math "
    "supplementary-material inline-supplementary-material alt-text long-desc permissions sec-meta "
    "processing-meta label target private-char chem-struct-wrap contrib-group"
)
_LESSER_ABSTRACTS = frozenset({"toc", "graphical", "teaser", "key-points", "web-summary", "ASCII"})
_DATES = ("epub", "pub", "epub-ppub", "ppub", "collection")
_CITED = "\x05"
_CITATIONS = re.compile(rf"\s*[\[(][\s{_CITED},;–—-]*{_CITED}[\s{_CITED},;–—-]*[\])]")
_BARE_CITATIONS = re.compile(rf"\s*{_CITED}(?:[\s,;–—-]*{_CITED})*")
_SUPERSCRIPTS = str.maketrans("0123456789+-−–()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻⁽⁾ⁿ")
_SUBSCRIPTS = str.maketrans("0123456789+-−–()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₋₍₎")
_EXPONENT = re.compile(r"[-−–+]?\d{1,3}")


def is_article(root: etree._Element) -> bool:
    """Whether a root element is an article, or a set of articles, and not DocBook's element of that name."""
    name = local(str(root.tag))
    if name == "pmc-articleset":
        return True
    return name == "article" and (child(root, "front") is not None or root.get("article-type") is not None)


def documents(root: etree._Element, location: Location, source: Source) -> Iterator[pa.Table]:
    """The article of a file, or its articles, each with its number after `#s`; and with a number after their
    article's identifier what articles hold beside themselves: their translations, replies and reviews."""
    articles = [root] if local(str(root.tag)) == "article" else list(children(root, "article"))
    for number, article in enumerate(articles, 1):
        alone = len(articles) == 1
        identifier = location.name if alone else f"{location.name}#s{number:03d}"
        columns = _metadata(article)
        yield _document(article, location, identifier, columns)
        for place, other in enumerate(article.iter("{*}sub-article", "{*}response"), 1):
            own: dict[str, str | None] = {name: value for name, value in _metadata(other).items() if value}
            if other.get("article-type") != "translation":
                own.setdefault("creator", None)
            numbered = f"{identifier}{'#' if alone else '.'}s{place:03d}"
            yield _document(other, location, numbered, columns | own)


def _document(
    article: etree._Element, location: Location, identifier: str, columns: dict[str, str | None]
) -> pa.Table:
    title, text = _Writing().write(article)
    return document(text, identifier=identifier, title=title or title_from_name(location), **columns)


def _front(article: etree._Element) -> etree._Element | None:
    """What an article, or one within another, says of itself."""
    front = child(article, "front", "article-meta")
    return child(article, "front-stub") if front is None else front


def _metadata(article: etree._Element) -> dict[str, str | None]:
    front = _front(article)
    stated = {"language": article.get(_XML_LANG)}
    if front is not None:
        stated["creator"] = _creator(front)
        stated["date"] = _date(front)
        stated["license"] = _licence(front)
        stated["source_url"] = _address(front)
    return stated


def _creator(front: etree._Element) -> str | None:
    """The authors, as "Surname, Forenames", and the bodies that stand for some."""
    names = []
    for contributor in children(front, "contrib-group", "contrib"):
        if contributor.get("contrib-type", "author") != "author":
            continue
        name = next(contributor.iter("{*}name"), None)
        if name is not None:
            parts = (words_of(child(name, "surname")), words_of(child(name, "given-names")))
            names.append(", ".join(part for part in parts if part))
        else:
            names.append(words_of(next(contributor.iter("{*}string-name", "{*}collab"), None)))
    return "; ".join(name for name in names if name) or None


def _date(front: etree._Element) -> str | None:
    """When the article came out, by the kind of date that comes first."""
    dates = {date.get("pub-type") or date.get("date-type") or "pub": date for date in children(front, "pub-date")}
    date = next((dates[kind] for kind in _DATES if kind in dates), next(iter(dates.values()), None))
    if date is None:
        return None
    if date.get("iso-8601-date"):
        return date.get("iso-8601-date")
    parts = [words_of(child(date, name)) for name in ("year", "month", "day")]
    numbers = [parts[0], *(part.zfill(2) for part in parts[1:] if part.isdecimal())]
    return "-".join(numbers) if parts[0] else None


def _licence(front: etree._Element) -> str | None:
    """The licence's address where it is given, else the name that its words call it by, else the words."""
    stated = []
    for licence in front.iterfind("{*}permissions/{*}license"):
        own = [licence.get(_XLINK) or "", *(words_of(e) for e in licence.iter("{*}license_ref"))]
        own = [address for address in own if LICENCE_ADDRESS.search(address)]  # not a publisher's terms of use
        links = [(e, e.get(_XLINK)) for e in licence.iter("{*}ext-link", "{*}uri")]
        stated.append(licence_stated(licence, own, links))
    if found := together(stated):
        return found
    address = words_of(next(front.iter("{*}license_ref"), None))
    if is_url(address):
        return address
    return licence_in(words_of(child(front, "permissions", "copyright-statement")))


def _address(front: etree._Element) -> str | None:
    doi = next((words_of(e) for e in children(front, "article-id") if e.get("pub-id-type") == "doi"), "")
    if doi:
        return f"https://doi.org/{doi}"
    return next((a for e in children(front, "self-uri") if is_url(a := e.get(_XLINK))), None)


class _Writing:
    """Writes an article element by element."""

    def __init__(self) -> None:
        self._flow = Flow()
        self._notes: list[str] = []
        self._tight = 0

    def write(self, article: etree._Element) -> tuple[str, str]:
        """The title, and the text that begins with it."""
        front = _front(article)
        title = ""
        if front is not None:
            titles = child(front, "title-group")
            if titles is not None:
                found = (child(titles, "article-title"), child(titles, "subtitle"))
                title = ": ".join(words for e in found if e is not None and (words := self._apart(e)))
                self._notes.clear()
                self._flow.set_apart([title] if title else [])
            for abstract in front.iterchildren("{*}abstract", "{*}trans-abstract"):
                if abstract.get("abstract-type") not in _LESSER_ABSTRACTS:
                    self._element(abstract)
        for part in article.iterchildren("{*}body", "{*}floats-group"):
            self._element(part)
        for back in children(article, "back"):
            for part in back:
                if local(str(part.tag)) != "title":  # mostly of the references
                    self._element(part)
        self._flow.set_apart(self._notes)
        blocks = (_without_citations(block) for block in self._flow.blocks())
        return _without_citations(title), "\n\n".join(block for block in blocks if block)

    def _apart(self, element: etree._Element) -> str:
        """An element in one line, written apart from the running text."""
        flow, self._flow = self._flow, Flow()
        self._inside(element)
        line = self._flow.line()
        self._flow = flow
        return line

    def _element(self, element: etree._Element) -> None:
        name = local(str(element.tag))
        if name in _DROPPED:
            return
        special = _SPECIAL.get(name)
        if special is not None:
            special(self, element)
        elif name in _BLOCKS:
            self._end()
            self._inside(element)
            self._end()
        elif name in _LINES:
            self._flow.end_line()
            self._inside(element)
            self._flow.end_line()
        else:
            self._inside(element)

    def _inside(self, element: etree._Element) -> None:
        if element.text:
            self._flow.add(element.text)
        for part in element:
            self._element(part)
            if part.tail:
                self._flow.add(part.tail)

    def _end(self) -> None:
        if self._tight:
            self._flow.end_line()
        else:
            self._flow.end_block()

    def _labelled(self, element: etree._Element) -> None:
        """A section, figure or table, whose label goes before its title or caption."""
        self._flow.end_block()
        label = words_of(child(element, "label"))
        if label:
            self._flow.add(label + " ")
        caption = child(element, "caption")
        heading = child(element, "title") if caption is None else child(caption, "title")
        for part in element:
            if part is heading:
                self._inside(part)
                self._flow.end_block()
            elif part is caption:
                self._caption(part, heading)
            else:
                self._element(part)
        self._flow.end_block()

    def _caption(self, caption: etree._Element, heading: etree._Element | None) -> None:
        """The title of a picture or table on the line of its label, what explains it below."""
        self._tight += 1
        for part in caption:
            if part is heading or (heading is None and part is caption[0]):
                self._inside(part)
                self._flow.end_line()
            else:
                self._element(part)
        self._tight -= 1
        self._flow.end_block()

    def _item(self, element: etree._Element) -> None:
        self._flow.end_line()
        label = words_of(child(element, "label"))
        if label:
            self._flow.add(label + " ")
        self._tight += 1
        for part in element:
            # The first paragraph goes on the line of the label.
            before = part.getprevious()
            if label and before is not None and local(str(before.tag)) == "label":
                self._inside(part)
            else:
                self._element(part)
        self._tight -= 1
        self._flow.end_line()

    def _definition(self, element: etree._Element) -> None:
        self._flow.end_line()
        parts = (self._apart(part) for part in element)
        self._flow.add(": ".join(part for part in parts if part))
        self._flow.end_line()

    def _row(self, element: etree._Element) -> None:
        self._flow.end_line()
        cells = [self._apart(cell) for cell in element.iterchildren("{*}th", "{*}td")]
        if any(cells):
            self._flow.add(" | ".join(cells))
        self._flow.end_line()

    def _note(self, element: etree._Element) -> None:
        """A note: of a table below it, of a group of notes in its place, of the text at its end."""
        text = self._apart_without_label(element)
        parent = element.getparent()
        place = "" if parent is None else local(str(parent.tag))
        if place == "table-wrap-foot":
            self._flow.end_line()
            self._flow.add(text)
            self._flow.end_line()
        elif place == "fn-group":
            self._end()
            self._flow.add(text)
            self._end()
        elif text:
            self._notes.append(text)

    def _apart_without_label(self, element: etree._Element) -> str:
        return " ".join(self._apart(part) for part in element if local(str(part.tag)) != "label").strip()

    def _reference(self, element: etree._Element) -> None:
        """A cross-reference in words stays; the number of a reference or note goes."""
        if element.get("ref-type") in ("bibr", "fn", "table-fn", "aff") and not _has_letter(words_of(element)):
            self._flow.add(_CITED)
        else:
            self._inside(element)

    def _formula(self, element: etree._Element) -> None:
        """A formula in a line, as its plain signs; of alternatives the one that is no picture or TeX."""
        self._flow.add(words_of(next(element.iter("{*}math"), None)).replace(" ", "") or words_of(_no_tex(element)))

    def _math(self, element: etree._Element) -> None:
        self._flow.add(words_of(element).replace(" ", ""))

    def _superscript(self, element: etree._Element) -> None:
        self._raised(element, _SUPERSCRIPTS)

    def _subscript(self, element: etree._Element) -> None:
        self._raised(element, _SUBSCRIPTS)

    def _raised(self, element: etree._Element, signs: dict[int, int]) -> None:
        """Numbers keep their height, or 10 to the 3rd would read 103."""
        text = words_of(element)
        if not len(element) and _EXPONENT.fullmatch(text):
            self._flow.add(text.translate(signs))
        else:
            self._inside(element)

    def _line_break(self, element: etree._Element) -> None:
        self._flow.add(" ")


def _no_tex(element: etree._Element) -> etree._Element | None:
    """A formula that is no picture and no TeX, or None."""
    return (
        None if next(element.iter("{*}tex-math", "{*}inline-graphic", "{*}graphic"), None) is not None else element
    )


def _has_letter(text: str) -> bool:
    return any(character.isalpha() for character in text) and not re.fullmatch(r"[a-z]", text)


def _without_citations(text: str) -> str:
    """A block without the marks where references stood, and the brackets around them."""
    if _CITED not in text:
        return text
    return _BARE_CITATIONS.sub("", _CITATIONS.sub("", text)).strip()


_SPECIAL: dict[str, Callable[[_Writing, etree._Element], None]] = {
    **dict.fromkeys(("sec", "app", "fig", "table-wrap", "boxed-text", "statement"), _Writing._labelled),
    "list-item": _Writing._item,
    "def-item": _Writing._definition,
    "tr": _Writing._row,
    "fn": _Writing._note,
    "xref": _Writing._reference,
    "inline-formula": _Writing._formula,
    "math": _Writing._math,
    "sup": _Writing._superscript,
    "sub": _Writing._subscript,
    "break": _Writing._line_break,
}
