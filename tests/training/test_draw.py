"""Weighted draws: even in any stretch, without state, with an exact inverse."""

import math
from collections import Counter
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from octavo.training.draw import SCALE, draw, drawn, sample_of, shares

PARTS = st.lists(st.integers(1, 50), min_size=1, max_size=9)


def scanned(samples, parts):
    """The same by Fraction and a walk from the first sample on, which counts what each folder has had."""
    counts, found = Counter(), []
    for n in range(samples):
        first, last = 0, len(parts)
        before = n
        while last - first > 1:
            middle = first + (last - first) // 2
            share = Fraction(sum(parts[first:middle]), sum(parts[first:last]))
            # As many go left as rounding half up says, over the samples that came here.
            left, then = (
                math.floor(k * share + Fraction(sum(parts[first:last]) // 2, sum(parts[first:last])))
                for k in (before, before + 1)
            )
            first, last, before = (first, middle, left) if then > left else (middle, last, before - left)
        found.append((first, counts[first]))
        counts[first] += 1
    return found, counts


@given(PARTS, st.integers(0, 200))
def test_a_sample_is_known_without_the_samples_before_it(parts, samples):
    expected, counts = scanned(samples, parts)
    which, before = draw(np.arange(samples), parts)
    assert list(zip(which.tolist(), before.tolist(), strict=True)) == expected
    assert drawn(samples, parts) == [counts[n] for n in range(len(parts))]


@given(PARTS, st.integers(0, 10**12), st.integers(1, 300))
def test_no_folder_is_off_its_share_by_more_than_half_a_sample_at_each_halving(parts, start, length):
    for samples in (start, start + length):
        halvings = math.ceil(math.log2(len(parts))) if len(parts) > 1 else 0
        for count, part in zip(drawn(samples, parts), parts, strict=True):
            assert abs(count - Fraction(samples * part, sum(parts))) <= Fraction(halvings, 2)


@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=9), st.integers(0, 10**12))
def test_it_can_be_undone_at_any_distance(weights, sample):
    parts = shares(weights)
    which, before = draw(np.array([sample]), parts)
    assert sample_of(int(which[0]), int(before[0]), parts) == sample
    assert drawn(sample, parts)[which[0]] == before[0]


@given(st.lists(st.floats(1e-6, 1e12), min_size=1, max_size=50))
def test_shares_are_weights_to_a_billionth_and_never_nothing(weights):
    parts, total = shares(weights), math.fsum(weights)
    assert sum(parts) < 2**31
    for part, weight in zip(parts, weights, strict=True):
        assert part >= 1
        assert abs(part / SCALE - weight / total) <= 1 / SCALE


def test_equal_weights_take_turns():
    which, _ = draw(np.arange(8), shares([0.3, 0.3]))
    assert which.tolist() == [0, 1, 0, 1, 0, 1, 0, 1]


def test_the_draw_is_the_same_for_ever():
    """A change here would break every run that goes on, and every answer of `recall`."""
    which, _ = draw(np.arange(20), shares([0.7, 0.15, 0.08, 0.06, 0.01]))
    assert which.tolist() == GOLDEN


GOLDEN = [0, 0, 1, 2, 0, 0, 0, 0, 0, 1, 3, 0, 0, 0, 0, 0, 2, 1, 0, 0]
