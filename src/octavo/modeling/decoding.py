"""Decoding: a model writes on, token by token; the same settings mean the same in every engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream
from torch import Tensor

from octavo.modeling.llama import Cache, Llama


@dataclass(frozen=True)
class Decoding:
    """What a person may set of a continuation; the defaults are what small base models are best used with."""

    max_tokens: int = 128
    temperature: float = 0.0
    repetition_penalty: float = 1.1
    seed: int = 0


@dataclass(frozen=True)
class Piece:
    """A token of a continuation, and the text that it completes (none in the middle of a character)."""

    token: int
    text: str


def continuation(
    model: Llama, tokenizer: Tokenizer, tokens: list[int], end: int, decoding: Decoding
) -> Iterator[Piece]:
    """What follows a prompt's tokens, in float32, up to the `end` token, the limit or the context's edge."""
    cache = Cache(model.config, 1, torch.device("cpu"), torch.float32)
    generator = torch.Generator().manual_seed(decoding.seed)
    decoder = DecodeStream(ids=tokens, skip_special_tokens=True)
    seen = torch.tensor(tokens)
    unread = seen[None]
    for _ in range(min(decoding.max_tokens, model.config.max_position_embeddings - len(tokens))):
        with torch.inference_mode():
            logits = model(unread, cache=cache)[0, -1]
            token = choose(logits, seen, decoding, generator)
        if token == end:
            return
        yield Piece(token, decoder.step(tokenizer, token) or "")
        unread = torch.tensor([[token]])
        seen = torch.cat((seen, unread[0]))


def choose(logits: Tensor, seen: Tensor, decoding: Decoding, generator: torch.Generator) -> int:
    """The next token from its logits (vocabulary) and all tokens so far, the prompt's among them.

    The repetition penalty is that of CTRL (Keskar et al., 2019), as transformers applies it. Temperature 0
    is greedy.
    """
    logits = logits.float()
    if decoding.repetition_penalty != 1.0:
        scores = logits[seen]
        penalty = decoding.repetition_penalty
        logits = logits.index_put((seen,), torch.where(scores > 0, scores / penalty, scores * penalty))
    if decoding.temperature == 0:
        return int(logits.argmax())
    probabilities = torch.softmax(logits / decoding.temperature, dim=-1)
    return int(torch.multinomial(probabilities, 1, generator=generator))
