"""A model can write nothing but quotations: of all tokens it may choose only those with which one goes on.

Its part is to find the words and to say when they end, or that the sources do not hold the answer. So no answer is
lost to a slip in copying, of which small models make many.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Final, NamedTuple

from octavo.modeling.decoding import Allowed
from octavo.tuning.answers.format import ANSWER_TOKENS, CITED, END_OF_QUOTE, QUOTE
from octavo.tuning.vocabulary import Vocabulary

_WORD: Final = re.compile(r"\w")
_TO_CLOSE: Final = 6
"""Tokens that are kept for the source's number, and for what closes quotation and answer."""


class _Source(NamedTuple):
    """A source's tokens, and at which of them a quotation may begin, and end: at whole words."""

    tokens: list[int]
    begins: list[bool]
    ends: list[bool]


def quotations_of(vocabulary: Vocabulary, sources: Sequence[str]) -> Allowed:
    """What may come next in an answer from these sources: quotations of whole words, each with its source."""
    read = [_read(vocabulary, source) for source in sources]
    quote, cited, closed = (vocabulary.entries[entry] for entry in (QUOTE, CITED, END_OF_QUOTE))
    numbers = vocabulary.encode([str(number) for number in range(1, len(sources) + 1)])

    def allowed(written: Sequence[int]) -> Collection[int]:
        if not written or written[-1] == closed:
            return [quote, vocabulary.end] if any(any(source.begins) for source in read) else [vocabulary.end]
        begun = len(written) - 1 - written[::-1].index(quote)
        words = list(written[begun + 1 :])
        if cited not in words:
            following, may_end = _after(read, words)
            is_long = len(written) + _TO_CLOSE >= ANSWER_TOKENS
            return [cited] if may_end and is_long else {*following, *([cited] if may_end else [])}
        at = words.index(cited)
        given = words[at + 1 :]
        of_these = [number for number, source in zip(numbers, read, strict=True) if _holds(source, words[:at])]
        rest = [number[len(given) :] for number in of_these if number[: len(given)] == given]
        return {number[0] if number else closed for number in rest}

    return allowed


def _read(vocabulary: Vocabulary, source: str) -> _Source:
    found = vocabulary.tokenizer.encode(source, add_special_tokens=False)
    bounds = list(found.offsets)
    begins, ends = [], []
    for number, (start, stop) in enumerate(bounds):
        # Tokens may be parts of a character: then they have the same place.
        is_cut_before = number > 0 and bounds[number - 1][1] > start
        is_cut_after = number + 1 < len(bounds) and bounds[number + 1][0] < stop
        text = source[start:stop]
        first, last = stop - len(text.lstrip()), start + len(text.rstrip())
        has_word = any(map(str.isalnum, text))
        begins.append(has_word and not is_cut_before and not _WORD.fullmatch(source[first - 1 : first]))
        ends.append(not is_cut_after and not _WORD.fullmatch(source[last : last + 1]))
    return _Source(found.ids, begins, ends)


def _places(source: _Source, words: list[int]) -> Iterator[int]:
    """Where these tokens stand as a quotation may begin."""
    for place, token in enumerate(source.tokens):
        if source.begins[place] and token == words[0] and source.tokens[place : place + len(words)] == words:
            yield place


def _holds(source: _Source, words: list[int]) -> bool:
    """Whether these tokens are a whole quotation of a source."""
    return any(source.ends[place + len(words) - 1] for place in _places(source, words))


def _after(sources: Sequence[_Source], words: list[int]) -> tuple[set[int], bool]:
    """The tokens with which these go on in a source, and whether they may end."""
    if not words:
        return {t for s in sources for t, begins in zip(s.tokens, s.begins, strict=True) if begins}, False
    following = {
        source.tokens[place + len(words)]
        for source in sources
        for place in _places(source, words)
        if place + len(words) < len(source.tokens)
    }
    return following, any(_holds(source, words) for source in sources)
