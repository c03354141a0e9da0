"""The optimizers: AdamW for all weights, or Muon for the layers' matrices with AdamW for the rest."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import AdamW

from octavo.modeling.llama import Llama
from octavo.recipe.training import Optimizer
from octavo.training.muon import Muon

Optimizers = tuple[AdamW] | tuple[AdamW, Muon]


def make_optimizers(
    model: Llama, settings: Optimizer, precision: torch.dtype = torch.bfloat16, group: Any = None
) -> Optimizers:
    """The recipe's optimizers, each for its own part of the weights; norms do not decay.

    Muon takes the layers' matrices, with steps of the size of AdamW's, so that one learning rate serves both;
    it computes in `precision` and shares its work out in the process group, if any. Embeddings stay with AdamW.

    Where the learning rate was found at another hidden size, the groups have a `scale` of it. Decay a step, the
    learning rate times the weight decay, stays as it is (Wang and Aitchison, 2024).
    """
    ratio = model.config.hidden_size / (settings.width or model.config.hidden_size)
    matrices: list[Parameter] = []
    rest: dict[tuple[bool, float], list[Parameter]] = {}
    for name, parameter in model.named_parameters():
        in_layers = name.startswith("layers.") and parameter.dim() == 2
        if in_layers and settings.name == "muon":
            matrices.append(parameter)
            continue
        # An update of AdamW has few large singular values, which grow with the width of a layer's matrix. The last
        # norm stands for the division of the logits by the width (Yang et al., 2022), as embeddings may be tied.
        scale = 1 / ratio if in_layers or name == "norm.weight" else 1.0
        rest.setdefault((parameter.dim() >= 2, scale), []).append(parameter)
    first, second = settings.betas
    adamw = AdamW(
        [
            {"params": members, "weight_decay": settings.weight_decay / scale if decays else 0.0}
            | _scaled(settings, scale)
            for (decays, scale), members in rest.items()
        ],
        lr=settings.learning_rate,
        betas=(first, second),
        eps=settings.eps,
        fused=True,
    )
    # Made now and not at the first step: a checkpoint then has it at any step, and memory runs out early or never.
    for parameter in (p for members in rest.values() for p in members):
        step = torch.zeros((), device=parameter.device)
        moments = {name: torch.zeros_like(parameter) for name in ("exp_avg", "exp_avg_sq")}
        adamw.state[parameter] = {"step": step, **moments}
    if not matrices:
        return (adamw,)
    # An update keeps its spectral norm over widths (Yang, Simon and Bernstein, 2023). Muon's singular values are
    # all alike, so that at equal root mean square they grow with the root of the width.
    scale = ratio**-0.5
    decay = settings.weight_decay / scale
    muon = Muon(matrices, settings.learning_rate * scale, decay, settings.momentum, precision, group)
    for members in muon.param_groups:
        members.update(_scaled(settings, scale))
    return adamw, muon


def _scaled(settings: Optimizer, scale: float) -> dict[str, float]:
    return {"scale": scale, "lr": settings.learning_rate * scale} if settings.width else {}


def step_unless(bad: Tensor, optimizers: Optimizers, keep_gradients: bool = False) -> None:
    """Step all optimizers, or change nothing where `bad` (a number on the device) is 1: no one waits to know.

    Gradients are given up after it, as adding to none takes one pass fewer than adding to zeros, or set to zero in
    place where other tensors share their memory (`keep_gradients`).
    """
    on_cpu = bad.device.type == "cpu"  # there the number is known, and a plain `if` takes no pass over the weights
    for optimizer in optimizers:
        if not on_cpu:
            optimizer.found_inf = bad  # type: ignore[union-attr]
        if not (on_cpu and bad):
            optimizer.step()
        optimizer.zero_grad(set_to_none=not keep_gradients)
