"""What the readers have in common: they stream tables of documents and set aside what cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from octavo.corpus.locations import Location
from octavo.recipe import Source


@dataclass(frozen=True)
class Unreadable:
    """A piece of a source that no document could be made of, kept as it was found."""

    where: str
    reason: str
    content: bytes


Reader = Callable[[Location, Source], Iterator[pa.Table | Unreadable]]
"""Takes a file and what the recipe says of its source; yields tables in SOURCE_SCHEMA."""


def reader_for(location: Location) -> Reader:
    """The reader of a file's format."""
    from importlib import import_module

    reader: Reader = import_module(f"octavo.corpus.{location.format}").read
    return reader
