"""The optimizers: AdamW for all weights, or Muon for the layers' matrices with AdamW for the rest."""

from __future__ import annotations

from torch.optim import AdamW, Muon

from octavo.modeling.llama import Llama
from octavo.recipe import Optimizer

Optimizers = tuple[AdamW] | tuple[AdamW, Muon]


def make_optimizers(model: Llama, settings: Optimizer) -> Optimizers:
    """The recipe's optimizers, each for its own part of the weights; norms do not decay.

    Muon (Jordan, 2024) steps by the orthogonalised momentum of each matrix, scaled to the size of AdamW's
    steps (Liu et al., 2025), so that one learning rate serves both. Embeddings stay with AdamW.
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
    if not matrices:
        return (adamw,)
    muon = Muon(
        matrices,
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
        momentum=settings.momentum,
        adjust_lr_fn="match_rms_adamw",
    )
    return adamw, muon
