"""How sure a model is of an edit is read from its own probabilities."""

from __future__ import annotations

import math

import pytest
import torch

from octavo.evaluation.speaker import Speaker
from octavo.modeling.init import initialise
from octavo.modeling.llama import LlamaConfig
from octavo.progress import Progress
from octavo.tuning.ocr import sureness as ocr_sureness
from octavo.tuning.ocr.correcting import Guard, correct, propose
from octavo.tuning.ocr.edits import Edit, applied
from octavo.tuning.ocr.format import prompts
from octavo.tuning.ocr.guard import Limits
from octavo.tuning.ocr.margin import RATES
from octavo.tuning.ocr.sureness import gains
from tests.tuning.ocr.stand_ins import VOCABULARY, prose, scanned

CONFIG = LlamaConfig(
    vocab_size=600,
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=2,
    num_key_value_heads=1,
    intermediate_size=64,
    max_position_embeddings=256,
    initializer_range=0.3,
)
MODEL = initialise(CONFIG, seed=1).eval()

TEXT = "Tbe old keepcr of the light went down to the barbour."
EDITS = [
    Edit(0, 3, "Tbe", "The"),
    Edit(8, 14, "keepcr", "keeper"),
    Edit(45, 53, "barbour.", "harbour."),
]


def bits(before, token):
    """The bits of one token after others, by the model alone."""
    with torch.inference_mode():
        return -float(MODEL(torch.tensor([before]))[0, -1].double().log_softmax(-1)[token]) / math.log(2)


def expected(text, edits, edit):
    """The copy's first token less all tokens of the edit, read one after another."""
    whole = VOCABULARY.spell([applied(text, edits)])[0]
    copy = VOCABULARY.spell([applied(text, [e for e in edits if e != edit])])[0]
    first = next(n for n, (a, b) in enumerate(zip(whole, copy, strict=False)) if a != b)
    same = next(n for n in range(len(whole)) if whole[-1 - n] != copy[-1 - n])
    before = [VOCABULARY.begin, *prompts(VOCABULARY, [text])[0]]
    chosen = sum(bits([*before, *whole[:at]], whole[at]) for at in range(first, len(whole) - same))
    return bits([*before, *whole[:first]], copy[first]) - chosen


@pytest.mark.parametrize("batch", [1, 4096])
def test_a_gain_is_what_the_model_says_token_by_token(monkeypatch, batch):
    monkeypatch.setattr(ocr_sureness, "_BATCH_TOKENS", {"cpu": batch})
    second = "A smaller tcxt."
    found = gains(MODEL, VOCABULARY, [(TEXT, EDITS), ("no edit", []), (second, [Edit(10, 14, "tcxt", "text")])])
    assert [len(of_text) for of_text in found] == [3, 0, 1]
    assert found[0] == pytest.approx([expected(TEXT, EDITS, edit) for edit in EDITS], rel=1e-3)
    edit = Edit(10, 14, "tcxt", "text")
    assert found[2] == pytest.approx([expected(second, [edit], edit)], rel=1e-3)


def test_an_edit_and_its_undoing_are_not_both_sure():
    (there,) = gains(MODEL, VOCABULARY, [("a cat", [Edit(2, 5, "cat", "rat")])])
    (back,) = gains(MODEL, VOCABULARY, [("a rat", [Edit(2, 5, "rat", "cat")])])
    assert there[0] != back[0]


def test_words_that_go_at_the_end_have_a_gain_too():
    ((gain,),) = gains(MODEL, VOCABULARY, [("one two", [Edit(0, 7, "one two", "one")])])
    assert math.isfinite(gain)


def test_what_lies_beyond_the_context_is_never_sure():
    text = prose(1, 2)
    end = text.rindex(" ") + 1
    ((early, late),) = gains(
        MODEL, VOCABULARY, [(text, [Edit(0, text.index(" "), "", "Tue"), Edit(end, len(text), text[end:], "x.")])]
    )
    assert math.isfinite(early)
    assert late == -math.inf


def test_texts_are_corrected_with_a_model_within_the_margin():
    speaker = Speaker(MODEL, VOCABULARY.tokenizer, VOCABULARY.begin, VOCABULARY.end)
    texts = [scanned(prose(n, 1), n, 0.3)[:24] for n in range(2)]
    wide = Limits(10**6, 10**6, 10**6, 10.0)
    proposals = propose(speaker, VOCABULARY, texts, wide, Progress(), sure=MODEL)
    tried = [edit for edits in proposals for edit in edits if not edit.refused]
    assert tried
    assert all(edit.gain is not None for edit in tried)
    for found, text in zip(
        correct(speaker, VOCABULARY, texts, Guard((math.inf,) * len(RATES), wide), Progress()), texts, strict=True
    ):
        assert found.text == text
    taken = correct(speaker, VOCABULARY, texts, Guard((0.0,) * len(RATES), wide), Progress())
    assert all(edit.gain >= 0 for found in taken for edit in found.taken)
