"""What a model is shown of a pair."""

from __future__ import annotations

from typing import NamedTuple


class Example(NamedTuple):
    """A prompt and its answer in tokens, after the token that begins a text; the answer alone is learnt."""

    prompt: list[int]
    answer: list[int]
    """It ends with the token that ends a text."""
