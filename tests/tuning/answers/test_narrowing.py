"""A model reads the sentences that have words of the question, and answers in the words of the sources."""

from __future__ import annotations

from octavo.tuning.answers.fitting import fit
from octavo.tuning.answers.format import ANSWER_TOKENS, Question, Quotation, Said, prompt
from octavo.tuning.answers.narrowing import SENTENCES, answer_shown, fewer, to_answer, to_learn
from octavo.tuning.answers.shown import checked
from tests.tuning.ocr.stand_ins import SENTENCES as PROSE
from tests.tuning.ocr.stand_ins import VOCABULARY

SOURCES = (f"{PROSE[0]} {PROSE[1]}", f"{PROSE[2]}\n\n{PROSE[3]} {PROSE[5]}")
ASKED = Question("q", "d", "en", "How many barrels did they count?", SOURCES, 1, ("312 barrels",), ())
ASKED = ASKED._replace(starts=(SOURCES[1].index("312 barrels"),))
ROOM = 2000


def test_sentences_without_a_word_of_the_question_are_not_read():
    [one] = to_answer(VOCABULARY, [ASKED], ROOM)
    assert PROSE[5] in one.question.sources
    assert PROSE[1] not in one.question.sources
    for text, (source, span) in zip(one.question.sources, one.places, strict=True):
        assert SOURCES[source][span.start : span.end] == text


def test_the_best_stands_first():
    [one] = to_answer(VOCABULARY, [ASKED._replace(question="Did the daughter count barrels on the shore?")], ROOM)
    assert one.question.sources[0] == PROSE[5]
    [learnt] = to_learn([ASKED._replace(question="Did the daughter count barrels on the shore?")])
    assert (learnt.sources[0], learnt.gold) == (PROSE[5], 0)


def test_what_the_answer_is_is_not_told():
    [one] = to_answer(VOCABULARY, [ASKED], ROOM)
    assert (one.question.gold, one.question.answers, one.question.starts) == (None, (), ())
    assert [one.question for one in to_answer(VOCABULARY, [ASKED._replace(gold=None, answers=())], ROOM)] == [
        one.question
    ]


def test_an_answer_from_a_sentence_is_one_from_its_source():
    [one] = to_answer(VOCABULARY, [ASKED], ROOM)
    number = one.question.sources.index(PROSE[5]) + 1
    [citation] = one.told(checked(Said((Quotation("312 barrels", number),), ()), one.question.sources)).citations
    assert (citation.source, citation.text) == (1, "312 barrels")
    assert SOURCES[1][citation.start : citation.end] == "312 barrels"


def test_the_best_stay_where_there_is_little_room():
    whole = 1 + len(prompt(VOCABULARY, ASKED.question, [PROSE[5]])) + ANSWER_TOKENS
    [one] = to_answer(VOCABULARY, [ASKED], whole)
    assert one.question.sources == (PROSE[5],)
    [none] = to_answer(VOCABULARY, [ASKED], whole - 1)
    assert none.question.sources == ()


def test_what_is_learnt_loses_its_last_sentences_and_never_that_of_the_answer():
    many = ASKED._replace(sources=(*PROSE[:3], PROSE[5]), gold=3, starts=(PROSE[5].index("312"),))
    whole = 1 + len(prompt(VOCABULARY, many.question, [PROSE[0], PROSE[5]])) + ANSWER_TOKENS
    assert fewer(VOCABULARY, many, ROOM) == many
    assert fewer(VOCABULARY, many, whole) == many._replace(sources=(PROSE[0], PROSE[5]), gold=1)
    assert fewer(VOCABULARY, many, 10) == many._replace(sources=(PROSE[5],), gold=0)
    none = many._replace(gold=None)
    assert fewer(VOCABULARY, none, 10).sources == ()


def test_how_often_the_answer_is_shown_is_told():
    odd = ASKED._replace(question="Xylophone harbour?")
    assert answer_shown([ASKED, ASKED._replace(gold=None, answers=(), starts=()), odd]) == 0.5
    assert answer_shown([ASKED._replace(gold=None, answers=(), starts=())]) is None


def test_what_is_learnt_has_the_sentence_of_the_answer_whatever_its_words():
    odd = ASKED._replace(question="Xylophone harbour?")
    [learnt] = to_learn([odd])
    assert learnt.gold is not None
    assert learnt.sources[learnt.gold] == PROSE[5]
    assert learnt.sources[learnt.gold][learnt.starts[0] :].startswith("312 barrels")
    assert learnt.sources[0] == PROSE[0]


def test_an_answer_across_sentences_has_them_all():
    words = "left behind in the spring. They counted"
    [learnt] = to_learn([ASKED._replace(answers=(words,), starts=(SOURCES[1].index(words),))])
    assert learnt.sources[learnt.gold] == f"{PROSE[3]} {PROSE[5]}"
    assert learnt.sources[learnt.gold][learnt.starts[0] :].startswith(words)


def test_there_are_no_more_than_so_many_and_the_answer_is_among_them():
    many = tuple(f"The shore was long in year {n}. {PROSE[1]}" for n in range(20))
    asked = ASKED._replace(question="How long was the shore?")
    [learnt] = to_learn([asked._replace(sources=(*many, SOURCES[1]), gold=20)])
    assert len(learnt.sources) == SENTENCES
    assert learnt.sources[learnt.gold] == PROSE[5]
    [unanswered] = to_learn([asked._replace(sources=many, gold=None, answers=(), starts=())])
    assert (len(unanswered.sources), unanswered.gold) == (SENTENCES, None)


def test_a_sentence_too_long_for_the_context_hides_no_other():
    long = "How many barrels did they count " + "and count again " * 200 + "?"
    whole = 1 + len(prompt(VOCABULARY, ASKED.question, [PROSE[5]])) + ANSWER_TOKENS
    [one] = to_answer(VOCABULARY, [ASKED._replace(sources=(long, *SOURCES), gold=2)], whole)
    assert one.question.sources == (PROSE[5],)


def test_a_question_too_long_for_the_context_is_left_out_with_its_reason():
    long = ASKED._replace(question="How many barrels? " * 2000, sources=(), gold=None, answers=(), starts=())
    fitted = fit(VOCABULARY, [long], ROOM, seed=1)
    assert [one.reason for one in fitted.left_out] == ["longer than the context"]
