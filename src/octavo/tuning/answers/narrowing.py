"""The sentences of the sources that have most words of the question: a model reads these, each as a source.

So the prompt is a third as long, and what is left to find is near. How often the answer is among them, a tune's
evaluation tells (`answer_shown`). The best stands first, so that a model that learns nothing else learns to trust
the search.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from octavo.tuning.answers.format import ANSWER_TOKENS, Question, prompt
from octavo.tuning.answers.shown import Citation, Shown
from octavo.tuning.retrieval.passages import Span, sentences
from octavo.tuning.retrieval.ranking import Ranking
from octavo.tuning.vocabulary import Vocabulary

SENTENCES: Final = 6
"""Of all sources of a question, most."""


class Place(NamedTuple):
    """Where a sentence stands."""

    source: int
    span: Span


class Narrowed(NamedTuple):
    """A question with sentences in place of its sources."""

    question: Question
    places: tuple[Place, ...]
    """Of each sentence in the sources that the question came with."""

    def told(self, shown: Shown) -> Shown:
        """An answer in the words of the sentences as one in those of the sources."""
        citations = (
            Citation(source, span.start + start, span.start + end, text)
            for number, start, end, text in shown.citations
            for source, span in [self.places[number]]
        )
        return shown._replace(citations=tuple(citations))


def to_learn(questions: Sequence[Question]) -> list[Question]:
    """The questions with their best sentences by BM25, and that of the answer, whatever its words."""
    found = []
    for question, best in zip(questions, _best(questions), strict=True):
        answer = _of_answer(question)
        if answer is None:
            found.append(_shown(question, best))
            continue
        same = [one.source == answer.source and _overlap(one.span, answer.span) for one in best]
        rank = min(same.index(True) if any(same) else len(best), SENTENCES - 1)
        others = [one for one, is_same in zip(best, same, strict=True) if not is_same]
        places = [*others[:rank], answer, *others[rank : SENTENCES - 1]]
        begin, end = answer.span
        inside = [
            (text, start - begin)
            for text, start in zip(question.answers, question.starts, strict=True)
            if start is not None and begin <= start and start + len(text) <= end
        ]
        found.append(
            _shown(question, places)._replace(
                gold=places.index(answer),
                answers=tuple(text for text, _ in inside),
                starts=tuple(start for _, start in inside),
            )
        )
    return found


def fewer(vocabulary: Vocabulary, question: Question, context: int) -> Question:
    """The question without its last sentences, but for that of the answer, where all are too many for a context."""
    while 1 + len(prompt(vocabulary, question.question, question.sources)) + ANSWER_TOKENS > context:
        last = next((n for n in reversed(range(len(question.sources))) if n != question.gold), None)
        if last is None:
            break
        sources = (*question.sources[:last], *question.sources[last + 1 :])
        gold = question.gold
        question = question._replace(sources=sources, gold=gold - 1 if gold is not None and gold > last else gold)
    return question


def to_answer(vocabulary: Vocabulary, questions: Sequence[Question], context: int) -> list[Narrowed]:
    """The questions with their best sentences by BM25, as many as leave room for an answer.

    A sentence that is too long for that is passed over.
    """
    found = []
    for question, best in zip(questions, _best(questions), strict=True):
        places: list[Place] = []
        for place in best:
            if 1 + len(_tokens(vocabulary, question, [*places, place])) + ANSWER_TOKENS <= context:
                places.append(place)
        found.append(Narrowed(_shown(question, places), tuple(places)))
    return found


def answer_shown(questions: Sequence[Question]) -> float | None:
    """The share of the answerable questions whose answer's sentence is among the best; None where none is one."""
    found = [
        any(one.source == answer.source and _overlap(one.span, answer.span) for one in best)
        for question, best in zip(questions, _best(questions), strict=True)
        if (answer := _of_answer(question)) is not None
    ]
    return round(sum(found) / len(found), 4) if found else None


def _best(questions: Sequence[Question]) -> Iterator[list[Place]]:
    """The best sentences of each question, the very best first."""
    texts = {text: n for n, text in enumerate(dict.fromkeys(t for q in questions for t in q.sources))}
    listed = [(text, span) for text in texts for span in sentences(text)]
    ranking = Ranking([text[a:b] for text, (a, b) in listed], [str(texts[text]) for text, _ in listed])
    for question in questions:
        ranked = ranking.best(question.question, SENTENCES, {str(texts[text]) for text in question.sources})
        found = [listed[one.place] for one in ranked]
        yield [Place(question.sources.index(text), span) for text, span in found]


def _of_answer(question: Question) -> Place | None:
    """The sentence of the first answer, or the sentences that it crosses."""
    if question.gold is None:
        return None
    start = question.starts[0]
    assert start is not None, question.id
    answer = Span(start, start + len(question.answers[0]))
    crossed = [span for span in sentences(question.sources[question.gold]) if _overlap(span, answer)]
    return Place(question.gold, Span(crossed[0].start, crossed[-1].end))


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end


def _shown(question: Question, places: Sequence[Place]) -> Question:
    """The question with sentences in place of its sources; what answers it is not told."""
    sources = tuple(question.sources[source][span.start : span.end] for source, span in places)
    return question._replace(sources=sources, gold=None, answers=(), starts=())


def _tokens(vocabulary: Vocabulary, question: Question, places: Sequence[Place]) -> list[int]:
    return prompt(vocabulary, question.question, _shown(question, places).sources)
