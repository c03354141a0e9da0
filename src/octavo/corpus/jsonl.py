"""JSON Lines, plain or compressed with gzip or zstd."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.json as pj

from octavo.corpus.locations import Location
from octavo.corpus.readers import Unreadable
from octavo.corpus.schema import COUNT_COLUMNS, SOURCE_SCHEMA, conform
from octavo.errors import InputError

BLOCK_BYTES = 16 * 1024**2
LINE_BYTES = 256 * 1024**2
"""A longer line is set aside: it is no document, and would not fit in memory."""


def read(location: Location, columns: dict[str, str]) -> Iterator[pa.Table | Unreadable]:
    """Stream a JSON Lines file; a line that is no document is set aside with its number, the rest goes on."""
    names = {ours: columns.get(ours, ours) for ours in SOURCE_SCHEMA.names}
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
    with location.filesystem.open_input_stream(location.path, compression="detect") as stream:
        rest = b""
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
    lines = block.split(b"\n")
    schema = pa.schema([(theirs, SOURCE_SCHEMA.field(ours).type) for ours, theirs in names.items()])
    try:
        table = pj.read_json(
            pa.BufferReader(block),
            pj.ReadOptions(block_size=max(len(block), 1)),
            pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
        )
        if table.num_rows == sum(1 for line in lines if line.strip()):
            table = table.select(list(names.values())).rename_columns(list(names))
            if table.column("text").null_count == 0:
                yield conform(table)
                return
    except pa.ArrowInvalid:
        pass  # one line at least is not as it should be: look at each
    rows: list[dict[str, Any]] = []
    for offset, line in enumerate(lines):
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
        return f"found a {type(value).__name__}, expected an object"
    text = value.get(names["text"])
    if not isinstance(text, str):
        return f"found no text in {names['text']!r}"
    row: dict[str, Any] = {}
    for ours, theirs in names.items():
        field = value.get(theirs)
        if ours in COUNT_COLUMNS:
            row[ours] = int(field) if isinstance(field, int | float) else None
        else:
            row[ours] = field if field is None or isinstance(field, str) else orjson.dumps(field).decode()
    return row
