"""Stage trace: the index over the token files that a run was trained on, part by part."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from octavo.compiled import Ints
from octavo.errors import InputError
from octavo.evaluation.verbatim import entry_bytes
from octavo.lineage import write_json
from octavo.progress import Progress
from octavo.recipe.schema import Recipe
from octavo.tokenization.encode import load_tokenizer
from octavo.tokenization.index import documents_of_run, has_rows, open_rows
from octavo.tokenization.shards import Shard, check_ends
from octavo.tracing.index.composing import composed_documents
from octavo.tracing.index.reading import (
    CONTENTS,
    DOCUMENT_FIELDS,
    DOCUMENTS,
    DOCUMENTS_SCHEMA,
    PART_CONTENTS,
    SUFFIXES,
    TEXT,
    WORDS,
    Contents,
    PartContents,
)
from octavo.tracing.index.suffixes import sort_suffixes
from octavo.tracing.index.text import Bytes, Places, classes, count_words, spell_documents, write_documents
from octavo.training.data import training_shards

BATCH: Final = 1 << 20
"""Tokens of documents that are written together."""
MEGABYTE: Final = 10**6
LONGEST: Final = 1 << 32
"""Bytes that a place in a part can tell."""
_KEPT_COLUMNS: Final = tuple(
    {"language": "lang", "licence": "spdx", "url": "source_url"}.get(field, field) for field in DOCUMENT_FIELDS
)
"""Of corpus/kept."""


class Slice(NamedTuple):
    """Documents of a token file."""

    shard: int
    documents: Ints
    bytes: int
    """That they take at most."""


class Entries(NamedTuple):
    """What a vocabulary's entries stand for: entry n the bytes of `flat` from `firsts[n]` to `firsts[n + 1]`."""

    flat: Bytes
    firsts: Ints


def build_index(recipe: Recipe, run: Path, home: Path, progress: Progress) -> dict[str, Any]:
    """Index the token files that a run trains on; returns the stage's figures.

    Parts that are there already are taken as they are. Raises InputError for a document too long for a part.
    """
    entries = _entries(run / "tokenizer" / "tokenizer.json")
    shards = training_shards(recipe, run / "tokens")
    planned = list(plan_parts(shards, entries, recipe.trace.part_megabytes * MEGABYTE, progress))
    parts = []
    for number, slices in enumerate(planned):
        progress.check()
        progress.update(number, len(planned), f"part {number + 1} of {len(planned)}")
        part = home / f"part-{number:05d}"
        if not progress.has(part / PART_CONTENTS):
            _write_part(part, slices, shards, entries)
            progress.made(part / PART_CONTENTS, *(part / name for name in (TEXT, WORDS, SUFFIXES, DOCUMENTS)))
        parts.append(PartContents.model_validate_json((part / PART_CONTENTS).read_bytes()))
    write_json(home / CONTENTS, Contents(parts=parts).model_dump())
    return {
        "parts": len(parts),
        "documents": sum(part.documents for part in parts),
        "words": sum(part.words for part in parts),
        "tokens": sum(len(shard.tokens) for shard in shards),
        "text_bytes": sum(part.bytes for part in parts),
        "index_bytes": sum(file.stat().st_size for file in home.glob("part-*/*")),
    }


def plan_parts(shards: Sequence[Shard], entries: Entries, most: int, progress: Progress) -> Iterator[list[Slice]]:
    """Which documents each part has: in the order of the files, as many as make `most` bytes, or one alone.

    A document that the mixture takes several times, one after the other, is taken once.
    """
    part: list[Slice] = []
    room = most
    for number, shard in enumerate(shards):
        progress.check()
        check_ends(shard)
        taken = _taken_once(shard)
        sizes = _sizes(shard, taken, entries)
        if sizes.max(initial=0) >= LONGEST:
            raise InputError(f"{shard.path}: found a document of {LONGEST:,} bytes or more, expected shorter ones")
        bounds = np.concatenate(([0], np.cumsum(sizes)))
        first = 0
        while first < len(taken):
            last = int(np.searchsorted(bounds, bounds[first] + room, side="right")) - 1
            if last <= first and part:  # below it where a document alone has taken more room than there was
                yield part
                part, room = [], most
                continue
            last = max(last, first + 1)
            size = int(bounds[last] - bounds[first])
            part.append(Slice(number, taken[first:last], size))
            room -= size
            first = last
    if part:
        yield part


def _taken_once(shard: Shard) -> Ints:
    """The documents of a token file without those that repeat the one before."""
    if not has_rows(shard):
        return np.arange(len(shard.document_ends))
    rows = open_rows(shard).column("row").to_numpy()
    return np.flatnonzero(np.diff(rows, prepend=-1) != 0)


class _Batch(NamedTuple):
    """Documents that are read together: the tokens of document `numbers[n]` are from `begins[n]` to `ends[n]`."""

    numbers: Ints
    tokens: Ints
    begins: Ints
    ends: Ints


def _batches(shard: Shard, documents: Ints) -> Iterator[_Batch]:
    """Documents of a token file, in order, by BATCH tokens and one document at least."""
    ends = shard.document_ends[documents].astype(np.int64)
    begins = np.where(documents > 0, shard.document_ends[documents - 1], 0).astype(np.int64)
    first = 0
    while first < len(documents):
        start = int(begins[first])
        last = max(int(np.searchsorted(ends, start + BATCH, side="right")), first + 1)
        tokens = shard.tokens[start : ends[last - 1]].astype(np.int64)
        yield _Batch(documents[first:last], tokens, begins[first:last] - start, ends[first:last] - start)
        first = last


def _sizes(shard: Shard, documents: Ints, entries: Entries) -> Ints:
    """The bytes that each document takes at most: those of its entries, and the border after it."""
    lengths = np.diff(entries.firsts)
    sizes = [np.empty(0, np.int64)]
    for batch in _batches(shard, documents):
        highest = int(batch.tokens.max(initial=0))
        if highest >= len(lengths):
            raise InputError(f"{shard.path}: found id {highest:,}, expected ids under {len(lengths):,}")
        total = np.concatenate(([0], np.cumsum(lengths[batch.tokens])))
        sizes.append(total[batch.ends] - total[batch.begins] + 1)
    return np.concatenate(sizes)


def _entries(file: Path) -> Entries:
    contents = entry_bytes(load_tokenizer(file))
    firsts = np.concatenate(([0], np.cumsum([len(content) for content in contents], dtype=np.int64)))
    return Entries(np.frombuffer(b"".join(contents), np.uint8), firsts)


def _write_part(part: Path, slices: list[Slice], shards: Sequence[Shard], entries: Entries) -> None:
    """Write a part into a folder that is there whole or not at all."""
    partial = part.with_name(part.name + ".partial")
    for old in (partial, part):
        shutil.rmtree(old, ignore_errors=True)
    partial.mkdir(parents=True)
    text, starts, documents = _texts(slices, shards, entries)
    slots = max(256, 1 << (len(starts) // 16).bit_length())
    counts = count_words(text, starts, classes(), slots)
    text.tofile(partial / TEXT)
    counts.astype("<u4", copy=False).tofile(partial / WORDS)
    sort_suffixes(text, starts).astype("<u4", copy=False).tofile(partial / SUFFIXES)
    with pa.OSFile(str(partial / DOCUMENTS), "wb") as file, pa.ipc.new_file(file, DOCUMENTS_SCHEMA) as writer:
        writer.write_table(documents)
    contents = PartContents(
        name=part.name, bytes=len(text), words=len(starts), slots=slots, documents=len(documents)
    )
    write_json(partial / PART_CONTENTS, contents.model_dump())
    os.sync()
    partial.rename(part)


def _texts(slices: list[Slice], shards: Sequence[Shard], entries: Entries) -> tuple[Bytes, Places, pa.Table]:
    """The texts of a part, where their words begin, and its documents."""
    room = sum(part.bytes for part in slices)
    text, starts = np.empty(room, np.uint8), np.empty(room // 2 + 1, np.uint32)
    at, words = 0, 0
    tables = []
    known: tuple[int, pa.Table] | None = None
    for part in slices:
        if known is None or known[0] != part.shard:
            known = part.shard, _known(shards[part.shard])
        for batch in _batches(shards[part.shard], part.documents):
            raw, bounds = composed_documents(*spell_documents(batch.tokens, batch.begins, batch.ends, *entries))
            begins, at, count = write_documents(raw, bounds, classes(), text, at, starts[words:])
            words += count
            own = known[1].take(batch.numbers)
            tables.append(own.add_column(0, DOCUMENTS_SCHEMA.field(0), [begins]))
    return text[:at], starts[:words], pa.concat_tables(tables).combine_chunks()


def _known(shard: Shard) -> pa.Table:
    """What is known of a token file's documents, from the corpus of the run that made it, where that is there."""
    count = len(shard.document_ends)
    fields: dict[str, Any] = {}
    if has_rows(shard):
        rows = open_rows(shard)
        fields["identifier"] = rows.column("identifier")
        documents = documents_of_run(shard.path)
        if documents.exists() and pq.read_metadata(documents).num_rows > pc.max(rows.column("row")).as_py():
            table = pq.read_table(documents, columns=list(_KEPT_COLUMNS)).take(rows.column("row"))
            if table.column("identifier").combine_chunks() == rows.column("identifier").combine_chunks():
                fields = dict(zip(DOCUMENT_FIELDS, table.columns, strict=True))
    else:
        names = [f"{shard.path.name}#{number}" for number in range(count)]
        fields["identifier"] = pa.array(names, pa.large_string())
    none = pa.nulls(count, pa.large_string())
    schema = pa.schema(list(DOCUMENTS_SCHEMA)[1:])
    return pa.table([fields.get(field, none) for field in DOCUMENT_FIELDS], schema=schema)
