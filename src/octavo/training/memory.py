"""Whether a model and its training fit into memory, said before anything starts."""

from __future__ import annotations

from pathlib import Path

import psutil
import torch

from octavo.errors import InputError
from octavo.modeling.llama import LlamaConfig
from octavo.recipe import Recipe


def llama_config(recipe: Recipe, vocab_size: int) -> LlamaConfig:
    """The recipe's model with the tokenizer's number of entries."""
    return LlamaConfig(vocab_size=vocab_size, **recipe.model.model_dump())


def estimate(recipe: Recipe, config: LlamaConfig) -> dict[str, int]:
    """Bytes that training takes, by part.

    Weights, gradients and AdamW's two moments in float32; for each layer of a pass, what the backward pass
    needs again; the attention mask; and the embedding's activations.
    """
    width = 2 if recipe.training.precision == "bfloat16" else 4
    positions = recipe.training.sequences_per_pass * recipe.sequence_length
    d, f = config.hidden_size, config.intermediate_size
    kv = config.num_key_value_heads * config.head_dim
    layer = positions * (2 * 4 * d + width * (4 * d + 2 * kv + 3 * f))
    return {
        "weights": 4 * config.parameters,
        "gradients": 4 * config.parameters,
        "optimizer": 8 * config.parameters,
        "activations": config.num_hidden_layers * layer + 4 * positions * d,
        "mask": positions * recipe.sequence_length,
    }


def available(device: torch.device) -> int:
    """Bytes of memory that a process may still take on the device."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    free: int = psutil.virtual_memory().available
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.exists() and (text := limit.read_text().strip()).isdigit():
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
        free = min(free, int(text) - used)
    return free


def check_fits(recipe: Recipe, vocab_size: int, device: torch.device) -> None:
    """Raise InputError, with the numbers, where training does not fit into the device's free memory."""
    config = llama_config(recipe, vocab_size)
    parts = estimate(recipe, config)
    needed, free = sum(parts.values()), available(device)
    if needed > free:
        shown = ", ".join(f"{name} {size / 1e9:.1f}" for name, size in parts.items())
        raise InputError(
            f"model: {config.parameters:,} parameters need {needed / 1e9:.1f} GB to train ({shown}), "
            f"found {free / 1e9:.1f} GB free; take a smaller model or fewer training.sequences_per_pass"
        )
