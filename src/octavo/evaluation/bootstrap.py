"""95 % intervals of ratios and means, by drawing works again (the percentile bootstrap of Efron, 1979).

Words or sites of one work are alike, so whole works are drawn. A share of independent answers has Wilson's interval
instead: intervals.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

LEAST: Final = 5
"""Works that an interval needs: drawn from fewer, it would be far too narrow."""
_DRAWS: Final = 2000
_AT_ONCE: Final = 2**22
"""Works drawn at once at most, over all draws; the numbers are the same whatever this is."""

Floats = npt.NDArray[np.float64]


class Estimate(NamedTuple):
    """A ratio over works, and the bounds between which it lies with a confidence of 95 %."""

    value: float | None
    """None where there is nothing to divide by."""
    low: float | None
    high: float | None
    works: int


def ratio(parts: Sequence[float], wholes: Sequence[float] | None = None) -> Estimate:
    """The sum of `parts` by that of `wholes`, one of each a work; without wholes the mean.

    Works whose whole is 0 do not count.
    """
    whole = np.ones(len(parts)) if wholes is None else np.asarray(wholes, np.float64)
    return mean_of_ratios({"": (parts, whole.tolist())})


def mean_of_ratios(groups: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> Estimate:
    """The mean of the groups' ratios of parts and wholes, each group counting alike; works are drawn within each.

    There are no bounds where a group has too few works.
    """
    counted: list[tuple[Floats, Floats]] = []
    for parts, wholes in groups.values():
        part, whole = np.asarray(parts, np.float64), np.asarray(wholes, np.float64)
        if (whole > 0).any():
            counted.append((part[whole > 0], whole[whole > 0]))
    works = sum(len(whole) for _, whole in counted)
    if not counted:
        return Estimate(None, None, None, 0)
    value = round(float(np.mean([part.sum() / whole.sum() for part, whole in counted])), 4)
    if min(len(whole) for _, whole in counted) < LEAST:
        return Estimate(value, None, None, works)
    drawn = np.mean([np.concatenate(list(_drawn(*group, n))) for n, group in enumerate(counted)], axis=0)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Estimate(value, round(float(low), 4), round(float(high), 4), works)


def _drawn(part: Floats, whole: Floats, number: int) -> Iterator[Floats]:
    """The ratio of each draw; groups draw by seeds of their own, else equally large ones would vary together."""
    works = len(whole)
    generator = np.random.default_rng([works, number] if number else works)
    size = max(1, _AT_ONCE // works)
    for start in range(0, _DRAWS, size):
        places = generator.integers(works, size=(min(size, _DRAWS - start), works))
        yield part[places].sum(1) / whole[places].sum(1)
