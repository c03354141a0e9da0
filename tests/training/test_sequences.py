from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.errors import InputError
from octavo.tokenization.shards import Shard
from octavo.training.sequences import Windows, open_sequences


def shard(tokens: np.ndarray) -> Shard:
    return Shard(Path("made.ds"), tokens.astype(np.uint16), np.array([len(tokens)], np.uint64))


@given(st.lists(st.integers(0, 300), min_size=1, max_size=5), st.integers(1, 40))
def test_every_token_but_the_first_is_predicted_once_up_to_the_last_window(sizes, length):
    """However the stream is cut into files, empty ones among them."""
    ends = np.cumsum([0, *sizes])
    shards = [shard(np.arange(ends[n], ends[n + 1])) for n in range(len(sizes))]
    sequences = Windows(shards, length)
    rows = sequences.read(np.arange(len(sequences)))
    targets = rows[:, 1:].ravel().tolist()
    expected = list(range(1, 1 + max(int(ends[-1]) - 1, 0) // length * length))
    assert targets == expected
    assert (rows[:, 1:] - rows[:, :-1] == 1).all()


def test_of_a_long_file_less_than_one_in_a_hundred_tokens_is_left_out():
    sequences = Windows([shard(np.zeros(60_000))], 512)
    assert 0 <= sequences.discarded < 0.01


def test_too_few_tokens_for_one_sequence_are_refused(tmp_path):
    with pytest.raises(InputError, match="expected at least 129 for one sequence"):
        open_sequences(tmp_path, 128)
