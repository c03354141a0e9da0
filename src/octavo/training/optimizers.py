"""The optimizer."""

from __future__ import annotations

from torch import nn
from torch.optim import AdamW

from octavo.recipe import Optimizer


def make_optimizer(model: nn.Module, settings: Optimizer) -> AdamW:
    """Fused AdamW; matrices decay, norms do not."""
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
    ]
    first, second = settings.betas
    return AdamW(groups, lr=settings.learning_rate, betas=(first, second), eps=settings.eps, fused=True)
