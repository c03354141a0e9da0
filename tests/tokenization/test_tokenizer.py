import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.errors import InputError
from octavo.tokenization.encode import encode_documents, load_tokenizer
from octavo.tokenization.entries import SPECIAL_ENTRIES, begin_and_end
from octavo.tokenization.train import balanced_sample, train_tokenizer

HARD = [
    "",
    " ",
    "\n\n\n   \n",
    "ſo thou haſt æther, œconomy & ﬁligree",
    "e\u0301te\u0301 \u0323\u0307",
    "👩‍👩‍👧‍👦 🏳️‍🌈",
    "שלום عليكم",
    "\x00\x01\x7f\u0085\u2028\ufeff",
    "a" * 5000,
    "<|end_of_text|> <|begin_of_text|>",
    "l'ami d'Yves qu'on aujourd'hui",
    "1789 12,345.67 ½ ²³",
    "日本語とラテン",
]


@pytest.fixture(scope="module")
def tokenizer(small_run):
    return load_tokenizer(small_run / "tokenizer/tokenizer.json")


@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_back_as_it_was(tokenizer, text):
    (tokens,) = next(encode_documents(tokenizer, iter([[text]]), "t"))
    assert tokenizer.decode(tokens[1:-1].tolist(), skip_special_tokens=False) == text


@pytest.mark.parametrize("text", HARD)
def test_hard_texts_come_back_as_they_were(tokenizer, text):
    (tokens,) = next(encode_documents(tokenizer, iter([[text]]), "t"))
    assert tokenizer.decode(tokens[1:-1].tolist(), skip_special_tokens=False) == text


def test_the_name_of_a_special_entry_inside_a_text_is_text(tokenizer):
    (tokens,) = next(encode_documents(tokenizer, iter([["<|end_of_text|> said the page"]]), "t"))
    assert sum(t < len(SPECIAL_ENTRIES) for t in tokens.tolist()) == 2


def test_pad_begin_and_end_have_the_published_ids(tokenizer):
    assert [tokenizer.token_to_id(entry) for entry in SPECIAL_ENTRIES] == [0, 1, 2]
    assert begin_and_end(tokenizer, "t") == (1, 2)


def test_training_is_the_same_twice(starter_texts):
    first, second = (train_tokenizer(iter(starter_texts[:60]), 1000).to_str() for _ in range(2))
    assert first == second


def test_a_sample_too_small_for_the_vocabulary_is_refused_with_what_it_gives():
    with pytest.raises(InputError, match=r"tokenizer.vocab_size: found 5000, expected at most \d+"):
        train_tokenizer(iter(["a short text, a short text"]), 5000)


def test_the_sample_is_balanced_and_leaves_out_what_is_held_out(small_run):
    import pyarrow.parquet as pq

    parts = sorted((small_run / "corpus/kept").glob("*.parquet"))
    rows = pq.read_table(parts).to_pylist()
    sizes = {}
    for row in rows:
        sizes[row["lang"]] = sizes.get(row["lang"], 0) + len(row["text"].encode())
    held_out = {row["text"] for row in rows if row["split"] == "held-out"}
    half = list(balanced_sample(parts, sizes, sum(sizes.values()) // 2))
    everything = list(balanced_sample(parts, sizes, 10**9))
    assert not held_out & set(everything)
    assert set(everything) == {row["text"] for row in rows if row["split"] == "train"}
    assert 0.3 < sum(map(len, half)) / sum(map(len, everything)) < 0.7


def test_a_file_that_is_no_tokenizer_is_refused(tmp_path):
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(InputError, match=r"tokenizer.json: found no tokenizer.json that can be read"):
        load_tokenizer(tmp_path / "tokenizer.json")
