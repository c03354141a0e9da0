"""Stage corpus: every source, whatever its format, becomes Parquet files of one schema.

A source's files are read in groups, as many at once as there are cores. A group is written as one or more
parts; its inventory is written last, so that an interrupted import goes on with the groups that have none. What
cannot be read is kept in unreadable.jsonl with its place and the reason.
"""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from octavo.corpus.licences import normalise
from octavo.corpus.locations import Location, expand, is_remote
from octavo.corpus.readers.reading import Unreadable, reader_for
from octavo.corpus.schema import DOCUMENT_SCHEMA, SOURCE_SCHEMA, content_hash
from octavo.errors import InputError, OctavoError
from octavo.lineage import write_atomically, write_json
from octavo.progress import Progress
from octavo.recipe.schema import Corpus, Source
from octavo.workers import in_processes, in_threads

PART_BYTES = 16 * 1024**2
"""Text in one part at most, but for its last document."""


GROUP_BYTES, GROUP_FILES = 8 * 1024**2, 256
"""Stored bytes, and number, of the files that are read together; one file is never divided."""

COLUMNAR = ("parquet", "jsonl")
"""Formats that Arrow reads, which leaves Python's lock to others."""


@dataclass(frozen=True)
class _Group:
    """Files of a source that are read together."""

    files: list[Location]
    source: Source
    inventory: Path


def source_files(corpus: Corpus) -> list[Path]:
    """The local files that the recipe's sources name, for the lineage."""
    local = (source.path for source in corpus.sources if not is_remote(source.path))
    return [file for path in local for place in expand(path)[0] if (file := place.local)]


def check_sources(corpus: Corpus, remote: bool = True) -> None:
    """Raise InputError where a source is not there, states an unknown licence, or maps an unknown column.

    Whether `remote` ones are there is asked only where it matters, as it takes the network.
    """
    for number, source in enumerate(corpus.sources):
        check_source(source, f"corpus.sources[{number}].")
        if remote or not is_remote(source.path):
            expand(source.path)


def check_source(source: Source, where: str) -> None:
    """Raise InputError where a source states an unknown licence, or maps an unknown column; `where` it stands."""
    if source.license is not None and normalise(source.license) is None:
        raise InputError(
            f"{where}license: found {source.license!r}, expected an SPDX id or a known name of a licence"
        )
    for unknown in source.columns.keys() - set(SOURCE_SCHEMA.names):
        raise InputError(
            f"{where}columns: found {unknown!r}, which is no column of octavo's, "
            f"expected one of {', '.join(SOURCE_SCHEMA.names)}"
        )


def import_documents(corpus: Corpus, home: Path, progress: Progress) -> dict[str, Any]:
    """Read the recipe's sources into `home`/*.parquet and return the stage's figures.

    Raises InputError where a source cannot be read, states an unknown licence, or no document comes in.
    """
    home.mkdir(parents=True, exist_ok=True)
    check_sources(corpus)
    groups, skipped = _groups(corpus, home)
    pending = [group for group in groups if not progress.has(group.inventory)]
    columnar = all(location.format in COLUMNAR for group in pending for location in group.files)
    progress.check()
    progress.update(len(groups) - len(pending), len(groups), "")
    for done, group in enumerate((in_threads if columnar else in_processes)(_import_group, pending), 1):
        progress.made(group.inventory, *group.inventory.parent.glob(f"{group.inventory.stem}-*"))
        progress.check()
        progress.update(len(groups) - len(pending) + done, len(groups), group.files[-1].name)
    inventories = [json.loads(group.inventory.read_text()) for group in groups if group.inventory.exists()]
    _gather_unreadable(home)
    documents = sum(i["documents"] for i in inventories)
    unreadable = sum(i["unreadable"] for i in inventories)
    if not documents:
        raise InputError(
            f"corpus.sources: found no document ({unreadable} pieces could not be read, see "
            f"{home / 'unreadable.jsonl'}), expected at least one"
        )
    return {
        "files": sum(i["files"] for i in inventories),
        "documents": documents,
        "bytes": sum(i["bytes"] for i in inventories),
        "unreadable": unreadable,
        "skipped_files": skipped,
    }


def import_file(location: Location, source: Source, home: Path) -> None:
    """Read one file into `home`/*.parquet, as the only one of a recipe's sources. Raises InputError where it cannot
    be read."""
    _import_group(_Group([location], source, home / "000-000000.json"))


def _groups(corpus: Corpus, home: Path) -> tuple[list[_Group], list[str]]:
    """The sources' files in groups, the same on any machine, and the names of the files that no reader takes.

    A source of which only so many documents are wanted is one group, as its files are read until there are enough.
    """
    groups, skipped = [], []
    for number, source in enumerate(corpus.sources):
        found, others = expand(source.path)
        skipped += others
        stored = np.array([location.size for location in found])
        before = np.cumsum(stored) - stored
        group = before // GROUP_BYTES + np.arange(len(found)) // GROUP_FILES
        if source.documents is not None:
            group[:] = 0
        firsts = np.flatnonzero(np.diff(group, prepend=-1))
        for first, last in zip(firsts, [*firsts[1:], len(found)], strict=True):
            groups.append(_Group(found[first:last], source, home / f"{number:03d}-{first:06d}.json"))
    return groups, skipped


def _import_group(group: _Group) -> None:
    """Read a group's files into parts and write its inventory."""
    inventory = group.inventory
    for old in inventory.parent.glob(f"{inventory.stem}-*"):
        old.unlink()
    figures = {"files": 0, "documents": 0, "bytes": 0}
    unreadable: list[bytes] = []
    for number, part in enumerate(_parts(_tables(group, figures, unreadable))):
        temporary = inventory.with_suffix(".parquet.partial")
        try:
            with pq.ParquetWriter(temporary, DOCUMENT_SCHEMA, compression="zstd") as writer:
                for table in part:
                    writer.write_table(table)
            temporary.rename(inventory.with_name(f"{inventory.stem}-{number:04d}.parquet"))
        finally:
            temporary.unlink(missing_ok=True)
    if unreadable:
        write_atomically(inventory.with_name(f"{inventory.stem}-unreadable.jsonl"), b"".join(unreadable))
    write_json(inventory, figures | {"unreadable": len(unreadable)})


def _tables(group: _Group, figures: dict[str, int], unreadable: list[bytes]) -> Iterator[pa.Table]:
    """The documents of a group's files, as many as the source allows, counted on the way."""
    left = group.source.documents
    for location in group.files:
        if left == 0:
            return
        figures["files"] += 1
        rows = 0
        for piece in _pieces(location, group.source):
            if isinstance(piece, Unreadable):
                unreadable.append(_unreadable_line(piece))
                continue
            table = _complete(piece.slice(0, left), location, group.source, rows)
            rows += table.num_rows
            figures["documents"] += table.num_rows
            figures["bytes"] += pc.sum(pc.binary_length(table.column("text"))).as_py() or 0
            if table.num_rows:
                yield table
            if left is not None:
                left -= table.num_rows
                if left == 0:
                    break


def _parts(tables: Iterator[pa.Table]) -> Iterator[Iterator[pa.Table]]:
    """Tables in order, in parts of at least PART_BYTES of text; each part is to be read to its end."""
    for first in tables:
        yield _part(first, tables)


def _part(first: pa.Table, others: Iterator[pa.Table]) -> Iterator[pa.Table]:
    size = 0
    for table in itertools.chain([first], others):
        yield table
        size += pc.sum(pc.binary_length(table.column("text"))).as_py() or 0
        if size >= PART_BYTES:
            return


def _pieces(location: Location, source: Source) -> Iterator[pa.Table | Unreadable]:
    """What the file's reader yields; OctavoError where the place that the file lies at fails meanwhile."""
    try:
        yield from reader_for(location)(location, source)
    except OctavoError:
        raise
    except Exception as error:  # each remote filesystem has errors of its own
        if location.local:
            raise
        raise OctavoError(
            f"{location.name}: could not be read to its end ({type(error).__name__}: {error}); "
            "the same command begins with this file again"
        ) from error


def _complete(table: pa.Table, location: Location, source: Source, start: int) -> pa.Table:
    """Fill in what a source leaves out: identifiers, collection, and the source's own columns."""
    rows = pa.array([f"{location.name}:{start + n + 1}" for n in range(table.num_rows)], pa.large_string())
    identifiers = pc.coalesce(table.column("identifier"), rows)
    collection = table.column("collection")
    if source.collection is not None:
        collection = pc.fill_null(collection, source.collection)
    text = pc.fill_null(table.column("text"), "")
    hashes = [content_hash(t) for t in text.to_pylist()]
    columns = {name: table.column(name) for name in SOURCE_SCHEMA.names}
    columns |= {
        "identifier": identifiers,
        "collection": collection,
        "text": text,
        "source": pa.array([location.name] * table.num_rows, pa.large_string()),
        "content_hash": pa.array(hashes, pa.large_string()),
    }
    return pa.table(columns, schema=DOCUMENT_SCHEMA)


def _unreadable_line(piece: Unreadable) -> bytes:
    entry = {"where": piece.where, "reason": piece.reason}
    try:
        entry["content"] = piece.content.decode()
    except UnicodeDecodeError:
        entry["content_base64"] = base64.b64encode(piece.content).decode()
    return json.dumps(entry, ensure_ascii=False).encode() + b"\n"


def _gather_unreadable(home: Path) -> None:
    """Bring what could not be read into one file that a person finds."""
    found = sorted(home.glob("*-unreadable.jsonl"))
    if found:
        write_atomically(home / "unreadable.jsonl", b"".join(f.read_bytes() for f in found))
