"""Answers from sources: how a question and its sources are shown to a model, and how its answer is read.

    <|question|>Quand?<|source|>1<|source_text|>…<|end_of_source|><|source|>2…<|answer|>
    <|quote|> en 1648<|cited|>2<|end_of_quote|><|end_of_text|>

An answer is its quotations, and nothing else: words of a source, with its number. So all of an answer can be held
against the sources, and a small model has one thing to learn, to find and copy. Where the sources do not hold the
answer, it ends at once; whether to refuse is so the choice of a single token.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from octavo.tokenization.entries import SOURCE_ENTRIES
from octavo.tuning.examples import Example
from octavo.tuning.vocabulary import Vocabulary

QUESTION, SOURCE, SOURCE_TEXT, END_OF_SOURCE, ANSWER, QUOTE, CITED, END_OF_QUOTE = SOURCE_ENTRIES

ANSWER_TOKENS: Final = 64
"""Room for an answer; of real ones hardly any is longer."""

UNCLOSED: Final = "a quotation without end"
NO_NUMBER: Final = "a quotation with no number of a source"
STRAY: Final = "an entry out of place"


class Question(NamedTuple):
    """A question with its sources, one of which may hold the answer."""

    id: str
    doc: str
    """The document that it is about: documents are for training or for testing as a whole."""
    lang: str
    question: str
    sources: tuple[str, ...]
    """They are numbered from 1 where they are shown."""
    gold: int | None
    """The place among the sources, from 0, of the one that holds the answer; None where none does."""
    answers: tuple[str, ...] = ()
    """All that count as right, as the source has them; the first is learnt."""
    starts: tuple[int | None, ...] = ()
    """The places of their first characters in the source, where known."""


class Quotation(NamedTuple):
    """Words that a model gives for a source's, not checked."""

    text: str
    number: int
    """The source's, from 1."""


class Said(NamedTuple):
    """What a model answered: its quotations, and what could not be read."""

    quotations: tuple[Quotation, ...]
    faults: tuple[str, ...]


def prompt(vocabulary: Vocabulary, question: str, sources: Sequence[str]) -> list[int]:
    """The tokens of a question and its sources, up to where the answer begins."""
    numbers = [str(number) for number in range(1, len(sources) + 1)]
    asked, *encoded = vocabulary.encode([question, *numbers, *sources])
    ids = vocabulary.entries
    tokens = [ids[QUESTION], *asked]
    for number, text in zip(encoded[: len(sources)], encoded[len(sources) :], strict=True):
        tokens += [ids[SOURCE], *number, ids[SOURCE_TEXT], *text, ids[END_OF_SOURCE]]
    return [*tokens, ids[ANSWER]]


def answer(vocabulary: Vocabulary, question: Question) -> list[int]:
    """The tokens of the first answer, or of a refusal.

    The blank before a word belongs to its first token, so it is written with the words that had one before them in
    the source: then they are the source's own tokens, and copying is enough.
    """
    if question.gold is None:
        return [vocabulary.end]
    source, start = question.sources[question.gold], question.starts[0]
    assert start is not None, question.id
    end = start + len(question.answers[0])
    words = source[start - (source[:start][-1:] == " ") : end]
    text, number = vocabulary.encode([words, str(question.gold + 1)])
    ids = vocabulary.entries
    return [ids[QUOTE], *text, ids[CITED], *number, ids[END_OF_QUOTE], vocabulary.end]


def example(vocabulary: Vocabulary, question: Question) -> Example:
    """What a model learns of a question, whose answers are where `starts` tells (`checks.check`)."""
    return Example(prompt(vocabulary, question.question, question.sources), answer(vocabulary, question))


def read_answer(vocabulary: Vocabulary, tokens: Sequence[int]) -> Said:
    """The quotations of an answer's tokens; whatever else a model wrote is passed over, and told."""
    names = {number: name for name, number in vocabulary.entries.items()}
    quotations: list[Quotation] = []
    faults: list[str] = []
    words: list[int] | None = None
    number: list[int] | None = None
    for token in tokens:
        if token == vocabulary.end:
            break
        match names.get(token):
            case None:
                if number is not None:
                    number.append(token)
                elif words is not None:
                    words.append(token)
            case "<|quote|>":
                faults += [UNCLOSED] * (words is not None)
                words, number = [], None
            case "<|cited|>" if words is not None and number is None:
                number = []
            case "<|end_of_quote|>" if words is not None:
                told = vocabulary.decode(number or []).strip()
                if told.isascii() and told.isdecimal() and len(told) < 5:
                    quotations.append(Quotation(vocabulary.decode(words).strip(), int(told)))
                else:
                    faults.append(NO_NUMBER)
                words = number = None
            case _:
                faults.append(STRAY)
                words = number = None
    return Said(tuple(quotations), (*faults, *[UNCLOSED] * (words is not None)))
