"""Differences and their intervals: what is paired cancels out, and the truth lies within as often as is said."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.ablation.comparing import (
    Difference,
    compare_bits,
    compare_shares,
    mean_bits,
    noise_of,
    student,
    verdict,
)

FLOATS = st.floats(-10, 10, allow_nan=False, width=32)


def works(bits, langs=("en", "fr")):
    """Bits of works of 1,000 bytes, dealt out to languages in turn."""
    return {
        lang: {f"{lang}-{n}": (float(value), 1000.0) for n, value in enumerate(bits[place :: len(langs)])}
        for place, lang in enumerate(langs)
    }


def tables(least_rows=2, least_columns=2):
    """Tables by variant and seed."""
    return st.tuples(st.integers(least_rows, 6), st.integers(least_columns, 5)).flatmap(
        lambda shape: st.lists(FLOATS, min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]).map(
            lambda values: np.array(values).reshape(shape)
        )
    )


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(1, 12.7062), (2, 4.3027), (5, 2.5706), (24, 2.0639), (999, 1.9623)]
)
def test_students_quantiles_are_those_of_the_tables(freedom, quantile):
    assert student(freedom) == pytest.approx(quantile, abs=1e-4)


@given(st.lists(FLOATS, min_size=2, max_size=6), st.lists(FLOATS, min_size=2, max_size=5))
def test_what_a_variant_or_a_seed_has_throughout_is_no_noise(variants, seeds):
    found = noise_of(np.add.outer(np.array(variants), np.array(seeds)))
    assert found is not None
    assert found.deviation == pytest.approx(0, abs=1e-5)
    assert found.freedom == (len(variants) - 1) * (len(seeds) - 1)


@given(tables(), st.lists(FLOATS, min_size=6, max_size=6), st.lists(FLOATS, min_size=5, max_size=5))
def test_noise_stays_what_it_is_whatever_variants_and_seeds_have_throughout(table, variants, seeds):
    shifted = table + np.add.outer(variants[: table.shape[0]], seeds[: table.shape[1]])
    assert noise_of(shifted).deviation == pytest.approx(noise_of(table).deviation, abs=1e-4)


def test_of_two_variants_it_is_the_noise_of_their_paired_differences():
    table = np.array([[1.0, 2.0, 4.0], [1.5, 2.25, 5.0]])
    found = noise_of(table)
    differences = table[1] - table[0]
    width = 4.3027 * differences.std(ddof=1) / math.sqrt(3)
    assert found.half_width(3) == pytest.approx(width, rel=1e-4)


@pytest.mark.parametrize("shape", [(1, 3), (4, 1), (1, 1)])
def test_one_seed_or_one_variant_shows_no_noise(shape):
    assert noise_of(np.zeros(shape)) is None


@given(
    st.lists(st.floats(500, 5000), min_size=12, max_size=40),
    st.lists(st.floats(-300, 300), min_size=2, max_size=4),
    st.floats(-0.4, 0.4),
)
def test_what_makes_a_work_or_a_seed_hard_for_both_cancels_out(hard, seeds, more):
    baseline = [works(np.array(hard) + seed) for seed in seeds]
    variant = [works(np.array(hard) + seed + 1000 * more) for seed in seeds]
    noise = noise_of(np.array([[mean_bits(one) for one in of] for of in (baseline, variant)]))
    found = compare_bits(variant, baseline, noise)
    assert found == pytest.approx((more, more, more), abs=2e-3)
    assert found.low <= found.value <= found.high


@given(tables(2, 2), st.integers(0, 10))
def test_the_baseline_less_a_variant_is_the_opposite(table, seed):
    drawn = np.random.default_rng(seed)
    bits = [[works(drawn.uniform(500, 5000, 24) + 10 * value) for value in row] for row in table[:2]]
    noise = noise_of(table)
    there, back = compare_bits(bits[0], bits[1], noise), compare_bits(bits[1], bits[0], noise)
    assert back == pytest.approx((-there.value, -there.high, -there.low), abs=2e-4)


def test_few_works_or_one_seed_give_no_bounds():
    few = [works([900.0, 1000.0, 1100.0, 1200.0])] * 2
    many = [works(np.linspace(800, 1200, 24))] * 2
    noise = noise_of(np.array([[1.0, 1.1], [1.0, 1.2]]))
    assert compare_bits(few, few, noise) == Difference(0.0, None, None)
    assert compare_bits(many, many, None) == Difference(0.0, None, None)
    assert compare_bits(many, many, noise).high > 0


def test_a_share_that_is_never_reached_has_bounds_all_the_same():
    never = np.zeros((50, 3), bool)
    found = compare_shares(never, never, noise_of(np.zeros((2, 3))), 3)
    assert found.low < 0 == found.value < found.high


@pytest.mark.parametrize(
    ("difference", "lower", "higher"),
    [
        (Difference(0.2, 0.1, 0.3), "helps", "harms"),
        (Difference(-0.2, -0.3, -0.1), "harms", "helps"),
        (Difference(0.2, -0.1, 0.5), "no difference shown", "no difference shown"),
        (Difference(0.0, 0.0, 0.0), "no difference shown", "no difference shown"),
        (Difference(0.2, None, None), "cannot be told", "cannot be told"),
    ],
)
def test_a_rule_helps_where_it_is_surely_worse_without_it(difference, lower, higher):
    assert verdict(difference, lower_is_better=True) == lower
    assert verdict(difference, lower_is_better=False) == higher


def test_the_truth_lies_within_in_19_of_20_cases_with_three_seeds():
    drawn, within, true, cases = np.random.default_rng(1), 0, 0.01, 300
    for _ in range(cases):
        hard = drawn.normal(2500, 300, 32)
        own = 1000 * (true + drawn.normal(0, 0.01, 32))
        of_seed = drawn.normal(0, 0.02, 3)  # what a seed does to all its proxies
        chance = drawn.normal(0, 0.01, (4, 3))
        bits = [
            [
                works(hard + (own if variant == 1 else 0) + 1000 * (of_seed[n] + chance[variant, n]))
                for n in range(3)
            ]
            for variant in range(4)
        ]
        noise = noise_of(np.array([[mean_bits(one) for one in of] for of in bits]))
        found = compare_bits(bits[1], bits[0], noise)
        within += found.low <= true <= found.high
    assert 0.92 <= within / cases <= 0.99
