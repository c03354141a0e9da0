"""Initial weights."""

from __future__ import annotations

import math

import torch
from torch import nn

from octavo.modeling.llama import Llama, LlamaConfig


def initialise(config: LlamaConfig, seed: int, width: int | None = None) -> Llama:
    """A model with fresh weights in float32, the same for the same seed whatever was drawn before.

    Normal with the configuration's standard deviation; matrices that write into the stream are scaled
    down by sqrt(2 x layers) (Radford et al., 2019); norms are one. Where that deviation was found at another
    hidden size, `width`, the layers' matrices keep their spectral norm and the last norm divides the logits,
    as training/optimizers.py has it.
    """
    ratio = config.hidden_size / (width or config.hidden_size)
    with torch.device("meta"):
        model = Llama(config)
    model.to_empty(device="cpu")
    if config.tie_word_embeddings:
        model.output.weight = model.embedding.weight
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("norm.weight"):
                nn.init.constant_(parameter, 1 / ratio if name == "norm.weight" else 1.0)
            else:
                std = config.initializer_range
                if name.startswith("layers."):
                    std /= math.sqrt(ratio)
                if name.endswith(("attention.out.weight", "feed_forward.down.weight")):
                    std /= math.sqrt(2 * config.num_hidden_layers)
                parameter.normal_(0.0, std, generator=generator)
    return model
