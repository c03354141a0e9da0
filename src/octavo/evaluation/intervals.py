"""95 % intervals of shares, where each prompt has one answer or several.

Wilson's interval (1927) is right for a share of independent answers, near 0 and 1 too, where a bootstrap over
prompts, once none was found, says that none can be. Answers to one prompt are alike, so that they count for fewer:
for as many as would vary that much if they were independent (Kish, 1965), but for no fewer than there are prompts
and no more than there are answers. Franco, Little, Louis and Slud (2019) recommend Wilson's interval with that
number for samples in clusters. With one answer a prompt it is Wilson's own.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]

_Z: Final = 1.959963984540054
"""The normal distribution's quantile at 0.975."""


class Interval(NamedTuple):
    """An estimate, and the bounds between which it lies with a confidence of 95 %."""

    share: float
    low: float
    high: float


def share(reached: Bools) -> Interval:
    """The share of answers that are true, by prompt and answer: (prompts, answers)."""
    found = float(reached.mean())
    n = _effective(reached)
    middle = (found + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * (found * (1 - found) / n + _Z**2 / (4 * n**2)) ** 0.5
    return Interval(found, min(found, max(0.0, middle - half)), max(found, min(1.0, middle + half)))


def difference(reached: Bools, other: Bools) -> Interval:
    """How much larger the first share is than the second, of answers to the same prompts in the same order.

    Newcombe's interval for paired shares (1998, his method 10), of the two shares' own intervals and the
    correlation between prompts.
    """
    a, b = share(reached), share(other)
    means, others = reached.mean(axis=1), other.mean(axis=1)
    varies = means.std() > 0 and others.std() > 0
    alike = float(np.corrcoef(means, others)[0, 1]) if varies else 0.0

    def distance(first: float, second: float) -> float:
        return float(max(0.0, first**2 - 2 * alike * first * second + second**2) ** 0.5)

    found = a.share - b.share
    low, high = distance(a.share - a.low, b.high - b.share), distance(a.high - a.share, b.share - b.low)
    return Interval(found, found - low, found + high)


def _effective(reached: Bools) -> float:
    """How many independent answers would give a share as sure as these do."""
    prompts, found = len(reached), float(reached.mean())
    spread = found * (1 - found)
    if prompts < 2 or spread == 0:
        return prompts
    variance = float(reached.mean(axis=1).var(ddof=1)) / prompts
    return float(np.clip(spread / max(variance, 1e-12), prompts, reached.size))
