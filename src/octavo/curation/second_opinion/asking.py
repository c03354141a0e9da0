"""What a second, slower classifier says of passages, and how much of what it would find the fast one flags.

Any sequence classifier in the format of Hugging Face can be asked (`second_opinion_model` loads it). Passages that
are longer than it reads at once are read in windows, so none is cut off; they are batched by length, so little is
padded. Everything is computed in float32: on a CPU bfloat16 gains little with such models, and its scores would
depend on the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from octavo.curation.toxicity.scoring import DIMENSIONS
from octavo.errors import OctavoError
from octavo.progress import Progress
from octavo.recipe.second_opinion import SecondOpinion

F32 = npt.NDArray[np.float32]

AT_ONCE: Final = 4096
"""Texts that are cut into tokens and sorted by length together: enough for even batches, few enough for memory."""

PADDED: Final = 1 / 8
"""How much shorter a window may be than the longest of its batch, as a share of it."""

SMALL: Final = 1 / 8
"""Share of a batch's tokens up to which more padding costs less than another batch."""

CONFIDENCE: Final = 0.95


def second_scores(texts: Sequence[str], settings: SecondOpinion, progress: Progress | None = None) -> F32:
    """The level, 0 to 3, to expect of each text in each of DIMENSIONS, as (texts, dimensions) in float32.

    A text has the highest score of its windows, and 0 where it has no token. NaN stands in the dimensions of which
    the model says nothing. A text has the same score, but for rounding, beside any others and in any order. Raises
    InputError where the model cannot be had, or does not fit its settings.
    """
    if not texts:
        return np.zeros((0, len(DIMENSIONS)), np.float32)
    from octavo.curation.second_opinion.model import load_second_opinion  # torch is slow to import

    progress = progress or Progress()
    model = load_second_opinion(settings)
    scores = np.zeros((len(texts), len(DIMENSIONS)), np.float32)
    for first in range(0, len(texts), AT_ONCE):
        chunk = texts[first : first + AT_ONCE]
        windows, owner = model.windows(chunk)
        read = 0
        for batch in batches([len(window["input_ids"]) for window in windows], settings.batch_tokens):
            progress.check()
            np.maximum.at(scores, first + owner[batch], model.scores([windows[place] for place in batch]))
            read += len(batch)
            done = first + len(chunk) * read / len(windows)
            progress.update(done, len(texts), f"second opinion of {settings.model}")
    if not np.isfinite(scores).all():
        raise OctavoError(f"{settings.model}: gave scores that are no numbers, expected levels from 0 to 3")
    scores[:, ~model.known] = np.nan
    return scores


def batches(lengths: Sequence[int], batch_tokens: int) -> Iterator[npt.NDArray[np.int64]]:
    """The places of `lengths` in batches of like length, longest first, so that what cannot fit fails at once.

    A batch padded to its longest has `batch_tokens` at most, or is one alone. From SMALL of these on it takes in
    none that is shorter than its longest by more than PADDED.
    """
    order = np.argsort(-np.asarray(lengths, np.int64), kind="stable")
    longest_first = np.asarray(lengths, np.int64)[order]
    start = 0
    while start < len(order):
        longest = int(longest_first[start])
        alike = int(np.searchsorted(-longest_first, (PADDED - 1) * longest, side="right"))
        small = start + int(SMALL * batch_tokens) // longest
        end = min(max(alike, small), start + max(1, batch_tokens // longest))
        yield order[start:end]
        start = end


class CascadeRecall(NamedTuple):
    """How much of what the second classifier would find in all passages the fast one flags."""

    estimate: float | None
    """None where the second found nothing, or nothing unflagged was shown to it."""
    low: float
    high: float
    """Between these it lies, with a confidence of 95 %."""
    flagged: int
    flagged_positive: int
    unflagged: int
    """Passages that the fast classifier did not flag, of which `sampled` were shown to the second."""
    sampled: int
    sampled_positive: int


def cascade_recall(flagged_first: npt.ArrayLike, positive_second: npt.ArrayLike, unflagged: int) -> CascadeRecall:
    """The recall of the cascade, from every flagged passage and a random sample of those that are not.

    `flagged_first` and `positive_second` are booleans of the passages that the second classifier was shown: whether
    the fast one flags it, and whether the second scores it at or above the threshold. Those that are not flagged
    must have been drawn at random, without replacement, of the `unflagged` that there are in all.

    The flagged are counted in full, and what the others hold is estimated by their sample: a stratified estimate
    (Cochran, Sampling Techniques, 1977, ch. 5; for recall, Webber, ACM TOIS 31(1), 2013). Its interval is that of
    the number of positives among the unflagged, by inverting the two tails of the hypergeometric distribution
    (Buonaccorsi, The American Statistician 41(3), 1987), at which recall is taken. It holds for any size of
    sample, no positive in it included, and covers at least 95 %.
    """
    flagged, positive = np.asarray(flagged_first, bool), np.asarray(positive_second, bool)
    if flagged.shape != positive.shape:
        raise ValueError(f"{flagged.shape} flags and {positive.shape} opinions, expected as many")
    found = int((flagged & positive).sum())
    sampled, hits = int((~flagged).sum()), int((~flagged & positive).sum())
    if sampled > unflagged:
        raise ValueError(f"{sampled} sampled of {unflagged} unflagged, expected at most all")
    fewest, most = _positives(hits, sampled, unflagged)

    def recall(missed: float) -> float | None:
        return found / (found + missed) if found + missed else None

    estimate = recall(unflagged * hits / sampled) if sampled else recall(0) if not unflagged else None
    low, high = recall(most), recall(fewest)
    return CascadeRecall(
        estimate,
        0.0 if low is None else low,
        1.0 if high is None else high,
        len(flagged) - sampled,
        found,
        unflagged,
        sampled,
        hits,
    )


def _positives(hits: int, sampled: int, population: int) -> tuple[int, int]:
    """The fewest and the most positives in a population that a sample with `hits` does not refute."""
    tail = (1 - CONFIDENCE) / 2
    least, greatest = hits, population - sampled + hits
    most = _last(least, greatest, lambda positives: _tails(hits, sampled, positives, population)[0] > tail)
    refuted = _last(least - 1, greatest, lambda positives: _tails(hits, sampled, positives, population)[1] <= tail)
    return refuted + 1, most


def _last(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The last number from `low` to `high` of which it holds, where it holds of `low` and then stops for good."""
    while low < high:
        middle = (low + high + 1) // 2
        if holds(middle):
            low = middle
        else:
            high = middle - 1
    return low


def _tails(hits: int, sampled: int, positives: int, population: int) -> tuple[float, float]:
    """The probabilities of at most and of at least `hits` in a sample without replacement (hypergeometric)."""
    fewest, most = max(0, sampled - (population - positives)), min(sampled, positives)
    here = np.arange(fewest, most, dtype=np.float64)
    rise = np.log((positives - here) * (sampled - here))
    fall = np.log((here + 1) * (population - positives - sampled + here + 1))
    weights = np.concatenate([[0.0], np.cumsum(rise - fall)])
    weights = np.exp(weights - weights.max())
    place = hits - fewest
    return (
        float(weights[: max(0, place + 1)].sum() / weights.sum()),
        float(weights[max(0, place) :].sum() / weights.sum()),
    )
