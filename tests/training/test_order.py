import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.training.order import Permutation, sequences_at

SIZES = st.integers(1, 3000)
KEYS = st.tuples(st.integers(0, 2**63), st.integers(0, 5), st.integers(0, 100))


@given(SIZES, KEYS)
def test_every_sequence_is_seen_exactly_once_an_epoch(size, key):
    order = Permutation(size, key).apply(np.arange(size))
    assert sorted(order.tolist()) == list(range(size))


@given(st.integers(1, 2**40), KEYS, st.integers(0, 2**40))
def test_the_inverse_tells_when_a_sequence_is_seen(size, key, position):
    position %= size
    permutation = Permutation(size, key)
    sequence = permutation.apply(np.array([position]))
    assert permutation.invert(sequence).tolist() == [position]


@given(st.integers(2, 300), st.integers(0, 2**60), st.integers(5, 50))
def test_the_order_does_not_depend_on_how_the_positions_are_asked_for(size, seed, cut):
    positions = np.arange(3 * size)
    whole = sequences_at(positions, size, seed)
    pieces = [sequences_at(positions[n : n + cut], size, seed) for n in range(0, len(positions), cut)]
    assert whole.tolist() == np.concatenate(pieces).tolist()


def test_epochs_seeds_and_stages_have_orders_of_their_own():
    size = 1000
    orders = [
        sequences_at(np.arange(size), size, seed=1),
        sequences_at(np.arange(size, 2 * size), size, seed=1),
        sequences_at(np.arange(size), size, seed=2),
        sequences_at(np.arange(size), size, seed=1, stage=1),
    ]
    for n, one in enumerate(orders):
        for other in orders[n + 1 :]:
            assert (one == other).mean() < 0.02


def test_the_order_looks_random():
    size = 10_000
    order = sequences_at(np.arange(size), size, seed=3).astype(float)
    assert abs(np.corrcoef(order, np.arange(size))[0, 1]) < 0.05
    assert abs(np.corrcoef(order[:-1], order[1:])[0, 1]) < 0.05


def test_the_order_is_the_same_for_ever():
    """A change here would break every run that goes on, and every answer of `recall`."""
    assert sequences_at(np.arange(8), 100, seed=1789).tolist() == GOLDEN


GOLDEN = [63, 40, 32, 37, 18, 12, 3, 77]


def test_a_position_past_the_end_is_refused():
    with pytest.raises(ValueError, match="below 10"):
        Permutation(10, (1,)).apply(np.array([10]))
