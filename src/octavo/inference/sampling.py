"""How the next token is chosen; the same settings mean the same in both engines."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Decoding:
    """What a person may set of a continuation; the defaults are what small base models are best used with."""

    max_tokens: int = 128
    temperature: float = 0.0
    repetition_penalty: float = 1.1
    seed: int = 0


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
