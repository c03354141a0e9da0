"""What a token costs and how near the hardware a run comes."""

from __future__ import annotations

import time

import torch

from octavo.modeling.llama import LlamaConfig

_PEAKS = {"H100": 989e12, "H200": 989e12, "A100": 312e12, "L40S": 362e12}
"""Dense BF16 FLOP/s by the makers' data sheets."""


def flops_per_token(config: LlamaConfig, length: int) -> int:
    """FLOPs of training on one token: 6 N + 12 L H S, as PaLM (Chowdhery et al., 2022) and torchtitan count.

    Attention is counted whole, without halving it for the causal mask.
    """
    return 6 * config.parameters + 12 * config.num_hidden_layers * config.hidden_size * length


def peak_flops(device: torch.device) -> float | None:
    """The device's BF16 FLOP/s: a GPU's by its data sheet, a CPU's by its own matrix products; else None."""
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
        return next((peak for part, peak in _PEAKS.items() if part in name), None)
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
