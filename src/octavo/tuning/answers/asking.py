"""A question answered from a library's documents: passages found, the model asked, its answer checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from octavo.errors import InputError
from octavo.evaluation.speaker import Speaker
from octavo.progress import Progress
from octavo.tuning.answers.format import ANSWER_TOKENS, Question, prompt
from octavo.tuning.answers.measures import answer_all
from octavo.tuning.retrieval.search import Index, Passage, search
from octavo.tuning.vocabulary import Vocabulary

NOTHING_FOUND = "no passage has a word of the question"


class Quoted(NamedTuple):
    """Words of a document, exactly as they stand there."""

    text: str
    number: int
    """Of the source, from 1, as in `Answer.considered`."""
    document: str
    title: str | None
    licence: str | None
    file: str
    start: int
    """The place of its first character in the document's text, as octavo reads it."""
    end: int


class Answer(NamedTuple):
    """What is answered, or why nothing is."""

    text: str
    quotations: tuple[Quoted, ...]
    refused: bool
    why: str
    """Of a refusal."""
    considered: tuple[Passage, ...]
    """The passages that were found, in the order of the numbers."""


def ask(speaker: Speaker, vocabulary: Vocabulary, index: Index, question: str, count: int = 4) -> Answer:
    """The answer to a question from the `count` passages of an index that fit it best.

    As `answer_from` otherwise.
    """
    return answer_from(speaker, vocabulary, question, [one.passage for one in search(index, question, count)])


def check_question(question: str) -> None:
    """Raise InputError where there is none."""
    if not question.strip():
        raise InputError("question: found nothing, expected a question")


def answer_from(speaker: Speaker, vocabulary: Vocabulary, question: str, passages: Sequence[Passage]) -> Answer:
    """The answer to a question from passages: the model is shown their best sentences (`narrowing`).

    Raises InputError where the question is empty, or too long for any source beside it.
    """
    check_question(question)
    if len(prompt(vocabulary, question, [])) + ANSWER_TOKENS >= speaker.context:
        raise InputError(
            f"question: found {len(question)} characters, expected few enough to leave room for a source"
        )
    if not passages:
        return Answer("", (), True, NOTHING_FOUND, ())
    asked = Question(question, "", "", question, tuple(passage.text for passage in passages), None)
    [answered] = answer_all(speaker, vocabulary, [asked], Progress())
    quotations = []
    for citation in answered.shown.citations:
        _, file, document, title, licence, start, _ = passages[citation.source]
        begin, end = start + citation.start, start + citation.end
        quotations.append(Quoted(citation.text, citation.source + 1, document, title, licence, file, begin, end))
    shown = answered.shown
    return Answer(shown.text, tuple(quotations), not quotations, shown.why, tuple(passages))
