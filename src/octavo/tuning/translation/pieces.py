"""Paragraphs in pieces that a model has room for: cut at the ends of sentences, else of clauses, else of words."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from octavo.tuning.sentences import split_sentences

Count = Callable[[Sequence[str]], list[int]]
"""How many tokens texts have."""

_CLAUSE: Final = re.compile(r".*?[,;:—–](?:\s+|$)|.+$", re.DOTALL)
_WORD: Final = re.compile(r"\S*\s+|\S+$", re.DOTALL)


def cut(text: str, limit: int, count: Count) -> list[str]:
    """A text in pieces of up to `limit` tokens, joined the text again; each piece has the white space after it."""
    if count([text])[0] <= limit:
        return [text]
    for split in (split_sentences, _CLAUSE.findall, _WORD.findall):
        parts = split(text)
        if len(parts) > 1:
            return _filled(parts, limit, count)
    if len(text) < 2:
        return [text]
    half = len(text) // 2
    return [*cut(text[:half], limit, count), *cut(text[half:], limit, count)]


def _filled(parts: Sequence[str], limit: int, count: Count) -> list[str]:
    pieces: list[str] = []
    size = limit
    for part, tokens in zip(parts, count(parts), strict=True):
        if tokens > limit:
            pieces += cut(part, limit, count)
            size = limit
        elif size + tokens <= limit:
            pieces[-1] += part
            size += tokens
        else:
            pieces.append(part)
            size = tokens
    return pieces
