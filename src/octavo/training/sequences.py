"""Training sequences, cut from the token files: windows of S + 1 tokens that overlap by one.

The files are read as one stream, so that documents that came in as many small files lose nothing: each
token but the first is predicted once an epoch, and only the last tokens that do not fill a window, under S
of them, are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from octavo.errors import InputError
from octavo.modeling.loss import IGNORE
from octavo.tokenization.entries import Edges
from octavo.tokenization.index import documents_of
from octavo.tokenization.shards import Shard, open_shards


def split_targets(rows: Tensor, edges: Edges) -> tuple[Tensor, Tensor]:
    """Of sequences (B, S + 1): the tokens that are read, and at each of them the one to predict, (B, S) both.

    Nothing tells which document comes next, so a begin token is no target, but IGNORE; one that is the end token,
    too, is a target where it ends a text: where the token before it is another. Nor is one that is read and not
    learnt, such as a prompt's: it stands in its sequence as its complement, ~token.
    """
    tokens = torch.where(rows < 0, ~rows, rows)
    begins = rows == edges.begin
    if edges.begin == edges.end:
        begins[:, 1:] = begins[:, 1:] & begins[:, :-1]
    targets = torch.where((rows < 0) | begins, IGNORE, rows)
    return tokens[:, :-1], targets[:, 1:]


class Windows:
    """All training sequences of some token files, numbered in the order of the files."""

    def __init__(self, shards: Sequence[Shard], length: int) -> None:
        self.shards = shards
        self.length = length
        self.starts = np.concatenate(([0], np.cumsum([len(s.tokens) for s in shards], dtype=np.int64)))

    def __len__(self) -> int:
        return max(self.tokens - 1, 0) // self.length

    @property
    def tokens(self) -> int:
        """Tokens in all files."""
        return int(self.starts[-1])

    @property
    def discarded(self) -> float:
        """Share of the tokens that no sequence predicts."""
        return 1 - len(self) * self.length / max(self.tokens, 1)

    def read(self, numbers: np.ndarray) -> np.ndarray:
        """Sequences by number: (len(numbers), S + 1) in int64."""
        rows = np.empty((len(numbers), self.length + 1), np.int64)
        for row, number in zip(rows, numbers, strict=True):
            self.copy(int(number) * self.length, row)
        return rows

    def copy(self, start: int, room: np.ndarray) -> np.ndarray:
        """Fill `room` with the tokens of all files from position `start` on."""
        shard, filled = int(np.searchsorted(self.starts, start, side="right")) - 1, 0
        while filled < len(room):
            offset = start + filled - int(self.starts[shard])
            piece = self.shards[shard].tokens[offset : offset + len(room) - filled]
            room[filled : filled + len(piece)] = piece
            filled += len(piece)
            shard += 1
        return room

    def documents(self, numbers: np.ndarray) -> list[str]:
        """Identifiers of the documents that sequences touch, in order; none where the files do not tell them."""
        try:
            documents = documents_of(self.shards)
        except InputError:  # token files of another program
            return []
        found: dict[str, None] = {}
        for number in numbers.tolist():
            positions = np.arange(number * self.length, (number + 1) * self.length + 1)
            found |= dict.fromkeys(documents[int(n)].identifier for n in np.unique(documents.of_tokens(positions)))
        return list(found)


def open_sequences(tokens: Path, length: int) -> Windows:
    """The sequences of a folder of token files; InputError where they hold not even one."""
    sequences = Windows(open_shards(tokens), length)
    if not len(sequences):
        raise InputError(
            f"{tokens}: found {sequences.tokens} tokens, expected at least {length + 1} for one sequence; "
            "take more documents or a shorter training.sequence_length"
        )
    return sequences
