"""How right answers with sources are, beside what is answered without a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from octavo.evaluation.bootstrap import Estimate
from octavo.evaluation.speaker import Speaker
from octavo.evaluation.task_metrics import best, exact, f1, mean
from octavo.modeling.decoding import Decoding
from octavo.progress import Progress
from octavo.tuning.answers.format import ANSWER_TOKENS, Question, prompt, read_answer
from octavo.tuning.answers.narrowing import to_answer
from octavo.tuning.answers.quoting import quotations_of
from octavo.tuning.answers.shown import Citation, Shown, checked
from octavo.tuning.retrieval.passages import Span, sentences
from octavo.tuning.retrieval.ranking import Ranking
from octavo.tuning.scores import MODEL, Score
from octavo.tuning.vocabulary import Vocabulary

BEST_SENTENCE: Final = "best sentence"
FIRST_SOURCE: Final = "first source"

EXACT, F1 = "exact match", "F1"
PRECISION, RECALL = "citation precision", "citation recall"
VERBATIM = "verbatim answers"
REFUSED, REFUSED_ANSWERABLE = "refusal rate, unanswerable", "refusal rate, answerable"


class Answered(NamedTuple):
    """What a system made of a question."""

    question: Question
    shown: Shown


def answer_all(
    speaker: Speaker, vocabulary: Vocabulary, questions: Sequence[Question], progress: Progress
) -> list[Answered]:
    """The model's answers, greedy, in the order of the questions."""
    read = to_answer(vocabulary, questions, speaker.context)
    said = speaker.say(
        [prompt(vocabulary, one.question.question, one.question.sources) for one in read],
        [question.id for question in questions],
        Decoding(ANSWER_TOKENS, temperature=0.0, repetition_penalty=1.0),
        progress,
        "answers",
        allowed=[quotations_of(vocabulary, one.question.sources) for one in read],
    )
    return [
        Answered(question, one.told(checked(read_answer(vocabulary, tokens), one.question.sources)))
        for question, one, tokens in zip(questions, read, said, strict=True)
    ]


def best_sentences(questions: Sequence[Question]) -> list[Answered]:
    """The sentence of each question's sources that has most of its words by BM25; a refusal where none has any."""
    places = {text: n for n, text in enumerate(dict.fromkeys(t for q in questions for t in q.sources))}
    spans = [(text, span) for text in places for span in sentences(text)]
    texts = [text[start:end] for text, (start, end) in spans]
    ranking = Ranking(texts, [str(places[text]) for text, _ in spans])
    found = []
    for question in questions:
        groups = {str(places[text]) for text in question.sources}
        ranked = ranking.best(question.question, 1, groups)
        citations = [_cited(question, *spans[one.place]) for one in ranked]
        found.append(Answered(question, Shown(tuple(citations), "" if citations else "no word of the question")))
    return found


def first_sources(questions: Sequence[Question]) -> list[Answered]:
    """The whole of each question's first source: what finding nothing reaches."""
    return [Answered(q, Shown((_cited(q, q.sources[0], Span(0, len(q.sources[0]))),))) for q in questions]


def _cited(question: Question, source: str, span: Span) -> Citation:
    return Citation(question.sources.index(source), *span, source[span.start : span.end])


def measure(systems: Mapping[str, Sequence[Answered]]) -> list[Score]:
    """All figures of each system: of all questions, and by language.

    Exact match and F1 (Rajpurkar et al., 2016) are of the answerable questions, a refusal counting as no word; for
    all languages together each question counts alike. Citation precision is the share of the quotations shown that
    overlap a right answer in its source, those of unanswerable questions among them; citation recall the share of
    the answerable questions that have such a one. Refusal rates are of the unanswerable and of the answerable. That
    answers are verbatim is counted anew here.
    """
    found: list[Score] = []
    for system, answers in systems.items():
        groups: dict[tuple[str, str], list[int]] = {("all", "all"): list(range(len(answers)))}
        for number, one in enumerate(answers):
            groups.setdefault(("lang", one.question.lang), []).append(number)
        for (by, group), numbers in sorted(groups.items()):
            for metric, of in _METRICS.items():
                values = [(value, answers[n].question.doc) for n in numbers for value in of(answers[n])]
                if values:
                    estimate = mean([value for value, _ in values], [doc for _, doc in values])
                    lead = None
                    if metric == F1 and system != MODEL and MODEL in systems:
                        lead = _lead([systems[MODEL][n] for n in numbers], [answers[n] for n in numbers])
                    found.append(Score(system, by, group, metric, estimate, lead))
    return found


def _lead(ours: Sequence[Answered], others: Sequence[Answered]) -> Estimate:
    """By how much our F1 is higher, of answers to the same questions."""
    values = [
        (one - other, answer.question.doc)
        for answer, theirs in zip(ours, others, strict=True)
        for one, other in zip(_METRICS[F1](answer), _METRICS[F1](theirs), strict=True)
    ]
    return mean([value for value, _ in values], [doc for _, doc in values])


def _by_words(metric: Callable[[str, str, str], float]) -> Callable[[Answered], list[float]]:
    def values(one: Answered) -> list[float]:
        if one.question.gold is None:
            return []
        if not one.shown.citations:  # to an answer of articles alone it would be equal
            return [0.0]
        return [best(metric, one.shown.text, one.question.answers, one.question.lang)]

    return values


def _right(one: Answered) -> list[float]:
    """Of each quotation shown, whether it has words of a right answer where its source has it."""
    question = one.question
    if question.gold is None:
        return [0.0] * len(one.shown.citations)
    places = _places(question.sources[question.gold], question.answers)
    return [
        float(c.source == question.gold and any(c.start < end and start < c.end for start, end in places))
        for c in one.shown.citations
    ]


def _places(source: str, answers: Sequence[str]) -> list[Span]:
    found = []
    for words in answers:
        at = source.find(words)
        while at >= 0:
            found.append(Span(at, at + len(words)))
            at = source.find(words, at + 1)
    return found


def _recalled(one: Answered) -> list[float]:
    return [max(_right(one), default=0.0)] if one.question.gold is not None else []


def _verbatim(one: Answered) -> list[float]:
    sources = [" ".join(text.split()) for text in one.question.sources]
    whole = [" ".join(c.text.split()) in sources[c.source] for c in one.shown.citations]
    return [float(all(whole))] if whole else []


def _refused(answerable: bool) -> Callable[[Answered], list[float]]:
    def values(one: Answered) -> list[float]:
        return [float(not one.shown.citations)] if (one.question.gold is not None) == answerable else []

    return values


_METRICS: Final[Mapping[str, Callable[[Answered], list[float]]]] = {
    EXACT: _by_words(exact),
    F1: _by_words(f1),
    PRECISION: _right,
    RECALL: _recalled,
    VERBATIM: _verbatim,
    REFUSED: _refused(answerable=False),
    REFUSED_ANSWERABLE: _refused(answerable=True),
}
