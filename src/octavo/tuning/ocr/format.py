"""How a model is shown a text to correct: <|ocr|> as recognised <|corrected|> as printed, and the end.

Both sides are spelt: a character is a token. Reading errors are errors of characters; in the tokens of words, a
wrong letter gives other tokens through the whole word, and a model would have to know the spelling of each.

A text that is too long is cut into windows of whole words. In use they overlap; a pair to learn from is cut where
both sides have the same space.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from octavo.tokenization.entries import OCR_ENTRIES
from octavo.tuning.examples import Example
from octavo.tuning.ocr.alignment import matches
from octavo.tuning.ocr.pairs import OcrPair
from octavo.tuning.pairs import LeftOut
from octavo.tuning.vocabulary import Vocabulary

GROWTH: Final = 1.15
"""By how much an answer may have more tokens than its text."""
SPARE: Final = 16
"""Tokens that an answer may have besides, for short texts."""
OVERLAP: Final = 8
"""Of a window, this part is read by the next one too."""

_MARKS: Final = 4
"""Tokens that are no text: the begin, both entries, the end."""
_WORD: Final = re.compile(r"\S+")


class Window(NamedTuple):
    """A stretch of a text: its first character, and the one after its last."""

    start: int
    end: int


def room_of(context: int) -> int:
    """Tokens of text that a prompt may have, so that its answer fits into the context too."""
    return max(1, int((context - _MARKS - SPARE) / (1 + GROWTH)))


def answer_tokens(text_tokens: int) -> int:
    """Tokens that the answer to a text of so many may have."""
    return int(text_tokens * GROWTH) + SPARE


def prompts(vocabulary: Vocabulary, texts: Sequence[str]) -> list[list[int]]:
    """What the model reads for each text, after the token that begins a text."""
    task, corrected = (vocabulary.entries[entry] for entry in OCR_ENTRIES)
    return [[task, *tokens, corrected] for tokens in vocabulary.spell(texts)]


def example(vocabulary: Vocabulary, source: str, target: str) -> Example:
    """A pair that fits as a whole."""
    (asked,), (answer,) = prompts(vocabulary, [source]), vocabulary.spell([target])
    return Example(asked, [*answer, vocabulary.end])


def answer_of(vocabulary: Vocabulary, tokens: Sequence[int]) -> str:
    """The text of what a model wrote, whatever that is: up to the first end, without entries."""
    ends = [at for at, token in enumerate(tokens) if token == vocabulary.end]
    return vocabulary.decode(tokens[: ends[0]] if ends else tokens)


class Learnt(NamedTuple):
    """What is learnt of pairs."""

    names: list[str]
    """Of each example: the pair's id, and after # which piece of it, where there are several."""
    examples: list[Example]
    left_out: list[LeftOut]
    """Pieces that fit nowhere, or have an empty side."""


def examples(vocabulary: Vocabulary, pairs: Iterable[OcrPair], context: int) -> Learnt:
    """One or more examples of each pair.

    A prompt has as much room as in use (`room_of`), and with its answer fits into the context.
    """
    learnt = Learnt([], [], [])
    for pair in pairs:
        pieces = list(cut(vocabulary, pair.source.strip(), pair.target.strip(), room_of(context)))
        for number, (source, target) in enumerate(pieces, 1):
            name = pair.id if len(pieces) == 1 else f"{pair.id}#{number}"
            one = example(vocabulary, source, target)
            length = 1 + len(one.prompt) + len(one.answer)
            if not source or not target:
                learnt.left_out.append(LeftOut(name, "empty", "a side of a piece of the pair"))
            elif length <= context:
                learnt.names.append(name)
                learnt.examples.append(one)
            else:
                evidence = f"{length} tokens without a place to cut, at most {context}"
                learnt.left_out.append(LeftOut(name, "longer than the context", evidence))
    return learnt


def cut(vocabulary: Vocabulary, source: str, target: str, room: int) -> Iterator[tuple[str, str]]:
    """A pair in pieces of up to `room` tokens a side, each as long as can be, and in order.

    It is cut at spaces that both sides have and that stand for each other; these are left out. A piece is longer
    where no such place comes in time.
    """
    places, others = _token_ends(vocabulary, source), _token_ends(vocabulary, target)
    if max(len(places), len(others)) <= room:
        yield source, target
        return
    cuts = [
        (match.start + at, match.other + at)
        for match in matches(source, target)
        for at in range(match.length)
        if source[match.start + at].isspace()
    ]
    start = other_start = 0
    last: tuple[int, int] | None = None
    for end, other_end in [*cuts, (len(source), len(target))]:
        tokens = bisect_right(places, end) - bisect_right(places, start)
        other_tokens = bisect_right(others, other_end) - bisect_right(others, other_start)
        if max(tokens, other_tokens) > room and last:
            yield source[start : last[0]].strip(), target[other_start : last[1]].strip()
            start, other_start = last
        last = end, other_end
    yield source[start:].strip(), target[other_start:].strip()


def windows(vocabulary: Vocabulary, text: str, room: int) -> list[Window]:
    """Windows of up to `room` tokens that overlap, from the first word to the last; whole words, if they fit."""
    if len(text.encode(errors="replace")) <= room:  # a token is a byte at least
        return [Window(len(text) - len(text.lstrip()), len(text.rstrip()))] if text.strip() else []
    ends = _token_ends(vocabulary, text)
    units = list(_units(text, ends, max(1, room // 2)))
    before = [bisect_left(ends, unit.start + 1) for unit in units]
    after = [bisect_right(ends, unit.end) for unit in units]
    found: list[Window] = []
    first = 0
    end = -1
    while end < len(units) - 1:
        last = max(first, bisect_right(after, before[first] + room) - 1)
        if last > end:
            found.append(Window(units[first].start, units[last].end))
            end = last
            overlap = bisect_left(before, after[last] - room // OVERLAP, first, last)  # a word, where it can be
            first = max(first + 1, overlap)
        else:
            first += 1
    return found


def _units(text: str, ends: list[int], most: int) -> Iterator[Window]:
    """The words, those of more than `most` tokens in parts."""
    for word in _WORD.finditer(text):
        start, end = word.span()
        at = bisect_right(ends, start)
        while bisect_right(ends, end) - at > most:
            part = max(ends[at + most - 1], start + 1)
            yield Window(start, part)
            start, at = part, bisect_right(ends, part)
        if start < end:
            yield Window(start, end)


def _token_ends(vocabulary: Vocabulary, text: str) -> list[int]:
    """For each token, the place after its last character."""
    return [end for end, sign in enumerate(text, 1) for _ in vocabulary.spelling(sign)]
