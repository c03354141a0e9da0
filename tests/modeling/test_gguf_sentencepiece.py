"""SentencePiece vocabularies in GGUF files, against llama.cpp's own tokens and those of sentencepiece."""

import io

import pyarrow.parquet as pq
import pytest
from gguf import TokenType
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from octavo.corpus.locations import expand
from octavo.errors import InputError
from octavo.inference.llama_cpp import LlamaCppEngine
from octavo.modeling.gguf import writing as gguf
from octavo.modeling.gguf.reading import load_gguf
from octavo.modeling.gguf.writing import save_gguf
from octavo.modeling.init import initialise
from octavo.modeling.llama import LlamaConfig

sentencepiece = pytest.importorskip("sentencepiece")

ADDED = "[[x]]"
TEXTS = [
    "It's 1234567 o'clock; l'été\u00a0à Zürich — ſtill «Vnd»\n\n\n  x = [1,2];\t\tfin... I'LL №42 naïve 日本 \n ",
    " a space before",
    "  two  of them",
    "",
    "\n",
    "aaaaaaaaaaaaa aaaa a",
    "|---|---|---:|",
    "<s> </s> <unk> <0x41>",
    "▁a ▁",
]


@pytest.fixture(scope="module")
def texts():
    (location,), _ = expand("builtin:starter")
    return pq.read_table(location.path)["text"].to_pylist()


@pytest.fixture(scope="module")
def trained(texts):
    """A vocabulary of bytes and of pieces of the starter corpus."""
    content = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([line for text in texts for line in text.splitlines() if line.strip()]),
        model_writer=content,
        vocab_size=1200,
        model_type="bpe",
        byte_fallback=True,
        character_coverage=0.999,
        user_defined_symbols=[ADDED],
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        minloglevel=2,
    )
    return sentencepiece.SentencePieceProcessor(model_proto=content.getvalue())


def type_of(trained, entry):
    if trained.is_unknown(entry):
        return TokenType.UNKNOWN
    if trained.is_control(entry):
        return TokenType.CONTROL
    if trained.is_byte(entry):
        return TokenType.BYTE
    return TokenType.USER_DEFINED if trained.id_to_piece(entry) == ADDED else TokenType.NORMAL


def write(path, trained, without=(), space=True):
    """A GGUF file as converters write it, of a small model with this vocabulary."""
    entries = [trained.id_to_piece(n) for n in range(trained.get_piece_size())]
    types = [TokenType.UNUSED if e in without else type_of(trained, n) for n, e in enumerate(entries)]

    def write_vocabulary(writer, *_):
        writer.add_tokenizer_model("llama")
        writer.add_tokenizer_pre("default")
        writer.add_token_list(entries)
        writer.add_token_scores([trained.get_score(n) for n in range(len(entries))])
        writer.add_token_types(types)
        writer.add_bos_token_id(trained.bos_id())
        writer.add_eos_token_id(trained.eos_id())
        writer.add_unk_token_id(trained.unk_id())
        writer.add_add_bos_token(True)
        writer.add_add_eos_token(False)
        if not space:
            writer.add_add_space_prefix(False)

    config = LlamaConfig(len(entries), 64, 1, 4, 2, 96, 64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gguf, "_write_vocabulary", write_vocabulary)  # octavo's own are of bytes
        save_gguf(initialise(config, seed=3), path, "F32", "m", "CC0-1.0", None, trained.bos_id(), trained.eos_id())
    return path


@pytest.fixture(scope="module")
def file(trained, tmp_path_factory):
    return write(tmp_path_factory.mktemp("sentencepiece") / "m.gguf", trained)


@pytest.fixture(scope="module")
def ours(file):
    return load_gguf(file)


@pytest.fixture(scope="module")
def theirs(file):
    return LlamaCppEngine(file)


def ids_of(tokenizer, text):
    return tokenizer.encode(text, add_special_tokens=False).ids


def test_texts_have_the_tokens_that_llama_cpp_and_sentencepiece_give_them(ours, theirs, trained, texts):
    assert (ours.begin, ours.end) == (trained.bos_id(), trained.eos_id())
    for text in (*TEXTS, *texts[:40]):
        found = ids_of(ours.tokenizer, text)
        assert [ours.begin, *found] == theirs.encode(text)
        assert found == trained.encode(text)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.sampled_from("aeinrst ſuv,.\n日é\u00a0<>[]x") | st.characters(codec="utf-8"), max_size=40))
def test_any_text_has_the_tokens_of_llama_cpp(ours, theirs, text):
    text = text.replace("\0", "")  # ends a text for llama.cpp
    assert [ours.begin, *ids_of(ours.tokenizer, text)] == theirs.encode(text)


def test_entries_that_a_user_added_are_found_in_texts_as_by_llama_cpp(ours, theirs, trained):
    text = f"x{ADDED}y {ADDED} z"
    found = ids_of(ours.tokenizer, text)
    assert found.count(trained.piece_to_id(ADDED)) == 2
    assert [ours.begin, *found] == theirs.encode(text)


def test_texts_come_back_after_the_space_that_is_put_before_them(ours, texts):
    for text in (TEXTS[0], *texts[:10]):
        assert ours.tokenizer.decode(ids_of(ours.tokenizer, text), skip_special_tokens=False) == f" {text}"


def test_a_vocabulary_that_puts_no_space_before_a_text_is_read_so(trained, tmp_path):
    found = load_gguf(write(tmp_path / "m.gguf", trained, space=False))
    for text in TEXTS:
        assert [found.begin, *ids_of(found.tokenizer, text)] == LlamaCppEngine(tmp_path / "m.gguf").encode(text)
        assert found.tokenizer.decode(ids_of(found.tokenizer, text)) == text.replace("▁", " ")


@pytest.mark.parametrize("entry", ["<0x41>", "e"])
def test_a_vocabulary_without_which_texts_would_be_cut_in_another_way_is_refused(trained, tmp_path, entry):
    path = write(tmp_path / "m.gguf", trained, without=(entry,))
    with pytest.raises(InputError, match=f"tokens: found no '{entry}', expected an entry for each byte"):
        load_gguf(path)
