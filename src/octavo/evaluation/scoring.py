"""How many bits the model needs for texts, and for a stretch of text after another: many at once.

A text that is longer than the context is read in windows that overlap by half, so that all but its beginning is
predicted from at least half a context. Logits are made of the tokens that count alone, a slice at a time, as the
logits of a window over a large vocabulary are larger than the model.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from octavo.modeling.llama import Llama
from octavo.modeling.loss import IGNORE, cross_entropies

_BATCH_TOKENS: Final = 1024
"""Tokens of a batch on a CPU. More are slower: what is computed then no longer fits into the caches."""
_GPU_BATCHES: Final = 16
"""A GPU takes so many times more."""

Bits = npt.NDArray[np.float64]


class Row(NamedTuple):
    """Tokens that are read at once, up to one more than the context, as the last is not read."""

    tokens: Sequence[int]
    first: int
    """The first of them, not the very first, whose bits count; all after it count too."""


class _Batch(NamedTuple):
    tokens: Tensor
    """(rows, positions)"""
    targets: Tensor
    """The next token of each position that counts, elsewhere IGNORE."""
    numbers: list[int]
    """Which rows these are."""


def text_bits(model: Llama, texts: Sequence[Sequence[int]], begin: int) -> Bits:
    """Bits of each text's tokens, read after the `begin` token; in float32 on the model's device."""
    rows, owners = [], []
    for owner, tokens in enumerate(texts):
        for row in windows([begin, *tokens], model.config.max_position_embeddings):
            rows.append(row)
            owners.append(owner)
    bits = np.zeros(len(texts))
    np.add.at(bits, owners, row_bits(model, rows))
    return bits


def continuation_bits(
    model: Llama, prompts: Sequence[Sequence[int]], continuations: Sequence[Sequence[int]]
) -> Bits:
    """Bits of each continuation's tokens after its prompt's, which has one at least; in float32.

    A prompt is cut at its beginning where both do not fit into the context.
    """
    most = model.config.max_position_embeddings + 1
    asked = [n for n, continuation in enumerate(continuations) if continuation]
    rows = []
    for n in asked:
        tokens = [*prompts[n], *continuations[n]][-most:]
        rows.append(Row(tokens, max(1, len(tokens) - len(continuations[n]))))
    bits = np.zeros(len(prompts))
    bits[asked] = row_bits(model, rows)
    return bits


@torch.inference_mode()
def total_bits(model: Llama, rows: Sequence[Row], bfloat16: bool) -> float:
    """Bits of all rows' counting tokens together, by the loss of a model in training, which may be spread out."""
    device = next(model.parameters()).device
    context = torch.autocast(device.type, torch.bfloat16) if bfloat16 else contextlib.nullcontext()
    nats = 0.0
    with context:
        for batch in _batches(rows, device):
            nats += float(model.loss(batch.tokens.to(device), batch.targets.to(device)))
    return nats / math.log(2)


def windows(tokens: Sequence[int], context: int) -> Iterator[Row]:
    """A text's tokens, the one that begins it first, in rows; each but the first token counts in one of them."""
    stride = max(context // 2, 1)
    start, counted = 0, 1
    while counted < len(tokens):
        row = tokens[start : start + context + 1]
        yield Row(row, counted - start)
        counted = start + len(row)
        start += stride


@torch.inference_mode()
def row_bits(model: Llama, rows: Sequence[Row]) -> Bits:
    """Bits of the tokens that count in each row."""
    device = model.output.weight.device
    nats = np.zeros(len(rows))
    for batch in _batches(rows, device):
        counts = batch.targets != IGNORE
        hidden = model.hidden(batch.tokens.to(device))[counts.to(device)]
        found = cross_entropies(hidden, model.output.weight, batch.targets[counts].to(device))
        ends = counts.sum(1).cumsum(0).numpy()
        nats[batch.numbers] = np.add.reduceat(found.double().cpu().numpy(), ends - counts.sum(1).numpy())
    return nats / math.log(2)


def _batches(rows: Sequence[Row], device: torch.device) -> Iterator[_Batch]:
    """Rows of like lengths together, the longest first; padding comes after, so is not seen."""
    most = _BATCH_TOKENS * (1 if device.type == "cpu" else _GPU_BATCHES)
    order = sorted(range(len(rows)), key=lambda n: len(rows[n].tokens))
    while order:
        longest = len(rows[order[-1]].tokens) - 1
        numbers = order[-max(1, most // longest) :]
        del order[-len(numbers) :]
        tokens = torch.zeros(len(numbers), longest, dtype=torch.int64)
        targets = torch.full((len(numbers), longest), IGNORE)
        for place, n in enumerate(numbers):
            row, first = rows[n]
            tokens[place, : len(row) - 1] = torch.tensor(row[:-1])
            targets[place, first - 1 : len(row) - 1] = torch.tensor(row[first:])
        yield _Batch(tokens, targets, numbers)
