"""Confusions are learnt from real pairs: both sides are aligned, and what differs is counted.

A stretch that differs and is longer than three characters on a side is counted in pieces; one of which a side is
much longer than the other is no confusion but a loss, and is not counted. What the alignment makes of an error is
not always what happened: confusions that occur once are left out, and the rates are set so that the noise has the
error rate of the pairs.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from operator import add
from typing import Final, NamedTuple

import numpy as np

from octavo.errors import InputError
from octavo.evaluation.task_metrics import edits
from octavo.tuning.ocr.alignment import Change, changes
from octavo.tuning.ocr.noise import noisy
from octavo.tuning.ocr.noise_table import ANY, NEAR, Confusions, Noise, group_of
from octavo.tuning.ocr.pairs import OcrPair

LEAST: Final = 20_000
"""Printed characters that a group of its own needs; those of smaller ones count to ANY alone."""

_SPACE: Final = re.compile(r"\s")
_LONGEST: Final = 3
_LOSS: Final = 8
"""Characters by which a side may be longer."""
_TWICE: Final = 2
_WEIGHT: Final = 20.0
"""Errors that a context needs to count as much as the mean over contexts."""
_FACTORS: Final = (0.01, 0.03, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.4, 2.0, 3.0, 5.0, 8.0)
_TRIED: Final = 60_000
"""Characters on which it is tried what error rate a factor makes."""
_STEPS: Final = 33


class Error(NamedTuple):
    """Something printed, and what it was recognised as."""

    place: int
    """Its first character in the printed text."""
    old: str
    new: str


def is_enough(pairs: Sequence[OcrPair]) -> bool:
    """Whether there are pairs enough for `learn`."""
    return sum(len(pair.target) for pair in pairs) >= LEAST


def learn(pairs: Sequence[OcrPair]) -> Noise:
    """Confusions of each group that has enough pairs, and of all together.

    Raises InputError where there are too few of any.
    """
    pairs = [pair._replace(source=_plain(pair.source), target=_plain(pair.target)) for pair in pairs]
    groups: dict[str, list[OcrPair]] = defaultdict(list)
    for pair in pairs:
        groups[group_of(pair.lang, pair.target)].append(pair)
    if not is_enough(pairs):
        size = sum(len(pair.target) for pair in pairs)
        raise InputError(f"OCR noise: found pairs of {size} characters, expected {LEAST} at least to learn it from")
    found = {id(pair): list(errors(pair.target, pair.source)) for pair in pairs}
    large = {name: its for name, its in groups.items() if sum(len(pair.target) for pair in its) >= LEAST}
    return Noise(
        {
            name: _confusions(its, [found[id(pair)] for pair in its])
            for name, its in [*sorted(large.items()), (ANY, list(pairs))]
        }
    )


def _plain(text: str) -> str:
    """The text in one line: where lines end is no error."""
    return _SPACE.sub(" ", text)


def errors(printed: str, recognised: str) -> Iterator[Error]:
    """The confusions between two texts, in order, of up to three printed characters each."""
    for change in changes(printed, recognised):
        yield from _pieces(change, printed, recognised)


def _pieces(change: Change, printed: str, recognised: str) -> Iterator[Error]:
    """A change in pieces. What was put in goes with the character behind it, or before it at the end of a text."""
    start, end, other, other_end = change
    if abs((end - start) - (other_end - other)) > _LOSS:
        return
    if start == end:
        if end < len(printed):
            yield Error(start, printed[start], recognised[other:other_end] + printed[start])
        elif start:
            yield Error(start - 1, printed[start - 1], printed[start - 1] + recognised[other:other_end])
        return
    parts = -(-max(end - start, other_end - other) // _LONGEST)
    parts = min(parts, end - start)
    for part in range(parts):
        first, last = (start + (end - start) * n // parts for n in (part, part + 1))
        there, there_end = (other + (other_end - other) * n // parts for n in (part, part + 1))
        yield Error(first, printed[first:last], recognised[there:there_end])


def _confusions(pairs: Sequence[OcrPair], found: Sequence[Sequence[Error]]) -> Confusions:
    counts = Counter((error.old, error.new) for its in found for error in its if error.old != error.new)
    printed = "\0".join(pair.target for pair in pairs)
    twos = Counter(map(add, printed, printed[1:]))
    occurrences = Counter(printed) + twos + Counter(map(add, map(add, printed, printed[1:]), printed[2:]))
    rates: dict[str, dict[str, float]] = defaultdict(dict)
    for (old, new), count in sorted(counts.items()):
        if count >= _TWICE:
            rates[old][new] = count / occurrences[old]
    near, far = _clusters(pairs, found)
    learnt = Confusions(
        dict(rates),
        _contexts(pairs, found, rates, twos, -1),
        _contexts(pairs, found, rates, twos, 1),
        near,
        far,
        _levels(pairs),
        [(1.0, 1.0)],
    )
    return _with_response(learnt, pairs)


def _contexts(
    pairs: Sequence[OcrPair],
    found: Sequence[Sequence[Error]],
    rates: dict[str, dict[str, float]],
    expected: Counter[str],
    side: int,
) -> dict[str, float]:
    """How much more often a character goes wrong by its neighbour on a side (-1 before it, 1 after it)."""
    totals = {old: sum(new.values()) for old, new in rates.items() if len(old) == 1}
    wrong: Counter[str] = Counter()
    for pair, its in zip(pairs, found, strict=True):
        text = pair.target
        for error in its:
            neighbour = error.place + side
            if len(error.old) == 1 and 0 <= neighbour < len(text) and error.new in rates.get(error.old, {}):
                first = min(error.place, neighbour)
                wrong[text[first : first + 2]] += 1
    factors = {}
    for signs, count in sorted(expected.items()):
        usual = count * totals.get(signs[1] if side < 0 else signs[0], 0.0)
        if usual >= 1:
            factors[signs] = round((wrong[signs] + _WEIGHT) / (usual + _WEIGHT), 3)
    return factors


def _clusters(pairs: Sequence[OcrPair], found: Sequence[Sequence[Error]]) -> tuple[float, float]:
    """How much more often errors start near another, and how much less often elsewhere."""
    near = near_errors = every = 0
    for pair, its in zip(pairs, found, strict=True):
        every += len(pair.target)
        last = -math.inf
        for number, error in enumerate(its):
            near_errors += error.place - last <= NEAR
            last = error.place + len(error.old) - 1
            following = its[number + 1].place if number + 1 < len(its) else len(pair.target)
            near += max(0, min(int(last) + NEAR, following) - int(last))
    errors_in_all = sum(map(len, found))
    rate = errors_in_all / max(every, 1)
    if not errors_in_all or near >= every:
        return 1.0, 1.0
    return near_errors / max(near, 1) / rate, (errors_in_all - near_errors) / (every - near) / rate


def _levels(pairs: Sequence[OcrPair]) -> list[float]:
    """The error rates of documents, at equal steps of their share."""
    wrong: Counter[str] = Counter()
    size: Counter[str] = Counter()
    for pair in pairs:
        wrong[pair.doc] += edits(pair.source, pair.target)
        size[pair.doc] += len(pair.target)
    rates = [wrong[doc] / size[doc] for doc in size]
    return [round(float(value), 5) for value in np.quantile(rates, np.linspace(0, 1, _STEPS))]


def _with_response(learnt: Confusions, pairs: Sequence[OcrPair]) -> Confusions:
    """The confusions with what error rate each factor makes, tried on printed texts of the pairs."""
    tried: list[str] = []
    for pair in pairs[:: max(1, sum(len(p.target) for p in pairs) // _TRIED)]:
        tried.append(pair.target)
    size = sum(map(len, tried))
    response: list[tuple[float, float]] = []
    for factor in _FACTORS:
        wrong = sum(edits(noisy(learnt, text, factor, str(n), 0), text) for n, text in enumerate(tried))
        response.append((factor, max(wrong / size, response[-1][1] if response else 0.0)))
    return Confusions(learnt.rates, learnt.before, learnt.after, learnt.near, learnt.far, learnt.levels, response)
