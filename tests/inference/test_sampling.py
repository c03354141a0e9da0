"""What may be drawn, and how likely: llama.cpp is told the samplers of the torch engine, and does as told."""

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from octavo.inference.llama_cpp import LlamaCppEngine
from octavo.inference.torch_engine import TorchEngine
from octavo.modeling.decoding import Decoding, filtered, seen_entries, shaped


@pytest.fixture(scope="module")
def engines(small_run):
    gguf = small_run / "release/gguf/small-F32.gguf"
    return TorchEngine(gguf), LlamaCppEngine(gguf)


def ours(engine, tokens, decoding):
    """The probabilities that a token is drawn by."""
    with torch.no_grad():
        logits = engine.model(torch.tensor([tokens]))[:, -1]
    seen = seen_entries([tokens], logits.shape[-1], logits.device)
    return filtered(shaped(logits, seen, decoding), decoding).softmax(-1)[0]


def theirs(engine, tokens, decoding, vocab_size):
    request = engine.request(tokens, decoding, vocab_size) | {"post_sampling_probs": True}
    (found,) = engine.server.handle_completions(request)["choices"][0]["logprobs"]["content"]
    probabilities = torch.zeros(vocab_size)
    for entry in found["top_probs"]:
        probabilities[entry["id"]] = entry["prob"]
    return probabilities


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.integers(32, 2000), min_size=1, max_size=30),
    st.floats(0.2, 2.0),
    st.sampled_from([0, 1, 3, 50]),
    st.sampled_from([1.0, 0.95, 0.5]),
    st.sampled_from([0.0, 0.02, 0.3]),
    st.floats(0.7, 1.6),
)
def test_a_token_is_drawn_by_the_same_probabilities(engines, tokens, temperature, top_k, top_p, min_p, penalty):
    decoding = Decoding(1, temperature, top_k, top_p, min_p, penalty)
    reference, engine = engines
    expected = ours(reference, [1, *tokens], decoding)
    found = theirs(engine, [1, *tokens], decoding, len(expected))
    # A token at the edge of what may be drawn may be in or out, by rounding.
    edge = (expected > 0) != (found > 0)
    assert edge.sum() <= 1
    assert (expected - found).abs().sum() / 2 < 2e-3 + float((expected + found)[edge].sum())


def test_the_order_matters_and_is_honoured(engines):
    """Top-p after temperature keeps other tokens than before it."""
    reference, engine = engines
    tokens = reference.encode("The old keeper of the")
    decoding = Decoding(1, temperature=3.0, top_p=0.5, repetition_penalty=1.0)
    kept = (ours(reference, tokens, decoding) > 0).sum()
    assert (theirs(engine, tokens, decoding, 2048) > 0).sum() == pytest.approx(int(kept), abs=2)
    swapped = filtered(
        shaped(
            torch.log(ours(reference, tokens, Decoding(1, 1.0, repetition_penalty=1.0)))[None],
            seen_entries([tokens], 2048, torch.device("cpu")),
            Decoding(1, 1.0, repetition_penalty=1.0),
        ),
        decoding,
    )
    assert (swapped > -torch.inf).sum() < kept / 2


def test_draws_of_both_engines_follow_the_probabilities(engines):
    reference, _ = engines
    tokens = reference.encode("The old keeper of the")
    decoding = {"max_tokens": 1, "temperature": 1.2, "top_k": 4, "repetition_penalty": 1.3}
    expected = ours(reference, tokens, Decoding(**decoding))
    for opened in engines:
        drawn = [next(opened.stream(tokens, Decoding(**decoding, seed=seed))).token for seed in range(400)]
        found = torch.bincount(torch.tensor(drawn), minlength=len(expected)) / len(drawn)
        assert (expected - found).abs().sum() / 2 < 0.08, opened.name
        assert expected[found > 0].all()
