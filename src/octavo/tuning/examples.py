"""What a model is shown of a pair."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import NamedTuple


class Example(NamedTuple):
    """A prompt and its answer in tokens, after the token that begins a text; the answer alone is learnt."""

    prompt: Sequence[int]
    answer: Sequence[int]
    """It ends with the token that ends a text."""


def compact(example: Example) -> Example:
    """The same in four bytes a token, as millions are held before they are packed; a list takes 36."""
    return Example(array("i", example.prompt), array("i", example.answer))
