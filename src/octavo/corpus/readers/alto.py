"""ALTO 2 to 4: recognised pages of libraries, in the order of reading, as running text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

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
    whole = ""
    for page in root.iter("{*}Page"):
        language = language or _language(page)
        regions, whole = _regions(page, kinds, order, whole, confidence)
        paragraphs += page_text(regions)
    address = words_of(next(root.iter("{*}fileIdentifier"), None))
    yield document(
        "\n\n".join(paragraphs),
        identifier=location.name,
        title=title_from_name(location),
        language=language,
        source_url=address if is_url(address) else None,
        ocr_confidence=confidence.mean(),
    )


def _language(page: etree._Element) -> str | None:
    """The language that a page states, or the first that a part of it does: a block, a line or a word."""
    parts = chain((page,), *(page.iter("{*}" + name) for name in ("TextBlock", "TextLine", "String")))
    return next((stated for part in parts if (stated := part.get("LANG") or part.get("language"))), None)


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
    page: etree._Element, kinds: dict[str, Kind], order: dict[str, int], whole: str, confidence: Confidence
) -> tuple[list[Region], str]:
    """The blocks of a page, and the word that its text ends with whole, though it is divided from the next page.

    `whole` is that of the page before.
    """
    blocks = [
        (block, kind)
        for part in page.iterchildren()
        if (kind := _MARGINS.get(local(str(part.tag)))) is not None
        for block in part.iter("{*}TextBlock")
    ]
    if order:
        blocks.sort(key=lambda found: _place(found[0], order))
    regions: list[Region] = []
    for block, kind in blocks if order else _linked(blocks):
        kind = _kind(_around(block), kinds) if kind is Kind.TEXT else kind
        if kind is Kind.TEXT:
            lines, whole = _lines(block, kinds, whole, confidence)
            regions.append(Region(lines))
        elif kind is not Kind.DROPPED:
            regions.append(Region(_lines(block, kinds, "", confidence)[0], kind))
    return regions, whole


def _around(block: etree._Element) -> Iterator[etree._Element]:
    """A block and those that it is in, from the innermost."""
    yield block
    yield from block.iterancestors("{*}ComposedBlock")


def _place(block: etree._Element, order: dict[str, int]) -> int:
    """The place that the order of reading gives to a block, or to the nearest that it is in."""
    return next((order[name] for around in _around(block) if (name := around.get("ID", "")) in order), len(order))


def _linked(blocks: list[tuple[etree._Element, Kind]]) -> Iterator[tuple[etree._Element, Kind]]:
    """Blocks as they stand in the file, but each before the one that it names as the next to read."""
    named = {identifier: found for found in blocks if (identifier := found[0].get("ID"))}
    following = {block.get("IDNEXT") for block, _ in blocks} - {None}
    taken: set[etree._Element] = set()
    for first in sorted(blocks, key=lambda found: found[0].get("ID") in following):
        found: tuple[etree._Element, Kind] | None = first
        while found is not None and found[0] not in taken:
            taken.add(found[0])
            yield found
            found = named.get(found[0].get("IDNEXT", ""))


def _kind(elements: Iterable[etree._Element], kinds: dict[str, Kind]) -> Kind:
    """The kind that the tags of the first element that has one give."""
    references = (reference for element in elements for reference in element.get("TAGREFS", "").split())
    return next((kinds[reference] for reference in references if reference in kinds), Kind.TEXT)


def _lines(
    block: etree._Element, kinds: dict[str, Kind], whole: str, confidence: Confidence
) -> tuple[list[Line], str]:
    """The lines of a block, and the divided word that they end with whole; `whole` is that of the text before."""
    lines: list[Line] = []
    first = next(block.iter("{*}String"), None)
    if first is not None and first.get("SUBS_CONTENT") != whole:
        whole = ""
    for element in children(block, "TextLine"):
        if _kind((element,), kinds) is not Kind.DROPPED:
            line, whole = _line(element, whole, confidence)
            lines.append(line)
    return lines, whole


def _line(element: etree._Element, began: str, confidence: Confidence) -> tuple[Line, str]:
    """A line, and its last word where that is divided and stands in it whole, as the file often gives it.

    `began` is that of the line before: the rest of the word is then left out.
    """
    pieces: list[str] = []
    between = "" if child(element, "SP") is not None else " "
    divided = False
    whole = ""
    for part in element.iterchildren("{*}String", "{*}SP", "{*}HYP"):
        name = local(str(part.tag))
        if name == "SP":
            pieces.append(" ")
        elif name == "HYP":
            divided = not whole
        else:
            confidence.add(part.get("WC"))
            word = part.get("SUBS_CONTENT", "")
            kind = part.get("SUBS_TYPE") if word else None
            if kind == "HypPart2" and began:
                began = ""
                continue
            whole = word if kind == "HypPart1" else ""
            pieces.append((whole or part.get("CONTENT", "")) + between)
    return Line(squeezed("".join(pieces)), divided), whole
