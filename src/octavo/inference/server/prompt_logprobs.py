"""The log-probabilities of a prompt's own tokens, which llama.cpp's server does not tell: by octavo's own model.

It is read from the GGUF file that is being served, so that prompt and continuation are weighed by the same numbers.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import torch

from octavo.inference.server.vocabulary import Vocabulary
from octavo.modeling.decoding import Alternative, Piece
from octavo.modeling.gguf.reading import load_gguf
from octavo.modeling.llama import Llama

_SLICE: Final = 128
"""Positions whose logits are made at a time: those of a whole prompt over a large vocabulary fill gigabytes."""


class PromptReader:
    """Octavo's own model, loaded when it is first needed; for one thread at a time."""

    def __init__(self, gguf: Path, vocabulary: Vocabulary) -> None:
        self.gguf = gguf
        self.vocabulary = vocabulary
        self._model: Llama | None = None

    def read(self, tokens: Sequence[int], alternatives: int) -> list[Piece]:
        """Each token of a prompt with its log-probability after those before it, and the likeliest in its place.

        The first has none. Raises InputError where octavo's model cannot be built from the GGUF file.
        """
        if self._model is None:
            self._model = load_gguf(self.gguf).model
        label, decoder = self.vocabulary.label, codecs.getincrementaldecoder("utf-8")(errors="replace")
        texts = [decoder.decode(self.vocabulary.entries[token]) for token in tokens]
        found = [Piece(tokens[0], texts[0])]
        weighed = weigh(self._model, tokens, alternatives)
        for token, text, (logprob, likeliest) in zip(tokens[1:], texts[1:], weighed, strict=True):
            others = tuple(Alternative(other, label(other), value) for other, value in likeliest)
            found.append(Piece(token, text, logprob, others))
        return found


def as_given(pieces: Sequence[Piece], text: str, vocabulary: Vocabulary) -> Sequence[Piece]:
    """The pieces of a text alone, without what is read before it: the begin token, and SentencePiece's space."""
    if pieces[0].token in vocabulary.special:
        pieces = pieces[1:]
    if "".join(piece.text for piece in pieces) != f" {text}":
        return pieces
    return [replace(pieces[0], text=pieces[0].text[1:]), *pieces[1:]]


@torch.inference_mode()
def weigh(
    model: Llama, tokens: Sequence[int], alternatives: int
) -> Iterator[tuple[float, list[tuple[int, float]]]]:
    """Of each token but the first: the natural logarithm of its probability, and the likeliest tokens with theirs.

    In float32. There are no more tokens than the model's context has.
    """
    if len(tokens) < 2:
        return
    read = torch.tensor([tokens])
    hidden = model.hidden(read[:, :-1])[0]
    for first in range(0, len(tokens) - 1, _SLICE):
        logprobs = model.output(hidden[first : first + _SLICE]).float().log_softmax(-1)
        targets = read[0, first + 1 : first + 1 + len(logprobs)]
        own = logprobs.gather(-1, targets[:, None])[:, 0].tolist()
        values, numbers = (top.tolist() for top in logprobs.topk(min(alternatives, logprobs.shape[-1]), dim=-1))
        for logprob, row, row_values in zip(own, numbers, values, strict=True):
            yield logprob, list(zip(row, row_values, strict=True))
