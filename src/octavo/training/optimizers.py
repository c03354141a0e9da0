"""The optimizers: AdamW for all weights, or Muon for the layers' matrices with AdamW for the rest."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.optim import AdamW

from octavo.modeling.llama import Llama
from octavo.recipe import Optimizer
from octavo.training.muon import Muon

Optimizers = tuple[AdamW] | tuple[AdamW, Muon]


def make_optimizers(
    model: Llama, settings: Optimizer, precision: torch.dtype = torch.bfloat16, group: Any = None
) -> Optimizers:
    """The recipe's optimizers, each for its own part of the weights; norms do not decay.

    Muon takes the layers' matrices, with steps of the size of AdamW's, so that one learning rate serves both;
    it computes in `precision` and shares its work out in the process group, if any. Embeddings stay with AdamW.
    """
    parameters = list(model.parameters())
    matrices = [p for p in model.layers.parameters() if p.dim() == 2] if settings.name == "muon" else []
    taken = {id(p) for p in matrices}
    rest = [p for p in parameters if id(p) not in taken]
    first, second = settings.betas
    adamw = AdamW(
        [
            {"params": [p for p in rest if p.dim() >= 2], "weight_decay": settings.weight_decay},
            {"params": [p for p in rest if p.dim() < 2], "weight_decay": 0.0},
        ],
        lr=settings.learning_rate,
        betas=(first, second),
        eps=settings.eps,
        fused=True,
    )
    # Made now and not at the first step: a checkpoint then has it at any step, and memory runs out early or never.
    for parameter in rest:
        step = torch.zeros((), device=parameter.device)
        moments = {name: torch.zeros_like(parameter) for name in ("exp_avg", "exp_avg_sq")}
        adamw.state[parameter] = {"step": step, **moments}
    if not matrices:
        return (adamw,)
    return adamw, Muon(matrices, settings.learning_rate, settings.weight_decay, settings.momentum, precision, group)


def step_unless(bad: Tensor, optimizers: Optimizers) -> None:
    """Step all optimizers, or change nothing where `bad` (a number on the device) is 1: no one waits to know."""
    for optimizer in optimizers:
        optimizer.found_inf = bad  # type: ignore[union-attr]
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)
