"""GGUF files read back, against the model and the tokenizer that they were written from, and llama.cpp's own."""

import pytest
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from octavo.errors import InputError
from octavo.inference.llama_cpp import LlamaCppEngine
from octavo.modeling.gguf import writing as gguf
from octavo.modeling.gguf.reading import _GPT2, _SPLITS, load_gguf
from octavo.modeling.gguf.writing import save_gguf
from octavo.modeling.init import initialise
from octavo.modeling.llama import LlamaConfig
from octavo.modeling.rope import Linear, Listed, Llama3

TEXT = "It's 1234567 o'clock; l'été\u00a0à Zürich — ſtill «Vnd»\n\n\n  x = [1,2];\t\tfin... I'LL №42 naïve 日本 \n "


def tokenizer_of(split):
    tokenizer = Tokenizer(models.BPE())
    gpt2 = split not in _SPLITS
    parts = [pre_tokenizers.Split(Regex(p), behavior="isolated") for p in _SPLITS.get(split, ())]
    parts += [pre_tokenizers.Digits(individual_digits=True)] if split == "smollm" else []
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=gpt2)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*parts, byte_level]) if parts else byte_level
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([TEXT * 3, "It's the clock of Zürich, 1234 5678."], trainer)
    tokenizer.encode_special_tokens = True
    return tokenizer


def model_of(tied, **fields):
    config = LlamaConfig(
        vocab_size=416,
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=96,
        max_position_embeddings=64,
        rope_theta=5000.0,
        tie_word_embeddings=tied,
        **fields,
    )
    return initialise(config, seed=3).eval()


@pytest.mark.parametrize("tied", [True, False])
def test_weights_and_settings_come_back(tmp_path, tied):
    model = model_of(tied)
    save_gguf(model, tmp_path / "m.gguf", "F32", "m", "CC0-1.0", tokenizer_of("gpt-2"), 0, 1)
    found = load_gguf(tmp_path / "m.gguf")
    assert vars(found.model.config) == pytest.approx(vars(model.config) | {"initializer_range": 0.02})
    tokens = torch.arange(40)[None]
    with torch.inference_mode():
        torch.testing.assert_close(found.model(tokens), model(tokens))
    assert (found.begin, found.end) == (0, 1)


@pytest.mark.parametrize(
    ("scaling", "kind"), [(Linear(4.0), Linear), (Llama3(8.0, 1.0, 4.0, 32), Listed)], ids=["linear", "llama3"]
)
def test_scaled_positions_are_read_as_llama_cpp_reads_them(tmp_path, scaling, kind):
    model = model_of(True, rope_scaling=scaling, initializer_range=0.3)
    save_gguf(model, tmp_path / "m.gguf", "F32", "m", "CC0-1.0", tokenizer_of("gpt-2"), 0, 1)
    found = load_gguf(tmp_path / "m.gguf").model
    assert isinstance(found.config.rope_scaling, kind)
    tokens = torch.randint(2, 400, (1, 60), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        torch.testing.assert_close(found(tokens), model(tokens))
        plain = model_of(True, initializer_range=0.3)(tokens)[0, -1].log_softmax(-1)
        ours = found(tokens)[0, -1].log_softmax(-1)
    theirs = LlamaCppEngine(tmp_path / "m.gguf").next_token_logprobs(tokens[0].tolist(), 416)
    assert len(theirs) == 416
    apart = max(abs(float(ours[token]) - logprob) for token, logprob in theirs.items())
    assert apart < 0.05, "as llama.cpp keeps keys and values in 16 bits"
    assert float((ours - plain).abs().max()) > 0.5


def test_positions_scaled_in_another_way_are_refused_by_name(tmp_path):
    model = model_of(True, rope_scaling=Linear(4.0))
    save_gguf(model, tmp_path / "m.gguf", "F32", "m", "CC0-1.0", tokenizer_of("gpt-2"), 0, 1)
    content = (tmp_path / "m.gguf").read_bytes()
    (tmp_path / "n.gguf").write_bytes(content.replace(b"\x06\0\0\0\0\0\0\0linear", b"\x06\0\0\0\0\0\0\0yarn-2"))
    with pytest.raises(InputError, match="found positions of type 'yarn-2', expected none, linear"):
        load_gguf(tmp_path / "n.gguf")


@pytest.mark.parametrize("split", [*_GPT2, *_SPLITS])
def test_a_text_has_the_tokens_that_llama_cpp_gives_it(tmp_path, split, monkeypatch):
    monkeypatch.setattr(gguf, "pre_tokenizer_name", lambda tokenizer: split)  # not all are for writing
    tokenizer = tokenizer_of(split)
    save_gguf(model_of(True), tmp_path / "m.gguf", "F32", "m", "CC0-1.0", tokenizer, 0, 1)
    ids = load_gguf(tmp_path / "m.gguf").tokenizer.encode(TEXT, add_special_tokens=False).ids
    assert ids == tokenizer.encode(TEXT, add_special_tokens=False).ids
    assert [0, *ids] == LlamaCppEngine(tmp_path / "m.gguf").encode(TEXT)


def test_a_tokenizer_that_cannot_be_built_is_named(tmp_path):
    save_gguf(model_of(True), tmp_path / "m.gguf", "F32", "m", "CC0-1.0", tokenizer_of("gpt-2"), 0, 1)
    content = (tmp_path / "m.gguf").read_bytes()
    (tmp_path / "n.gguf").write_bytes(content.replace(b"\x05\0\0\0\0\0\0\0gpt-2", b"\x05\0\0\0\0\0\0\0tekke"))
    with pytest.raises(InputError, match="found the split 'tekke', expected one of superbpe"):
        load_gguf(tmp_path / "n.gguf")
