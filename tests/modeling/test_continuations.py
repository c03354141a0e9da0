"""Many prompts continued at once: each as alone."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.modeling import continuations
from octavo.modeling.continuations import continue_prompts
from octavo.modeling.decoding import Decoding, next_tokens
from octavo.modeling.init import initialise
from octavo.modeling.llama import Cache, LlamaConfig
from octavo.progress import Progress, StoppedError

VOCAB, CONTEXT, END = 60, 32, 2


def random_model(seed=1):
    config = LlamaConfig(
        vocab_size=VOCAB,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=64,
        max_position_embeddings=CONTEXT,
        initializer_range=0.4,
    )
    return initialise(config, seed=seed).eval()


MODEL = random_model()
PROMPTS = [[1, *((7 * n + 3 * k) % VOCAB for k in range(n % 11))] for n in range(70)]
PROMPT = st.lists(st.integers(0, VOCAB - 1), min_size=1, max_size=CONTEXT + 2)


def alone(model, prompts, decoding, seeds):
    return [
        list(next_tokens(model, prompt, END, replace(decoding, seed=seed)))
        for prompt, seed in zip(prompts, seeds, strict=True)
    ]


@pytest.fixture
def nothing_alone(monkeypatch):
    """Fail where the batch is not trusted."""
    monkeypatch.setattr(continuations, "MARGIN", 0.0)


@pytest.mark.usefixtures("nothing_alone")
@pytest.mark.parametrize("temperature", [0.0, 0.8, 3.0])
@pytest.mark.parametrize(("penalty", "seed"), [(1.0, 1), (1.1, 2), (1.4, 3)])
def test_each_prompt_is_continued_as_alone(temperature, penalty, seed):
    model = random_model(seed)
    decoding = Decoding(max_tokens=25, temperature=temperature, repetition_penalty=penalty)
    seeds = list(range(len(PROMPTS)))
    found = continue_prompts(model, PROMPTS, END, decoding, seeds)
    assert found == alone(model, PROMPTS, decoding, seeds)
    assert any(found)


@given(st.lists(PROMPT, max_size=12), st.sampled_from([0.0, 1.0, 2.5]), st.integers(0, 40), st.data())
@settings(max_examples=40)
def test_whatever_the_prompts(prompts, temperature, max_tokens, data):
    seeds = data.draw(st.lists(st.integers(0, 2**56), min_size=len(prompts), max_size=len(prompts)))
    decoding = Decoding(max_tokens=max_tokens, temperature=temperature)
    assert continue_prompts(MODEL, prompts, END, decoding, seeds) == alone(MODEL, prompts, decoding, seeds)


def test_what_is_continued_beside_makes_no_difference(monkeypatch):
    decoding = Decoding(max_tokens=20, temperature=1.0)
    seeds = list(range(100, 100 + len(PROMPTS)))
    whole = continue_prompts(MODEL, PROMPTS, END, decoding, seeds)
    assert continue_prompts(MODEL, PROMPTS[::-1], END, decoding, seeds[::-1]) == whole[::-1]
    assert continue_prompts(MODEL, PROMPTS[::7], END, decoding, seeds[::7]) == whole[::7]
    monkeypatch.setattr(continuations, "BATCH_ROWS", 3)
    assert continue_prompts(MODEL, PROMPTS, END, decoding, seeds) == whole
    monkeypatch.setattr(continuations, "CACHE_BYTES", 1)
    assert continue_prompts(MODEL, PROMPTS, END, decoding, seeds) == whole


def test_a_continuation_stops_at_the_end_token_without_it():
    decoding = Decoding(max_tokens=20, temperature=3.0)
    seeds = list(range(len(PROMPTS)))
    found = continue_prompts(MODEL, PROMPTS, END, decoding, seeds)
    never = continue_prompts(MODEL, PROMPTS, VOCAB, decoding, seeds)
    stopped = [n for n, tokens in enumerate(never) if END in tokens]
    assert len(stopped) > 5
    assert all(found[n] == never[n][: never[n].index(END)] for n in stopped)
    assert all(found[n] == never[n] for n in range(len(PROMPTS)) if n not in stopped)


def test_a_continuation_ends_at_the_edge_of_the_context():
    prompts = [[1] * length for length in (5, CONTEXT - 3, CONTEXT, CONTEXT + 4)]
    found = continue_prompts(MODEL, prompts, VOCAB, Decoding(max_tokens=10))
    assert [len(tokens) for tokens in found] == [10, 3, 0, 0]


def test_samples_of_a_prompt_differ_by_their_seeds_alone():
    decoding = Decoding(max_tokens=15, temperature=1.0)
    found = continue_prompts(MODEL, [[1, 5]] * 3, END, decoding, [4, 9, 4])
    assert found[0] == found[2] != found[1]
    assert continue_prompts(MODEL, [[1, 5]] * 2, END, replace(decoding, seed=9)) == [found[1]] * 2


def test_where_two_entries_are_as_likely_the_choice_is_that_of_the_prompt_alone():
    """All entries have a twin, so that each choice is a tie, which rounding decides."""
    model = random_model()
    with torch.no_grad():
        model.embedding.weight[VOCAB // 2 :] = model.embedding.weight[: VOCAB // 2]
    decoding = Decoding(max_tokens=12)
    assert continue_prompts(model, PROMPTS, END, decoding) == alone(model, PROMPTS, decoding, [0] * len(PROMPTS))


def test_close_choices_are_made_alone(monkeypatch):
    asked = []

    def counted(model, tokens, end, decoding, allowed):
        asked.append(tokens)
        return next_tokens(model, tokens, end, decoding, allowed)

    monkeypatch.setattr(continuations, "next_tokens", counted)
    decoding = Decoding(max_tokens=8)
    trusted = continue_prompts(MODEL, PROMPTS[:9], END, decoding)
    assert asked == []
    monkeypatch.setattr(continuations, "MARGIN", float("inf"))
    assert continue_prompts(MODEL, PROMPTS[:9], END, decoding) == trusted
    assert sorted(asked) == sorted(PROMPTS[:9])


@pytest.mark.parametrize("margin", [0.0, float("inf")])
@pytest.mark.parametrize("temperature", [0.0, 2.0])
def test_of_the_tokens_that_are_allowed_the_likeliest_is_chosen_in_a_batch_and_alone(
    monkeypatch, margin, temperature
):
    """Here each row counts up from its number, by one or two, to the end."""
    monkeypatch.setattr(continuations, "MARGIN", margin)

    def counting(row):
        return lambda written: [step + ([row, *written])[-1] for step in (1, 2)]

    decoding = Decoding(max_tokens=8, temperature=temperature)
    numbers = range(3, 20)
    found = continue_prompts(
        MODEL, PROMPTS[3:20], END, decoding, list(numbers), allowed=[counting(row) for row in numbers]
    )
    for row, tokens in zip(numbers, found, strict=True):
        assert len(tokens) == 8
        assert all(token - before in (1, 2) for before, token in pairwise([row, *tokens]))
        setting = replace(decoding, seed=row)
        assert tokens == list(next_tokens(MODEL, PROMPTS[row], END, setting, counting(row)))
    assert any(tokens[0] - row == 2 for row, tokens in zip(numbers, found, strict=True))


def test_rows_of_unlike_lengths_read_on_as_each_alone():
    """The logits themselves, to rounding."""
    rows = [[1, 4, 9, 16], [1, 8], [1, 3, 5]]
    cache = Cache(MODEL.config, 3, torch.device("cpu"), torch.float32, 8)
    with torch.inference_mode():
        MODEL.hidden(torch.tensor([row + [0] * (4 - len(row)) for row in rows]), cache=cache)
        cache.lengths_B = torch.tensor([len(row) for row in rows])
        for token in (11, 12, 13):
            found = MODEL(torch.tensor([[token]] * len(rows)), cache=cache)[:, -1]
            for row in rows:
                row.append(token)
            for row, logits in zip(rows, found, strict=True):
                torch.testing.assert_close(logits, MODEL(torch.tensor([row]))[0, -1], rtol=0, atol=1e-4)
        cache.keep(torch.tensor([2, 0]))
        found = MODEL(torch.tensor([[14], [14]]), cache=cache)[:, -1]
        for row, logits in zip((rows[2], rows[0]), found, strict=True):
            torch.testing.assert_close(logits, MODEL(torch.tensor([[*row, 14]]))[0, -1], rtol=0, atol=1e-4)


def test_a_person_may_stop_it():
    with pytest.raises(StoppedError):
        continue_prompts(MODEL, PROMPTS, END, Decoding(), progress=Progress(stopping=lambda: True))
