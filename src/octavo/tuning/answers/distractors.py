"""Questions with harder sources, and with none that holds the answer: made of questions that have one."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from octavo.tuning.answers.format import Question
from octavo.tuning.retrieval.ranking import Ranking
from octavo.tuning.retrieval.words import search_words

_NEAR: Final = 12
"""Passages that have most words of a question, of which distractors are drawn."""
_WITHOUT: Final = "#without"
"""Ends the id of a question whose source was taken away."""


@dataclass(frozen=True)
class Making:
    """How the sources of questions are chosen."""

    sources: int = 4
    """Of a question, most."""
    fewest: int = 4
    """Of a question, fewest: how many there are is drawn for each."""
    unanswerable: float = 0.25
    """Share of the questions whose source is taken away."""
    same_document: float = 0.5
    """Share of the other sources that are from the question's own document, as far as there are any; the others are
    from among those that have most words of the question."""


class _Pool(NamedTuple):
    """The passages that there are, each once."""

    texts: list[str]
    words: list[str]
    """As they are searched, with a blank at both ends."""
    of_document: dict[tuple[str, str], list[int]]
    """By language and document."""
    of_language: dict[str, list[int]]
    ranking: Ranking


def with_distractors(questions: Sequence[Question], making: Making, seed: int) -> list[Question]:
    """The questions with other sources beside their own, in an order by lot, some without their own.

    Distractors are the sources of the other questions given, in the same language, and hold none of the right
    answers. Where there are too few, a question has fewer sources. What is drawn depends on the seed, the
    question's id and the passages that there are. Questions without an answer of their own are left as they are.
    """
    answerable = [question for question in questions if question.gold is not None]
    pool = _pool(answerable)
    return [
        question if question.gold is None else _made(question, pool, making, random.Random(f"{seed} {question.id}"))
        for question in questions
    ]


def _pool(questions: Sequence[Question]) -> _Pool:
    first: dict[tuple[str, str], Question] = {}
    for question in questions:
        first.setdefault((question.lang, _gold(question)), question)
    of_document: dict[tuple[str, str], list[int]] = {}
    of_language: dict[str, list[int]] = {}
    texts: list[str] = []
    for place, ((lang, text), question) in enumerate(first.items()):
        texts.append(text)
        of_document.setdefault((lang, question.doc), []).append(place)
        of_language.setdefault(lang, []).append(place)
    words = [_padded(text) for text in texts]
    return _Pool(texts, words, of_document, of_language, Ranking(texts, [lang for lang, _ in first]))


def _made(question: Question, pool: _Pool, making: Making, lot: random.Random) -> Question:
    own = _gold(question)
    removed = lot.random() < making.unanswerable
    wanted = lot.randint(making.fewest, making.sources) - (not removed)
    right = [_padded(text) for text in question.answers]

    def allowed(place: int) -> bool:
        return pool.texts[place] != own and not any(text in pool.words[place] for text in right)

    near = [one.place for one in pool.ranking.best(question.question, _NEAR, [question.lang])]
    orders = {
        True: _drawn([n for n in pool.of_document.get((question.lang, question.doc), []) if allowed(n)], lot),
        False: _drawn([n for n in near if allowed(n)], lot),
    }
    others = _from_anywhere(pool.of_language[question.lang], lot)
    chosen: dict[int, None] = {}
    while len(chosen) < wanted:
        same = lot.random() < making.same_document
        taken = next(orders[same], None)
        taken = next(orders[not same], None) if taken is None else taken
        taken = next((n for n in others if allowed(n)), None) if taken is None else taken
        if taken is None:
            break
        chosen[taken] = None
    removed = removed and bool(chosen)  # without any other, its own stays
    sources = [pool.texts[place] for place in chosen] + ([] if removed else [own])
    lot.shuffle(sources)
    if removed:
        return question._replace(
            id=question.id + _WITHOUT, sources=tuple(sources), gold=None, answers=(), starts=()
        )
    return question._replace(sources=tuple(sources), gold=sources.index(own))


def _gold(question: Question) -> str:
    assert question.gold is not None
    return question.sources[question.gold]


def _padded(text: str) -> str:
    return f" {' '.join(search_words(text))} "


def _drawn(places: list[int], lot: random.Random) -> Iterator[int]:
    lot.shuffle(places)
    return iter(places)


def _from_anywhere(places: Sequence[int], lot: random.Random) -> Iterator[int]:
    """Places from one that is drawn on, each once: shuffling thousands for one that is seldom needed takes time."""
    start, count = lot.randrange(len(places)), len(places)
    return (places[(start + n) % count] for n in range(count))
