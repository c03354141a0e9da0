"""A question answered from a library's documents: passages found, the model asked, its answer checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from octavo.errors import InputError
from octavo.evaluation.speaker import Speaker
from octavo.modeling.decoding import Decoding
from octavo.progress import Progress
from octavo.tuning.answers.format import ANSWER_TOKENS, prompt, read_answer
from octavo.tuning.answers.quoting import quotations_of
from octavo.tuning.answers.shown import checked
from octavo.tuning.retrieval.passages import words_of
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
    """What the model was shown, in the order of the numbers."""


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
    """The answer to a question from passages, the best first; the last are left out where the context is too short.

    Raises InputError where the question is empty, or too long for any source beside it.
    """
    check_question(question)
    if not passages:
        return Answer("", (), True, NOTHING_FOUND, ())
    room = speaker.context - 1 - ANSWER_TOKENS  # a token begins the text
    shown = _fitting(vocabulary, question, passages, room)
    sources = [passage.text for passage in shown]
    [said] = speaker.say(
        [prompt(vocabulary, question, sources)],
        [question],
        Decoding(ANSWER_TOKENS, temperature=0.0, repetition_penalty=1.0),
        Progress(),
        "answer",
        allowed=[quotations_of(vocabulary, sources)],
    )
    answer = checked(read_answer(vocabulary, said), sources)
    quotations = []
    for citation in answer.citations:
        _, file, document, title, licence, start, _ = shown[citation.source]
        begin, end = start + citation.start, start + citation.end
        quotations.append(Quoted(citation.text, citation.source + 1, document, title, licence, file, begin, end))
    return Answer(answer.text, tuple(quotations), not quotations, answer.why, tuple(shown))


def _fitting(vocabulary: Vocabulary, question: str, passages: Sequence[Passage], room: int) -> list[Passage]:
    """The first passages that fit into so many tokens; of the very first, as much as does."""

    def fits(shown: Sequence[Passage]) -> bool:
        return len(prompt(vocabulary, question, [passage.text for passage in shown])) <= room

    for count in range(len(passages), 0, -1):
        if fits(passages[:count]):
            return list(passages[:count])
    first = passages[0]
    words = words_of(first.text)
    while words:
        words = words[: len(words) * 3 // 4]
        if words and fits([cut := _cut(first, words[-1].end)]):
            return [cut]
    raise InputError(f"question: found {len(question)} characters, expected few enough to leave room for a source")


def _cut(passage: Passage, length: int) -> Passage:
    return passage._replace(text=passage.text[:length], end=passage.start + length)
