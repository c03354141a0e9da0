import json
import lzma
import math

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from octavo.evaluation.bits_per_byte import _windows, read_held_out, text_bits, unigram_bits
from octavo.modeling.init import initialise
from octavo.modeling.llama import LlamaConfig
from octavo.tokenization.shards import open_shards


def tiny_model(context: int):
    config = LlamaConfig(
        vocab_size=50,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        intermediate_size=64,
        max_position_embeddings=context,
        initializer_range=0.3,
    )
    return initialise(config, seed=1).eval()


@given(st.integers(1, 300), st.integers(1, 64))
def test_the_windows_predict_every_token_once_in_order(length, context):
    ids = list(range(length + 1))
    predicted = [t for window, first in _windows(ids, context) for t in window[first + 1 :]]
    assert predicted == ids[1:]
    assert all(len(window) <= context + 1 for window, _ in _windows(ids, context))


@given(st.integers(100, 300), st.integers(8, 64))
def test_after_the_first_window_at_least_half_a_context_stands_before_each_token(length, context):
    for number, (_, first) in enumerate(_windows(list(range(length)), context)):
        assert number == 0 or first >= context - context // 2 - 1


def test_bits_are_those_of_the_chain_rule():
    """A text within the context: minus the logarithm of its probability, token by token."""
    model = tiny_model(64)
    texts = [[5, 6, 7, 8], [9], [3, 4, 5, 6, 7, 8, 9, 10]]
    expected = 0.0
    with torch.no_grad():
        for ids in texts:
            tokens = torch.tensor([[1, *ids]])
            logprobs = model(tokens)[0].log_softmax(-1)
            expected -= sum(float(logprobs[n, token]) for n, token in enumerate(ids)) / math.log(2)
    assert text_bits(model, texts, 1, bfloat16=False) == pytest.approx(expected, rel=1e-5)


def test_texts_of_any_lengths_together_cost_what_they_cost_alone():
    model = tiny_model(16)
    generator = np.random.default_rng(1)
    texts = [generator.integers(3, 50, size).tolist() for size in (0, 1, 15, 16, 17, 40, 100, 3)]
    together = text_bits(model, texts, 1, bfloat16=False)
    assert together == pytest.approx(sum(text_bits(model, [t], 1, bfloat16=False) for t in texts), rel=1e-5)


def test_the_unigram_floor_is_a_distribution_over_the_training_tokens(small_run):
    shards = open_shards(small_run / "tokens")
    bits = unigram_bits(shards, 2048)
    assert (2.0**-bits).sum() == pytest.approx(1)
    counts = sum(np.bincount(s.tokens, minlength=2048) for s in shards)
    assert bits.argmin() == counts.argmax()


def test_only_held_out_documents_are_measured_and_no_work_is_on_both_sides(small_run):
    rows = pq.read_table(small_run / "corpus/kept").to_pylist()
    measured = {text for part in read_held_out(small_run / "corpus/kept", 10**9) for text in part.texts}
    assert measured == {row["text"] for row in rows if row["split"] == "held-out"}
    works = {
        split: {r["identifier"].split("#")[0] for r in rows if r["split"] == split}
        for split in ("train", "held-out")
    }
    assert not works["train"] & works["held-out"]


def test_every_language_is_measured_beside_xz_on_the_same_text(small_run):
    figures = json.loads((small_run / "evaluation/bits_per_byte.json").read_text())
    assert set(figures["languages"]) == {"en", "fr", "es", "de", "it", "nl", "la", "pt"}
    for part in read_held_out(small_run / "corpus/kept", 1_000_000):
        row = figures["languages"][part.lang]
        expected = 8 * len(lzma.compress("\n".join(part.texts).encode(), preset=9)) / part.bytes
        assert row["bits_per_byte"]["xz"] == pytest.approx(expected, abs=1e-4)
        assert row["bytes"] == part.bytes
    mean = sum(row["bits_per_byte"]["model"] for row in figures["languages"].values()) / 8
    assert figures["mean"]["model"] == pytest.approx(mean, abs=1e-3)
