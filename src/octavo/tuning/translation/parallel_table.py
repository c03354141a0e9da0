"""The table that tells which documents are translations of one another."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from octavo.corpus.rows import Row, read_rows
from octavo.errors import InputError
from octavo.recipe.schema import LANGUAGES

COLUMNS: Final = ("source", "target", "src_lang", "tgt_lang")


class Matched(NamedTuple):
    """Two documents, by their identifiers or paths, as the table names them."""

    source: str
    target: str
    src_lang: str
    tgt_lang: str
    place: str
    """Where the table says so: for messages."""


def read_table(file: Path) -> list[Matched]:
    """The documents that belong together: of a Parquet, CSV or JSON Lines file with the columns COLUMNS.

    Raises InputError, with file, line or row, and column, where one is missing, empty or of another kind, where a
    language is none of the eight or both are one, and where two documents are named together again.
    """
    found: dict[tuple[str, str], Matched] = {}
    for row in read_rows(file):
        one = _matched(row)
        before = found.setdefault((one.source, one.target), one)
        if before is not one:
            raise InputError(
                f"{one.place}: source, target: found {one.source} with {one.target} again, which are in "
                f"{before.place}, expected each two once"
            )
    if not found:
        raise InputError(f"{file}: found no rows, expected documents that belong together")
    return list(found.values())


def _matched(row: Row) -> Matched:
    source, target = (_named(row, column) for column in COLUMNS[:2])
    src_lang, tgt_lang = (row.one_of(column, LANGUAGES) for column in COLUMNS[2:])
    if src_lang == tgt_lang:
        raise row.wrong("tgt_lang", f"another language than src_lang ({src_lang})")
    if source == target:
        raise row.wrong("target", "another document than source")
    return Matched(source, target, src_lang, tgt_lang, row.place)


def _named(row: Row, column: str) -> str:
    name = row.text(column).strip()
    if not name:
        raise row.wrong(column, "the identifier or path of a document")
    return name
