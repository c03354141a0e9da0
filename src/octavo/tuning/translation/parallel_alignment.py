"""Which units (sentences or paragraphs) of a text are translated by which of another, in order.

Lengths tell (Gale and Church, 1993), and words do: those that both texts share, such as numbers and names, and
those of a lexicon, weighed as Moore (2002) weighs them. A score is the probability of a bead under both, by the
forward and backward sums over all alignments in a band around the diagonal.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from octavo.compiled import Ints, compiled
from octavo.tuning.translation.parallel_lexicon import Lexicon, stems

Floats = npt.NDArray[np.float64]

_BEADS: Final = np.array([[1, 1], [1, 0], [0, 1], [2, 1], [1, 2], [2, 2]])
"""Units of the source and of the target that are translated by one another."""
_PRIORS: Final = np.log(np.array([0.89, 0.0099 / 2, 0.0099 / 2, 0.089 / 2, 0.089 / 2, 0.011]))
"""How often each comes (Gale and Church, 1993, table 5)."""
_VARIANCE: Final = 6.8
"""Of the difference in length, for each character (ibid.)."""
_FREEDOM: Final = 0.15
"""Share of its length by which a free translation differs besides; without it long paragraphs never match."""
_ALONE: Final = 8.0
"""Most that the length of a unit without translation tells against it."""
_COGNATE: Final = 0.5
"""How likely a word is translated by the same word, where both texts have it."""
_LEAST_LETTERS: Final = 4
"""Letters of a word that both texts may share by more than chance; numbers need none."""
_UNKNOWN: Final = 0.9
_KNOWN: Final = 0.75
"""Share of words that nothing explains: without a lexicon, and with one. By trial on Latin and English."""
_BAND: Final = (40, 400)
"""Least and most units on either side of the diagonal."""
_BAND_SHARE: Final = 0.15


class Bead(NamedTuple):
    """Units of the source from `source` up to `source_end`, and those of the target that translate them."""

    source: int
    source_end: int
    target: int
    target_end: int
    score: float
    """Probability, from 0 to 1."""


def align(sources: Sequence[str], targets: Sequence[str], lexicon: Lexicon | None = None) -> list[Bead]:
    """The best alignment; every unit is in exactly one bead, in order, at most two on a side."""
    if not sources or not targets:
        return [Bead(n, n + 1, 0, 0, 1.0) for n in range(len(sources))] + [
            Bead(0, 0, n, n + 1, 1.0) for n in range(len(targets))
        ]
    lengths = np.array([max(1, len(text.strip())) for text in sources], np.float64)
    others = np.array([max(1, len(text.strip())) for text in targets], np.float64)
    starts, width = _band(lengths, others)
    evidence = _evidence([stems(text) for text in sources], [stems(text) for text in targets], lexicon)
    single, double = _explained(*evidence, _KNOWN if lexicon else _UNKNOWN, starts, width)
    weights = _weights(lengths, others, single, double, starts, width)
    places, scores = _best(weights, starts, len(sources), len(targets))
    rounded = [round(float(score), 4) for score in scores]
    return [Bead(a, b, c, d, score) for (a, b, c, d), score in zip(places.tolist(), rounded, strict=True)]


def _band(lengths: Floats, others: Floats) -> tuple[Ints, int]:
    """For each row, from 0 to all units of the source, the first number of units of the target; and how many."""
    count = len(others)
    least, most = _BAND
    half = min(count, max(least, min(most, int(_BAND_SHARE * count))))
    cut = np.concatenate([[0.0], np.cumsum(lengths) / lengths.sum()])
    centres = np.searchsorted(np.concatenate([[0.0], np.cumsum(others) / others.sum()]), cut - 1e-9)
    # Each row must share a place with the next: one unit may be as long as many of the other text.
    half = max(half, int(np.diff(centres).max()))
    width = min(count + 1, 2 * half + 1)
    return np.clip(centres - half, 0, count + 1 - width).astype(np.int64), width


def _evidence(
    sources: list[list[str]], targets: list[list[str]], lexicon: Lexicon | None
) -> tuple[Ints, Floats, Ints, Ints, Ints, Floats, Ints]:
    """What the words of each source unit let expect, as rows of a sparse matrix, and the words of each target unit.

    These are numbers of the target's stems, with the logarithm's denominators: how often each comes at all.
    """
    counts = Counter(word for unit in targets for word in unit)
    ids = {word: number for number, word in enumerate(counts)}
    total = sum(counts.values()) or 1
    usual = np.array([count / total for count in counts.values()], np.float64)
    known = lexicon.translations if lexicon else {}
    expected: list[int] = []
    likely: list[float] = []
    bounds = [0]
    for unit in sources:
        row: dict[int, float] = {}
        for word in unit:
            translations = known.get(word, {})
            for other, probability in translations.items():
                if other in ids:
                    row[ids[other]] = row.get(ids[other], 0.0) + probability
            if word in ids and not translations and (len(word) >= _LEAST_LETTERS or word.isdecimal()):
                row[ids[word]] = row.get(ids[word], 0.0) + _COGNATE
        expected += row
        likely += row.values()
        bounds.append(len(expected))
    flat = np.array([ids[word] for unit in targets for word in unit], np.int64)
    return (
        np.array(expected, np.int64),
        np.array(likely, np.float64),
        np.array(bounds, np.int64),
        np.array([1 + len(unit) for unit in sources], np.int64),
        flat,
        usual,
        np.cumsum([0, *map(len, targets)]).astype(np.int64),
    )


@compiled
def _explained(
    expected: Ints,
    likely: Floats,
    bounds: Ints,
    sizes: Ints,
    words: Ints,
    usual: Floats,
    word_bounds: Ints,
    unknown: float,
    starts: Ints,
    width: int,
) -> tuple[Floats, Floats]:
    """How much likelier each unit of the target is with a unit of the source than alone, as a logarithm.

    By rows as in the band, whose row n + 1 has unit n: with that unit alone, and with it and the one before.
    """
    rows, units = len(sizes), len(word_bounds) - 1
    single = np.zeros((rows + 1, width), np.float64)
    double = np.zeros((rows + 1, width), np.float64)
    now, before = np.zeros(len(usual), np.float64), np.zeros(len(usual), np.float64)
    for row in range(rows):
        now, before = before, now
        if row > 1:
            for at in range(bounds[row - 2], bounds[row - 1]):
                now[expected[at]] = 0.0
        for at in range(bounds[row], bounds[row + 1]):
            now[expected[at]] = likely[at]
        both = sizes[row] + (sizes[row - 1] if row else 0)
        for column in range(width):
            unit = starts[row + 1] + column - 1
            if unit < 0 or unit >= units:
                continue
            one, two = 0.0, 0.0
            for at in range(word_bounds[unit], word_bounds[unit + 1]):
                word = words[at]
                rare = (1 - unknown) / usual[word]
                one += math.log(unknown + rare * now[word] / sizes[row])
                two += math.log(unknown + rare * (now[word] + before[word]) / both)
            single[row + 1, column] = one
            double[row + 1, column] = two
    return single, double


@compiled
def _length_cost(source: float, target: float, ratio: float) -> float:
    """How little the lengths of both sides fit, as a logarithm: the two tails beyond their difference."""
    mean = (source + target / ratio) / 2
    deviation = math.sqrt(_VARIANCE * mean + (_FREEDOM * mean) ** 2)
    distance = abs(target / ratio - source) / deviation
    return -math.log(max(math.erfc(distance / math.sqrt(2.0)), 1e-12))


@compiled
def _weights(lengths: Floats, others: Floats, single: Floats, double: Floats, starts: Ints, width: int) -> Floats:
    """The logarithm of each bead's weight that ends at a place of the band: (rows + 1, width, kinds)."""
    rows, units = len(lengths), len(others)
    ratio = others.sum() / lengths.sum()
    weights = np.full((rows + 1, width, 6), -np.inf)
    for row in range(rows + 1):
        one = lengths[row - 1] if row else 0.0
        two = one + lengths[row - 2] if row > 1 else 0.0
        for column in range(width):
            unit = starts[row] + column
            if unit > units:
                continue
            other = others[unit - 1] if unit else 0.0
            others_two = other + others[unit - 2] if unit > 1 else 0.0
            # The unit before the last in the same row; at the band's edge there is none.
            left = single[row, column - 1] if column else -np.inf
            left_double = double[row, column - 1] if column else -np.inf
            w = weights[row, column]
            if row and unit:
                w[0] = _PRIORS[0] - _length_cost(one, other, ratio) + single[row, column]
            if row:
                w[1] = _PRIORS[1] - min(_ALONE, _length_cost(one, 0.0, ratio))
            if unit:
                w[2] = _PRIORS[2] - min(_ALONE, _length_cost(0.0, other, ratio))
            if row > 1 and unit:
                w[3] = _PRIORS[3] - _length_cost(two, other, ratio) + double[row, column]
            if row and unit > 1:
                w[4] = _PRIORS[4] - _length_cost(one, others_two, ratio) + single[row, column] + left
            if row > 1 and unit > 1:
                w[5] = _PRIORS[5] - _length_cost(two, others_two, ratio) + double[row, column] + left_double
    return weights


@compiled
def _added(first: float, second: float) -> float:
    """The logarithm of a sum."""
    high, low = max(first, second), min(first, second)
    return high if low == -np.inf else high + math.log1p(math.exp(low - high))


@compiled
def _best(weights: Floats, starts: Ints, rows: int, units: int) -> tuple[Ints, Floats]:
    """The heaviest alignment, as rows of (source, its end, target, its end), and each bead's probability."""
    width = weights.shape[1]
    best = np.full((rows + 1, width), -np.inf)
    forward, backward = np.full((rows + 1, width), -np.inf), np.full((rows + 1, width), -np.inf)
    chosen = np.full((rows + 1, width), -1)
    best[0, -starts[0]] = 0.0
    forward[0, -starts[0]] = 0.0
    for row in range(rows + 1):
        for column in range(width):
            for kind in range(6):
                from_row = row - _BEADS[kind, 0]
                if from_row < 0 or weights[row, column, kind] == -np.inf:
                    continue
                at = starts[row] + column - _BEADS[kind, 1] - starts[from_row]
                if at < 0 or at >= width:
                    continue
                value = best[from_row, at] + weights[row, column, kind]
                if value > best[row, column]:
                    best[row, column] = value
                    chosen[row, column] = kind
                forward[row, column] = _added(
                    forward[row, column], forward[from_row, at] + weights[row, column, kind]
                )
    backward[rows, units - starts[rows]] = 0.0
    for row in range(rows, -1, -1):
        for column in range(width - 1, -1, -1):
            for kind in range(6):
                from_row = row - _BEADS[kind, 0]
                if from_row < 0 or weights[row, column, kind] == -np.inf:
                    continue
                at = starts[row] + column - _BEADS[kind, 1] - starts[from_row]
                if 0 <= at < width:
                    value = backward[row, column] + weights[row, column, kind]
                    backward[from_row, at] = _added(backward[from_row, at], value)
    places = np.zeros((rows + units, 4), np.int64)
    scores = np.zeros(rows + units)
    whole = forward[rows, units - starts[rows]]
    row, unit, count = rows, units, 0
    while row or unit:
        column = unit - starts[row]
        kind = chosen[row, column]
        before, start = row - _BEADS[kind, 0], unit - _BEADS[kind, 1]
        scores[count] = min(
            1.0,
            math.exp(
                forward[before, start - starts[before]] + weights[row, column, kind] + backward[row, column] - whole
            ),
        )
        places[count] = np.array([before, row, start, unit])
        row, unit, count = before, start, count + 1
    return places[:count][::-1], scores[:count][::-1]
