"""Choosing the next token, and where a text ends; transformers is the reference of every sampler."""

import json
import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers.generation.logits_process import (
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from octavo.errors import InputError
from octavo.modeling.decoding import (
    Decoding,
    Piece,
    Stopping,
    choose,
    cut,
    drawing,
    filtered,
    seen_entries,
    shaped,
    until_stop,
    whole,
)

VOCAB = 40


def transformed(logits, tokens, decoding):
    """Scores as transformers shapes them, in its order."""
    scores = RepetitionPenaltyLogitsProcessor(decoding.repetition_penalty)(tokens, logits)
    warpers = [TemperatureLogitsWarper(decoding.temperature)]
    if decoding.top_k:
        warpers.append(TopKLogitsWarper(decoding.top_k))
    if decoding.top_p < 1:
        warpers.append(TopPLogitsWarper(decoding.top_p))
    if decoding.min_p:
        warpers.append(MinPLogitsWarper(decoding.min_p))
    for warper in warpers:
        scores = warper(tokens, scores)
    return scores


decodings = st.builds(
    Decoding,
    temperature=st.floats(0.1, 3.0),
    top_k=st.integers(0, VOCAB + 5),
    top_p=st.floats(0.05, 1.0),
    min_p=st.floats(0.0, 1.0),
    repetition_penalty=st.floats(0.5, 2.0),
)


@given(decodings, st.integers(0, 2**32), st.floats(0.1, 8.0))
def test_scores_are_those_of_transformers(decoding, seed, spread):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(3, VOCAB, generator=generator) * spread
    tokens = torch.randint(0, VOCAB, (3, 7), generator=generator)
    expected = transformed(logits, tokens, decoding)
    found = filtered(shaped(logits, seen_entries(tokens.tolist(), VOCAB, logits.device), decoding), decoding)
    torch.testing.assert_close(found, expected)


def test_the_repetition_penalty_makes_seen_tokens_less_likely_whatever_their_sign():
    logits = torch.tensor([[2.0, 1.9, -0.1, -0.2]])

    def chosen(logits, seen, penalty):
        seen = seen_entries([[seen]], logits.shape[1], logits.device)
        token, ahead = choose(logits, seen, Decoding(repetition_penalty=penalty), [drawing(0)])
        return int(token), pytest.approx(float(ahead), abs=1e-6)

    assert chosen(logits, 3, 1.0) == (0, 0.1)
    assert chosen(logits, 0, 1.2) == (1, 1.9 - 2.0 / 1.2)
    assert chosen(logits[:, 2:], 0, 3.0) == (1, 0.1)


PLAIN = Decoding(temperature=0.5, repetition_penalty=1.0)


@pytest.mark.parametrize(
    "decoding",
    [
        PLAIN,
        replace(PLAIN, top_k=2),
        replace(PLAIN, top_p=0.8),
        replace(PLAIN, min_p=0.2),
        Decoding(temperature=2.0),
    ],
)
def test_draws_follow_the_softmax_of_the_scores(decoding):
    logits = torch.tensor([[0.0, 1.0, 0.4, -1.0]])
    seen = torch.tensor([[False, True, False, False]])
    generators = [drawing(seed) for seed in range(4000)]
    many = choose(logits.expand(4000, -1), seen.expand(4000, -1), decoding, generators)[0]
    found = torch.bincount(many, minlength=4) / 4000
    expected = filtered(shaped(logits, seen, decoding), decoding).softmax(-1)[0]
    assert torch.allclose(found, expected, atol=0.035)
    assert (found[expected == 0] == 0).all()


@given(decodings, st.integers(0, 2**32))
def test_a_choice_that_is_said_to_be_ahead_is_the_same_when_logits_are_rounded_otherwise(decoding, seed):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(1, VOCAB, generator=generator)
    rounded = logits + (torch.rand(1, VOCAB, generator=generator) - 0.5) * 2e-6
    seen = torch.zeros(1, VOCAB, dtype=torch.bool)
    (token, ahead), (other, _) = (choose(scores, seen, decoding, [drawing(seed)]) for scores in (logits, rounded))
    assert ahead < 1e-4 or token == other


def test_a_token_at_the_edge_of_what_may_be_drawn_is_said_to_be_close():
    logits = torch.tensor([[1.0, 0.5, 0.5 - 1e-6, -2.0]])
    seen = torch.zeros(1, 4, dtype=torch.bool)
    decoding = Decoding(temperature=1.0, repetition_penalty=1.0, top_k=2)
    found = set()
    for seed in range(40):
        token, ahead = choose(logits, seen, decoding, [drawing(seed)])
        found.add((int(token), float(ahead) == 0))
    # Whoever draws the second might have had none; whoever draws the first has it in any case, unless the third,
    # let in, would have come before it.
    assert (1, True) in found
    assert (1, False) not in found
    assert (0, False) in found


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("max_tokens", -1),
        ("temperature", -0.1),
        ("temperature", 1e-30),
        ("temperature", math.nan),
        ("temperature", math.inf),
        ("top_k", -1),
        ("top_p", 0.0),
        ("top_p", 1.1),
        ("min_p", 1.5),
        ("repetition_penalty", 0.0),
        ("seed", 2**63),
        ("stop", ("",)),
    ],
)
def test_a_setting_out_of_its_range_is_refused(setting, value):
    with pytest.raises(InputError, match=f"{setting}: found .*, expected"):
        Decoding(**{setting: value})


def written(texts, finish="length"):
    yield from (Piece(n, text) for n, text in enumerate(texts))
    return finish


letters = st.text("ab ", max_size=4)


@given(st.lists(letters, max_size=12), st.lists(st.text("ab ", min_size=1, max_size=5), max_size=3))
def test_a_text_ends_where_the_first_whole_stop_string_begins_and_nothing_else_is_lost(texts, stop):
    expected, finish = "", "length"
    for text in texts:
        expected += text
        if any(string in expected for string in stop):
            expected, finish = cut(expected, stop), "stop"
            break
    found = whole(until_stop(written(texts), stop))
    assert (found.text, found.finish) == (expected, finish)


def test_only_what_may_begin_a_stop_string_waits():
    stopping = Stopping(["\n\nEND"])
    told = [
        "".join(piece.text for piece in stopping.take(Piece(0, text))) for text in ["a", " b\n", "\n", "E", "x"]
    ]
    assert told == ["a", "", "", "", " b\n\nEx"]
    assert (stopping.ended, stopping.held) == (False, [])


def test_a_piece_that_holds_the_beginning_of_a_stop_string_is_cut_and_those_behind_are_none():
    pieces = list(until_stop(written(["one ", "two\n", "\n", "three"]), ["\n\n"]))
    assert [(piece.token, piece.text) for piece in pieces] == [(0, "one "), (1, "two")]


def test_what_writes_is_closed_at_a_stop_string_and_when_the_reader_goes():
    closed = []

    def endless():
        try:
            while True:
                yield Piece(0, "word ")
        finally:
            closed.append(True)

    assert whole(until_stop(endless(), ["d w"])).text == "wor"
    reading = until_stop(endless(), ["never"])
    next(reading)
    reading.close()
    assert len(closed) == 2


def test_settings_are_told_as_json_has_them_and_those_that_do_nothing_are_not():
    assert Decoding(max_tokens=8, seed=3).settings == {
        "max_tokens": 8,
        "temperature": 0.0,
        "repetition_penalty": 1.1,
    }
    said = Decoding(temperature=0.7, top_k=1, top_p=0.9, min_p=1.0, stop=("a", "b")).settings
    assert json.loads(json.dumps(said)) == said
    assert (said["top_k"], said["top_p"], said["min_p"], said["stop"]) == (1, 0.9, 1.0, ["a", "b"])
