"""The order that variants share: what they have in common they see at about the same time."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.ablation.pairing import paired
from octavo.tokenization.index import write_documents
from octavo.tokenization.shards import token_dtype, write_shard
from octavo.training.data import Data, open_data
from octavo.training.sequences import Windows
from tests.conftest import small_recipe

LENGTH = 16

Document = tuple[int, int]
"""A document by its number, which stands in its name and is all its tokens, and its length in sequences."""

PARTS = st.lists(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 4)), max_size=12), min_size=1, max_size=4)


def data_of(home: Path, parts: list[list[Document]], seed: int = 1789) -> Data[Windows]:
    """Token files of parts, as training opens them; with a token more, so that they end with a whole sequence."""
    home.mkdir()
    for place, documents in enumerate([*parts, [(0, 0)]]):
        part, shard = home / f"{place:03d}.parquet", home / f"{place:03d}.ds"
        columns = {
            "identifier": pa.array([f"work-{number}" for number, _ in documents], pa.large_string()),
            "split": pa.array(["train"] * len(documents), pa.large_string()),
            "repeats": pa.array([1] * len(documents), pa.int32()),
        }
        pq.write_table(pa.table(columns), part)
        write_documents(part, shard)
        last = place == len(parts)
        tokens = [np.full(length * LENGTH + last, number, np.uint32) for number, length in documents]
        write_shard(shard, iter([tokens] if tokens else []), token_dtype(1000), "t")
    return paired(open_data(small_recipe(seed=seed, training={"sequence_length": LENGTH}), home))


def sequences(parts: list[list[Document]]) -> int:
    return sum(length for documents in parts for _, length in documents)


def seen(data: Data[Windows], epochs: int = 1) -> list[tuple[int, int]]:
    """The documents of the sequences in the order in which training sees them, each with the sequence's number."""
    numbers = data.at(np.arange(epochs * len(data)))
    return list(zip(data.read(numbers)[:, 0].tolist(), numbers.tolist(), strict=True))


@settings(max_examples=30)
@given(parts=PARTS.filter(sequences), epochs=st.integers(1, 3))
def test_each_epoch_sees_each_sequence_once(tmp_path_factory, parts, epochs):
    data = data_of(tmp_path_factory.mktemp("pairing") / "tokens", parts)
    size = sequences(parts)
    assert len(data) == size
    numbers = [number for _, number in seen(data, epochs)]
    for epoch in range(epochs):
        assert sorted(numbers[epoch * size : (epoch + 1) * size]) == list(range(size))


@settings(max_examples=30)
@given(parts=PARTS.filter(sequences), end=st.integers(0, 60))
def test_where_a_sequence_is_seen_is_known_again(tmp_path_factory, parts, end):
    data = data_of(tmp_path_factory.mktemp("pairing") / "tokens", parts)
    order = data.at(np.arange(end)).tolist()
    for number in range(len(data)):
        assert data.order.seen(number, end) == [place for place, one in enumerate(order) if one == number]


@settings(max_examples=30)
@given(st.sets(st.integers(0, 39), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_what_is_left_of_the_documents_is_seen_in_the_order_in_which_it_was(tmp_path_factory, gone, random):
    home = tmp_path_factory.mktemp("pairing")
    parts = [[(10 * part + n, random.randint(1, 3)) for n in range(10)] for part in range(4)]
    fewer = [[document for document in documents if document[0] not in gone] for documents in parts]
    all_seen = [document for document, _ in seen(data_of(home / "all", parts)) if document not in gone]
    assert [document for document, _ in seen(data_of(home / "fewer", fewer))] == all_seen


def test_another_seed_and_another_epoch_have_another_order(tmp_path):
    parts = [[(n, 2) for n in range(40)]]
    first, second = seen(data_of(tmp_path / "a", parts), 2), seen(data_of(tmp_path / "b", parts, seed=1790))
    orders = [[document for document, _ in found] for found in (first[:80], first[80:], second)]
    assert orders[0] != orders[1]
    assert orders[0] != orders[2]


def test_a_document_that_is_taken_several_times_has_several_places(tmp_path):
    order = seen(data_of(tmp_path / "tokens", [[(7, 1)] * 20 + [(n, 1) for n in range(100, 180)]]))
    places = np.array([place for place, (document, _) in enumerate(order) if document == 7])
    assert len(places) == 20
    assert np.diff(places).max() > 1
    assert places.max() - places.min() > 40
