"""Documents for two sides to train on, and passages of other works that neither has seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

WORKS = 10
"""Works held out of each language."""
PASSAGE = 8_000
"""Characters measured of each, from the middle of a document that has so many."""
WORDS = 8
COPIED = 20
"""A document with so many sequences of so many words of a passage is taken for a copy of it, and left out."""

Passages = dict[str, list[str]]


class Divided(NamedTuple):
    """The passages by language, how many copies of them were left out, and the bytes that are left to train on."""

    passages: Passages
    copies: int
    size: int


def divide(folder: Path, documents: Path, megabytes: float) -> Divided:
    """Write some of a folder's documents to `documents`, as Parquet, and take passages of other works.

    Works (what stands before the # of an identifier) and documents are taken in the order of a hash, the languages
    in their own proportions.
    """
    tables = pa.concat_tables(map(pq.read_table, sorted(folder.glob("*.parquet"))))
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(tables.to_pylist(), key=_lot):
        rows.setdefault(row["lang"], []).append(row)
    rows = dict(sorted(rows.items()))
    chosen = {lang: _works(mine) for lang, mine in rows.items()}
    passages = {lang: list(map(_middle, works.values())) for lang, works in chosen.items()}
    held = frozenset(_sequences(text for mine in passages.values() for text in mine))
    out = {work for works in chosen.values() for work in works}
    share = megabytes * 1e6 / sum(len(row["text"].encode()) for mine in rows.values() for row in mine)
    copies = size = 0
    documents.mkdir(parents=True)
    for lang, mine in rows.items():
        wanted = share * sum(len(row["text"].encode()) for row in mine)
        taken: list[dict[str, Any]] = []
        for row in mine:
            if wanted <= 0:
                break
            if _work(row) in out:
                continue
            if sum(one in held for one in _sequences([row["text"]])) >= COPIED:
                copies += 1
                continue
            taken.append(row)
            wanted -= len(row["text"].encode())
        size += sum(len(row["text"].encode()) for row in taken)
        table = pa.Table.from_pylist(taken, tables.schema)
        pq.write_table(table, documents / f"documents-{lang}.parquet", row_group_size=100)
    return Divided(passages, copies, size)


def _work(row: dict[str, Any]) -> str:
    return str(row["identifier"]).partition("#")[0]


def _lot(row: dict[str, Any]) -> bytes:
    return blake2b(row["identifier"].encode()).digest()


def _works(rows: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Works to hold out, each with the text of a document that is long enough."""
    texts = {_work(row): row["text"] for row in rows if len(row["text"]) >= PASSAGE}
    return {work: texts[work] for work in sorted(texts, key=lambda work: blake2b(work.encode()).digest())[:WORKS]}


def _middle(text: str) -> str:
    start = (len(text) - PASSAGE) // 2
    return text[start : start + PASSAGE]


def _sequences(texts: Iterable[str]) -> Iterator[int]:
    for text in texts:
        words = text.lower().split()
        for place in range(len(words) - WORDS + 1):
            yield hash(tuple(words[place : place + WORDS]))
