import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.errors import InputError
from octavo.tokenization.encode import load_tokenizer
from octavo.tokenization.entries import UNUSED_ID
from octavo.tokenization.shards import open_shard, token_dtype, write_shard

DOCUMENTS = st.lists(st.lists(st.integers(0, 60_000), min_size=1, max_size=30), min_size=1, max_size=20)


@given(
    documents=DOCUMENTS, cut=st.integers(1, 5), highest=st.sampled_from([60_000, UNUSED_ID - 1, UNUSED_ID, 70_000])
)
def test_what_is_written_is_read_back(tmp_path_factory, documents, cut, highest):
    path = tmp_path_factory.mktemp("shards") / "a.ds"
    arrays = [np.array(d, np.uint32) for d in documents]
    batches = iter([arrays[n : n + cut] for n in range(0, len(arrays), cut)])
    total = write_shard(path, batches, token_dtype(highest), "t.json")
    shard = open_shard(path)
    assert shard.tokens.tolist() == [t for d in documents for t in d]
    assert shard.document_ends.tolist() == np.cumsum([len(d) for d in documents]).tolist()
    assert total == len(shard.tokens)
    assert shard.tokens.dtype.itemsize == (2 if highest < UNUSED_ID else 4)


def test_the_id_that_marks_documents_is_never_written_in_two_bytes(tmp_path):
    with pytest.raises(ValueError, match="found id 65535, expected ids below 65535 in uint16"):
        write_shard(tmp_path / "a.ds", iter([[np.array([1, UNUSED_ID])]]), np.dtype("<u2"), "t")
    assert not (tmp_path / "a.ds").exists()


def test_datatrove_reads_the_same_tokens_and_document_ends(small_run):
    from datatrove.utils.dataset import DatatroveFileDataset

    path = next((small_run / "tokens").glob("*.ds"))
    shard = open_shard(path)
    length = 64
    theirs = DatatroveFileDataset(str(path), seq_len=length, token_size=2, return_positions=True)
    assert len(theirs) == len(shard.tokens) // (length + 1)
    starts = np.zeros(len(shard.tokens), np.int64)
    starts[shard.document_ends[:-1].astype(np.int64)] = 1
    for n in range(len(theirs)):
        window = slice(n * (length + 1), (n + 1) * (length + 1))
        item = theirs[n]
        assert item["input_ids"].tolist() == shard.tokens[window].tolist()
        assert ((item["positions"] == 0).numpy()[1:] == starts[window][1:]).all()


def test_the_metadata_is_what_nanotron_reads(small_run):
    path = next((small_run / "tokens").glob("*.ds"))
    first, count, _ = path.with_name(path.name + ".metadata").read_text().split("\n")
    assert first == "tokenizer.json|2"
    assert int(count) == len(open_shard(path).tokens)


def test_each_document_stands_between_begin_and_end(small_run):
    tokenizer = load_tokenizer(small_run / "tokenizer/tokenizer.json")
    shard = open_shard(next((small_run / "tokens").glob("*.ds")))
    ends = shard.document_ends.astype(np.int64)
    starts = np.concatenate(([0], ends[:-1]))
    assert (shard.tokens[starts] == tokenizer.token_to_id("<|begin_of_text|>")).all()
    assert (shard.tokens[ends - 1] == tokenizer.token_to_id("<|end_of_text|>")).all()
    assert (shard.tokens == 1).sum() == len(ends)


def test_the_shards_hold_the_training_documents_and_not_the_held_out_ones(small_run):
    import pyarrow.parquet as pq

    tokenizer = load_tokenizer(small_run / "tokenizer/tokenizer.json")
    shard = open_shard(next((small_run / "tokens").glob("*.ds")))
    ends = shard.document_ends.astype(np.int64)
    starts = np.concatenate(([0], ends[:-1]))
    texts = [tokenizer.decode(shard.tokens[a + 1 : b - 1].tolist()) for a, b in zip(starts, ends, strict=True)]
    kept = pq.read_table(small_run / "corpus/kept").to_pylist()
    assert texts == [row["text"] for row in kept if row["split"] == "train"]
    assert any(row["split"] == "held-out" for row in kept)


def test_a_shard_without_its_index_is_refused(tmp_path):
    path = written(tmp_path / "a.ds")
    path.with_name("a.ds.index").unlink()
    with pytest.raises(InputError, match=r"found no a\.ds\.index beside it"):
        open_shard(path)


@pytest.mark.parametrize("highest", [100, 70_000])
def test_without_metadata_the_index_tells_the_width(highest, tmp_path):
    path = written(tmp_path / "a.ds", highest)
    path.with_name("a.ds.metadata").unlink()
    assert open_shard(path).tokens.tolist() == [1, 2, 3]
    assert open_shard(path).tokens.dtype == token_dtype(highest)


@pytest.mark.parametrize(
    ("ending", "content", "said"),
    [
        ("", b"\1\0\2\0", "a.ds: found 2 tokens, expected 3, where its index ends; is it cut short?"),
        ("", b"\1\0\2\0\3", "a.ds: found 5 bytes, expected a multiple of 2; is it cut short?"),
        (".index", b"\4" + bytes(7), "a.ds: found 3 tokens, expected 4, where its index ends; is it cut short?"),
        (".index", b"\3", "a.ds.index: found 1 bytes, expected eight for each document"),
        (".metadata", b"t|4", "a.ds: found 6 bytes, expected a multiple of 4; is it cut short?"),
        (".metadata", b"t|3", "a.ds.metadata: expected 'TOKENIZER|BYTES A TOKEN' in its first line"),
        (".metadata", b"\xff|2", "a.ds.metadata: expected 'TOKENIZER|BYTES A TOKEN' in its first line"),
    ],
)
def test_files_that_do_not_fit_one_another_are_refused(ending, content, said, tmp_path):
    path = written(tmp_path / "a.ds")
    path.with_name(f"a.ds{ending}").write_bytes(content)
    with pytest.raises(InputError, match=re.escape(f"{tmp_path}/{said}")):
        open_shard(path)


def written(path, highest=100):
    write_shard(path, iter([[np.array([1, 2, 3])]]), token_dtype(highest), "t")
    return path
