"""Which questions a model may learn from: the others are kept aside, each with what was found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from octavo.evaluation.adherence import UNDECIDED, detect
from octavo.recipe.schema import LANGUAGES
from octavo.tuning.answers.format import Question
from octavo.tuning.answers.shown import find_verbatim
from octavo.tuning.pairs import LeftOut
from octavo.tuning.retrieval.passages import Span

EMPTY: Final = "empty"
NOT_THERE: Final = "answer not in its source"
ELSEWHERE: Final = "answer at another place than told"
PART_OF_WORD: Final = "answer cuts a word"
QUESTION_LANGUAGE: Final = "question in another language"
SOURCE_LANGUAGE: Final = "source in another language"
DUPLICATE: Final = "duplicate"


class Checked(NamedTuple):
    """The questions that are learnt from, with the place of each answer; and the others."""

    kept: list[Question]
    left_out: list[LeftOut]


Key = tuple[str, tuple[str, ...], int | None]
"""What makes a question the same as another."""


def check(questions: Sequence[Question], first: dict[Key, str] | None = None) -> Checked:
    """Keep aside what cannot be learnt from, by the first reason that holds.

    `first` has, and is given, the first of each question: of the files before, too.

    An answer that its source does not hold as whole words is taken from a question that has others.
    """
    kept: list[Question] = []
    left_out: list[LeftOut] = []
    first = {} if first is None else first
    for question in questions:
        found = _empty(question) or _placed(question)
        if isinstance(found, Question):
            found = _other_language(found) or found
        if isinstance(found, Question):
            key = (" ".join(question.question.split()), question.sources, question.gold)
            if key in first:
                found = (DUPLICATE, f"same as {first[key]}")
            first.setdefault(key, question.id)
        if isinstance(found, Question):
            kept.append(found)
        else:
            left_out.append(LeftOut(question.id, *found))
    return Checked(kept, left_out)


Fault = tuple[str, str]
"""Reason and evidence."""


def _empty(question: Question) -> Fault | None:
    empty = [] if question.question.strip() else ["question"]
    empty += [f"source {n}" for n, text in enumerate(question.sources, 1) if not text.strip()]
    empty += [] if question.sources else ["sources"]
    empty += [f"answer {n}" for n, text in enumerate(question.answers, 1) if not text.strip()]
    return (EMPTY, ", ".join(empty)) if empty else None


def _placed(question: Question) -> Question | Fault:
    """The question with each answer as and where its source has it."""
    if question.gold is None:
        return question
    source = question.sources[question.gold]
    placed: list[Span] = []
    faults: list[Fault] = []
    for text, told in zip(question.answers, question.starts, strict=True):
        found = _place(text, told, source)
        if isinstance(found, Span):
            placed.append(found)
        else:
            faults.append((found, repr(text[:60]) + ("" if told is None else f", told at {told}")))
    if not placed:
        return faults[0]
    answers = tuple(source[start:end] for start, end in placed)
    return question._replace(answers=answers, starts=tuple(start for start, _ in placed))


def _place(text: str, told: int | None, source: str) -> Span | str:
    """Where an answer stands, or what is wrong with it."""
    words = text.strip()
    if told is None:
        return find_verbatim(words, source) or (PART_OF_WORD if words in source else NOT_THERE)
    if told < 0 or source[told : told + len(text)] != text:
        return ELSEWHERE if words in source else NOT_THERE
    start = told + len(text) - len(text.lstrip())
    end = start + len(words)
    around = source[:start][-1:] + words + source[end : end + 1]
    return Span(start, end) if find_verbatim(words, around) else PART_OF_WORD


def _other_language(question: Question) -> Fault | None:
    """A question or source that two judges agree is in another of the languages; of most lines they say nothing."""
    texts = [(QUESTION_LANGUAGE, question.question)]
    if question.gold is not None:
        texts.append((SOURCE_LANGUAGE, question.sources[question.gold]))
    for reason, text in texts:
        lang = detect(text)
        if lang not in (UNDECIDED, question.lang) and lang in LANGUAGES:
            return reason, f"reads as {lang}, expected {question.lang}: {text[:60]!r}"
    return None
