"""Whether a model and its training fit into memory, said before anything starts."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

import psutil
import torch

from octavo.errors import InputError
from octavo.modeling.attention import BLOCKS, LONGEST
from octavo.modeling.llama import LlamaConfig
from octavo.modeling.loss import LOGITS
from octavo.modeling.rope import scaling_of
from octavo.recipe.schema import Recipe
from octavo.tokenization.entries import UNUSED_ID

COMPILER_BYTES, COMPILER_LAYER_BYTES = 20_000_000, 35_000_000
"""What compiling leaves in the memory of a process that does it for the first time, and for each layer: measured
with 3 to 12 layers. Where its cache knows the step already it is a fraction of that."""

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # as glibc's malloc.h numbers them


def llama_config(recipe: Recipe, vocab_size: int) -> LlamaConfig:
    """The recipe's model for a tokenizer with so many entries; one that leaves id 65,535 free has a row for it."""
    rows = vocab_size + (vocab_size == UNUSED_ID)
    shape = recipe.model.model_dump()
    stated = shape.pop("rope_scaling") or {}
    scaling = scaling_of(stated, recipe.model.max_position_embeddings, "model.rope_scaling", strict=True)
    return LlamaConfig(vocab_size=rows, rope_scaling=scaling, **shape)


def estimate(
    recipe: Recipe,
    config: LlamaConfig,
    device: str = "cuda",
    processes: int = 1,
    sequences_per_pass: int | None = None,
) -> dict[str, int]:
    """Bytes that a process of the training takes at its peak, by part, where each holds the whole state.

    Beside weights, gradients and moments in float32: what the backward pass needs again of each layer, by what
    autograd and the compiler's partitioner of PyTorch 2.13 save (eager steps are checked against real processes:
    tests/training/test_memory.py, docs/how-to/plan.md). With several processes the layers are compiled one by
    one and the loss is not. `sequences_per_pass` stands for the recipe's where it is given.
    """
    settings = recipe.training
    compiled, alone = settings.compile, processes == 1
    width = 2 if settings.precision == "bfloat16" else 4
    positions = (sequences_per_pass or settings.sequences_per_pass) * recipe.sequence_length
    d, f, layers, vocab = config.hidden_size, config.intermediate_size, config.num_hidden_layers, config.vocab_size
    kv = config.num_key_value_heads * config.head_dim
    matrices = layers * (2 * d * d + 2 * d * kv + 3 * d * f)
    # Of each layer: the norms' results, queries, keys, values, attention twice (as it is and as it is laid out for
    # the product), the outputs, gate and up and their product; and without the compiler what lies between.
    if compiled:
        layer, ends = width * (7 * d + 2 * kv + 3 * f) + (4 * d if width == 2 else 0), (8 + width) * d
    elif width == 2:
        layer, ends = 26 * d + 6 * kv + 8 * f, 10 * d
    else:
        layer, ends = 36 * d + 12 * kv + 16 * f, 12 * d
    layer += 4 * config.num_attention_heads + 8
    fused_loss = compiled and alone
    in_blocks = fused_loss and device == "cpu" and recipe.sequence_length <= LONGEST
    if in_blocks:  # the scores, three quarters of them all
        layer += width * config.num_attention_heads * recipe.sequence_length * (BLOCKS + 1) // (2 * BLOCKS)
    needed = {
        "weights": 4 * config.parameters,
        "gradients": 4 * config.parameters,
        "optimizer": 8 * config.parameters - (4 * matrices if settings.optimizer.name == "muon" else 0),
        "casts": 2 * (matrices + vocab * d) if width == 2 else 0,
        "activations": positions * (layers * layer + ends),
        # Logits and their gradient; not fused, also both in float32 and where the targets stand.
        "logits": min(positions * vocab, LOGITS) * (2 * width if fused_loss else width + 12),
        # The output matrix's gradient of the loss, until the backward pass has multiplied it.
        "loss": vocab * d * (width if positions * vocab <= LOGITS else 4 + width),
        # In blocks three quarters of it, as a number to add.
        "mask": positions * recipe.sequence_length * width * (BLOCKS + 1) // (2 * BLOCKS)
        if in_blocks
        else positions * recipe.sequence_length * (1 + width),
    }
    kept = sum(needed[part] for part in ("casts", "activations", "logits", "loss", "mask"))
    begins = width * max(2 * f * positions, vocab * d) if fused_loss else 0
    # A step compiled as one gives all gradients at its end, beside those of the passes before.
    ends_with = 4 * config.parameters + (4 + width) * vocab * d if fused_loss else 0
    needed["backward"] = max(begins, ends_with - kept)
    if device == "cpu":  # beside a GPU, these two lie in the machine's memory
        needed["checkpoint"] = needed["weights"] + needed["optimizer"]  # copied, and written while training goes on
        needed["compiler"] = COMPILER_BYTES + layers * COMPILER_LAYER_BYTES if compiled else 0
    return needed


def sharded(needed: dict[str, int], config: LlamaConfig, processes: int) -> dict[str, int]:
    """The same, where FSDP spreads weights, gradients and moments over so many processes.

    Gathered are meanwhile, in float32: the embeddings and their gradient, two layers, and a layer's gradient.
    """
    d, kv = config.hidden_size, config.num_key_value_heads * config.head_dim
    layer = 2 * d * d + 2 * d * kv + 3 * d * config.intermediate_size + 2 * d
    outside = config.parameters - config.num_hidden_layers * layer
    spread = {"weights", "gradients", "optimizer", "checkpoint"} & needed.keys()
    state = {part: -(-needed[part] // processes) for part in spread}
    return needed | state | {"gathered": 4 * (2 * outside + 3 * layer)}


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


def keep_freed_memory() -> None:
    """Tell glibc to keep what a step frees for the next one, in place of giving it back to the system.

    Else each step takes it anew, page by page. A person's own settings of the allocator stand, and
    other systems' allocators are left alone.
    """
    if not sys.platform.startswith("linux") or any(name.startswith("MALLOC_") for name in os.environ):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def check_fits(recipe: Recipe, vocab_size: int, device: torch.device) -> None:
    """Raise InputError, with the numbers, where training does not fit into the device's free memory."""
    config = llama_config(recipe, vocab_size)
    parts = estimate(recipe, config, device.type)
    needed, free = sum(parts.values()), available(device)
    if needed > free:
        shown = ", ".join(f"{name} {size / 1e9:.1f}" for name, size in parts.items())
        raise InputError(
            f"model: {config.parameters:,} parameters need {needed / 1e9:.1f} GB to train ({shown}), "
            f"found {free / 1e9:.1f} GB free; take a smaller model or fewer training.sequences_per_pass"
        )
