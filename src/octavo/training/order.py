"""The order in which training sees its sequences: a keyed permutation that needs no table and no state.

A four-round Feistel network over the smallest even number of bits that holds the sequences, walked until
it lands among them (Black and Rogaway, 2002): a bijection that depends on seed, folder and epoch alone. So
the k-th training sequence is known in O(1) on any number of processes, and the inverse tells at which
positions a sequence is seen. Where training draws from several folders of token files, draw.py says which of them
has its turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from octavo.training.draw import draw, drawn, sample_of

_ROUNDS = 4
_MIX_1, _MIX_2, _WEYL = (
    np.uint64(0xBF58476D1CE4E5B9),
    np.uint64(0x94D049BB133111EB),
    np.uint64(0x9E3779B97F4A7C15),
)


def _mix(x: np.ndarray) -> np.ndarray:
    """The finaliser of SplitMix64 (Steele et al., 2014)."""
    x = (x ^ (x >> np.uint64(30))) * _MIX_1
    x = (x ^ (x >> np.uint64(27))) * _MIX_2
    mixed: np.ndarray = x ^ (x >> np.uint64(31))
    return mixed


@dataclass(frozen=True)
class Permutation:
    """A bijection of range(size), drawn by the key."""

    size: int
    key: tuple[int, ...]

    def _round_keys(self) -> list[np.uint64]:
        with np.errstate(over="ignore"):
            state = np.uint64(0)
            for part in self.key:
                state = _mix(np.atleast_1d(state + np.uint64(part % 2**64) + _WEYL))[0]
            return [_mix(np.atleast_1d(state + _WEYL * np.uint64(r + 1)))[0] for r in range(_ROUNDS)]

    def _half_bits(self) -> np.uint64:
        return np.uint64(max(1, -(-max(self.size - 1, 1).bit_length() // 2)))

    def _walk(self, values: np.ndarray, inverse: bool) -> np.ndarray:
        values = np.asarray(values, np.uint64)
        if values.size and int(values.max()) >= self.size:
            raise ValueError(f"found {int(values.max())}, expected numbers below {self.size}")
        bits = self._half_bits()
        low = (np.uint64(1) << bits) - np.uint64(1)
        keys = self._round_keys()
        result = values.copy()
        pending = np.arange(values.size)
        with np.errstate(over="ignore"):
            while pending.size:
                x = result.reshape(-1)[pending]
                left, right = x >> bits, x & low
                for key in reversed(keys) if inverse else keys:
                    if inverse:
                        left, right = right ^ (_mix(left + key) & low), left
                    else:
                        left, right = right, left ^ (_mix(right + key) & low)
                x = (left << bits) | right
                result.reshape(-1)[pending] = x
                pending = pending[x >= np.uint64(self.size)]
        return result.astype(np.int64)

    def apply(self, positions: np.ndarray) -> np.ndarray:
        """Position in the order: which sequence is seen there."""
        return self._walk(positions, inverse=False)

    def invert(self, sequences: np.ndarray) -> np.ndarray:
        """Sequence: at which position it is seen."""
        return self._walk(sequences, inverse=True)


def sequences_at(positions: np.ndarray, sequences: int, seed: int, folder: int = 0) -> np.ndarray:
    """The sequences of a folder, by how many were drawn from it before; each epoch has an order of its own."""
    positions = np.asarray(positions, np.int64)
    found = np.empty_like(positions)
    epochs = positions // sequences
    for epoch in np.unique(epochs):
        here = epochs == epoch
        found[here] = Permutation(sequences, (seed, folder, int(epoch))).apply(positions[here] % sequences)
    return found


@dataclass(frozen=True)
class Stage:
    """A stretch of the training that draws from certain folders."""

    first: int
    """Its first position."""
    folders: tuple[int, ...]
    parts: tuple[int, ...]
    """Of each folder, in whole numbers."""


class Order:
    """Which sequence is seen at which position of a training whose stages draw from several folders.

    Sequences are numbered through all folders, those of the first before those of the second. Each folder is walked
    epoch by epoch, and from one stage to the next goes on where it was.
    """

    def __init__(self, sizes: Sequence[int], stages: Sequence[Stage], seed: int) -> None:
        self.sizes, self.stages, self.seed = list(sizes), list(stages), seed
        self.first_numbers = np.concatenate(([0], np.cumsum(sizes, dtype=np.int64)))
        self.first_positions = np.array([stage.first for stage in stages], np.int64)
        self._drawn_before = [[0] * len(sizes)]
        """By stage and folder: sequences drawn before the stage begins."""
        for stage, following in pairwise(stages):
            counts = self._drawn_before[-1].copy()
            for folder, count in zip(stage.folders, drawn(following.first - stage.first, stage.parts), strict=True):
                counts[folder] += count
            self._drawn_before.append(counts)

    def at(self, positions: np.ndarray) -> np.ndarray:
        """The sequences seen at positions of the whole training, by number."""
        positions = np.asarray(positions, np.int64)
        numbers = np.empty_like(positions)
        in_stage = np.searchsorted(self.first_positions, positions, side="right") - 1
        for n in np.unique(in_stage):
            stage, here = self.stages[n], np.flatnonzero(in_stage == n)
            which, before = draw(positions[here] - stage.first, stage.parts)
            for index in np.unique(which):
                folder, mine = stage.folders[index], which == index
                draws = self._drawn_before[n][folder] + before[mine]
                found = sequences_at(draws, self.sizes[folder], self.seed, folder)
                numbers[here[mine]] = self.first_numbers[folder] + found
        return numbers

    def seen(self, number: int, end: int) -> list[int]:
        """All positions under `end` at which a sequence is seen, in order; the inverse of `at`."""
        positions: list[int] = self.all_seen(np.array([number]), end)[1].tolist()
        return positions

    def all_seen(self, numbers: np.ndarray, end: int) -> tuple[np.ndarray, np.ndarray]:
        """`seen` of many sequences at once: places in `numbers`, and positions, sorted by place and position."""
        numbers = np.asarray(numbers, np.int64)
        folders = np.searchsorted(self.first_numbers, numbers, side="right") - 1
        drawn, places, found = self.drawn(end), [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for folder in np.unique(folders).tolist():
            here, size = np.flatnonzero(folders == folder), self.sizes[folder]
            for epoch in range(-(-drawn[folder] // size)):
                permutation = Permutation(size, (self.seed, folder, epoch))
                draws = epoch * size + permutation.invert(numbers[here] - self.first_numbers[folder])
                before = draws < drawn[folder]
                places.append(here[before])
                found.append(self._positions(folder, draws[before]))
        place, position = np.concatenate(places), np.concatenate(found)
        order = np.lexsort((position, place))
        return place[order], position[order]

    def _positions(self, folder: int, draws: np.ndarray) -> np.ndarray:
        """Where a folder's sequences are drawn that come after so many of it, each of which is drawn at all."""
        starts = np.array([counts[folder] for counts in self._drawn_before], np.int64)
        positions = np.empty_like(draws)
        in_stage = np.searchsorted(starts, draws, side="right") - 1
        for n in np.unique(in_stage):
            stage, here = self.stages[n], in_stage == n
            which = stage.folders.index(folder)
            positions[here] = stage.first + sample_of(which, draws[here] - starts[n], stage.parts)
        return positions

    def drawn(self, end: int) -> list[int]:
        """How many of the sequences at positions under `end` are of each folder."""
        n = max(int(np.searchsorted(self.first_positions, end, side="left")) - 1, 0)
        counts, stage = self._drawn_before[n].copy(), self.stages[n]
        for folder, count in zip(stage.folders, drawn(end - stage.first, stage.parts), strict=True):
            counts[folder] += count
        return counts
