"""ALTO 2 to 4: recognised pages of libraries, in the order of reading, as running text."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from lxml import etree

from octavo.corpus.locations import Location
from octavo.corpus.readers.elements import child, children, document, is_url, local, title_from_name, words_of
from octavo.corpus.readers.scanned_page import Confidence, Kind, Line, Region, kind_of, page_text, squeezed
from octavo.recipe.schema import Source

_MARGINS = {
    "TopMargin": Kind.DROPPED,
    "BottomMargin": Kind.DROPPED,
    "LeftMargin": Kind.NOTE,
    "RightMargin": Kind.NOTE,
    "InnerMargin": Kind.NOTE,
    "OuterMargin": Kind.NOTE,
    "PrintSpace": Kind.TEXT,
}


def documents(root: etree._Element, location: Location, source: Source) -> Iterator[pa.Table]:
    """The pages of a file as one document."""
    kinds = _tagged_kinds(root)
    order = _reading_order(root)
    confidence = Confidence()
    paragraphs: list[str] = []
    language = None
    for page in root.iter("{*}Page"):
        language = language or page.get("LANG") or next((b.get("LANG") for b in page.iter("{*}TextBlock")), None)
        paragraphs += page_text(_regions(page, kinds, order, confidence))
    address = words_of(next(root.iter("{*}fileIdentifier"), None))
    yield document(
        "\n\n".join(paragraphs),
        identifier=location.name,
        title=title_from_name(location),
        language=language,
        source_url=address if is_url(address) else None,
        ocr_confidence=confidence.mean(),
    )


def _tagged_kinds(root: etree._Element) -> dict[str, Kind]:
    """The kinds of blocks and lines that tags stand for, by their ids."""
    tags = child(root, "Tags")
    if tags is None:
        return {}
    kinds = {tag.get("ID", ""): kind_of(tag.get("LABEL") or tag.get("TYPE")) for tag in tags}
    return {identifier: kind for identifier, kind in kinds.items() if kind is not Kind.TEXT}


def _reading_order(root: etree._Element) -> dict[str, int]:
    """The place of each block in the order of reading, which ALTO has from 4.3 on."""
    references = (
        ref.get("REF", "") for order in root.iter("{*}ReadingOrder") for ref in order.iter("{*}ElementRef")
    )
    return {reference: place for place, reference in enumerate(references)}


def _regions(
    page: etree._Element, kinds: dict[str, Kind], order: dict[str, int], confidence: Confidence
) -> Iterator[Region]:
    blocks = [
        (block, kind)
        for part in page.iterchildren()
        if (kind := _MARGINS.get(local(str(part.tag)))) is not None
        for block in part.iter("{*}TextBlock")
    ]
    if order:
        last = len(order)
        blocks.sort(key=lambda found: order.get(found[0].get("ID", ""), last))
    for block, kind in blocks:
        kind = _kind(block, kinds) if kind is Kind.TEXT else kind
        if kind is not Kind.DROPPED:
            yield Region(_lines(block, kinds, confidence), kind)


def _kind(element: etree._Element, kinds: dict[str, Kind]) -> Kind:
    """The kind that an element's tags give it."""
    for reference in element.get("TAGREFS", "").split():
        if reference in kinds:
            return kinds[reference]
    return Kind.TEXT


def _lines(block: etree._Element, kinds: dict[str, Kind], confidence: Confidence) -> list[Line]:
    lines: list[Line] = []
    whole = False
    for element in children(block, "TextLine"):
        if _kind(element, kinds) is not Kind.DROPPED:
            line, whole = _line(element, whole, confidence)
            lines.append(line)
    return lines


def _line(element: etree._Element, began: bool, confidence: Confidence) -> tuple[Line, bool]:
    """A line, and whether its last word is divided and stands in it whole, as the file often gives it.

    `began` where that is so of the line before: the rest of the word is then left out.
    """
    pieces: list[str] = []
    between = "" if child(element, "SP") is not None else " "
    divided = whole = False
    for part in element.iterchildren("{*}String", "{*}SP", "{*}HYP"):
        name = local(str(part.tag))
        if name == "SP":
            pieces.append(" ")
        elif name == "HYP":
            divided = not whole
        else:
            confidence.add(part.get("WC"))
            word = part.get("SUBS_CONTENT")
            kind = part.get("SUBS_TYPE") if word else None
            if kind == "HypPart2" and began:
                began = False
                continue
            whole = kind == "HypPart1"
            pieces.append((word if whole and word else part.get("CONTENT", "")) + between)
    return Line(squeezed("".join(pieces)), divided), whole
