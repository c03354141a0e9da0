import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.training.draw import shares
from octavo.training.order import Order, Permutation, Stage, sequences_at

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


def test_epochs_seeds_and_folders_have_orders_of_their_own():
    size = 1000
    orders = [
        sequences_at(np.arange(size), size, seed=1),
        sequences_at(np.arange(size, 2 * size), size, seed=1),
        sequences_at(np.arange(size), size, seed=2),
        sequences_at(np.arange(size), size, seed=1, folder=1),
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


@st.composite
def orders(draw):
    """A training of up to four stages over up to five folders, and its length."""
    sizes = draw(st.lists(st.integers(1, 30), min_size=1, max_size=5))
    stages, first = [], 0
    for _ in range(draw(st.integers(1, 4))):
        folders = draw(st.lists(st.integers(0, len(sizes) - 1), min_size=1, unique=True))
        weights = draw(st.lists(st.floats(0.01, 10), min_size=len(folders), max_size=len(folders)))
        stages.append(Stage(first, tuple(folders), tuple(shares(weights))))
        first += draw(st.integers(1, 100))
    return Order(sizes, stages, draw(st.integers(0, 2**60))), first


@given(orders())
def test_the_inverse_tells_all_positions_at_which_a_sequence_is_seen(made):
    """Against a scan of the whole training, over stages, folders and epochs."""
    order, end = made
    seen = order.at(np.arange(end))
    for number in range(sum(order.sizes)):
        assert order.seen(number, end) == np.flatnonzero(seen == number).tolist()


@given(orders())
def test_each_folder_is_walked_epoch_by_epoch_through_all_stages(made):
    """No sequence comes again before all of its folder have been seen, whichever stages the folder is in."""
    order, end = made
    seen = order.at(np.arange(end))
    for folder, size in enumerate(order.sizes):
        first = order.first_numbers[folder]
        walked = seen[(seen >= first) & (seen < first + size)] - first
        assert walked.tolist() == sequences_at(np.arange(len(walked)), size, order.seed, folder).tolist()
        assert order.drawn(end)[folder] == len(walked)


@given(orders())
def test_a_stage_draws_from_its_own_folders_by_their_weights(made):
    order, end = made
    ends = [*order.first_positions[1:].tolist(), end]
    for stage, last in zip(order.stages, ends, strict=True):
        numbers = order.at(np.arange(stage.first, last))
        folders = np.searchsorted(order.first_numbers, numbers, side="right") - 1
        assert set(folders.tolist()) <= set(stage.folders)
        for folder, part in zip(stage.folders, stage.parts, strict=True):
            expected = len(numbers) * part / sum(stage.parts)
            assert abs((folders == folder).sum() - expected) <= 1.5 + 1e-6  # three halvings at most


@given(orders(), st.integers(1, 40))
def test_a_position_in_several_folders_does_not_depend_on_how_it_is_asked_for(made, cut):
    order, end = made
    pieces = [order.at(np.arange(n, min(n + cut, end))) for n in range(0, end, cut)]
    assert np.concatenate(pieces).tolist() == order.at(np.arange(end)).tolist()


def test_one_folder_has_the_order_that_it_has_without_stages():
    """Runs from before there were stages go on as they were."""
    order = Order([100], [Stage(0, (0,), (1,))], seed=1789)
    assert order.at(np.arange(300)).tolist() == sequences_at(np.arange(300), 100, seed=1789).tolist()


def test_a_position_far_out_is_found_at_once():
    """As it would take a table of 8 TB: nothing is walked through."""
    order = Order([10**12, 3 * 10**9], [Stage(0, (0, 1), (2, 1)), Stage(10**11, (1,), (1,))], seed=5)
    positions = np.array([0, 10**11 - 1, 10**11, 5 * 10**11])
    for position, number in zip(positions.tolist(), order.at(positions).tolist(), strict=True):
        assert position in order.seen(number, 5 * 10**11 + 1)
