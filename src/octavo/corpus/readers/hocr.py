"""hOCR: recognised pages as XHTML, or as the HTML that old programs wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyarrow as pa
from lxml import etree

from octavo.corpus.locations import Location
from octavo.corpus.readers.elements import document, title_from_name, words_of
from octavo.corpus.readers.reading import Pieces, RefusedError, read_whole
from octavo.corpus.readers.scanned_page import Confidence, Kind, Line, Region, page_text, squeezed
from octavo.corpus.readers.xml_parsing import FILE_BYTES, parse, read_tree
from octavo.recipe.schema import Source

_LINES = frozenset(
    {"ocr_line", "ocrx_line", "ocr_header", "ocr_footer", "ocr_caption", "ocr_textfloat", "ocr_pageno"}
)
_WORDS = frozenset({"ocrx_word", "ocr_word"})
_CONFIDENCE = re.compile(r"\bx_wconf\s+(\d+(?:\.\d+)?)")
_NO_TITLE = re.compile(r"ocr|hocr|^image:|^untitled", re.IGNORECASE)
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def read(location: Location, source: Source) -> Pieces:
    """Read a file that its name says is hOCR, be it XHTML or HTML."""
    yield from read_whole(location, FILE_BYTES, lambda content: _pieces(content, location, source))


def _pieces(content: bytes, location: Location, source: Source) -> Pieces:
    root: etree._Element | None
    try:
        root = parse(content)
    except RefusedError:
        root = _as_html(content)
        if root is None or not has_pages(root):
            raise
    if not has_pages(root):
        raise RefusedError("hOCR without any page (an element of class ocr_page)")
    yield from read_tree(root, documents, location, source)


def _as_html(content: bytes) -> etree._Element | None:
    """A file that is no XML as HTML, which knows no entities but characters."""
    parser = etree.HTMLParser(no_network=True, huge_tree=False, remove_comments=True, remove_pis=True)
    try:
        return etree.fromstring(content, parser)
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
        language=next((lang for e in root.iter() if (lang := e.get("lang") or e.get(_LANG))), None),
        ocr_confidence=confidence.mean(),
    )


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
    for element in page.iter():
        kinds = _LINES.intersection(_classes(element))
        if not kinds or any(_LINES.intersection(_classes(e)) for e in _up_to(element, page)):
            continue
        holder = _paragraph_of(element, page)
        if region is None or holder is not within:
            if region is not None:
                yield region
            region, within = Region(kind=_kind(holder)), holder
        if not kinds & dropped:
            region.lines.append(Line(_line(element, confidence)))
    if region is not None:
        yield region
    elif page.text or len(page):
        yield Region([Line(_line(page, confidence))])


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
            words.append(squeezed("".join(str(text) for text in part.itertext())))
            stated = _CONFIDENCE.search(part.get("title") or "")
            confidence.add(stated[1] if stated else None, 100)
    if not words:
        return squeezed("".join(str(text) for text in element.itertext()))
    return " ".join(word for word in words if word)
