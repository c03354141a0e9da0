"""One tokenizer, three readers: Hugging Face tokenizers, transformers and llama.cpp must agree on everything."""

from importlib.resources import files

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from octavo.inference.llama_cpp import LlamaCppEngine
from octavo.modeling.gguf.writing import pre_tokenizer_name, save_gguf
from octavo.modeling.init import initialise
from octavo.modeling.llama import LlamaConfig
from octavo.recipe.schema import Tokenizer as Settings
from octavo.tokenization.encode import load_tokenizer
from octavo.tokenization.formats import write_tokenizer_files
from octavo.tokenization.train import train_tokenizer

HARD = [
    "",
    " ",
    "\n\n\n   \n",
    "\r\n\r\n\t x\r",
    "ſo thou haſt æther, œconomy & ﬁligree",
    "e\u0301te\u0301 \u0323\u0307a",
    "👩‍👩‍👧‍👦 🏳️‍🌈 🇦🇧",
    "שלום عليكم",
    "\x00\x01\x7f\u0085\u2028\ufeff\u200b\x1c",
    "l'ami d’Yves qu'on aujourd'hui 'tis don't 'LL",
    "1789 12,345.67 ½ ²³ 1234567890 ١٢٣٤٥ １２３４ 12½345 1½",
    "日本語とラテン",
    "a" * 20_000,
    "ab " * 5_000,
    "1" * 2_000,
    "\n" * 3_000,
    "<|end_of_text|> <|ocr|> <|spare_0|>",
    "\ufffd\U0010ffff\U0001d2c0",
]


@pytest.fixture(scope="module")
def texts():
    return pq.read_table(files("octavo.corpus") / "starter.parquet")


@pytest.fixture(scope="module")
def home(texts, tmp_path_factory):
    """The tokenizer's files, and a GGUF file of a model with it, which has one entry more."""
    home = tmp_path_factory.mktemp("tokenizer")
    sample = (
        texts.select(["text"]).append_column("lang", texts["language"]).append_column("work", texts["identifier"])
    )
    trained = train_tokenizer([sample], Settings(vocab_size=4096))
    trained.save(str(home / "trained.json"))
    tokenizer = load_tokenizer(home / "trained.json")
    write_tokenizer_files(home, home / "trained.json", tokenizer, 64)
    model = initialise(LlamaConfig(4097, 32, 1, 1, 1, 32, 64), 1)
    save_gguf(model, home / "model.gguf", "F32", "model", "CC0-1.0", tokenizer, 1, 2)
    return home


@pytest.fixture(scope="module")
def tokenizer(home):
    return load_tokenizer(home / "tokenizer.json")


@pytest.fixture(scope="module")
def readers(home):
    """What gives the ids of a text, begin of text among them, by name."""
    transformers = AutoTokenizer.from_pretrained(home, split_special_tokens=True)
    return {
        "transformers": lambda text: transformers(text)["input_ids"],
        "llama.cpp": LlamaCppEngine(home / "model.gguf").encode,
    }


def assert_agree(text, tokenizer, readers):
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    assert tokenizer.decode(ids, skip_special_tokens=False) == text
    for name, read in readers.items():
        assert read(text) == [1, *ids], name


@pytest.mark.parametrize("text", HARD, ids=range(len(HARD)))
def test_they_agree_on_hard_cases(text, tokenizer, readers):
    assert_agree(text, tokenizer, readers)


def test_they_agree_on_the_starter_corpus(texts, tokenizer, readers):
    for text in texts["text"].to_pylist()[::3]:
        assert_agree(text, tokenizer, readers)


@settings(max_examples=150)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_they_agree_on_any_text(text, tokenizer, readers):
    assert_agree(text, tokenizer, readers)


@settings(max_examples=150)
@given(text=st.text("ab eſ'’.,;\n\r\t 019½١", max_size=80))
def test_they_agree_on_words_marks_and_numbers(text, tokenizer, readers):
    assert_agree(text, tokenizer, readers)


def test_the_split_has_a_name_in_llama_cpp(tokenizer):
    assert pre_tokenizer_name(tokenizer) == "superbpe"


def test_the_files_name_begin_end_and_pad(home):
    found = AutoTokenizer.from_pretrained(home)
    assert (found.bos_token, found.eos_token, found.pad_token) == (
        "<|begin_of_text|>",
        "<|end_of_text|>",
        "<|pad|>",
    )
    assert found.model_max_length == 64


def test_transformers_reads_the_entries_of_tasks_as_entries(home):
    ids = AutoTokenizer.from_pretrained(home)("<|ocr|>the ſea<|corrected|>")["input_ids"]
    assert ids[1] == 3
    assert ids[-1] == 4
