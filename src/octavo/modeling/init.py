"""Initial weights."""

from __future__ import annotations

import math

import torch
from torch import nn

from octavo.modeling.llama import Llama, LlamaConfig


def initialise(config: LlamaConfig, seed: int) -> Llama:
    """A model with fresh weights in float32, the same for the same seed whatever was drawn before.

    Normal with the configuration's standard deviation; matrices that write into the stream are scaled
    down by sqrt(2 x layers) (Radford et al., 2019); norms are one.
    """
    with torch.device("meta"):
        model = Llama(config)
    model.to_empty(device="cpu")
    if config.tie_word_embeddings:
        model.output.weight = model.embedding.weight
    generator = torch.Generator().manual_seed(seed)
    residual = config.initializer_range / math.sqrt(2 * config.num_hidden_layers)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("norm.weight"):
                nn.init.ones_(parameter)
            else:
                into_stream = name.endswith(("attention.out.weight", "feed_forward.down.weight"))
                std = residual if into_stream else config.initializer_range
                parameter.normal_(0.0, std, generator=generator)
    return model
