"""Examples in sequences: whole ones together, none cut, so that little is padding and none sees another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from octavo.compiled import Ints, compiled
from octavo.training.data import Data
from octavo.training.draw import shares
from octavo.training.order import Order, Stage
from octavo.tuning.examples import Example

ROWS, PLACES = "sequences.npy", "places.parquet"


class Packed:
    """The sequences that write_packed made in a folder, as training/data.py wants them."""

    def __init__(self, home: Path) -> None:
        self.rows: np.ndarray = np.load(home / ROWS, mmap_mode="r")
        self.places = pq.read_table(home / PLACES)
        self.first = np.searchsorted(self.places["sequence"].to_numpy(), np.arange(len(self.rows) + 1))
        self.length = self.rows.shape[1] - 1

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def tokens(self) -> int:
        """Tokens of the examples, those that begin them among them."""
        return int(np.sum(self.places["tokens"].to_numpy()))

    @property
    def discarded(self) -> float:
        """None of them: examples that fit into no sequence were left out before."""
        return 0.0

    @property
    def padding(self) -> float:
        """Share of the positions that are empty."""
        return 1 - self.tokens / self.rows.size if self.rows.size else 0.0

    def read(self, numbers: np.ndarray) -> np.ndarray:
        """Sequences: (len(numbers), S + 1) in int64."""
        rows: np.ndarray = self.rows[numbers].astype(np.int64)
        return rows

    def documents(self, numbers: np.ndarray) -> list[str]:
        """The ids of the examples in sequences."""
        ids = self.places["id"]
        return [name for n in numbers for name in ids[self.first[n] : self.first[n + 1]].to_pylist()]


def write_packed(home: Path, ids: Sequence[str], examples: Sequence[Example], length: int, begin: int) -> None:
    """Pack examples into sequences of `length` tokens to predict; none may be longer than that.

    An example is its prompt and answer after a `begin` token, the prompt's tokens as complements, since they are
    read and not learnt. What stays empty are `begin` tokens, each a text of its own in which nothing is learnt.
    """
    sizes = np.array([1 + len(one.prompt) + len(one.answer) for one in examples], np.int64)
    assert sizes.max(initial=0) <= length + 1
    row_of = _best_fit(sizes, np.argsort(-sizes, kind="stable"), length + 1)
    order = np.argsort(row_of, kind="stable")
    rows = np.full((int(row_of.max(initial=-1)) + 1, length + 1), begin, np.int32)
    filled = np.zeros(len(rows), np.int64)
    for n in order:
        row, example = row_of[n], examples[n]
        tokens = np.array([*example.prompt, *example.answer], np.int32)
        tokens[: len(example.prompt)] = ~tokens[: len(example.prompt)]
        place = filled[row] + 1
        rows[row, place : place + len(tokens)] = tokens
        filled[row] += sizes[n]
    home.mkdir(parents=True, exist_ok=True)
    np.save(home / ROWS, rows)
    table = pa.table({"id": [ids[n] for n in order], "sequence": row_of[order], "tokens": sizes[order]})
    pq.write_table(table, home / PLACES)


def open_packed(stages: dict[int, dict[str, float]], home: Path, seed: int) -> Data[Packed]:
    """The sequences of folders in `home`, as the seed orders them.

    `stages` has, by the position in the training that each begins at, the folders that it draws from, by name, with
    the share of each.
    """
    names = list(dict.fromkeys(name for folders in stages.values() for name in folders))
    sequences = [Packed(home / name) for name in names]
    order = [
        Stage(first, tuple(map(names.index, folders)), tuple(shares(list(folders.values()))))
        for first, folders in stages.items()
    ]
    paths = [home / name for name in names]
    return Data(names, paths, sequences, Order([len(one) for one in sequences], order, seed))


@compiled
def _best_fit(sizes: Ints, order: Ints, room: int) -> Ints:
    """The sequence of each example: the fullest with room for it, else a new one; the longest come first."""
    newest = np.full(room + 1, -1, np.int64)  # of the sequences with so much room, the one that came last to it
    before = np.full(len(sizes), -1, np.int64)  # and which came before it
    row_of = np.zeros(len(sizes), np.int64)
    rows = 0
    for n in order:
        left = sizes[n]
        while left <= room and newest[left] < 0:
            left += 1
        if left > room:
            row, left = rows, room
            rows += 1
        else:
            row = newest[left]
            newest[left] = before[row]
        row_of[n] = row
        before[row] = newest[left - sizes[n]]
        newest[left - sizes[n]] = row
    return row_of
