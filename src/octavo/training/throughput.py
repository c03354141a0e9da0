"""What a token costs and how near the hardware a run comes."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from octavo.modeling.llama import LlamaConfig


@dataclass(frozen=True)
class Hardware:
    """What trains: dense BF16 FLOP/s, bytes of memory, and watts where they are known."""

    name: str
    flops: float
    memory: int
    watts: float | None


GPUS = {
    "h100": Hardware("H100", 989e12, 80_000_000_000, 700),
    "h200": Hardware("H200", 989e12, 141_000_000_000, 700),
    "a100": Hardware("A100", 312e12, 80_000_000_000, 400),
    "l40s": Hardware("L40S", 362e12, 48_000_000_000, 350),
}
"""By the makers' data sheets: the SXM modules of 80, 141 and 80 GB, and the L40S."""


def flops_per_token(config: LlamaConfig, length: int) -> int:
    """FLOPs of training on one token: 6 N + 12 L H S, as PaLM (Chowdhery et al., 2022) and torchtitan count.

    Attention is counted whole, without halving it for the causal mask.
    """
    return 6 * config.parameters + 12 * config.num_hidden_layers * config.hidden_size * length


def peak_flops(device: torch.device) -> float | None:
    """The device's BF16 FLOP/s: a GPU's by its data sheet, a CPU's by its own matrix products; else None."""
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
        return next((gpu.flops for gpu in GPUS.values() if gpu.name in name), None)
    return matmul_rate(torch.bfloat16)


def matmul_rate(dtype: torch.dtype, size: int = 1024, seconds: float = 0.3) -> float:
    """FLOP/s of square matrix products on this CPU, the best of many."""
    a, b = torch.ones(size, size, dtype=dtype), torch.ones(size, size, dtype=dtype)
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best
