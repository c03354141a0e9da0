"""How many bits the model needs for a stretch of text after another: many at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from octavo.modeling.llama import Llama

_BATCH_TOKENS: Final = 8192


@torch.inference_mode()
def continuation_bits(
    model: Llama, prompts: Sequence[Sequence[int]], continuations: Sequence[Sequence[int]]
) -> npt.NDArray[np.float64]:
    """Bits of each continuation's tokens after its prompt's, which has one at least; in float32.

    A prompt is cut at its beginning where both do not fit into the context.
    """
    context = model.config.max_position_embeddings
    device = model.output.weight.device
    bits = np.zeros(len(prompts))
    rows = [
        [*prompt, *continuation][-(context + 1) :]
        for prompt, continuation in zip(prompts, continuations, strict=True)
    ]
    order = sorted((n for n in range(len(rows)) if continuations[n]), key=lambda n: len(rows[n]))
    while order:
        longest = len(rows[order[-1]])
        batch = order[-max(1, _BATCH_TOKENS // longest) :]
        del order[-len(batch) :]
        tokens = torch.tensor([rows[n] + [0] * (longest - len(rows[n])) for n in batch], device=device)
        hidden = model.hidden(tokens[:, :-1])
        for row, n in enumerate(batch):
            last = len(rows[n])
            first = last - min(len(continuations[n]), last - 1)
            scores = model.output(hidden[row, first - 1 : last - 1]).float().log_softmax(-1)
            chosen = scores.gather(-1, tokens[row, first:last, None])
            bits[n] = -float(chosen.double().sum()) / math.log(2)
    return bits
