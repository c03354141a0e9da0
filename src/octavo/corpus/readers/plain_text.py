"""Plain text: a file is a document, named by the file; of a Project Gutenberg file, the book."""

from __future__ import annotations

from pathlib import PurePosixPath

import pyarrow as pa

from octavo.corpus.locations import Location
from octavo.corpus.readers import gutenberg
from octavo.corpus.readers.reading import Pieces, RefusedError, read_whole
from octavo.corpus.schema import conform
from octavo.recipe.schema import Source

FILE_BYTES = 256 * 1024**2
"""A longer file is set aside: it is no one document, and would not fit in memory several times."""


def read(location: Location, source: Source) -> Pieces:
    """Read a text file in UTF-8, or in the encoding that its Project Gutenberg header states.

    A byte-order mark is dropped; a file in another encoding is set aside.
    """
    yield from read_whole(location, FILE_BYTES, lambda content: _pieces(content, location))


def _pieces(content: bytes, location: Location) -> Pieces:
    text = _decoded(content)
    if text is None:
        raise RefusedError(_not_utf8(content))
    fields = {"identifier": location.name, "title": title_of(location), "text": text}
    if found := gutenberg.cut(text):
        fields |= found[1] | {"text": found[0]}
    yield one_document(fields)


def title_of(location: Location) -> str:
    """The title of a document that states none: its file's name."""
    return PurePosixPath(location.path).stem.replace("_", " ")


def one_document(fields: dict[str, str]) -> pa.Table:
    """A table of one document; what the schema has no column for is left out by it."""
    return conform(pa.table({name: [value] for name, value in fields.items()}))


def _decoded(content: bytes) -> str | None:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        stated = gutenberg.stated_encoding(content)
        return content.decode(stated) if stated else None
    except (UnicodeError, LookupError):
        return None


def _not_utf8(content: bytes) -> str:
    try:
        content.decode()
    except UnicodeDecodeError as error:
        return f"not UTF-8: byte 0x{content[error.start]:02x} at offset {error.start}"
    return "not UTF-8"
