"""The order in which training sees its sequences: a keyed permutation that needs no table and no state.

A four-round Feistel network over the smallest even number of bits that holds the sequences, walked until
it lands among them (Black and Rogaway, 2002): a bijection that depends on seed, stage and epoch alone. So
the k-th training sequence is known in O(1) on any number of processes, and the inverse tells at which
positions a sequence is seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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


def sequences_at(positions: np.ndarray, sequences: int, seed: int, stage: int = 0) -> np.ndarray:
    """The sequences seen at positions of the whole training; each epoch has an order of its own."""
    positions = np.asarray(positions, np.int64)
    found = np.empty_like(positions)
    epochs = positions // sequences
    for epoch in np.unique(epochs):
        here = epochs == epoch
        found[here] = Permutation(sequences, (seed, stage, int(epoch))).apply(positions[here] % sequences)
    return found
