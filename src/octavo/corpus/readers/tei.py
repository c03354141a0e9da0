"""TEI, with or without namespace: novels, plays, verse, inscriptions and early prints as running text.

What the print has only as a book (page numbers, running heads, line ends, signatures) goes; headings,
paragraphs, lines of verse, speakers, stage directions, lists and tables stay; notes are set apart after
their section.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice

import pyarrow as pa
from lxml import etree

from octavo.corpus.locations import Location
from octavo.corpus.readers.elements import children, document, local, title_from_name, words_of
from octavo.corpus.readers.tei_header import metadata
from octavo.corpus.readers.tei_text import running_text
from octavo.recipe.schema import Source

ROOTS = frozenset({"TEI", "teiCorpus", "TEI.2", "teiCorpus.2"})


def documents(root: etree._Element, location: Location, source: Source) -> Iterator[pa.Table]:
    """The texts of a file: one, or those of a corpus or a group, each with its number after `#s`."""
    regularised = source.spelling == "regularised"
    parts = _parts(root, ())
    beginning = list(islice(parts, 2))
    if len(beginning) == 1:
        yield _document(beginning[0], location, location.name, regularised)
        return
    for number, part in enumerate(chain(beginning, parts), 1):
        yield _document(part, location, f"{location.name}#s{number:03d}", regularised)


Headers = tuple[etree._Element, ...]
"""The headers above a text, its own first, then those of the corpora that it is in."""

Part = tuple[etree._Element, Headers, etree._Element]
"""A text with the headers that describe it, and the TEI element that holds it."""


def _parts(element: etree._Element, headers: Headers) -> Iterator[Part]:
    """The texts below an element in order; the header of a corpus serves where a text has none."""
    headers = (*children(element, "teiHeader"), *headers)
    for found in element.iterchildren():
        name = local(str(found.tag))
        if name in ROOTS:
            yield from _parts(found, headers)
        elif name == "text":
            for text in _texts(found):
                yield text, headers, element


def _texts(text: etree._Element) -> Iterator[etree._Element]:
    """The text itself, or the texts that it groups, and its own front and back matter where there is any."""
    groups = list(children(text, "group"))
    if not groups:
        yield text
        return
    for part in text.iterchildren():
        if local(str(part.tag)) != "group":
            if words_of(part):
                yield part
        else:
            yield from _members(part)


def _members(group: etree._Element) -> Iterator[etree._Element]:
    """The texts of a group, and those of the groups in it."""
    for member in group.iterchildren():
        if local(str(member.tag)) == "text":
            yield from _texts(member)
        elif local(str(member.tag)) == "group":
            yield from _members(member)


def _document(part: Part, location: Location, identifier: str, regularised: bool) -> pa.Table:
    text, headers, root = part
    columns = metadata(headers, root, text)
    header = headers[0] if headers else None
    written = running_text(text, root, header, regularised)
    title = columns.pop("title") or words_of(next(text.iter("{*}titlePart"), None)) or title_from_name(location)
    return document(written, identifier=identifier, title=title, **columns)
