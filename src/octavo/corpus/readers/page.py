"""PAGE XML: transcribed and recognised pages, region by region in the order of reading, as running text."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyarrow as pa
from lxml import etree

from octavo.corpus.locations import Location
from octavo.corpus.readers.elements import child, children, document, local, title_from_name, words_of
from octavo.corpus.readers.scanned_page import Confidence, Kind, Line, Region, kind_of, page_text, squeezed
from octavo.recipe.schema import Source

_ORDERED = ("OrderedGroup", "OrderedGroupIndexed")
_GROUPS = (*_ORDERED, "UnorderedGroup", "UnorderedGroupIndexed")
_STRUCTURE_TYPE = re.compile(r"structure\s*\{[^}]*type:\s*([^;}]+)")


def documents(root: etree._Element, location: Location, source: Source) -> Iterator[pa.Table]:
    """The page of a file, or its pages, as one document."""
    confidence = Confidence()
    paragraphs: list[str] = []
    language = None
    for page in children(root, "Page"):
        language = language or page.get("primaryLanguage")
        paragraphs += page_text(_region(element, confidence) for element in _in_order(page))
    regions = root.iter("{*}TextRegion")
    yield document(
        "\n\n".join(paragraphs),
        identifier=location.name,
        title=title_from_name(location),
        language=language or next((r.get("primaryLanguage") for r in regions if r.get("primaryLanguage")), None),
        ocr_confidence=confidence.mean(),
    )


def _in_order(page: etree._Element) -> list[etree._Element]:
    """The text regions in the order of reading; those that it leaves out come last, as they stand in the file."""
    by_id = {region.get("id", ""): region for region in page.iter() if local(str(region.tag)).endswith("Region")}
    taken: dict[etree._Element, None] = {}
    order = child(page, "ReadingOrder")
    for group in () if order is None else order:
        _take_in_order(group, by_id, taken)
    for region in page.iter("{*}TextRegion"):
        taken.setdefault(region)
    return list(taken)


def _take_in_order(
    group: etree._Element, by_id: dict[str, etree._Element], taken: dict[etree._Element, None]
) -> None:
    """Note the region that a group or reference names, then those in the group; an ordered one has indices.

    Regions in a region come with it, such as the cells of a table; those that the group leaves out come last.
    """
    region = by_id.get(group.get("regionRef", ""))
    if region is not None and local(str(region.tag)) == "TextRegion":
        taken.setdefault(region)
    members = [m for m in group if m.get("regionRef") or local(str(m.tag)) in _GROUPS]
    if local(str(group.tag)) in _ORDERED:
        members.sort(key=_index)
    for member in members:
        _take_in_order(member, by_id, taken)
    for part in () if region is None else region.iter("{*}TextRegion"):
        taken.setdefault(part)


def _index(element: etree._Element) -> int:
    """The number that an element is ordered by; one without comes last."""
    try:
        return int(element.get("index", ""))
    except ValueError:
        return 2**31


def _kind(region: etree._Element) -> Kind:
    structure = _STRUCTURE_TYPE.search(region.get("custom", ""))
    kind = kind_of(region.get("type"))
    return kind_of(structure[1]) if kind is Kind.TEXT and structure else kind


def _region(element: etree._Element, confidence: Confidence) -> Region:
    kind = _kind(element)
    if kind is Kind.DROPPED:
        return Region(kind=kind)
    lines = [Line(text) for line in children(element, "TextLine") if (text := squeezed(_text(line, "Word")))]
    if not lines and not _is_read_in_parts(element):
        lines = [Line(text) for part in _own_text(element).splitlines() if (text := squeezed(part))]
    _count(element, confidence)
    return Region(lines, kind)


def _is_read_in_parts(region: etree._Element) -> bool:
    """Whether regions in a region have text, which its own then repeats."""
    parts = (part for part in region.iterdescendants("{*}TextRegion") if _kind(part) is not Kind.DROPPED)
    return any(words_of(text) for part in parts for text in part.iter("{*}TextEquiv"))


def _text(element: etree._Element, part: str) -> str:
    """An element's own text, else that of its words, or of a word's glyphs."""
    own = _own_text(element)
    if own.strip():
        return own
    if part == "Word":
        return " ".join(_text(word, "Glyph") for word in children(element, "Word"))
    return "".join(_own_text(glyph) for glyph in children(element, "Glyph"))


def _own_text(element: etree._Element) -> str:
    """The text that an element states: of several readings the one with the lowest index."""
    readings = sorted(children(element, "TextEquiv"), key=_index)
    if not readings:
        return ""
    unicode = child(readings[0], "Unicode")
    if unicode is not None:
        return "".join(str(text) for text in unicode.itertext())
    return words_of(child(readings[0], "PlainText"))


def _count(region: etree._Element, confidence: Confidence) -> None:
    """Count the confidence of a region's words, or of its lines where it has none of words."""
    for line in children(region, "TextLine"):
        words = [value for word in children(line, "Word") if (value := _stated(word))]
        for value in words or (_stated(line),):
            confidence.add(value)


def _stated(element: etree._Element) -> str | None:
    readings = sorted(children(element, "TextEquiv"), key=_index)
    return readings[0].get("conf") if readings else None
