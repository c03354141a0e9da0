"""hOCR: recognised pages as XHTML, or as the HTML that old programs wrote."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pyarrow as pa
from lxml import etree

from octavo.corpus.locations import Location
from octavo.corpus.readers.elements import document, local, title_from_name, words_of
from octavo.corpus.readers.html_markup import decoded
from octavo.corpus.readers.reading import Pieces, RefusedError, read_whole
from octavo.corpus.readers.scanned_page import Confidence, Kind, Line, Region, page_text, squeezed
from octavo.corpus.readers.xml_parsing import FILE_BYTES, parse, read_tree
from octavo.recipe.schema import Source

_LINES = frozenset(
    {"ocr_line", "ocrx_line", "ocr_header", "ocr_footer", "ocr_caption", "ocr_textfloat", "ocr_pageno"}
)
_WORDS = frozenset({"ocrx_word", "ocr_word"})
_SPOKEN = _LINES | _WORDS | {"ocr_page", "ocr_par"}
_CHARACTERS = frozenset({"ocrx_cinfo", "ocr_cinfo", "ocr_symbol", "ocr_glyph"})
_CONFIDENCE = re.compile(r"\bx_wconf\s+(\d+(?:\.\d+)?)")
_NO_TITLE = re.compile(r"ocr|hocr|^image:|^untitled", re.IGNORECASE)
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def read(location: Location, source: Source) -> Pieces:
    """Read a file that its name says is hOCR, be it XHTML or HTML."""
    yield from read_whole(location, FILE_BYTES, lambda content: _pieces(content, location, source))


def _pieces(content: bytes, location: Location, source: Source) -> Pieces:
    root = root_of(content)
    if root is None:
        parse(content)  # which says where it is no XML, if it is none
        raise RefusedError("hOCR without any page (an element of class ocr_page)")
    yield from read_tree(root, documents, location, source)


def root_of(content: bytes) -> etree._Element | None:
    """The root of a file that is hOCR, be it XHTML or HTML; None where it is none."""
    root: etree._Element | None
    try:
        root = parse(content)
    except RefusedError:
        root = _as_html(content)
    return root if root is not None and has_pages(root) else None


def _as_html(content: bytes) -> etree._Element | None:
    """A file that is no XML as HTML, which knows no entities but characters."""
    parser = etree.HTMLParser(
        no_network=True, huge_tree=False, remove_comments=True, remove_pis=True, encoding="utf-8"
    )
    try:
        return etree.fromstring(decoded(content).encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def has_pages(root: etree._Element) -> bool:
    """Whether an HTML document is hOCR."""
    return any("ocr_page" in _classes(element) for element in root.iter())


def documents(root: etree._Element, location: Location, source: Source) -> Iterator[pa.Table]:
    """The pages of a file as one document."""
    # Tesseract calls a heading within the text ocr_header; to others that is the running head.
    dropped = {"ocr_pageno", "ocr_footer"} if _is_tesseract(root) else {"ocr_pageno", "ocr_footer", "ocr_header"}
    confidence = Confidence()
    paragraphs: list[str] = []
    for page in root.iter():
        if "ocr_page" in _classes(page):
            paragraphs += page_text(_regions(page, dropped, confidence))
    title = words_of(next(root.iter("{*}title"), None))
    yield document(
        "\n\n".join(paragraphs),
        identifier=location.name,
        title=title if title and not _NO_TITLE.search(title) else title_from_name(location),
        language=_language(root),
        ocr_confidence=confidence.mean(),
    )


def _language(root: etree._Element) -> str | None:
    """The language of most words and lines; the root's own is none where Tesseract says English of any book."""
    silent = root if _is_tesseract(root) else None
    counted: Counter[str] = Counter()
    for element in root.iter():
        if _SPOKEN.intersection(_classes(element)):
            around = (element, *element.iterancestors())
            stated = (e.get("lang") or e.get(_LANG) for e in around if e is not silent)
            counted.update([language for language in stated if language][:1])
    return counted.most_common(1)[0][0] if counted else None


def _is_tesseract(root: etree._Element) -> bool:
    return any(
        meta.get("name") == "ocr-system" and "tesseract" in meta.get("content", "") for meta in root.iter("{*}meta")
    )


def _classes(element: etree._Element) -> list[str]:
    return (element.get("class") or "").split()


def _regions(page: etree._Element, dropped: set[str], confidence: Confidence) -> Iterator[Region]:
    """The paragraphs of a page; lines in none of them are by themselves where their area tells no more."""
    region: Region | None = None
    within: etree._Element | None = None
    for element in _lines(page):
        holder = _paragraph_of(element, page)
        if region is None or holder is not within:
            if region is not None:
                yield region
            region, within = Region(kind=_kind(holder)), holder
        if not dropped.intersection(_classes(element)):
            region.lines.append(Line(_line(element, confidence)))
    if region is not None:
        yield region


def _lines(page: etree._Element) -> Iterator[etree._Element]:
    """The lines of a page; what stands in no line is one: a paragraph, a cell, or what is around all of it."""
    parts = [e for e in page.iter() if _is_line(e) or "ocr_par" in _classes(e) or local(str(e.tag)) in ("td", "th")]
    holding = {around for part in parts if part is not page for around in part.iterancestors()}
    left = [page]
    while left:
        element = left.pop()
        if _is_line(element) or element not in holding:
            yield element
        else:
            left.extend(reversed(element))


def _is_line(element: etree._Element) -> bool:
    return bool(_LINES.intersection(_classes(element)))


def _up_to(element: etree._Element, page: etree._Element) -> Iterator[etree._Element]:
    """The elements around an element, as far as its page."""
    for around in element.iterancestors():
        if around is page:
            return
        yield around


def _paragraph_of(line: etree._Element, page: etree._Element) -> etree._Element:
    """The paragraph that a line is in, else its area, else the page."""
    area = None
    for around in _up_to(line, page):
        classes = _classes(around)
        if "ocr_par" in classes:
            return around
        if area is None and ("ocr_carea" in classes or "ocrx_block" in classes):
            area = around
    return page if area is None else area


def _kind(holder: etree._Element) -> Kind:
    """Marginalia where an area says that it is some."""
    classes = " ".join(_classes(holder))
    return Kind.NOTE if "marginal" in classes or "footnote" in classes else Kind.TEXT


def _line(element: etree._Element, confidence: Confidence) -> str:
    """A line's words; where it marks none, its text."""
    words: list[str] = []
    for part in element.iter():
        if _WORDS.intersection(_classes(part)):
            words.append(_word(part))
            stated = _CONFIDENCE.search(part.get("title") or "")
            confidence.add(stated[1] if stated else None, 100)
    return " ".join(word for word in words if word) if words else _all_text(element)


def _all_text(element: etree._Element) -> str:
    return squeezed("".join(str(text) for text in element.itertext()))


def _word(element: etree._Element) -> str:
    """A word's text, or its letters where each has an element; what else it might have been read as is left out."""
    own = squeezed("".join(_own_text(element)))
    if own:
        return own
    letters = [
        e for e in element.iter() if _CHARACTERS.intersection(_classes(e)) and "x_bboxes" in e.get("title", "")
    ]
    return "".join(map(_all_text, letters)) or _all_text(element)


def _own_text(element: etree._Element) -> Iterator[str]:
    """The text in an element but for that of its characters' elements."""
    yield element.text or ""
    for part in element:
        if not _CHARACTERS.intersection(_classes(part)):
            yield from _own_text(part)
        yield part.tail or ""
