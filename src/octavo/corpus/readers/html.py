"""HTML: the text with its structure kept, and the metadata that a page states of itself.

`text_of` is also how EPUB chapters, Markdown and markup in plain text become text.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser

from octavo.corpus.locations import Location
from octavo.corpus.readers import gutenberg, hocr
from octavo.corpus.readers.html_markup import decoded, parsable
from octavo.corpus.readers.html_metadata import metadata
from octavo.corpus.readers.html_text import running_text
from octavo.corpus.readers.plain_text import one_document, title_of
from octavo.corpus.readers.reading import KEPT_BYTES, Pieces, RefusedError, read_whole
from octavo.corpus.readers.xml_parsing import read_tree
from octavo.recipe.schema import Source

MARKUP_BYTES = 64 * 1024**2
"""A longer page is set aside: its tree takes many times its size in memory."""


@dataclass(frozen=True)
class HtmlDocument:
    """What a page says, and what it says of itself: None where it says nothing."""

    text: str
    title: str | None = None
    creator: str | None = None
    date: str | None = None
    language: str | None = None
    license: str | None = None

    def metadata(self) -> dict[str, str]:
        """What is known, under the names of octavo's columns."""
        names = ("title", "creator", "date", "language", "license")
        return {name: value for name in names if (value := getattr(self, name))}


def read(location: Location, source: Source) -> Pieces:
    """Read a page as a document; of a Project Gutenberg page, the book."""
    yield from read_whole(location, MARKUP_BYTES, lambda content: _pieces(content, location, source), KEPT_BYTES)


def _pieces(content: bytes, location: Location, source: Source) -> Pieces:
    if b"\0" in content[:1024] and not content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise RefusedError("not HTML: found binary data")
    pages = hocr.root_of(content) if b"ocr_page" in content else None
    if pages is not None:  # hOCR is HTML
        yield from read_tree(pages, hocr.documents, location, source)
        return
    document = text_of(content)
    fields = {"identifier": location.name, "title": title_of(location)} | document.metadata()
    fields |= without_gutenberg(document)
    yield one_document(fields)


def without_gutenberg(document: HtmlDocument) -> dict[str, str]:
    """A document's text, and what Project Gutenberg's header says where there is one: as columns."""
    if found := gutenberg.cut(document.text):
        return found[1] | {"text": found[0]}
    return {"text": document.text}


def text_of(markup: str | bytes) -> HtmlDocument:
    """The text and metadata of a page or of a piece of one; never raises, whatever the markup."""
    tree = LexborHTMLParser(parsable(decoded(markup) if isinstance(markup, bytes) else markup))
    return HtmlDocument(running_text(tree.root) if tree.root else "", **metadata(tree))
