"""Which of several weighted folders each sample comes from: even in any stretch, and known without state.

The folders are the leaves of a tree that halves their list. At each node, of the first n samples
floor(n x left / whole + 1/2) go left and the others right, in whole numbers, which never takes one back: so the
n-th sample, and the number of those before it that went the same way, are known in O(log folders) for any n. Nor is
any share ever off by more than half a sample at a node, where drawing by lot would be off by the square root of n.
Each step can be undone, which tells at which sample a folder's n-th is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

SCALE = 2**30
"""Weights are whole numbers that sum to about this much, so that nothing below overflows 64 bits."""


def shares(weights: Sequence[float]) -> list[int]:
    """Weights as whole numbers in the same ratio, to a billionth of all; each at least 1."""
    total = math.fsum(weights)
    return [max(1, round(weight / total * SCALE)) for weight in weights]


def draw(samples: np.ndarray, parts: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Of samples by number: which folder each comes from, and how many samples came from it before."""
    samples = np.asarray(samples, np.int64)
    which, before = np.zeros_like(samples), samples.copy()
    if len(parts) > 1:
        half, left, whole = _halved(parts)
        lefts = _quota(samples, left, whole)
        goes_left = _quota(samples + 1, left, whole) > lefts
        which[goes_left], before[goes_left] = draw(lefts[goes_left], parts[:half])
        which[~goes_left], before[~goes_left] = draw((samples - lefts)[~goes_left], parts[half:])
        which[~goes_left] += half
    return which, before


def drawn(samples: int, parts: Sequence[int]) -> list[int]:
    """How many of the first `samples` come from each folder."""
    if len(parts) == 1:
        return [samples]
    half, left, whole = _halved(parts)
    lefts = (samples * left + whole // 2) // whole
    return [*drawn(lefts, parts[:half]), *drawn(samples - lefts, parts[half:])]


def sample_of(which: int, before: np.ndarray, parts: Sequence[int]) -> np.ndarray:
    """The sample that is the first to come from a folder after so many, for each number of them: draw, undone."""
    before = np.asarray(before, np.int64)
    if len(parts) == 1:
        return before
    half, left, whole = _halved(parts)
    # The quotient apart, as in _quota: each time that `left` have gone left, `whole` samples were taken.
    if which < half:
        times, place = np.divmod(sample_of(which, before, parts[:half]), left)
        found: np.ndarray = times * whole - ((place + 1) * whole - whole // 2) // -left - 1
    else:
        right = whole - left
        times, place = np.divmod(sample_of(which - half, before, parts[half:]), right)
        found = times * whole + (place * whole + whole // 2) // right
    return found


def _halved(parts: Sequence[int]) -> tuple[int, int, int]:
    half = len(parts) // 2
    return half, sum(parts[:half]), sum(parts)


def _quota(samples: np.ndarray, part: int, whole: int) -> np.ndarray:
    """floor(samples x part / whole + 1/2); the quotient apart, so that no product passes 63 bits."""
    quotient, rest = np.divmod(samples, whole)
    found: np.ndarray = quotient * part + (rest * part + whole // 2) // whole
    return found
