"""Parquet files with Common Corpus's columns, or others that the recipe maps."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from octavo.corpus.locations import Location
from octavo.corpus.readers.reading import Unreadable
from octavo.corpus.schema import SOURCE_SCHEMA, conform
from octavo.errors import InputError
from octavo.recipe.schema import Source

BATCH_ROWS = 256
BUFFER_BYTES = 1024**2
"""Read of a column at once; without it Arrow holds the whole column of a row group."""


def read(location: Location, source: Source) -> Iterator[pa.Table | Unreadable]:
    """Stream a Parquet file, reading only the columns that octavo knows.

    Raises InputError where the file is no Parquet, is cut short, or has no text column.
    """
    try:
        with location.filesystem.open_input_file(location.path) as stream:
            file = pq.ParquetFile(stream, buffer_size=BUFFER_BYTES, pre_buffer=False)
            wanted = wanted_columns(location.name, file.schema_arrow.names, source.columns)
            names = list(wanted.values())
            row = 1
            for batch in _batches(file, names):
                table = pa.Table.from_batches([batch]).select(names).rename_columns(list(wanted))
                try:
                    conformed = conform(table)
                except (pa.ArrowInvalid, UnicodeDecodeError):
                    raise InputError(f"{location.name}: {_not_utf8(table, wanted, row)}") from None
                yield conformed
                row += batch.num_rows
    except (pa.ArrowException, OSError, UnicodeDecodeError, OverflowError) as error:
        reason = str(error).split("\n")[0]
        raise InputError(
            f"{location.name}: found a file that cannot be read ({reason}), expected Parquet"
        ) from None


def _batches(file: pq.ParquetFile, names: list[str]) -> Iterator[pa.RecordBatch]:
    """Batches within row groups, so that the first documents of a remote file are not fetched with many others."""
    for group in range(file.num_row_groups):
        yield from file.iter_batches(BATCH_ROWS, row_groups=[group], columns=names)


def _not_utf8(table: pa.Table, names: dict[str, str], first_row: int) -> str:
    """Say where the value is that conform refused: Parquet promises UTF-8, and not every writer keeps to it."""
    for row in range(table.num_rows):
        for ours, theirs in names.items():
            try:
                conform(table.select([ours]).slice(row, 1))
            except (pa.ArrowInvalid, UnicodeDecodeError):
                return f"row {first_row + row}: {theirs}: found bytes that are not UTF-8, expected text"
    return "found bytes that are not UTF-8, expected text"


def wanted_columns(name: str, present: list[str], columns: dict[str, str]) -> dict[str, str]:
    """Octavo's columns that a file has, with the file's names for them; InputError where text is missing."""
    wanted = {ours: columns.get(ours, ours) for ours in SOURCE_SCHEMA.names}
    absent = [(o, t) for o, t in wanted.items() if t not in present and (o == "text" or o in columns)]
    for ours, theirs in absent:
        near = difflib.get_close_matches(theirs, present, n=1)
        hint = near[0] if near else "NAME"
        raise InputError(
            f"{name}: found no column {theirs!r} (it has {', '.join(present)}), "
            f"expected one; name it in the recipe: columns: {{{ours}: {hint}}}"
        )
    for theirs in wanted.values():
        if present.count(theirs) > 1:
            raise InputError(f"{name}: found {present.count(theirs)} columns {theirs!r}, expected one")
    return {ours: theirs for ours, theirs in wanted.items() if theirs in present}
