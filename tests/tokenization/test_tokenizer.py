import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models

from octavo.errors import InputError
from octavo.tokenization.encode import encode_documents, load_tokenizer
from octavo.tokenization.entries import BEGIN, END, PAD, SPECIAL_ENTRIES, begin_and_end

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
    assert [tokenizer.token_to_id(entry) for entry in (PAD, BEGIN, END)] == [0, 1, 2]
    assert begin_and_end(tokenizer, "t") == (1, 2)


def test_the_entries_reserved_for_tasks_are_special_and_named_once(tokenizer):
    assert len(SPECIAL_ENTRIES) == len(set(SPECIAL_ENTRIES)) == 32
    assert [tokenizer.token_to_id(entry) for entry in SPECIAL_ENTRIES] == list(range(32))
    assert set(tokenizer.get_added_tokens_decoder()) == set(range(32))


def test_a_file_that_is_no_tokenizer_is_refused(tmp_path):
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(InputError, match=r"tokenizer.json: found no tokenizer.json that can be read"):
        load_tokenizer(tmp_path / "tokenizer.json")


def test_a_tokenizer_that_has_no_entry_for_some_texts_is_refused(tmp_path):
    words = models.WordLevel({"once": 0, "upon": 1})
    Tokenizer(words).save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(InputError, match=r"tokenizer.json: found a tokenizer that cannot read all texts"):
        load_tokenizer(tmp_path / "tokenizer.json")
