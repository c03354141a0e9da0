from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.errors import InputError
from octavo.tokenization.index import open_documents, training_documents, write_documents
from octavo.tokenization.shards import token_dtype, write_shard

PARTS = st.lists(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "é", "work#s001", "work#s002", "𝔘"]), st.booleans(), st.integers(0, 3)
        ),
        max_size=8,
    ),
    min_size=1,
    max_size=4,
)
"""The kept documents of each part: identifier, whether it is trained on, how often."""


def write_part(home: Path, number: int, documents: list[tuple[str, bool, int]], lengths: list[int]) -> None:
    """A part, and a token file of its training documents in which the tokens of the n-th document all are n."""
    part = home / "kept" / f"{number:03d}.parquet"
    part.parent.mkdir(exist_ok=True)
    names, trained, repeats = (
        (list(column) for column in zip(*documents, strict=True)) if documents else ([], [], [])
    )
    columns = {
        "identifier": pa.array(names, pa.large_string()),
        "split": pa.array(["train" if t else "held-out" for t in trained], pa.large_string()),
        "repeats": pa.array(repeats, pa.int32()),
    }
    pq.write_table(pa.table(columns), part)
    shard = home / f"{number:03d}.ds"
    write_documents(part, shard)
    tokens = [np.full(length, n, np.uint32) for n, length in enumerate(lengths)]
    write_shard(shard, iter([tokens] if tokens else []), token_dtype(1000), "t")


@given(parts=PARTS, data=st.data())
def test_each_token_leads_to_its_document_and_each_document_to_its_tokens(tmp_path_factory, parts, data):
    """However long the documents, and with empty documents and empty files among them."""
    home = tmp_path_factory.mktemp("tokens")
    expected = []
    for number, part in enumerate(parts):
        trained = [(name, row) for row, (name, train, often) in enumerate(part) if train for _ in range(often)]
        lengths = data.draw(st.lists(st.integers(0, 9), min_size=len(trained), max_size=len(trained)))
        write_part(home, number, part, lengths)
        expected += [
            (name, f"{number:03d}.parquet", row, length)
            for (name, row), length in zip(trained, lengths, strict=True)
        ]
    documents = open_documents(home)
    assert len(documents) == len(expected)
    position, owners = 0, []
    for number, (name, part, row, length) in enumerate(expected):
        assert documents[number] == (number, name, part, row, position, position + length)
        position += length
        owners += [number] * length
    assert documents.of_tokens(np.arange(position)).tolist() == owners
    shuffled = np.random.default_rng(0).permutation(position)
    assert documents.of_tokens(shuffled).tolist() == np.array(owners, int)[shuffled].tolist()
    for name in {name for name, *_ in expected} | {"none", ""}:
        assert [d.number for d in documents.named(name)] == [n for n, e in enumerate(expected) if e[0] == name]


def test_a_position_or_document_that_is_not_there_is_refused(tmp_path):
    write_part(tmp_path, 0, [("a", True, 1)], [3])
    documents = open_documents(tmp_path)
    for position in (-1, 3):
        with pytest.raises(IndexError, match=f"found positions {position} to {position}, expected 0 to under 3"):
            documents.of_tokens(np.array([position]))
    with pytest.raises(IndexError, match="found document 1, expected 0 to under 1"):
        documents[1]


def test_an_index_that_is_missing_damaged_or_of_another_file_is_refused(tmp_path):
    write_part(tmp_path, 0, [("a", True, 2)], [3, 3])
    index = tmp_path / "000.ds.documents.arrow"
    content = index.read_bytes()
    index.write_bytes(content[:-20])
    with pytest.raises(InputError, match=r"000\.ds\.documents\.arrow: found a file that cannot be read"):
        open_documents(tmp_path)
    index.unlink()
    with pytest.raises(InputError, match=r"found no 000\.ds\.documents\.arrow beside it"):
        open_documents(tmp_path)
    (tmp_path / "other").mkdir()
    write_part(tmp_path / "other", 0, [("a", True, 1)], [6])
    index.write_bytes((tmp_path / "other" / index.name).read_bytes())
    with pytest.raises(InputError, match=r"found 1 documents, expected 2 as in 000\.ds\.index"):
        open_documents(tmp_path)


def test_the_index_of_a_run_leads_to_the_texts_that_were_encoded(small_run):
    from octavo.tokenization.encode import load_tokenizer
    from octavo.tokenization.shards import open_shards

    tokenizer = load_tokenizer(small_run / "tokenizer/tokenizer.json")
    documents = open_documents(small_run / "tokens")
    tokens = np.concatenate([shard.tokens for shard in open_shards(small_run / "tokens")])
    middle = documents.of_tokens(np.linspace(0, len(tokens) - 1, 50, dtype=int))
    for document in (documents[int(n)] for n in middle):
        row = pq.read_table(small_run / "corpus/kept" / document.part).slice(document.row, 1).to_pylist()[0]
        assert tokenizer.decode(tokens[document.start + 1 : document.end - 1].tolist()) == row["text"]
        assert row["identifier"] == document.identifier
        assert document in documents.named(row["identifier"])


def test_documents_held_out_or_taken_no_time_are_not_trained_on_and_others_as_often_as_the_mixture_takes_them():
    columns = pa.table(
        {"split": ["train", "held-out", "train", "train"], "repeats": pa.array([2, 3, 0, 1], pa.int32())}
    )
    assert training_documents(columns).tolist() == [0, 0, 3]
