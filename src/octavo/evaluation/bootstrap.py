"""95 % intervals of ratios and means, by drawing works again (the percentile bootstrap of Efron, 1979).

Words or sites of one work are alike, so whole works are drawn. A share of independent answers has Wilson's interval
instead: intervals.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

LEAST: Final = 5
"""Works that an interval needs: drawn from fewer, it would be far too narrow."""
_DRAWS: Final = 2000


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
    part = np.asarray(parts, np.float64)[whole > 0]
    whole = whole[whole > 0]
    works = len(whole)
    if not works:
        return Estimate(None, None, None, 0)
    value = round(float(part.sum() / whole.sum()), 4)
    if works < LEAST:
        return Estimate(value, None, None, works)
    drawn = np.random.default_rng(works).integers(works, size=(_DRAWS, works))
    low, high = np.quantile(part[drawn].sum(1) / whole[drawn].sum(1), [0.025, 0.975])
    return Estimate(value, round(float(low), 4), round(float(high), 4), works)
