"""Plain text: a file is a document, named by the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

import pyarrow as pa

from octavo.corpus.locations import Location
from octavo.corpus.readers import Unreadable
from octavo.corpus.schema import conform
from octavo.recipe import Source


def read(location: Location, source: Source) -> Iterator[pa.Table | Unreadable]:
    """Read a text file in UTF-8, a byte-order mark dropped; a file in another encoding is set aside."""
    with location.filesystem.open_input_stream(location.path, compression=None) as stream:
        content = stream.read()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        reason = f"not UTF-8: byte 0x{content[error.start]:02x} at offset {error.start}"
        yield Unreadable(location.name, reason, content)
        return
    title = PurePosixPath(location.path).stem.replace("_", " ")
    yield conform(pa.table({"identifier": [location.name], "title": [title], "text": [text]}))
