"""What leaving something out changes, with 95 % intervals: variant less baseline, paired by seed and by text.

A difference varies for two reasons. With other works or prompts it would be another: that is the interval of the
evaluation's own comparisons, of the mean over the seeds. And with other seeds: their noise is what is left of the
table of variants and seeds once the means of rows and columns are taken away. It is taken for the same in all
variants, so that a dozen of them, three times each, tell it better than the three pairs of one comparison; its part
of the interval is Student's. Both parts are added as independent ones are, by their squares.

Seeds are not drawn again as works are: what can be drawn of three lies between the least and the largest of them,
and the truth does so in three cases of four at best.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from octavo.evaluation import bootstrap, intervals

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

Works = Mapping[str, Mapping[str, tuple[float, float]]]
"""Bits and bytes of each work, by language."""

Verdict = Literal["helps", "no difference shown", "harms", "cannot be told"]

CONFIDENCE: Final = 0.95


class Difference(NamedTuple):
    """How much larger a variant's figure is than the baseline's, and the bounds of its interval."""

    value: float
    low: float | None
    """None where there are too few works, or one seed alone."""
    high: float | None


class Noise(NamedTuple):
    """How much one proxy's figure varies with the seed."""

    deviation: float
    freedom: int
    """Degrees of freedom that it was estimated with."""

    def half_width(self, seeds: int) -> float:
        """Of the interval of a difference of two means over so many seeds."""
        return student(self.freedom) * self.deviation * math.sqrt(2 / seeds)


def noise_of(table: Floats) -> Noise | None:
    """The seeds' noise in a table of figures by variant and seed; None where there is one seed or one variant."""
    freedom = (table.shape[0] - 1) * (table.shape[1] - 1)
    if not freedom:
        return None
    left = table - table.mean(1, keepdims=True) - table.mean(0, keepdims=True) + table.mean()
    return Noise(math.sqrt(float((left**2).sum()) / freedom), freedom)


def mean_bits(works: Works) -> float:
    """Bits per byte, as the mean of the languages."""
    sums = [np.array(list(of.values())).sum(axis=0) for of in works.values()]
    return float(np.mean([bits / size for bits, size in sums]))


def compare_bits(variant: Sequence[Works], baseline: Sequence[Works], noise: Noise | None) -> Difference:
    """How many more bits per byte a variant needs, as the mean of the languages; by seed, in the same order."""
    groups = {
        lang: (
            [
                float(np.mean([v[lang][w][0] - b[lang][w][0] for v, b in zip(variant, baseline, strict=True)]))
                for w in of
            ],
            [size for _, size in of.values()],
        )
        for lang, of in baseline[0].items()
    }
    found = bootstrap.mean_of_ratios(groups)
    return _widened(found.value or 0.0, found.low, found.high, noise, len(variant))


def compare_shares(variant: Bools, baseline: Bools, noise: Noise | None, seeds: int) -> Difference:
    """How much larger a variant's share is: (prompts, answers), the answers of all seeds to the same prompts."""
    found = intervals.difference(variant, baseline)
    return _widened(found.share, found.low, found.high, noise, seeds)


def verdict(found: Difference, lower_is_better: bool) -> Verdict:
    """What a difference says of that which the variant lacks."""
    if found.low is None or found.high is None:
        return "cannot be told"
    if found.low <= 0 <= found.high:
        return "no difference shown"
    return "helps" if (found.value > 0) == lower_is_better else "harms"


def _widened(value: float, low: float | None, high: float | None, noise: Noise | None, seeds: int) -> Difference:
    if low is None or high is None or noise is None:
        return Difference(value, None, None)
    half = noise.half_width(seeds)
    return Difference(value, value - math.hypot(value - low, half), value + math.hypot(high - value, half))


@cache
def student(freedom: int) -> float:
    """The quantile of Student's distribution within which, on both sides of 0, CONFIDENCE of it lies."""
    low, high = 0.0, 1000.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, freedom) < CONFIDENCE else (low, middle)
    return high


def _within(t: float, freedom: int) -> float:
    """How much of Student's distribution lies between -t and t (Abramowitz and Stegun, 1964, 26.7.3 and 26.7.4)."""
    angle = math.atan(t / math.sqrt(freedom))
    cosine = math.cos(angle)
    odd = freedom % 2
    term = total = cosine if odd else 1.0
    for n in range(2 + odd, freedom - 1, 2):
        term *= (n - 1) / n * cosine**2
        total += term
    if odd:
        return (2 / math.pi) * (angle + (math.sin(angle) * total if freedom > 1 else 0.0))
    return math.sin(angle) * total
