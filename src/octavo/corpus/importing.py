"""Stage corpus: every source, whatever its format, becomes Parquet files of one schema.

Each source file is read once and written as one or more parts; its inventory is written last, so that an
interrupted import goes on with the first file that has none. What cannot be read is kept in
unreadable.jsonl with its place and the reason.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from octavo.corpus.licences import normalise
from octavo.corpus.locations import Location, expand, is_remote
from octavo.corpus.readers import Unreadable, reader_for
from octavo.corpus.schema import DOCUMENT_SCHEMA, SOURCE_SCHEMA, content_hash
from octavo.errors import InputError, OctavoError
from octavo.lineage import write_atomically, write_json
from octavo.progress import Progress
from octavo.recipe import Corpus, Source

PART_BYTES = 128 * 1024**2
"""Text in one part at most, but for its last document."""


def source_files(corpus: Corpus) -> list[Path]:
    """The local files that the recipe's sources name, for the lineage."""
    local = (source.path for source in corpus.sources if not is_remote(source.path))
    return [file for path in local for place in expand(path)[0] if (file := place.local)]


def check_sources(corpus: Corpus, remote: bool = True) -> None:
    """Raise InputError where a source is not there, states an unknown licence, or maps an unknown column.

    Whether `remote` ones are there is asked only where it matters, as it takes the network.
    """
    for number, source in enumerate(corpus.sources):
        if source.license is not None and normalise(source.license) is None:
            raise InputError(
                f"corpus.sources[{number}].license: found {source.license!r}, "
                "expected an SPDX id or a known name of a licence"
            )
        for unknown in source.columns.keys() - set(SOURCE_SCHEMA.names):
            raise InputError(
                f"corpus.sources[{number}].columns: found {unknown!r}, which is no column of octavo's, "
                f"expected one of {', '.join(SOURCE_SCHEMA.names)}"
            )
        if remote or not is_remote(source.path):
            expand(source.path)


def import_documents(corpus: Corpus, home: Path, progress: Progress) -> dict[str, Any]:
    """Read the recipe's sources into `home`/*.parquet and return the stage's figures.

    Raises InputError where a source cannot be read, states an unknown licence, or no document comes in.
    """
    home.mkdir(parents=True, exist_ok=True)
    check_sources(corpus)
    places = [(n, source, *expand(source.path)) for n, source in enumerate(corpus.sources)]
    total = sum(len(found) for _, _, found, _ in places)
    inventories: list[dict[str, Any]] = []
    for number, source, found, _ in places:
        left = source.documents
        for index, location in enumerate(found):
            progress.check()
            progress.update(len(inventories), total, location.name)
            inventory = home / f"{number:03d}-{index:06d}.json"
            if inventory.exists():
                counted = json.loads(inventory.read_text())
            else:
                counted = _import_file(location, source, left, inventory)
                write_json(inventory, counted)
            inventories.append(counted)
            if left is not None:
                left -= counted["documents"]
                if left <= 0:
                    break
    _gather_unreadable(home)
    documents = sum(i["documents"] for i in inventories)
    unreadable = sum(i["unreadable"] for i in inventories)
    if not documents:
        raise InputError(
            f"corpus.sources: found no document ({unreadable} pieces could not be read, see "
            f"{home / 'unreadable.jsonl'}), expected at least one"
        )
    return {
        "files": len(inventories),
        "documents": documents,
        "bytes": sum(i["bytes"] for i in inventories),
        "unreadable": unreadable,
        "skipped_files": [name for _, _, _, skipped in places for name in skipped],
    }


def _import_file(location: Location, source: Source, limit: int | None, inventory: Path) -> dict[str, Any]:
    documents = text_bytes = parts = 0
    writer: pq.ParquetWriter | None = None
    part_bytes = 0
    unreadable = []
    for old in inventory.parent.glob(f"{inventory.stem}-*"):
        old.unlink()
    temporary = inventory.with_suffix(".parquet.partial")

    def close_part() -> None:
        nonlocal writer, parts, part_bytes
        if writer:
            writer.close()
            temporary.rename(inventory.with_name(f"{inventory.stem}-{parts:04d}.parquet"))
            parts, part_bytes, writer = parts + 1, 0, None

    try:
        for piece in _pieces(location, source):
            if isinstance(piece, Unreadable):
                unreadable.append(_unreadable_line(piece))
                continue
            if limit is not None:
                piece = piece.slice(0, limit - documents)
            for table in _complete(piece, location, source, documents):
                writer = writer or pq.ParquetWriter(temporary, DOCUMENT_SCHEMA, compression="zstd")
                writer.write_table(table)
                size = pc.sum(pc.binary_length(table.column("text"))).as_py() or 0
                documents += table.num_rows
                text_bytes += size
                part_bytes += size
                if part_bytes >= PART_BYTES:
                    close_part()
            if limit is not None and documents >= limit:
                break
        close_part()
    finally:
        if writer:
            writer.close()
            temporary.unlink(missing_ok=True)
    if unreadable:
        write_atomically(inventory.with_name(f"{inventory.stem}-unreadable.jsonl"), b"".join(unreadable))
    return {
        "file": location.name,
        "documents": documents,
        "bytes": text_bytes,
        "unreadable": len(unreadable),
    }


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


def _complete(table: pa.Table, location: Location, source: Source, start: int) -> Iterator[pa.Table]:
    """Fill in what a source leaves out: identifiers, collection, and the source's own columns."""
    if not table.num_rows:
        return
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
    yield pa.table(columns, schema=DOCUMENT_SCHEMA)


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
