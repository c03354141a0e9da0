"""What the readers have in common: they stream tables of documents and set aside what cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from octavo.corpus.locations import Location, is_utf8
from octavo.recipe.schema import Source


@dataclass(frozen=True)
class Unreadable:
    """A piece of a source that no document could be made of, kept as it was found."""

    where: str
    reason: str
    content: bytes


Pieces = Iterator[pa.Table | Unreadable]
"""Tables of documents in SOURCE_SCHEMA, and what is set aside."""

Reader = Callable[[Location, Source], Pieces]
"""Takes a file and what the recipe says of its source."""

KEPT_BYTES = 64 * 1024
"""Of a file that is too long, or that no person can read, so much is kept where it is set aside."""


class RefusedError(ValueError):
    """No document can be made of a file; the message is the reason."""


def reader_for(location: Location) -> Reader:
    """The reader of a file's format."""
    from importlib import import_module

    if not is_utf8(location.path):
        return _misnamed
    reader: Reader = import_module(f"octavo.corpus.readers.{location.format}").read
    return reader


def _misnamed(location: Location, source: Source) -> Pieces:
    yield Unreadable(location.name, "a file whose name is not UTF-8: rename it", b"")


def read_whole(
    location: Location, limit: int, pieces_of: Callable[[bytes], Pieces], kept: int | None = None
) -> Pieces:
    """What is made of the bytes of a file, compressed with gzip or not; one of over `limit` bytes is set aside.

    Where `pieces_of` raises RefusedError, the file is set aside too: whole, or its first `kept` bytes.
    """
    content = b""
    try:
        content = _content_of(location, limit + 1)
        if len(content) > limit:
            content = content[:KEPT_BYTES]
            raise RefusedError(f"a file of over {limit} bytes")
        yield from pieces_of(content)
    except RefusedError as error:
        yield Unreadable(location.name, str(error), content[:kept])


def _content_of(location: Location, most: int) -> bytes:
    compression = "gzip" if location.path.lower().endswith(".gz") else None
    try:
        with location.filesystem.open_input_stream(location.path, compression=compression) as stream:
            return bytes(stream.read(most))
    except OSError as error:
        if compression is None:
            raise
        raise RefusedError(f"no gzip file, or one cut short: {error}") from None
