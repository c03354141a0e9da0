"""How sure a model must be of an edit: the margin is fitted to pairs neither learnt from nor tested."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from octavo.evaluation.task_metrics import edits as distance
from octavo.tuning.ocr.edits import Edit, settled
from octavo.tuning.ocr.pairs import OcrPair

MOST_HARM: Final = 0.001
"""By how much the character error rate of clean texts may rise when the margin is fitted: half of what is promised
(0.2 points), as it varies from sample to sample."""
MARGINS: Final = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 16.0, math.inf)
"""Bits that are tried; at infinity nothing is changed."""


class Tried(NamedTuple):
    """A pair, and what the model would change in its source."""

    pair: OcrPair
    edits: Sequence[Edit]


class Fit(NamedTuple):
    """A margin, and the character error rates at it on the pairs that it was fitted to."""

    margin: float
    before: float
    after: float
    clean_before: float
    clean_after: float


def clean_copies(pairs: Sequence[OcrPair]) -> list[OcrPair]:
    """Pairs in which nothing is to be corrected: the printed side on both."""
    return [pair._replace(id=f"{pair.id}-clean", source=pair.target) for pair in pairs]


def fit_margin(tried: Sequence[Tried], clean: Sequence[Tried]) -> Fit:
    """The margin that leaves the fewest errors and harms clean texts by MOST_HARM at most.

    Of those that leave the same the largest is taken. The edits have their gain.
    """
    before, clean_before = _error_rate(tried, math.inf), _error_rate(clean, math.inf)
    best = Fit(math.inf, before, before, clean_before, clean_before)
    for margin in reversed(MARGINS):
        after, clean_after = _error_rate(tried, margin), _error_rate(clean, margin)
        if clean_after - clean_before > MOST_HARM:
            break
        if after < best.after:
            best = Fit(margin, before, after, clean_before, clean_after)
    return best


def _error_rate(tried: Sequence[Tried], margin: float) -> float:
    errors = sum(distance(settled(pair.source, edits, margin).text, pair.target) for pair, edits in tried)
    return errors / max(1, sum(len(pair.target) for pair, _ in tried))
