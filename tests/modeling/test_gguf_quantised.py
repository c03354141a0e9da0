"""How GGUF files store numbers, against the files that llama.cpp's own tool makes, and llama.cpp reading them."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType, GGUFReader
from gguf.quants import dequantize, quantize
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.errors import InputError
from octavo.inference.llama_cpp import LlamaCppEngine
from octavo.modeling.gguf import quantised as gguf_quantised
from octavo.modeling.gguf.header import tensor_types
from octavo.modeling.gguf.quantised import stored, stored_type
from octavo.modeling.gguf.reading import load_gguf, load_weights
from octavo.modeling.gguf.writing import save_gguf
from octavo.modeling.init import initialise
from octavo.modeling.llama import LlamaConfig
from tests.modeling.test_gguf_reading import tokenizer_of

F16, Q8_0, Q5_0, Q4_K, Q6_K = (GGMLQuantizationType[name] for name in ("F16", "Q8_0", "Q5_0", "Q4_K", "Q6_K"))
KINDS = ("F32", "F16", "BF16", "Q8_0", "Q4_K_M")


def types_of(layers, hidden, between, output):
    """How many matrices of a Llama of this shape are of each type; `output`: whether its output has its own."""
    shapes = {"attn_q": hidden, "attn_k": hidden, "attn_v": hidden, "attn_output": hidden}
    shapes |= {"ffn_gate": hidden, "ffn_up": hidden, "ffn_down": between}
    widths = {f"blk.{n}.{part}.weight": width for n in range(layers) for part, width in shapes.items()}
    widths |= {"token_embd.weight": hidden} | ({"output.weight": hidden} if output else {})
    tied = not output
    return Counter(stored_type("Q4_K_M", name, (1, width), layers, tied).name for name, width in widths.items())


@pytest.mark.parametrize(
    ("shape", "counts"),
    [
        ((32, 4096, 11008, True), {"Q4_K": 193, "Q6_K": 33}),
        ((16, 2048, 8192, False), {"Q4_K": 96, "Q6_K": 17}),
        ((24, 896, 4864, True), {"Q5_0": 133, "Q8_0": 13, "Q4_K": 12, "Q6_K": 12}),
    ],
    ids=["Llama 2 7B", "Llama 3.2 1B", "Qwen 2.5 0.5B, whose rows do not divide by 256"],
)
def test_the_types_are_those_of_published_files(shape, counts):
    """As llama.cpp tells them when it loads files in Q4_K_M of these models."""
    assert types_of(*shape) == counts


def test_the_first_eighth_and_the_last_and_every_third_layer_between_are_finer():
    finer = [n for n in range(26) if stored_type("Q4_K_M", f"blk.{n}.attn_v.weight", (8, 1024), 26, True) == Q6_K]
    assert finer == [0, 1, 2, 5, 8, 11, 14, 17, 20, 22, 23, 24, 25]


@pytest.mark.parametrize("kind", ["Q8_0", "Q4_K_M"])
def test_rows_that_divide_into_no_blocks_are_in_float16(kind):
    for name in ("token_embd.weight", "blk.0.ffn_down.weight", "blk.1.attn_q.weight"):
        assert stored_type(kind, name, (4, 40), 2, True) == F16


@pytest.mark.parametrize("kind", KINDS)
def test_norms_are_in_float32(kind):
    assert stored_type(kind, "blk.0.attn_norm.weight", (256,), 2, True) == GGMLQuantizationType.F32


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e3), st.integers(1, 5))
def test_blocks_hold_normal_numbers_as_well_as_their_bits_allow(seed, scale, rows):
    numbers = (np.random.default_rng(seed).normal(size=(rows, 512)) * scale).astype(np.float32)
    for kind, bits in ((Q8_0, 8), (Q6_K, 6), (Q5_0, 5), (Q4_K, 4)):
        error = numbers - dequantize(stored(numbers, kind, "x"), kind)
        step = 2 * 3.5 / 2**bits  # of a range that holds nearly all normal numbers
        assert math.sqrt((error**2).mean()) < scale * step / 2


@pytest.mark.parametrize("kind", [Q8_0, Q5_0])
def test_blocks_are_those_of_the_gguf_package_where_it_can_make_them(kind):
    numbers = np.random.default_rng(1).normal(size=(7, 96)).astype(np.float32)
    assert np.array_equal(stored(numbers, kind, "x"), quantize(numbers, kind))


def test_the_bytes_are_the_same_in_however_many_parts_they_are_made(monkeypatch):
    numbers = np.random.default_rng(2).normal(size=(50, 256)).astype(np.float32)
    at_once = {kind: stored(numbers, kind, "x") for kind in (Q4_K, Q6_K)}
    monkeypatch.setattr(gguf_quantised, "_SLICE", 3 * 256)
    assert all(np.array_equal(stored(numbers, kind, "x"), at_once[kind]) for kind in at_once)
    assert all(np.array_equal(stored(numbers[9:10], kind, "x")[0], at_once[kind][9]) for kind in at_once)


@pytest.mark.parametrize("kind", [F16, Q8_0, Q4_K])
def test_a_weight_that_is_too_large_is_refused_and_the_largest_is_held(kind):
    numbers = np.ones((2, 256), np.float32)
    numbers[1, 3] = 65_504
    assert np.isfinite(dequantize(stored(numbers, kind, "x"), kind)).all()
    for value in (65_600, -70_000, np.inf, np.nan):
        numbers[1, 3] = value
        with pytest.raises(
            InputError, match=r"release.formats: blk.0.attn_q.weight: found a weight of .*gguf-bf16"
        ):
            stored(numbers, kind, "blk.0.attn_q.weight")


@pytest.fixture(scope="module")
def model():
    config = LlamaConfig(
        vocab_size=416,
        hidden_size=256,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=288,
        max_position_embeddings=64,
        tie_word_embeddings=True,
    )
    return initialise(config, seed=3).eval()


@pytest.fixture(scope="module", params=KINDS)
def file(request, model, tmp_path_factory):
    path = tmp_path_factory.mktemp(request.param) / f"{request.param}.gguf"
    save_gguf(model, path, request.param, "m", "CC0-1.0", tokenizer_of("gpt-2"), 0, 1)
    return path


def test_llama_cpp_reads_every_kind_as_octavo_does(file):
    """Distributions of the next token; llama.cpp rounds activations where matrices are quantised."""
    loaded, engine = load_gguf(file).model, LlamaCppEngine(file)
    tokens = [0, 40, 300, 7, 99, 250]
    with torch.no_grad():
        ours = loaded(torch.tensor([tokens]))[0, -1].log_softmax(-1)
    theirs = engine.next_token_logprobs(tokens, 416)
    assert len(theirs) > 400
    apart = 0.5 * sum(abs(math.exp(ours[token]) - math.exp(theirs[token])) for token in theirs)
    assert apart < 0.02


def test_the_file_says_of_what_kind_it_is(file, model, tmp_path):
    fields = GGUFReader(file).fields
    number = {"F32": 0, "F16": 1, "BF16": 32, "Q8_0": 7, "Q4_K_M": 15}[file.stem]
    assert fields["general.file_type"].contents() == number
    assert ("general.quantization_version" in fields) == (file.stem in ("Q8_0", "Q4_K_M"))
    again = tmp_path / "again.gguf"
    save_gguf(model, again, file.stem, "m", "CC0-1.0", tokenizer_of("gpt-2"), 0, 1)
    assert again.read_bytes() == file.read_bytes()


def test_a_mixture_is_read_back_with_the_types_that_it_has(model, tmp_path):
    path = tmp_path / "m.gguf"
    save_gguf(model, path, "Q4_K_M", "m", "CC0-1.0", tokenizer_of("gpt-2"), 0, 1)
    loaded, types = load_weights(path)
    # Of four layers the third and the last are finer; rows of 288 numbers are no multiple of 256.
    assert types == tensor_types(path) == {"F32": 9, "Q4_K": 22, "Q5_0": 2, "Q6_K": 3, "Q8_0": 2}
    found = loaded.state_dict()
    for name, weight in model.state_dict().items():
        error = (found[name] - weight).square().mean().sqrt()
        assert float(error) <= 0.09 * float(weight.square().mean().sqrt()), name
