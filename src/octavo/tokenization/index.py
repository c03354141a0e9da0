"""Which document a token came from, and where a document's tokens are.

Beside each token file NAME.ds lies NAME.ds.documents.arrow: a row for each of its documents, in order, with the
identifier, the row in corpus/kept/NAME.parquet, and the documents sorted by identifier. It is an Arrow file that is
mapped and not read, so that the index of any corpus opens at once: from a token to its document and from a document
to its tokens takes O(log n), and so does the search for an identifier in each token file.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from octavo.arrow_file import open_arrow
from octavo.errors import InputError
from octavo.tokenization.shards import Shard, check_ends, open_shards

SCHEMA = pa.schema([("identifier", pa.large_string()), ("row", pa.int64()), ("by_identifier", pa.int64())])


class Document(NamedTuple):
    """A document in the token files. One that the mixture takes n times is there n times."""

    number: int
    """Its place among all documents."""
    identifier: str
    part: str
    """Name of its file in corpus/kept."""
    row: int
    """Its row in that file."""
    start: int
    """Position of its first token among the tokens of all files."""
    end: int
    """Position after its last token."""


def training_documents(columns: pa.RecordBatch | pa.Table) -> np.ndarray:
    """Rows to train on, by `split` and `repeats`, in order: each as often as the mixture takes it."""
    rows = np.flatnonzero(pc.equal(columns.column("split"), "train").to_numpy(zero_copy_only=False))
    often: np.ndarray = np.repeat(rows, columns.column("repeats").to_numpy()[rows])
    return often


def write_documents(part: Path, shard: Path) -> None:
    """Write the index of a token file that is made of a part's training documents."""
    columns = pq.read_table(part, columns=["identifier", "split", "repeats"])
    rows = training_documents(columns)
    identifiers = columns.column("identifier").combine_chunks().take(pa.array(rows))
    table = pa.table([identifiers, rows, pc.sort_indices(identifiers).cast(pa.int64())], schema=SCHEMA)
    temporary = shard.with_name(f"{shard.name}.documents.partial")
    with pa.OSFile(str(temporary), "wb") as file, pa.ipc.new_file(file, SCHEMA) as writer:
        writer.write_table(table.combine_chunks())
    temporary.rename(rows_file(shard))


class Documents:
    """The documents of some token files, numbered in the order of the files."""

    def __init__(self, shards: Sequence[Shard], rows: list[pa.Table]) -> None:
        self.shards = shards
        self.rows = rows
        self.first_tokens = np.concatenate(([0], np.cumsum([len(s.tokens) for s in shards], dtype=np.int64)))
        self.first_documents = np.concatenate(([0], np.cumsum([len(r) for r in rows], dtype=np.int64)))

    def __len__(self) -> int:
        return int(self.first_documents[-1])

    def of_tokens(self, positions: np.ndarray) -> np.ndarray:
        """Numbers of the documents that the tokens at these positions belong to; IndexError outside the files."""
        positions = np.asarray(positions, np.int64)
        if positions.size and not 0 <= positions.min() <= positions.max() < self.first_tokens[-1]:
            raise IndexError(
                f"found positions {positions.min()} to {positions.max()}, expected 0 to under "
                f"{self.first_tokens[-1]}"
            )
        numbers = np.empty_like(positions)
        where = np.searchsorted(self.first_tokens, positions, side="right") - 1
        for n in np.unique(where):
            here = where == n
            within = (positions[here] - self.first_tokens[n]).astype(np.uint64)
            found = np.searchsorted(self.shards[n].document_ends, within, side="right")
            numbers[here] = self.first_documents[n] + found
        return numbers

    def __getitem__(self, number: int) -> Document:
        if not 0 <= number < len(self):
            raise IndexError(f"found document {number}, expected 0 to under {len(self)}")
        n = int(np.searchsorted(self.first_documents, number, side="right")) - 1
        within = number - int(self.first_documents[n])
        ends, first = self.shards[n].document_ends, int(self.first_tokens[n])
        return Document(
            number,
            self.rows[n].column("identifier")[within].as_py(),
            f"{self.shards[n].path.stem}.parquet",
            self.rows[n].column("row")[within].as_py(),
            first + (int(ends[within - 1]) if within else 0),
            first + int(ends[within]),
        )

    def named(self, identifier: str) -> list[Document]:
        """All documents of an identifier, in order."""
        found = []
        for first, rows in zip(self.first_documents, self.rows, strict=False):
            key: Callable[[int], str] = partial(_identifier, rows)
            # Both compare by code points, as UTF-8's bytes do.
            start = bisect_left(range(len(rows)), identifier, key=key)
            end = bisect_right(range(len(rows)), identifier, start, key=key)
            found += [int(first) + n for n in rows.column("by_identifier")[start:end].to_pylist()]
        return [self[number] for number in sorted(found)]


def open_documents(tokens: Path) -> Documents:
    """The documents of a folder of token files; InputError where an index is missing or does not fit its file."""
    return documents_of(open_shards(tokens))


def documents_of(shards: Sequence[Shard]) -> Documents:
    """The documents of opened token files; InputError as open_documents."""
    return Documents(shards, [open_rows(shard) for shard in shards])


def documents_of_run(shard: Path) -> Path:
    """The documents that a token file is made of, in the corpus of the run that made it; they may not be there."""
    return shard.parent.parent / "corpus" / "kept" / f"{shard.stem}.parquet"


def has_rows(shard: Shard) -> bool:
    """Whether a token file has the index of its documents, which not all programs write."""
    return rows_file(shard.path).exists()


def open_rows(shard: Shard) -> pa.Table:
    """A token file's index, by SCHEMA; InputError where it is missing or does not fit."""
    path = rows_file(shard.path)
    try:
        rows = open_arrow(path, SCHEMA)
    except FileNotFoundError:
        raise InputError(f"{shard.path}: found no {path.name} beside it, expected one") from None
    if len(rows) != len(shard.document_ends):
        raise InputError(
            f"{path}: found {len(rows)} documents, "
            f"expected {len(shard.document_ends)} as in {shard.path.name}.index"
        )
    for name, last in (("row", 2**40), ("by_identifier", len(rows) - 1)):
        least, most = pc.min_max(rows.column(name)).as_py().values()
        if len(rows) and not 0 <= least <= most <= last:
            raise InputError(f"{path}: {name}: found {least} to {most}, expected rows from 0 to {last}")
    check_ends(shard)
    return rows


def _identifier(rows: pa.Table, place: int) -> str:
    name: str = rows.column("identifier")[rows.column("by_identifier")[place].as_py()].as_py()
    return name


def rows_file(shard: Path) -> Path:
    """The index of a token file's documents."""
    return shard.with_name(f"{shard.name}.documents.arrow")
