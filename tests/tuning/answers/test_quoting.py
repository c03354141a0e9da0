"""Whatever a model would like to write, an answer is quotations."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.tuning.answers.format import ANSWER_TOKENS, UNCLOSED, Quotation, read_answer
from octavo.tuning.answers.quoting import quotations_of
from octavo.tuning.answers.shown import checked, find_verbatim
from tests.tuning.ocr.stand_ins import SENTENCES, VOCABULARY

texts = st.text(st.sampled_from("abeé ſ一.1_-\n"), max_size=40)


def written(allowed, choose):
    """What a model writes that chooses so, up to the end or the limit."""
    tokens: list[int] = []
    while len(tokens) < ANSWER_TOKENS and (token := choose(tokens, allowed(tokens))) != VOCABULARY.end:
        tokens.append(token)
    return tokens


def wishes(text, number):
    """Chooses the tokens of an answer, as far as they are allowed."""
    ids = VOCABULARY.entries
    words, told = VOCABULARY.encode([text, str(number)])
    wanted = [ids["<|quote|>"], *words, ids["<|cited|>"], *told, ids["<|end_of_quote|>"]]

    def choose(tokens, allowed):
        wish = wanted[len(tokens)] if len(tokens) < len(wanted) else VOCABULARY.end
        return wish if wish in allowed else min(allowed)

    return choose


@given(st.lists(texts, min_size=1, max_size=3), st.integers(0, 2**32))
def test_all_that_may_be_written_is_verbatim(sources, seed):
    lot = random.Random(seed)
    tokens = written(quotations_of(VOCABULARY, sources), lambda _, allowed: lot.choice(sorted(allowed)))
    said = read_answer(VOCABULARY, tokens)
    assert not said.faults or (said.faults == (UNCLOSED,) and len(tokens) == ANSWER_TOKENS)
    for text, number in said.quotations:
        assert find_verbatim(text, sources[number - 1])
    assert len(checked(said, sources).citations) == len(set(said.quotations))


@pytest.mark.parametrize("text", [" old keeper", "The", " came in.", "The old keeper of the light went down"])
def test_words_of_a_source_can_be_written(text):
    tokens = written(quotations_of(VOCABULARY, [SENTENCES[3], SENTENCES[0]]), wishes(text, 2))
    assert read_answer(VOCABULARY, tokens).quotations == (Quotation(text.strip(), 2),)


def test_the_number_is_of_a_source_that_has_the_words():
    allowed = quotations_of(VOCABULARY, [SENTENCES[3], SENTENCES[0], SENTENCES[0]])
    given = [
        read_answer(VOCABULARY, written(allowed, wishes(" keeper", n))).quotations[0].number for n in (1, 2, 3)
    ]
    assert given[1:] == [2, 3]
    assert given[0] in (2, 3)


def test_a_quotation_goes_on_to_the_end_of_a_word():
    [said] = read_answer(
        VOCABULARY, written(quotations_of(VOCABULARY, ["xyzzyx and b"]), wishes("xy", 1))
    ).quotations
    assert said.text.startswith("xyzzyx")


def test_a_long_quotation_is_closed_in_time():
    tokens = written(quotations_of(VOCABULARY, ["xq zv " * 200]), wishes("xq zv " * 200, 1))
    said = read_answer(VOCABULARY, tokens)
    assert len(said.quotations) == 1
    assert not said.faults


def test_where_there_are_no_words_nothing_is_said():
    for sources in ([], ["", " .\n"]):
        assert set(quotations_of(VOCABULARY, sources)([])) == {VOCABULARY.end}
