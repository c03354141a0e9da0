"""Stage trace: the index over the token files that a run was trained on, part by part."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from itertools import pairwise
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
from octavo.recipe import Recipe
from octavo.tokenization.encode import load_tokenizer
from octavo.tokenization.index import has_rows, open_rows
from octavo.tokenization.shards import Shard, open_shards
from octavo.tracing.index import (
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
from octavo.tracing.index_text import Bytes, Places, classes, count_words, write_documents
from octavo.tracing.suffixes import sort_suffixes

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
    """Documents of a token file that follow one another."""

    shard: int
    first: int
    last: int


class Entries(NamedTuple):
    """What a vocabulary's entries stand for: entry n the bytes of `flat` from `firsts[n]` to `firsts[n + 1]`."""

    flat: Bytes
    firsts: Ints


def build_index(recipe: Recipe, run: Path, home: Path, progress: Progress) -> dict[str, Any]:
    """Index the token files of a run and those that its recipe names; returns the stage's figures.

    Parts that are there already are taken as they are. Raises InputError for a document too long for a part.
    """
    entries = _entries(run / "tokenizer" / "tokenizer.json")
    folders = [run / "tokens", *map(Path, recipe.token_folders)]
    shards = [shard for folder in folders for shard in open_shards(folder)]
    planned = list(plan_parts(shards, entries, recipe.trace.part_megabytes * MEGABYTE))
    parts = []
    for number, slices in enumerate(planned):
        progress.check()
        progress.update(number, len(planned), f"part {number + 1} of {len(planned)}")
        part = home / f"part-{number:05d}"
        if not part.exists():
            _write_part(part, slices, shards, entries)
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


def plan_parts(shards: Sequence[Shard], entries: Entries, most: int) -> Iterator[list[Slice]]:
    """Which documents each part has: in the order of the files, as many as make `most` bytes, or one alone.

    A document that the mixture takes several times, one after the other, is taken once.
    """
    part: list[Slice] = []
    room = most
    for number, shard in enumerate(shards):
        taken = _taken_once(shard)
        bounds = np.cumsum(_sizes(shard, entries, 0, len(shard.document_ends))[taken])
        if len(bounds) and int(np.diff(bounds, prepend=0).max()) >= LONGEST:
            raise InputError(f"{shard.path}: found a document of {LONGEST:,} bytes or more, expected shorter ones")
        first = 0
        while first < len(taken):
            done = int(bounds[first - 1]) if first else 0
            last = int(np.searchsorted(bounds, done + room, side="right"))
            if last == first and part:
                yield part
                part, room = [], most
                continue
            last = max(last, first + 1)
            part += [Slice(number, int(taken[a]), int(taken[b - 1]) + 1) for a, b in _runs(taken, first, last)]
            room -= int(bounds[last - 1]) - done
            first = last
    if part:
        yield part


def _runs(taken: Ints, first: int, last: int) -> Iterator[tuple[int, int]]:
    """Stretches of `taken` without a gap, between two places in it."""
    gaps = np.flatnonzero(np.diff(taken[first:last]) > 1) + first + 1
    edges = [first, *gaps.tolist(), last]
    return pairwise(edges)


def _taken_once(shard: Shard) -> Ints:
    """The documents of a token file without those that repeat the one before."""
    if not has_rows(shard):
        return np.arange(len(shard.document_ends))
    rows = open_rows(shard).column("row").to_numpy()
    return np.flatnonzero(np.diff(rows, prepend=-1) != 0)


def _sizes(shard: Shard, entries: Entries, first: int, last: int) -> Ints:
    """The bytes of the text of each document from `first` up to `last`, and of the border after it."""
    lengths = np.diff(entries.firsts)
    ends = shard.document_ends.astype(np.int64)
    sizes = []
    for begin, end in _batches(ends, first, last):
        start = int(ends[begin - 1]) if begin else 0
        total = np.concatenate(([0], np.cumsum(lengths[shard.tokens[start : int(ends[end - 1])]])))
        sizes.append(np.diff(total[ends[begin:end] - start], prepend=0) + 1)
    return np.concatenate([np.empty(0, np.int64), *sizes])


def _batches(ends: Ints, first: int, last: int) -> Iterator[tuple[int, int]]:
    """The documents from `first` up to `last`, by BATCH tokens and one document at least."""
    while first < last:
        start = int(ends[first - 1]) if first else 0
        until = int(np.searchsorted(ends, start + BATCH, side="right"))
        until = min(max(until, first + 1), last)
        yield first, until
        first = until


def _entries(file: Path) -> Entries:
    contents = [b"" if content == b"\xff" else content for content in entry_bytes(load_tokenizer(file))]
    firsts = np.concatenate(([0], np.cumsum([len(content) for content in contents], dtype=np.int64)))
    return Entries(np.frombuffer(b"".join(contents), np.uint8), firsts)


def _write_part(part: Path, slices: list[Slice], shards: Sequence[Shard], entries: Entries) -> None:
    """Write a part into a folder that is there whole or not at all."""
    partial = part.with_name(part.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    text, starts, documents = _texts(slices, shards, entries)
    slots = max(256, 1 << (len(starts) // 16).bit_length())
    counts = count_words(text, starts, classes(), slots)
    text.tofile(partial / TEXT)
    counts.astype("<u4").tofile(partial / WORDS)
    sort_suffixes(text, starts).astype("<u4").tofile(partial / SUFFIXES)
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
    room = sum(int(_sizes(shards[part.shard], entries, part.first, part.last).sum()) for part in slices)
    text, starts = np.empty(room, np.uint8), np.empty(room // 2 + 1, np.uint32)
    at, words = 0, 0
    tables = []
    known: tuple[int, pa.Table] | None = None
    for part in slices:
        shard = shards[part.shard]
        if known is None or known[0] != part.shard:
            known = part.shard, _known(shard)
        ends = shard.document_ends.astype(np.int64)
        for first, last in _batches(ends, part.first, part.last):
            bounds = np.concatenate(([ends[first - 1] if first else 0], ends[first:last]))
            tokens = shard.tokens[bounds[0] : bounds[-1]].astype(np.int64)
            begins, at, count = write_documents(
                tokens, bounds - bounds[0], *entries, classes(), text, at, starts[words:]
            )
            words += count
            tables.append(known[1].slice(first, last - first).add_column(0, DOCUMENTS_SCHEMA.field(0), [begins]))
    return text[:at], starts[:words], pa.concat_tables(tables).combine_chunks()


def _known(shard: Shard) -> pa.Table:
    """What is known of a token file's documents, from the corpus of the run that made it, where that is there."""
    count = len(shard.document_ends)
    fields: dict[str, Any] = {}
    if has_rows(shard):
        rows = open_rows(shard)
        fields["identifier"] = rows.column("identifier")
        documents = shard.path.parent.parent / "corpus" / "kept" / f"{shard.path.stem}.parquet"
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
