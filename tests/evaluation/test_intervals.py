"""Intervals against published figures, an independent computation, and simulations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.evaluation.intervals import difference, share

Z = 1.959963984540054


def answers(found, prompts):
    return np.array([[n < found] for n in range(prompts)])


@pytest.mark.parametrize(
    ("found", "prompts", "low", "high"),
    # Newcombe (1998), Two-sided confidence intervals for the single proportion, table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_one_answer_a_prompt_has_the_published_interval_of_wilson(found, prompts, low, high):
    assert share(answers(found, prompts)) == pytest.approx((found / prompts, low, high), abs=5e-5)


@given(st.integers(1, 400), st.data())
def test_the_bounds_are_the_shares_that_lie_just_so_far_away(prompts, data):
    """Wilson's bounds are where (share - p)^2 = z^2 p (1 - p) / n; here found by halving."""
    found = data.draw(st.integers(0, prompts))
    estimate, low, high = share(answers(found, prompts))

    def bound(inside, outside):
        for _ in range(60):
            middle = (inside + outside) / 2
            far = (estimate - middle) ** 2 > Z**2 * middle * (1 - middle) / prompts
            inside, outside = (inside, middle) if far else (middle, outside)
        return inside

    assert low == pytest.approx(bound(estimate, 0.0), abs=1e-6)
    assert high == pytest.approx(bound(estimate, 1.0), abs=1e-6)


def test_answers_that_repeat_their_prompts_make_nothing_surer():
    once = answers(7, 40)
    assert share(np.repeat(once, 5, axis=1)) == pytest.approx(share(once), abs=1e-9)


def test_answers_as_unlike_as_those_of_other_prompts_count_each():
    generator = np.random.default_rng(1)
    reached = generator.random((4000, 5)) < 0.2
    found = share(reached)
    assert found.high - found.low == pytest.approx(2 * Z * (0.2 * 0.8 / 20_000) ** 0.5, rel=0.1)


def test_where_nothing_was_found_something_may_be():
    assert share(np.zeros((40, 3), bool)) == share(np.zeros((40, 1), bool))
    assert share(np.zeros((40, 3), bool)).high == pytest.approx(Z**2 / (40 + Z**2))


def beta_binomial(generator, rate, alike, prompts, samples):
    size = (1 - alike) / alike
    rates = generator.beta(rate * size, (1 - rate) * size, prompts)
    return generator.random((prompts, samples)) < rates[:, None]


@pytest.mark.parametrize("rate", [0.05, 0.3])
def test_nineteen_in_twenty_intervals_hold_the_truth_where_samples_share_a_prompt(rate):
    generator = np.random.default_rng(2)
    found = [share(beta_binomial(generator, rate, 0.3, 60, 4)) for _ in range(1000)]
    assert 0.93 <= np.mean([low <= rate <= high for _, low, high in found]) <= 0.985


def test_nineteen_in_twenty_differences_hold_the_truth():
    """Two models over the same prompts, whose rates go together."""
    generator = np.random.default_rng(3)
    held = []
    for _ in range(1000):
        rates = generator.beta(2, 8, 80)[:, None]
        first, second = generator.random((80, 3)) < rates, generator.random((80, 3)) < rates / 2
        held.append(difference(first, second).low <= 0.1 <= difference(first, second).high)
    assert 0.93 <= np.mean(held) <= 0.99


def test_a_difference_turned_round_is_its_opposite():
    generator = np.random.default_rng(4)
    first, second = generator.random((30, 2)) < 0.3, generator.random((30, 2)) < 0.6
    there, back = difference(first, second), difference(second, first)
    assert there == pytest.approx((-back.share, -back.high, -back.low))
    assert difference(first, first).share == 0
    assert difference(first, first).low <= 0 <= difference(first, first).high
