"""Training sequences, cut from the token files: windows of S + 1 tokens that overlap by one.

So each token but a file's first is predicted once an epoch, and only the last tokens of a file that do not
fill a window, under S of them, are left out.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from octavo.errors import InputError
from octavo.tokenization.shards import Shard, open_shards


class Sequences:
    """All training sequences of some token files, numbered in the order of the files."""

    def __init__(self, shards: list[Shard], length: int) -> None:
        self.shards = shards
        self.length = length
        counts = [max(len(s.tokens) - 1, 0) // length for s in shards]
        self.starts = np.concatenate(([0], np.cumsum(counts)))
        self.tokens = sum(len(s.tokens) for s in shards)

    def __len__(self) -> int:
        return int(self.starts[-1])

    @property
    def discarded(self) -> float:
        """Share of the tokens that are in no sequence."""
        return 1 - len(self) * self.length / max(self.tokens, 1)

    def read(self, numbers: np.ndarray) -> np.ndarray:
        """Sequences by number: (len(numbers), S + 1) in int64."""
        rows = np.empty((len(numbers), self.length + 1), np.int64)
        shards = np.searchsorted(self.starts, numbers, side="right") - 1
        for row, (number, shard) in enumerate(zip(numbers, shards, strict=True)):
            start = int(number - self.starts[shard]) * self.length
            rows[row] = self.shards[shard].tokens[start : start + self.length + 1]
        return rows


def open_sequences(tokens: Path, length: int) -> Sequences:
    """The sequences of a folder of token files; InputError where they hold not even one."""
    sequences = Sequences(open_shards(tokens), length)
    if not len(sequences):
        raise InputError(
            f"{tokens}: found {sequences.tokens} tokens, expected at least {length + 1} for one sequence; "
            "take more documents or a shorter training.sequence_length"
        )
    return sequences
