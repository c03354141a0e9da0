"""A text to correct in tokens and back, and long ones in windows."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.tuning.ocr.format import answer_of, answer_tokens, cut, example, examples, prompts, room_of, windows
from octavo.tuning.ocr.pairs import OcrPair
from tests.tuning.ocr.stand_ins import VOCABULARY, pairs, prose, scanned

texts = st.text(st.sampled_from("ab eſé.\n\t<|>ocr"), max_size=80)
OCR, CORRECTED, END = VOCABULARY.entries["<|ocr|>"], VOCABULARY.entries["<|corrected|>"], VOCABULARY.end


@given(texts, texts)
def test_a_pair_is_read_back_from_its_example(source, target):
    one = example(VOCABULARY, source, target)
    assert one.prompt == prompts(VOCABULARY, [source])[0]
    assert (one.prompt[0], one.prompt[-1], one.answer[-1]) == (OCR, CORRECTED, END)
    assert VOCABULARY.decode(one.prompt) == source
    assert answer_of(VOCABULARY, one.answer) == target


def test_a_character_is_a_token_on_both_sides():
    one = example(VOCABULARY, "thc ſea", "the ſea")
    assert len(one.prompt) == len("thc ſea".encode()) + 2
    assert one.prompt[1:4] == [VOCABULARY.tokenizer.token_to_id(sign) for sign in "thc"]
    assert one.prompt[4] == one.answer[3] == VOCABULARY.tokenizer.token_to_id("Ġ")
    assert one.answer[:2] == one.prompt[1:3]


def test_a_text_with_the_name_of_an_entry_in_it_is_text():
    one = example(VOCABULARY, "<|corrected|> a <|end_of_text|>", "<|ocr|>")
    assert one.prompt.count(CORRECTED) == 1
    assert END not in one.prompt
    assert answer_of(VOCABULARY, one.answer) == "<|ocr|>"


@given(st.lists(st.integers(0, 599), max_size=40))
def test_any_tokens_are_an_answer(tokens):
    answer = answer_of(VOCABULARY, tokens)
    assert answer == answer_of(VOCABULARY, [*tokens, END, 300])
    assert "<|" not in answer


@given(st.text(st.sampled_from("ab   \n"), max_size=300), st.integers(1, 40))
@settings(max_examples=200)
def test_windows_hold_every_word_in_order_and_overlap(text, room):
    found = windows(VOCABULARY, text, room)
    at = len(text) - len(text.lstrip())
    for before, window in zip([None, *found], found, strict=False):
        assert window.start < window.end
        assert not text[window.start].isspace()
        assert not text[window.end - 1].isspace()
        assert not text[at : window.start].strip()  # nothing but space is left out between two windows
        if before:
            assert before.start < window.start
            assert before.end < window.end
        at = window.end
    assert not text[at:].strip()


@pytest.mark.parametrize("context", [128, 256, 1024])
def test_a_window_and_its_answer_fit_into_the_context(context):
    text = scanned(prose(1, 60), 1, 0.3)
    found = windows(VOCABULARY, text, room_of(context))
    for window in found:
        (asked,) = prompts(VOCABULARY, [text[window.start : window.end]])
        assert 1 + len(asked) + answer_tokens(len(asked) - 2) <= context
        assert text[window.start : window.end] == text[window.start : window.end].strip()
    assert len(found) > 1
    for before, after in pairwise(found):
        assert text[before.end : before.end + 1].isspace()  # whole words
        assert 0 < before.end - after.start < before.end - before.start


def test_a_word_without_end_is_cut():
    text = "x" * 500
    found = windows(VOCABULARY, text, 20)
    assert found[0].start == 0
    assert found[-1].end == 500
    assert all(w.end - w.start <= 20 for w in found)


def test_a_short_text_is_one_window():
    assert windows(VOCABULARY, "  a cat\n", 20) == [(2, 7)]
    assert windows(VOCABULARY, " \n ", 20) == []


def test_a_long_pair_is_cut_where_both_sides_answer_to_each_other():
    (pair,) = pairs(1, 0.15, sentences=40)
    pieces = list(cut(VOCABULARY, pair.source, pair.target, 50))
    assert " ".join(target for _, target in pieces) == pair.target
    assert " ".join(source for source, _ in pieces) == pair.source
    for source, target in pieces:
        assert len(source.split()) == len(target.split())
        assert max(len(source), len(target)) <= 50
    assert len(pieces) < 1.3 * len(pair.source) / 50  # each is as long as can be


def test_all_of_a_pair_is_learnt_in_examples_that_fit():
    given_pairs = pairs(6, 0.15, sentences=12)
    learnt = examples(VOCABULARY, given_pairs, 128)
    assert learnt.left_out == []
    assert len(learnt.examples) > 12
    assert all(1 + len(one.prompt) + len(one.answer) <= 128 for one in learnt.examples)
    assert learnt.names[:2] == ["p0#1", "p0#2"]
    said = [answer_of(VOCABULARY, one.answer) for one in learnt.examples]
    for pair in given_pairs:
        its = [text for name, text in zip(learnt.names, said, strict=True) if name.split("#")[0] == pair.id]
        assert " ".join(its) == pair.target


def test_a_pair_that_fits_is_whole():
    short = [pair._replace(source="a\n\nc", target="a\n\nb") for pair in pairs(1, 0)]
    learnt = examples(VOCABULARY, short, 128)
    assert learnt.names == ["p0"]
    assert learnt.examples == [example(VOCABULARY, "a\n\nc", "a\n\nb")]


def test_what_cannot_be_cut_is_left_out_and_the_rest_is_learnt():
    wall = "q" * 400
    pair = OcrPair("p", "d", "en", f"one two {wall} three four", f"one two {wall} three four")
    learnt = examples(VOCABULARY, [pair], 128)
    assert [answer_of(VOCABULARY, one.answer) for one in learnt.examples] == ["one two", "three four"]
    (odd,) = learnt.left_out
    assert odd.reason == "longer than the context"
    assert "at most 128" in odd.evidence
