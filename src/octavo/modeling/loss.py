"""Cross-entropy over a large vocabulary without its logits: some positions at a time, each with its gradient.

As the loss is one sum, the gradient of a position's logits is known as soon as the logits are, but for one
factor that comes with the backward pass. So it is taken then and there, down to the gradients of both sides of
the product, and no logits are kept or made twice (as in Hsu et al., 2024, Liger Kernel).
PyTorch's own chunks (LinearCrossEntropyOptions in 2.13) break the compiled graph and sum the loss in bfloat16.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

IGNORE = -100
"""Target of a position that does not count in the loss."""

LOGITS = 2**25
"""Logits that are made at once at most; more positions than that are taken in parts of the same size."""

SMALL = 2**20
"""The same where each position's loss is wanted, without a gradient: 4 MiB, which a processor's caches hold."""


def linear_cross_entropy(hidden_ND: Tensor, weight_VD: Tensor, targets_N: Tensor, z_loss: float = 0.0) -> Tensor:
    """Sum of the cross-entropies in nats, float32, of logits `hidden @ weight.T`; targets of IGNORE count nothing.

    `z_loss` times the square of each position's logarithm of the sum of exponentials is added, which keeps logits
    from drifting (Chowdhery et al., 2022). Where autocast is on, products are in its precision, sums in float32.
    """
    device = hidden_ND.device.type
    if torch.is_autocast_enabled(device):
        precision = torch.get_autocast_dtype(device)
        hidden_ND, weight_VD = hidden_ND.to(precision), weight_VD.to(precision)
    if torch.is_grad_enabled():
        nats: Tensor = _LinearCrossEntropy.apply(hidden_ND, weight_VD, targets_N, z_loss)  # type: ignore[no-untyped-call]
        return nats
    sums = [
        _sum(hidden_RD, weight_VD, targets_R, torch.logsumexp((hidden_RD @ weight_VD.T).float(), 1), z_loss)
        for hidden_RD, targets_R in _parts(hidden_ND, weight_VD, targets_N, LOGITS)
    ]
    return sum(sums[1:], sums[0])


@torch.no_grad()
def cross_entropies(hidden_ND: Tensor, weight_VD: Tensor, targets_N: Tensor) -> Tensor:
    """The cross-entropy in nats of each position alone, float32, without a gradient."""
    parts = _parts(hidden_ND, weight_VD, targets_N, SMALL)
    return torch.cat(
        [
            F.cross_entropy((hidden_RD @ weight_VD.T).float(), targets_R, reduction="none")
            for hidden_RD, targets_R in parts
        ]
    )


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden_ND: Tensor, weight_VD: Tensor, targets_N: Tensor, z_loss: float) -> Tensor:
        entries_V = torch.arange(len(weight_VD), dtype=torch.int32, device=hidden_ND.device)
        sums, into_hidden = [], []
        into_weight_VD: Tensor | None = None
        for hidden_RD, targets_R in _parts(hidden_ND, weight_VD, targets_N, LOGITS):
            logits_RV = hidden_RD @ weight_VD.T
            lse_R = torch.logsumexp(logits_RV.float(), 1)
            sums.append(_sum(hidden_RD, weight_VD, targets_R, lse_R, z_loss))
            counts_R = targets_R != IGNORE
            factor_R = torch.where(counts_R, 1 + 2 * z_loss * lse_R, 0.0)
            chosen_RV = (entries_V == targets_R.int()[:, None]).float()
            gradient_RV = torch.exp(logits_RV.float() - lse_R[:, None]) * factor_R[:, None] - chosen_RV
            gradient_RV = gradient_RV.to(hidden_RD.dtype)
            into_hidden.append(gradient_RV @ weight_VD)
            part_VD = gradient_RV.T @ hidden_RD
            into_weight_VD = part_VD if into_weight_VD is None else into_weight_VD.float() + part_VD
        ctx.save_for_backward(torch.cat(into_hidden), into_weight_VD)
        return sum(sums[1:], sums[0])

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, Tensor, None, None]:
        into_hidden_ND, into_weight_VD = ctx.saved_tensors
        scaled_ND = (into_hidden_ND.float() * upstream[0]).to(into_hidden_ND.dtype)
        return scaled_ND, into_weight_VD.float() * upstream[0], None, None


def _parts(hidden_ND: Tensor, weight_VD: Tensor, targets_N: Tensor, logits: int) -> Iterator[tuple[Tensor, Tensor]]:
    positions = len(hidden_ND)
    parts = -(-positions * len(weight_VD) // logits)
    size = -(-positions // parts)
    for start in range(0, positions, size):
        yield hidden_ND[start : start + size], targets_N[start : start + size]


def _sum(hidden_RD: Tensor, weight_VD: Tensor, targets_R: Tensor, lse_R: Tensor, z_loss: float) -> Tensor:
    counts_R = targets_R != IGNORE
    rows_RD = weight_VD[torch.where(counts_R, targets_R, 0)]
    chosen_R = (hidden_RD.float() * rows_RD.float()).sum(1)  # the logit, not rounded
    return torch.where(counts_R, lse_R - chosen_R + z_loss * lse_R.square(), 0.0).sum()
