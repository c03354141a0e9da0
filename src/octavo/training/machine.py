"""What the bits of a training depend on beside the recipe: machine and library."""

from __future__ import annotations

import platform
from pathlib import Path

import torch


def this_machine() -> dict[str, str | int]:
    """PyTorch's version, the processor, the instructions that PyTorch takes of it, and its threads."""
    return {
        "torch": torch.__version__,
        "processor": _processor(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
    }


def _processor() -> str:
    """Its name as Linux tells it, elsewhere its kind."""
    cpus = Path("/proc/cpuinfo")
    lines = cpus.read_text().splitlines() if cpus.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
