"""Texts cut into passages that can be cited: at the ends of paragraphs and sentences, without overlap or loss."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from octavo.tuning.sentences import split_sentences

WORDS: Final = 150
"""Of a passage, more or less."""

_PARAGRAPH: Final = re.compile(r"\S(?:[^\n]|\n(?![ \t\r]*\n))*")
_WORD: Final = re.compile(r"\S+")


class Span(NamedTuple):
    """A stretch of a text: the places of its first character and of the one after its last."""

    start: int
    end: int


def sentences(text: str) -> list[Span]:
    """The sentences of a text, in order, without the white space between them; a paragraph's end is one's, too."""
    found: list[Span] = []
    for paragraph in _PARAGRAPH.finditer(text):
        at = paragraph.start()
        for sentence in split_sentences(paragraph[0]):
            start = at + len(sentence) - len(sentence.lstrip())
            found.append(Span(start, at + len(sentence.rstrip())))
            at += len(sentence)
    return found


def passages(text: str, words: int = WORDS) -> list[Span]:
    """Passages of about so many words, of whole sentences; all words of the text are in one of them.

    A paragraph's end ends a passage of two thirds of that. A sentence of over twice as many words is cut between
    words.
    """
    found: list[Span] = []
    held, start, end = 0, 0, 0
    for sentence in _pieces(text, words):
        count = len(text[sentence.start : sentence.end].split())
        full = held >= words or (held + count) * 3 > words * 4
        if held and (full or (held * 3 >= words * 2 and "\n" in text[end : sentence.start].replace("\n", "", 1))):
            found.append(Span(start, end))
            held = 0
        if not held:
            start = sentence.start
        held, end = held + count, sentence.end
    return [*found, Span(start, end)] if held else found


def words_of(text: str) -> list[Span]:
    """What stands between white space."""
    return [Span(*word.span()) for word in _WORD.finditer(text)]


def _pieces(text: str, words: int) -> Iterator[Span]:
    """The sentences of a text, the longest of them in pieces."""
    for sentence in sentences(text):
        if sentence.end - sentence.start < 4 * words:  # that cannot be too many words
            yield sentence
            continue
        found = [Span(*word.span()) for word in _WORD.finditer(text, *sentence)]
        size = words if len(found) > 2 * words else len(found)
        for first in range(0, len(found), size):
            group = found[first : first + size]
            yield Span(group[0].start, group[-1].end)
