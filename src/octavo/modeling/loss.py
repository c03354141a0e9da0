"""Cross-entropy over a large vocabulary without its logits: a block of the vocabulary at a time.

The forward pass keeps each position's logarithm of the sum of exponentials alone; the backward pass makes each
block of logits again, and with it all that is needed of it. That is a fourth product beside three, for logits of
positions times vocabulary that are never held.
PyTorch's own chunks (LinearCrossEntropyOptions in 2.13) run over positions instead, outside the compiled graph,
and sum the loss in bfloat16.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

IGNORE = -100
"""Target of a position that does not count in the loss."""

BLOCK = 4096
"""Entries of the vocabulary in a block."""


def linear_cross_entropy(hidden_ND: Tensor, weight_VD: Tensor, targets_N: Tensor) -> Tensor:
    """Cross-entropy in nats by position, (N) in float32, of logits `hidden @ weight.T`; targets of IGNORE give 0.

    Where autocast is on, products are in its precision, and sums in float32.
    """
    device = hidden_ND.device.type
    if torch.is_autocast_enabled(device):
        precision = torch.get_autocast_dtype(device)
        hidden_ND, weight_VD = hidden_ND.to(precision), weight_VD.to(precision)
    losses_N: Tensor = _LinearCrossEntropy.apply(hidden_ND, weight_VD, targets_N)  # type: ignore[no-untyped-call]
    return losses_N


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden_ND: Tensor, weight_VD: Tensor, targets_N: Tensor) -> Tensor:
        sums = [torch.logsumexp((hidden_ND @ block_ED.T).float(), 1) for _, block_ED in _blocks(weight_VD)]
        lse_N = torch.logsumexp(torch.stack(sums), 0)
        counts_N = targets_N != IGNORE
        rows_ND = weight_VD[torch.where(counts_N, targets_N, 0)]
        chosen_N = (hidden_ND.float() * rows_ND.float()).sum(1)
        ctx.save_for_backward(hidden_ND, weight_VD, targets_N, lse_N)
        return torch.where(counts_N, lse_N - chosen_N, 0.0)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, Tensor, None]:
        hidden_ND, weight_VD, targets_N, lse_N = ctx.saved_tensors
        upstream_N = torch.where(targets_N != IGNORE, upstream[0], 0.0)
        targets_N = targets_N.int()
        into_hidden_ND = torch.zeros(hidden_ND.shape, dtype=torch.float32, device=hidden_ND.device)
        into_weight = []
        for start, block_ED in _blocks(weight_VD):
            stop = start + len(block_ED)
            entries_E1 = torch.arange(start, stop, dtype=torch.int32, device=hidden_ND.device)[:, None]
            # Transposed: of the forward pass's own product the compiler would keep all logits for this one.
            gradient_EN = (block_ED @ hidden_ND.T).float().sub_(lse_N).exp_().mul_(upstream_N)
            gradient_EN = gradient_EN.sub_(torch.where(entries_E1 == targets_N, upstream_N, 0.0))
            gradient_EN = gradient_EN.to(hidden_ND.dtype)
            into_weight.append(gradient_EN @ hidden_ND)
            into_hidden_ND = into_hidden_ND + (gradient_EN.T @ block_ED).float()
        return into_hidden_ND.to(hidden_ND.dtype), torch.cat(into_weight), None


def _blocks(weight_VD: Tensor) -> Iterator[tuple[int, Tensor]]:
    for start in range(0, len(weight_VD), BLOCK):
        yield start, weight_VD[start : start + BLOCK]
