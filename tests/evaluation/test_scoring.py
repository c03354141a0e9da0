import math

import pytest
import torch

from octavo.evaluation import scoring
from octavo.evaluation.scoring import continuation_bits
from tests.evaluation.writers import untrained


def one_by_one(model, prompt, continuation):
    tokens, bits = list(prompt), 0.0
    with torch.inference_mode():
        for token in continuation:
            scores = model(torch.tensor([tokens]))[0, -1].double().log_softmax(-1)
            bits -= float(scores[token]) / math.log(2)
            tokens.append(token)
    return bits


@pytest.mark.parametrize("batch", [1, 40, 8192])
def test_bits_are_those_of_one_token_after_another(monkeypatch, batch):
    monkeypatch.setattr(scoring, "_BATCH_TOKENS", batch)
    model = untrained(64).model
    prompts = [[256], [256, 5, 6, 7], [256, *range(30)], [256, 9]]
    continuations = [[1, 2, 3], [], [40, 41, 42, 43, 44], [8]]
    found = continuation_bits(model, prompts, continuations)
    expected = [one_by_one(model, p, c) for p, c in zip(prompts, continuations, strict=True)]
    assert found == pytest.approx(expected, rel=1e-4)


def test_of_a_prompt_that_is_too_long_the_end_is_read():
    model = untrained(16).model
    prompt = [256, *range(40)]
    assert continuation_bits(model, [prompt], [[7, 8]]) == pytest.approx(
        [one_by_one(model, prompt[-15:], [7, 8])], rel=1e-4
    )
