"""JSON Lines, plain or compressed with gzip or zstd.

Arrow's own JSON reader is not used: a line that says `null` ends the whole process.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import orjson
import pyarrow as pa

from octavo.corpus.locations import Location
from octavo.corpus.readers.reading import Unreadable
from octavo.corpus.schema import (
    COUNT_COLUMNS,
    LIST_COLUMNS,
    SHARE_COLUMNS,
    SOURCE_SCHEMA,
    as_count,
    as_share,
    as_statement,
    conform,
)
from octavo.errors import InputError
from octavo.recipe.schema import Source

BLOCK_BYTES = 16 * 1024**2
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
LINE_BYTES = 256 * 1024**2
"""A longer line is set aside: it is no document, and would not fit in memory."""


def read(location: Location, source: Source) -> Iterator[pa.Table | Unreadable]:
    """Stream a JSON Lines file; a line that is no document is set aside with its number, the rest goes on."""
    names = {ours: source.columns.get(ours, ours) for ours in SOURCE_SCHEMA.names}
    number = 1
    try:
        for block in _blocks(location):
            if isinstance(block, bytes):
                yield from _documents(block, number, location.name, names)
                number += block.count(b"\n")
            else:
                yield Unreadable(f"{location.name}:{number}", f"a line of over {LINE_BYTES} bytes", bytes(block))
                number += 1
    except OSError as error:
        raise InputError(
            f"{location.name}: found a file that cannot be read ({error}), expected JSON Lines"
        ) from None


def _blocks(location: Location) -> Iterator[bytes | bytearray]:
    """Whole lines, some at a time; of a line that is too long, its beginning as a bytearray."""
    compression = COMPRESSIONS.get(PurePosixPath(location.path).suffix.lower())
    with location.filesystem.open_input_stream(location.path, compression=compression) as stream:
        rest = stream.read(len(codecs.BOM_UTF8)).removeprefix(codecs.BOM_UTF8)
        while chunk := stream.read(BLOCK_BYTES):
            rest += chunk
            end = rest.rfind(b"\n") + 1
            if end:
                yield rest[:end]
                rest = rest[end:]
            elif len(rest) > LINE_BYTES:
                start, rest = bytearray(rest[:4096]), b""
                while chunk := stream.read(BLOCK_BYTES):
                    line_end = chunk.find(b"\n") + 1
                    if line_end:
                        rest = chunk[line_end:]
                        break
                yield start
        if rest:
            yield rest


def _documents(block: bytes, number: int, file: str, names: dict[str, str]) -> Iterator[pa.Table | Unreadable]:
    rows: list[dict[str, Any]] = []
    for offset, line in enumerate(block.split(b"\n")):
        if not line.strip():
            continue
        row = _row(line, names)
        if isinstance(row, str):
            yield Unreadable(f"{file}:{number + offset}", row, line)
        else:
            rows.append(row)
    if rows:
        yield conform(pa.Table.from_pylist(rows, schema=SOURCE_SCHEMA))


def _row(line: bytes, names: dict[str, str]) -> dict[str, Any] | str:
    """A line as a row, or why it is none."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return f"not JSON: {error}"
    if not isinstance(value, dict):
        return "JSON, but no object"
    text = value.get(names["text"])
    if not isinstance(text, str):
        return f"found no text in {names['text']!r}"
    try:
        return {ours: _field(ours, value.get(theirs)) for ours, theirs in names.items()}
    except (orjson.JSONEncodeError, RecursionError):
        return "JSON nested too deeply"


def _field(name: str, value: Any) -> Any:
    """A field as its column has it."""
    if name in COUNT_COLUMNS:
        return as_count(value)
    if name in SHARE_COLUMNS:
        return as_share(value)
    if name in LIST_COLUMNS:
        return as_statement(value)
    return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()
