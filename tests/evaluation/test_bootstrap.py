import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.evaluation.bootstrap import LEAST, ratio

PAIRS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30)


@given(PAIRS)
def test_the_value_is_the_sum_by_the_sum_and_lies_between_its_bounds(pairs):
    parts, wholes = [min(pair) for pair in pairs], [max(pair) for pair in pairs]
    found = ratio(parts, wholes)
    counted = [(p, w) for p, w in zip(parts, wholes, strict=True) if w]
    assert found.works == len(counted)
    if not counted:
        assert found.value is None
        return
    assert found.value == pytest.approx(sum(p for p, _ in counted) / sum(w for _, w in counted), abs=5e-5)
    if len(counted) < LEAST:
        assert found.low is None
        assert found.high is None
    else:
        assert found.low is not None
        assert found.high is not None
        assert 0 <= found.low <= found.high <= 1
        quotients = [p / w for p, w in counted]
        assert min(quotients) - 1e-4 <= found.low
        assert found.high <= max(quotients) + 1e-4


def test_the_interval_of_a_mean_is_as_wide_as_the_theory_says():
    values = np.random.default_rng(1).normal(10, 2, 400)
    found = ratio(values.tolist())
    assert found.high - found.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)


def test_a_work_with_many_sites_is_one_work_still():
    """Ten works that are all old or all new, of a hundred sites each, tell no more than ten coins."""
    found = ratio([100.0] * 5 + [0.0] * 5, [100.0] * 10)
    assert found.high - found.low >= 0.5
