"""Decoding: a model writes on, token by token; the same settings mean the same in every engine."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
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


Allowed = Callable[[Sequence[int]], Collection[int]]
"""Of the tokens written so far, which may come next; one at least."""


def continuation(
    model: Llama, tokenizer: Tokenizer, tokens: list[int], end: int, decoding: Decoding
) -> Iterator[Piece]:
    """What follows a prompt's tokens, in float32, up to the `end` token, the limit or the context's edge."""
    decoder = DecodeStream(ids=tokens, skip_special_tokens=True)
    for token in next_tokens(model, tokens, end, decoding):
        yield Piece(token, decoder.step(tokenizer, token) or "")


def next_tokens(
    model: Llama, tokens: list[int], end: int, decoding: Decoding, allowed: Allowed | None = None
) -> Iterator[int]:
    """The tokens of a continuation; where it says so, of those `allowed` alone."""
    device = model.output.weight.device
    cache = Cache(model.config, 1, device, torch.float32)
    generators = [torch.Generator().manual_seed(decoding.seed)]
    unread = torch.tensor([tokens], device=device)
    seen = seen_entries([tokens], model.config.vocab_size, device)
    written: list[int] = []
    for _ in range(min(decoding.max_tokens, model.config.max_position_embeddings - len(tokens))):
        with torch.inference_mode():
            logits = model.output(model.hidden(unread, cache=cache)[:, -1])
            if allowed is not None:
                logits = only(logits, [allowed(written)])
            unread = choose(logits, seen, decoding, generators)[0][:, None]
            seen.scatter_(1, unread, True)
        token = int(unread)
        if token == end:
            return
        written.append(token)
        yield token


def only(logits: Tensor, allowed: Sequence[Collection[int]]) -> Tensor:
    """Logits (rows, vocabulary) with those of all tokens that a row may not have at minus infinity."""
    mask = torch.full(logits.shape, -torch.inf)
    for row, tokens in zip(mask, allowed, strict=True):
        row[list(tokens)] = 0
    return logits + mask.to(logits.device)


def seen_entries(rows: Sequence[Sequence[int]], vocab_size: int, device: torch.device) -> Tensor:
    """Which entries of the vocabulary stand in each row of tokens, (rows, vocabulary)."""
    seen = torch.zeros(len(rows), vocab_size, dtype=torch.bool)
    for row, tokens in zip(seen, rows, strict=True):
        row[torch.tensor(tokens)] = True
    return seen.to(device)


def choose(
    logits: Tensor, seen: Tensor, decoding: Decoding, generators: Sequence[torch.Generator]
) -> tuple[Tensor, Tensor]:
    """The next token of each row, and how far its score lies over the second best.

    `logits` and `seen`, which entries stand in all tokens so far, the prompt's among them: (rows, vocabulary).
    Each row draws with its own generator. The repetition penalty is that of CTRL (Keskar et al., 2019), as
    transformers applies it. Temperature 0 is greedy; over 0 the draw is the highest score after noise of
    Gumbel's distribution, minus the logarithm of an exponential one's, is added (Maddison et al., 2014).
    """
    scores = logits.float()
    if decoding.repetition_penalty != 1.0:
        penalty = decoding.repetition_penalty
        scores = torch.where(seen, torch.where(scores > 0, scores / penalty, scores * penalty), scores)
    if decoding.temperature > 0:
        drawn = torch.empty(scores.shape)
        for row, generator in zip(drawn, generators, strict=True):
            row.exponential_(generator=generator)
        scores = scores / decoding.temperature - drawn.log().to(scores.device)
    (first, second), (token, _) = (two.unbind(-1) for two in scores.topk(2, dim=-1))
    return token, first - second
