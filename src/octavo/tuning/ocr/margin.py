"""How sure a model must be of an edit: less where it would change much, as a page with many errors has more.

The margins are fitted to pairs neither learnt from nor tested, and to clean texts.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import count
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from octavo.evaluation.task_metrics import edits as distance
from octavo.tuning.ocr.edits import Edit, settled
from octavo.tuning.ocr.pairs import OcrPair

MOST_HARM: Final = 0.001
"""By how much the error rate of clean texts may rise when margins are fitted: half of what is promised (0.2
points), as it varies from sample to sample."""
MARGINS: Final = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 16.0, math.inf)
"""Bits that are tried; at infinity nothing is changed."""
RATES: Final = (0.0, 0.03, 0.06, 0.1, 0.15, 0.25, 0.4)
"""Edits a word from which the next margin holds."""
_SPARE: Final = 10
"""Words that a text is taken to have besides: of a short one, little is known."""

Margins = tuple[float, ...]
"""Bits, for each of RATES."""
Counts = npt.NDArray[np.int64]


class Tried(NamedTuple):
    """A pair, and what the model would change in its source."""

    pair: OcrPair
    edits: Sequence[Edit]


class Fit(NamedTuple):
    """Margins, and the character error rates with them on the pairs that they were fitted to."""

    margins: Margins
    before: float
    after: float
    clean_before: float
    clean_after: float


def margin_of(margins: Margins, text: str, edits: Sequence[Edit]) -> float:
    """The margin for a text that the model would make these edits in."""
    return margins[_place(text, edits)]


def clean_copies(pairs: Sequence[OcrPair]) -> list[OcrPair]:
    """Pairs in which nothing is to be corrected: the printed side on both."""
    return [pair._replace(id=f"{pair.id}-clean", source=pair.target) for pair in pairs]


def fit_margins(tried: Sequence[Tried], clean: Sequence[Tried]) -> Fit:
    """The margins that leave the fewest errors among those that harm clean texts by MOST_HARM at most.

    Errors of clean texts are given a weight, which is doubled until they are few enough. Of margins that leave as
    many the larger are taken. The edits have their gain.
    """
    errors, size = _errors(tried)
    clean_errors, clean_size = _errors(clean)
    found: Margins = ()
    for doubled in count():
        cost = errors / size + (2.0**doubled - 1) * clean_errors / clean_size
        found = _cheapest(cost)
        harm = _total(clean_errors, found) - clean_errors[:, -1].sum()
        if harm <= MOST_HARM * clean_size:
            break
    return Fit(
        found,
        float(errors[:, -1].sum() / size),
        _total(errors, found) / size,
        float(clean_errors[:, -1].sum() / clean_size),
        _total(clean_errors, found) / clean_size,
    )


def _place(text: str, edits: Sequence[Edit]) -> int:
    rate = sum(not edit.refused for edit in edits) / (len(text.split()) + _SPARE)
    return bisect_right(RATES, rate) - 1


def _errors(tried: Sequence[Tried]) -> tuple[Counts, int]:
    """The errors that each of MARGINS leaves in the texts of each of RATES, and the characters of all."""
    found = np.zeros((len(RATES), len(MARGINS)), np.int64)
    for pair, edits in tried:
        row = found[_place(pair.source, edits)]
        row += [distance(settled(pair.source, edits, margin).text, pair.target) for margin in MARGINS]
    return found, max(1, sum(len(pair.target) for pair, _ in tried))


def _cheapest(cost: npt.NDArray[np.float64]) -> Margins:
    """For each of RATES the margin of least cost, of equal ones the larger."""
    last = cost.shape[1] - 1
    return tuple(MARGINS[last - int(row[::-1].argmin())] for row in cost)


def _total(errors: Counts, margins: Margins) -> int:
    return int(sum(row[MARGINS.index(margin)] for row, margin in zip(errors, margins, strict=True)))
