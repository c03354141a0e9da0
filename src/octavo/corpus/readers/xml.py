"""XML as archives and libraries keep texts in, read by the format of its root."""

from __future__ import annotations

import re

from lxml import etree
from pyarrow.fs import LocalFileSystem

from octavo.corpus.locations import Location
from octavo.corpus.readers import alto, hocr, jats, page, tei
from octavo.corpus.readers.elements import local
from octavo.corpus.readers.reading import Pieces, RefusedError, read_whole
from octavo.corpus.readers.xml_parsing import FILE_BYTES, Documents, parse, read_tree
from octavo.recipe.schema import Source

_KNOWN = "TEI, ALTO, PAGE, hOCR, JATS"


def read(location: Location, source: Source) -> Pieces:
    """Read an XML file in any format that has a reader; the root element says which one it is."""
    yield from read_whole(location, FILE_BYTES, lambda content: _pieces(content, location, source))


def _pieces(content: bytes, location: Location, source: Source) -> Pieces:
    root = parse(content)
    documents = _documents_of(root)
    if documents is None:
        raise RefusedError(f"XML with root <{local(str(root.tag))}>, which no reader takes ({_KNOWN})")
    yield from read_tree(root, documents, location, source)


def text_in(markup: str) -> str | None:
    """The running text of an XML file that is held as text, cut short or not; None where no reader takes it."""
    content = markup.lstrip().encode()
    nowhere = Location("", "xml", LocalFileSystem(), "")
    try:
        root = parse(_without_encoding(content), cut_short=True)
        documents = _documents_of(root)
        tables = list(documents(root, nowhere, Source(path=""))) if documents else []
    except (RefusedError, RecursionError):
        return None
    return "\n\n".join(text for table in tables for text in table.column("text").to_pylist()) or None


def _without_encoding(content: bytes) -> bytes:
    """A file without the encoding that its declaration states, since as text it has none any more."""
    return re.sub(rb"""^(<\?xml[^>]*?)\s+encoding\s*=\s*["'][^"']*["']""", rb"\1", content, count=1)


def _documents_of(root: etree._Element) -> Documents | None:
    """The format of a root element."""
    name = local(str(root.tag))
    if name in tei.ROOTS:
        return tei.documents
    if name == "alto":
        return alto.documents
    if name == "PcGts":
        return page.documents
    if name == "html" and hocr.has_pages(root):
        return hocr.documents
    if jats.is_article(root):
        return jats.documents
    return None
