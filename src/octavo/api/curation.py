"""Curation from Python: a table goes in; what is kept, what is removed, and the ledger come out as tables."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from octavo.api.road import stage_progress
from octavo.corpus.importing import check_source, import_file
from octavo.corpus.locations import Location
from octavo.corpus.parts import parts_of
from octavo.corpus.readers.parquet import wanted_columns
from octavo.corpus.schema import KEPT_SCHEMA, LEDGER_SCHEMA, REMOVED_SCHEMA
from octavo.curation import weighing
from octavo.curation.licences import check_allowed
from octavo.curation.pipeline import NothingLeftError
from octavo.curation.pipeline import curate as curate_parts
from octavo.errors import InputError
from octavo.recipe.curation import Curation
from octavo.recipe.file import validate
from octavo.recipe.schema import LANGUAGES, Recipe, Source

NAME: Final = "documents"
"""What messages, identifiers and the ledger call a table that has no file."""


class ArrowTable(Protocol):
    """A table of any library that hands its columns on by Arrow's PyCapsule interface."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The columns, as a stream."""
        ...


@dataclass(frozen=True)
class Curated:
    """What became of a table's documents; each is in `kept` or in `removed`, and has its row in `ledger`."""

    kept: pa.Table
    """Those that stay, as repair and redaction left them, with language, licence, century, genre and split."""
    removed: pa.Table
    """Those that go, as they came in, with the rule that removed them and its evidence."""
    ledger: pa.Table
    """The fate of each, and why."""


def curate(
    documents: ArrowTable,
    *,
    license: str | None = None,
    columns: Mapping[str, str] | None = None,
    languages: Sequence[str] = LANGUAGES,
    curation: Mapping[str, Any] | Curation | None = None,
) -> Curated:
    """Decide which documents of a table stay, by the rules of the stage curation, and mend them.

    The table is Arrow's, pandas', Polars', Daft's, or another that speaks Arrow's PyCapsule interface. It needs a
    column `text`; of the others those count that a corpus has, such as `identifier`, `license`, `creator` and
    `date`. `columns` maps octavo's names to the table's where they differ. `license` is that of documents that
    state none themselves: without either, only what the law finds in the public domain stays. `curation` is the
    recipe's section, or what of it differs from the defaults. Raises InputError where one of these is wrong.

    >>> import pyarrow as pa
    >>> letter = (
    ...     "My dear friend, the ferry was late again, and by the time I reached the island the keeper had gone to "
    ...     "bed. He left a lamp in the window for me, with bread and cheese, and a note about the weather."
    ... )
    >>> table = pa.table({"text": [letter, "Page 12"]})
    >>> curated = octavo.curate(table, license="CC-BY-4.0")
    >>> curated.kept.select(["identifier", "lang", "spdx"]).to_pylist()
    [{'identifier': 'documents:1', 'lang': 'en', 'spdx': 'CC-BY-4.0'}]
    >>> curated.removed.select(["identifier", "rule"]).to_pylist()
    [{'identifier': 'documents:2', 'rule': 'language'}]
    """
    recipe = _recipe(license, columns, languages, curation)
    source = recipe.corpus.sources[0]
    check_source(source, "")
    check_allowed(recipe.curation.licences.allow)
    weighing.check(recipe.curation.toxicity, recipe.corpus.languages)
    if recipe.curation.toxicity.rewriting:
        raise InputError(
            "curate: curation.toxicity.rewriting: found a model that rewrites, expected null: a table has no place "
            "where answers that were paid for are kept; octavo.run with a recipe has"
        )
    table = _as_arrow(documents, source)
    with tempfile.TemporaryDirectory(prefix="octavo-") as folder, stage_progress("curation") as progress:
        given, parts, home = Path(folder) / "given.parquet", Path(folder) / "documents", Path(folder) / "corpus"
        _write(table, given)
        parts.mkdir()
        import_file(Location(NAME, "parquet", fs.LocalFileSystem(), str(given)), source, parts)
        with contextlib.suppress(NothingLeftError):  # the tables say why
            curate_parts(recipe, parts, home, progress)
        return Curated(
            _read(home / "kept", KEPT_SCHEMA),
            _read(home / "removed", REMOVED_SCHEMA),
            pq.read_table(home / "ledger.parquet", schema=LEDGER_SCHEMA),
        )


def _recipe(
    license: str | None,
    columns: Mapping[str, str] | None,
    languages: Sequence[str],
    curation: Mapping[str, Any] | Curation | None,
) -> Recipe:
    source = {"path": NAME, "license": license, "columns": {} if columns is None else columns}
    listed = list(languages) if isinstance(languages, Iterable) and not isinstance(languages, str) else languages
    data: dict[str, Any] = {
        "name": NAME,
        "corpus": {"sources": [source], "languages": listed},
        "curation": dict(curation) if isinstance(curation, Mapping) else curation or {},
    }
    return validate(data, {}, "curate")


def _as_arrow(documents: ArrowTable, source: Source) -> pa.Table:
    """The columns that octavo knows; others may be of types that no file takes, or no Arrow."""
    given: Any = documents
    is_frame = hasattr(given, "iloc") and hasattr(given, "columns")  # of pandas
    names = list(given.columns) if is_frame else None
    try:
        if names is not None:
            given = given[_wanted(names, source)]
        table = pa.table(given)
    except (TypeError, ValueError, pa.ArrowException) as error:
        raise InputError(
            f"{NAME}: found {type(documents).__name__}, expected a table that speaks Arrow's PyCapsule interface "
            f"({error})"
        ) from None
    if not table.num_rows:
        raise InputError(f"{NAME}: found no row, expected one at least")
    return table.select(_wanted(table.column_names, source))


def _write(table: pa.Table, file: Path) -> None:
    try:
        pq.write_table(table, file)
    except pa.ArrowException as error:
        raise InputError(f"{NAME}: found columns that Parquet does not take ({error}), expected others") from None


def _wanted(names: Sequence[Any], source: Source) -> list[str]:
    """Of a table's columns those that octavo knows."""
    texts = [name for name in names if isinstance(name, str)]
    wanted = set(wanted_columns(NAME, texts, source.columns).values())
    return [name for name in texts if name in wanted]


def _read(folder: Path, schema: pa.Schema) -> pa.Table:
    parts = [pq.read_table(part, schema=schema) for part in parts_of(folder)]
    return pa.concat_tables(parts) if parts else schema.empty_table()
