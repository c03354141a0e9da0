"""Questions cut to a model's context: the longest sources first, and never the answer."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from octavo.tuning.answers.format import ANSWER_TOKENS, Question, answer, prompt
from octavo.tuning.pairs import LeftOut
from octavo.tuning.retrieval.passages import Span, sentences, words_of
from octavo.tuning.vocabulary import Vocabulary

TOO_LONG: Final = "longer than the context"


class Fitted(NamedTuple):
    """The questions that fit, how many of them were cut for that, and those that no cut makes fit."""

    questions: list[Question]
    cut: int
    left_out: list[LeftOut]


def fit(vocabulary: Vocabulary, questions: Sequence[Question], context: int, seed: int) -> Fitted:
    """Make room for each question and an answer within `context` tokens.

    Of a question that is too long, all sources that have more than so many tokens are cut to as many: whole
    sentences, or words where a sentence is longer, around the answer, and at any place of a source without it. How
    much stays on which side is drawn by the seed and the question's id, so that no place tells the answer.
    """
    found: list[Question] = []
    left_out: list[LeftOut] = []
    cut = 0
    for question in questions:
        fitted = _fit_one(vocabulary, question, context, random.Random(f"{seed} {question.id}"))
        if isinstance(fitted, LeftOut):
            left_out.append(fitted)
        else:
            found.append(fitted)
            cut += fitted is not question
    return Fitted(found, cut, left_out)


def _fit_one(vocabulary: Vocabulary, question: Question, context: int, lot: random.Random) -> Question | LeftOut:
    tokens = len(prompt(vocabulary, question.question, question.sources))
    room = context - 1 - ANSWER_TOKENS  # a token begins the text
    expected = len(answer(vocabulary, question))
    if expected > ANSWER_TOKENS:
        return LeftOut(question.id, TOO_LONG, f"an answer of {expected} tokens, expected {ANSWER_TOKENS} at most")
    if tokens <= room:
        return question
    if not question.sources:
        return LeftOut(question.id, TOO_LONG, f"a question of {tokens} tokens, expected {room} at most")
    lengths = [len(ids) for ids in vocabulary.encode(question.sources)]
    most = _level(lengths, room - (tokens - sum(lengths)))
    spans = [
        Span(0, len(text)) if length <= most else _window(vocabulary, text, _kept(question, place, lot), most, lot)
        for place, (text, length) in enumerate(zip(question.sources, lengths, strict=True))
    ]
    whole = [span for span in spans if span is not None]
    if len(whole) < len(spans):
        return LeftOut(question.id, TOO_LONG, f"{tokens} tokens, expected {room} at most")
    sources = tuple(text[a:b] for text, (a, b) in zip(question.sources, whole, strict=True))
    if question.gold is None:
        return question._replace(sources=sources)
    begin, end = whole[question.gold]
    left = [
        (text, start - begin)
        for text, start in zip(question.answers, question.starts, strict=True)
        if start is not None and begin <= start and start + len(text) <= end
    ]
    return question._replace(
        sources=sources, answers=tuple(text for text, _ in left), starts=tuple(start for _, start in left)
    )


def _level(lengths: Sequence[int], room: int) -> int:
    """The most tokens that each source may have so that all fit into the room."""
    left = room
    for done, length in enumerate(sorted(lengths)):
        share = left // (len(lengths) - done)
        if length > share:
            return share
        left -= length
    return max(lengths)


def _kept(question: Question, place: int, lot: random.Random) -> Span:
    """What a source has to keep: the answer, or the place of a character by lot."""
    if place != question.gold:
        at = lot.randrange(len(question.sources[place]))
        return Span(at, at + 1)
    start = question.starts[0]
    assert start is not None, question.id
    return Span(start, start + len(question.answers[0]))


def _window(vocabulary: Vocabulary, text: str, kept: Span, most: int, lot: random.Random) -> Span | None:
    """As much of a text around what is kept as has `most` tokens; None where that has more itself."""
    for units in (sentences(text), words_of(text)):
        if span := _grown(vocabulary, text, units, kept, most, lot):
            return span
    return None


def _grown(
    vocabulary: Vocabulary, text: str, units: Sequence[Span], kept: Span, most: int, lot: random.Random
) -> Span | None:
    first = max((n for n, unit in enumerate(units) if unit.start <= kept.start), default=0)
    last = max(first, max((n for n, unit in enumerate(units) if unit.start < kept.end), default=0))
    bounds = [*(unit.start for unit in units), len(text)]
    sizes = [len(ids) for ids in vocabulary.encode([text[a:b] for a, b in pairwise(bounds)])]
    while True:
        held = sum(sizes[first : last + 1])
        if held > most:
            return None
        sides = [side for side, n in (("before", first - 1), ("after", last + 1)) if 0 <= n < len(units)]
        sides = [side for side in sides if held + sizes[first - 1 if side == "before" else last + 1] <= most]
        if not sides:
            break
        if lot.choice(sides) == "before":
            first -= 1
        else:
            last += 1
    span = Span(units[first].start, max(units[last].end, kept.end))
    fits = len(vocabulary.encode([text[span.start : span.end]])[0]) <= most
    return span if fits and span.start <= kept.start else None
