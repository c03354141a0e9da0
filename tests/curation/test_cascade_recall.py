"""The recall of a cascade: its interval against exact probabilities, and against draws from made-up passages."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.curation.second_opinion.asking import cascade_recall


def of_counts(found, hits, sampled, unflagged, flagged=None):
    flagged = found if flagged is None else flagged
    seen = np.arange(flagged + sampled) < flagged
    positive = np.concatenate([np.arange(flagged) < found, np.arange(sampled) < hits])
    return cascade_recall(seen, positive, unflagged)


def share(hits, sampled, positives, population):
    """The probability of so many hits in a sample without replacement, in whole numbers."""
    ways = comb(positives, hits) * comb(population - positives, sampled - hits)
    return Fraction(ways, comb(population, sampled))


@pytest.mark.parametrize(("population", "sampled"), [(40, 12), (300, 60), (2000, 100), (25, 25)])
def test_the_interval_covers_the_truth_at_least_as_often_as_it_says(population, sampled):
    found = 30
    intervals = [of_counts(found, hits, sampled, population) for hits in range(min(sampled, 40) + 1)]
    for positives in (0, 1, 2, 5, 11, 20):
        truth = found / (found + positives)
        covered = sum(
            share(hits, sampled, positives, population)
            for hits in range(min(sampled, positives) + 1)
            if sampled - hits <= population - positives and intervals[hits].low <= truth <= intervals[hits].high
        )
        assert covered >= 0.95


def test_in_draws_from_made_up_passages_it_covers_the_truth_and_is_not_wide_for_nothing():
    lot = np.random.default_rng(4)
    flags = np.arange(20_000) < 600
    harmful = lot.random(20_000) < np.where(flags, 0.7, 0.006)
    truth = (flags & harmful).sum() / harmful.sum()
    covered, estimates, widths = 0, [], []
    for _ in range(400):
        shown = np.concatenate([np.flatnonzero(flags), lot.choice(np.flatnonzero(~flags), 1000, replace=False)])
        found = cascade_recall(flags[shown], harmful[shown], int((~flags).sum()))
        covered += found.low <= truth <= found.high
        estimates.append(found.estimate)
        widths.append(found.high - found.low)
    assert covered / 400 >= 0.94  # 0.95, less two standard errors of 400 draws would be 0.928
    assert abs(np.mean(estimates) - truth) < 0.03
    assert np.mean(widths) < 0.35


def test_the_interval_is_what_the_tails_leave():
    """Each end, and the next whole number beyond it, by the exact distribution."""
    hits, sampled, population = 3, 50, 400
    found = of_counts(1, hits, sampled, population)
    fewest, most = round(1 / found.high) - 1, round(1 / found.low) - 1

    def at_least(positives):
        return sum(share(n, sampled, positives, population) for n in range(hits, sampled + 1))

    def at_most(positives):
        return sum(share(n, sampled, positives, population) for n in range(hits + 1))

    assert at_least(fewest) > 0.025 >= at_least(fewest - 1)
    assert at_most(most) > 0.025 >= at_most(most + 1)


def test_no_positive_in_the_sample_proves_no_full_recall():
    found = of_counts(found=80, hits=0, sampled=1000, unflagged=1_000_000, flagged=100)
    assert found.estimate == found.high == 1.0
    # So many would be missed by 1,000 draws with a probability of 2.5 %: about 3.69 in 1,000.
    assert found.low == pytest.approx(80 / (80 + 3682), rel=0.01)
    assert (found.flagged, found.flagged_positive, found.sampled_positive) == (100, 80, 0)


def test_where_every_unflagged_passage_was_shown_nothing_is_uncertain():
    found = of_counts(found=9, hits=3, sampled=500, unflagged=500)
    assert found.estimate == found.low == found.high == 0.75


def test_where_nothing_is_known_nothing_is_claimed():
    nothing_found = of_counts(found=0, hits=0, sampled=100, unflagged=1000, flagged=20)
    assert (nothing_found.estimate, nothing_found.low, nothing_found.high) == (None, 0.0, 1.0)
    nothing_shown = of_counts(found=5, hits=0, sampled=0, unflagged=1000)
    assert nothing_shown.estimate is None
    assert (nothing_shown.low, nothing_shown.high) == (5 / 1005, 1.0)
    all_flagged = of_counts(found=5, hits=0, sampled=0, unflagged=0)
    assert all_flagged.estimate == all_flagged.low == all_flagged.high == 1.0
    all_missed = of_counts(found=0, hits=4, sampled=100, unflagged=1000)
    assert all_missed.estimate == all_missed.low == all_missed.high == 0.0


@given(st.integers(0, 50), st.integers(0, 30), st.integers(30, 60), st.integers(60, 10**9))
def test_the_estimate_lies_within_its_interval(found, hits, sampled, unflagged):
    given = of_counts(found, hits, sampled, unflagged)
    assert 0 <= given.low <= given.high <= 1
    if given.estimate is not None:
        assert given.low <= given.estimate <= given.high


def test_more_of_a_sample_than_there_is_to_sample_is_a_mistake():
    with pytest.raises(ValueError, match="10 sampled of 9"):
        of_counts(found=1, hits=1, sampled=10, unflagged=9)
