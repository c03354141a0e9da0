"""Parquet files with Common Corpus's columns, or others that the recipe maps."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from octavo.corpus.locations import Location
from octavo.corpus.readers import Unreadable
from octavo.corpus.schema import SOURCE_SCHEMA, conform
from octavo.errors import InputError

BATCH_ROWS = 1024


def read(location: Location, columns: dict[str, str]) -> Iterator[pa.Table | Unreadable]:
    """Stream a Parquet file, reading only the columns that octavo knows.

    Raises InputError where the file is no Parquet, is cut short, or has no text column.
    """
    try:
        with location.filesystem.open_input_file(location.path) as stream:
            file = pq.ParquetFile(stream)
            wanted = wanted_columns(location.name, file.schema_arrow.names, columns)
            names = list(wanted.values())
            for batch in file.iter_batches(BATCH_ROWS, columns=names):
                table = pa.Table.from_batches([batch]).select(names).rename_columns(list(wanted))
                yield conform(table)
    except (pa.ArrowInvalid, OSError) as error:
        reason = str(error).split("\n")[0]
        raise InputError(
            f"{location.name}: found a file that cannot be read ({reason}), expected Parquet"
        ) from None


def wanted_columns(name: str, present: list[str], columns: dict[str, str]) -> dict[str, str]:
    """Octavo's columns that a file has, with the file's names for them; InputError where text is missing."""
    if unknown := [ours for ours in columns if ours not in SOURCE_SCHEMA.names]:
        raise InputError(
            f"{name}: columns.{unknown[0]}: found no such column of octavo's, "
            f"expected one of {', '.join(SOURCE_SCHEMA.names)}"
        )
    wanted = {ours: columns.get(ours, ours) for ours in SOURCE_SCHEMA.names}
    absent = [(o, t) for o, t in wanted.items() if t not in present and (o == "text" or o in columns)]
    for ours, theirs in absent:
        near = difflib.get_close_matches(theirs, present, n=1)
        hint = near[0] if near else "NAME"
        raise InputError(
            f"{name}: found no column {theirs!r} (it has {', '.join(present)}), "
            f"expected one; name it in the recipe: columns: {{{ours}: {hint}}}"
        )
    return {ours: theirs for ours, theirs in wanted.items() if theirs in present}
