"""The texts of the documents that a table names: files beside it, or rows of Parquet files of documents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from octavo.corpus.locations import expand
from octavo.corpus.readers.reading import Unreadable, reader_for
from octavo.errors import InputError
from octavo.recipe.schema import Source
from octavo.tuning.translation.parallel_table import Matched, read_table

_COLUMNS: Final = ["identifier", "text"]


def read_texts(table: Sequence[Matched], home: Path, files: Iterable[Path] = ()) -> dict[str, str]:
    """The text of each document that a table names, by its name there.

    A name is the identifier of a document in one of the Parquet `files` (columns identifier and text), or the path
    of a file of any format that octavo reads, from `home` on, which has one document. Raises InputError, with the
    table's row and column, where there is no such document or it cannot be read, or has no text.
    """
    names = {name: None for row in table for name in (row.source, row.target)}
    texts: dict[str, str] = {}
    for file in files:
        texts |= _rows(file, list(names))
    for row in table:
        for column, name in (("source", row.source), ("target", row.target)):
            if name not in texts:
                texts[name] = _read(home / name, f"{row.place}: {column}")
    return texts


def named_files(tables: Iterable[Path]) -> list[Path]:
    """The files beside tables that these name as documents."""
    named = [(table, name) for table in tables for row in read_table(table) for name in (row.source, row.target)]
    return list(dict.fromkeys(table.parent / name for table, name in named if (table.parent / name).is_file()))


def _rows(file: Path, names: list[str]) -> dict[str, str]:
    try:
        with pq.ParquetFile(file) as opened:
            found: dict[str, str] = {}
            for batch in opened.iter_batches(256, columns=_COLUMNS):
                wanted = batch.filter(pc.is_in(batch["identifier"].cast(pa.string()), pa.array(names, pa.string())))
                found |= {row["identifier"]: row["text"] or "" for row in wanted.to_pylist()}
            return found
    except (pa.ArrowException, OSError, KeyError) as error:
        reason = str(error).split("\n")[0]
        raise InputError(
            f"{file}: cannot be read ({reason}), expected Parquet with the columns identifier and text"
        ) from None


def _read(path: Path, where: str) -> str:
    if not path.is_file():
        raise InputError(f"{where}: found no document or file {path}, expected one")
    source = Source(path=str(path))
    try:
        locations, _ = expand(str(path))
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    texts: list[str] = []
    for found in reader_for(locations[0])(locations[0], source):
        if isinstance(found, Unreadable):
            raise InputError(f"{where}: {found.where}: found {found.reason}, expected a document")
        texts += found["text"].to_pylist()
    if len(texts) != 1 or not texts[0] or not texts[0].strip():
        raise InputError(f"{where}: {path}: found {len(texts)} documents, expected one with a text")
    text: str = texts[0]
    return text
