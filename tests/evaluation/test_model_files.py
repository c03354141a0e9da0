import json
import shutil
import struct

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoTokenizer, LlamaForCausalLM

from octavo.errors import InputError
from octavo.evaluation.held_out_text import read_held_out
from octavo.evaluation.model_files import name_of, open_model
from octavo.evaluation.scoring import text_bits
from octavo.inference.llama_cpp import LlamaCppEngine
from octavo.modeling.hf import save_hf
from tests.evaluation.writers import BEGIN, END, untrained


@pytest.fixture(scope="module")
def texts(small_run):
    return [text.text for text in read_held_out(small_run, 16_000)]


def bits_of(model, texts):
    speaker = open_model(model)
    return text_bits(speaker.model, speaker.encode(texts), speaker.begin)


def test_a_run_its_release_and_its_gguf_files_are_the_same_model(small_run, texts):
    run = bits_of(small_run, texts)
    assert bits_of(small_run / "release", texts) == pytest.approx(run, rel=1e-6)
    assert bits_of(small_run / "release/gguf/small-BF16.gguf", texts) == pytest.approx(run, rel=1e-4)
    assert bits_of(small_run / "release/gguf/small-Q8_0.gguf", texts) == pytest.approx(run, rel=2e-3)
    assert name_of(small_run / "release") == name_of(small_run) == "small"


@pytest.mark.parametrize("kind", ["BF16", "Q8_0"])
def test_bits_of_a_gguf_are_those_of_llama_cpp_to_a_hundredth(small_run, texts, kind):
    file = small_run / "release" / "gguf" / f"small-{kind}.gguf"
    engine, text = LlamaCppEngine(file), texts[0][:160]
    tokens = engine.encode(text)
    logprobs = [engine.next_token_logprobs(tokens[:n], 2048)[tokens[n]] for n in range(1, len(tokens))]
    assert len(tokens) > 40
    assert bits_of(file, [text])[0] == pytest.approx(-sum(logprobs) / np.log(2), rel=0.01)


def test_the_tokenizer_in_a_gguf_is_that_of_the_release(small_run, starter_texts):
    inside, beside = open_model(small_run / "release/gguf/small-F32.gguf"), open_model(small_run / "release")
    assert inside.encode(starter_texts) == beside.encode(starter_texts)
    assert (inside.begin, inside.end) == (beside.begin, beside.end)
    ids = beside.encode(starter_texts[:3])
    assert inside.decode(ids) == beside.decode(ids)


@pytest.fixture
def directory(tmp_path):
    """A model in Hugging Face's layout."""
    speaker = untrained(32)
    save_hf(speaker.model, tmp_path, BEGIN, END, torch.float32)
    speaker.tokenizer.save(str(tmp_path / "tokenizer.json"))
    return tmp_path


def test_a_hugging_face_directory_is_opened(directory):
    speaker = open_model(directory)
    assert (speaker.begin, speaker.end) == (BEGIN, END)
    assert bits_of(directory, ["Erat olim"])[0] == pytest.approx(
        text_bits(untrained(32).model, untrained(32).encode(["Erat olim"]), BEGIN)[0]
    )


@pytest.fixture
def sentencepiece_directory(directory):
    """The same model with a vocabulary like SentencePiece's: a space begins texts, and bytes are what is left."""
    pieces = ["▁", "a", "▁a", "r", "m", "rm", "▁arm"]
    bytes_of = [f"<0x{byte:02X}>" for byte in range(256 - len(pieces))]
    vocabulary = {piece: n for n, piece in enumerate([*bytes_of, *pieces, "<s>", "</s>"])}
    merges = [("▁", "a"), ("r", "m"), ("▁a", "rm")]
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    strip = decoders.Strip(" ", 1, 0)
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), strip]
    )
    tokenizer.add_special_tokens(["<s>", "</s>"])
    tokenizer.save(str(directory / "tokenizer.json"))
    return directory


def test_a_directory_with_a_vocabulary_like_sentencepieces_is_opened(sentencepiece_directory):
    speaker = open_model(sentencepiece_directory)
    assert (speaker.begin, speaker.end) == (BEGIN, END)
    text = "arma ſunt, arma\nfuerunt"
    theirs = AutoTokenizer.from_pretrained(sentencepiece_directory)
    [ids] = speaker.encode([text])
    assert ids == theirs.encode(text, add_special_tokens=False)
    assert speaker.tokenizer.decode(ids) == text
    model = LlamaForCausalLM.from_pretrained(sentencepiece_directory, dtype=torch.float32)
    with torch.inference_mode():
        nats = model(torch.tensor([[BEGIN, *ids]]), labels=torch.tensor([[BEGIN, *ids]])).loss * len(ids)
    assert bits_of(sentencepiece_directory, [text])[0] == pytest.approx(float(nats) / np.log(2), rel=1e-5)


def test_a_continuation_keeps_the_space_that_it_begins_with(sentencepiece_directory):
    speaker = open_model(sentencepiece_directory)
    [whole] = speaker.encode(["arma arma"])
    [first] = speaker.encode(["arma"])
    assert speaker.decode([whole[len(first) :]]) == [" arma"]


def configured(**fields):
    def change(directory):
        file = directory / "config.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | fields))

    return change


def without(*names):
    return lambda directory: [(directory / name).unlink() for name in names]


def other_tokenizer(directory):
    from octavo.tokenization.encode import load_tokenizer

    tokenizer = load_tokenizer(directory / "tokenizer.json")
    tokenizer.add_tokens(["more", "than", "rows"])
    tokenizer.save(str(directory / "tokenizer.json"))


def sharded(directory):
    index = {"weight_map": {"a": "model.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (directory / "model.safetensors.index.json").write_text(json.dumps(index))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("config.json", "tokenizer.json"), "found no config.json, no tokenizer.json"),
        (without("model.safetensors"), "found no model.safetensors"),
        (sharded, "found no model-00002-of-00002.safetensors"),
        (configured(model_type="gpt2"), "model_type: found 'gpt2', expected 'llama'"),
        (configured(eos_token_id=7), "do not match: config.json: eos_token_id: found 7, which is"),
        (configured(bos_token_id=999), "bos_token_id: found 999, which no entry has"),
        (other_tokenizer, "do not match: found 261 entries in tokenizer.json and 258 in the embedding"),
        (configured(num_hidden_layers=3), "found no weights named model.layers.2"),
        (shutil.rmtree, "found no such model"),
    ],
)
def test_a_model_that_cannot_be_measured_is_refused(directory, change, message):
    change(directory)
    with pytest.raises(InputError, match=message):
        open_model(directory)


def test_a_gguf_that_is_no_llama_is_refused(small_run, tmp_path):
    whole = (small_run / "release/gguf/small-BF16.gguf").read_bytes()
    name = struct.pack("<Q", 5) + b"llama"
    (tmp_path / "x.gguf").write_bytes(whole.replace(name, struct.pack("<Q", 5) + b"lamma", 1))
    with pytest.raises(InputError, match="found 'lamma', expected 'llama'"):
        open_model(tmp_path / "x.gguf")
    (tmp_path / "cut.gguf").write_bytes(whole[:1000])
    with pytest.raises(InputError, match="found no GGUF model that can be read"):
        open_model(tmp_path / "cut.gguf")
