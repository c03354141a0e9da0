"""Checkpoints: the whole training state in PyTorch's distributed format, there whole or not at all."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from typing import Any

import torch
import torch.distributed.checkpoint.state_dict_loader as dcp_load
import torch.distributed.checkpoint.state_dict_saver as dcp_save
from torch.distributed.checkpoint.state_dict import get_optimizer_state_dict, set_optimizer_state_dict

from octavo.lineage import write_atomically
from octavo.modeling.llama import Llama, LlamaConfig
from octavo.training.optimizers import Optimizers

_PREFIX = "step-"

# One process on purpose; the library takes it for a mistake.
warnings.filterwarnings("ignore", message="torch.distributed is disabled", category=UserWarning)


def save(home: Path, step: int, model: Llama, optimizers: Optimizers, keep_last: int) -> None:
    """Save step-N, point `latest` to it, and delete all but the last few.

    It is written beside its place and moved there, so that a checkpoint under its name is complete.
    """
    name = f"{_PREFIX}{step:08d}"
    partial = home / f"{name}.partial"
    if partial.exists():
        shutil.rmtree(partial)
    state = {"model": dict(model.named_parameters()), "optimizer": get_optimizer_state_dict(model, optimizers)}
    dcp_save.save(state, checkpoint_id=partial, no_dist=True)
    if (home / name).exists():
        shutil.rmtree(home / name)
    partial.rename(home / name)
    write_atomically(home / "latest", name.encode() + b"\n")
    for old in complete_steps(home)[:-keep_last]:
        shutil.rmtree(home / f"{_PREFIX}{old:08d}")


def complete_steps(home: Path) -> list[int]:
    """The steps that have a complete checkpoint, in order."""
    names = (p.name.removeprefix(_PREFIX) for p in home.glob(f"{_PREFIX}*") if p.is_dir())
    return sorted(int(name) for name in names if name.isdigit())


def path_of(home: Path, step: int) -> Path:
    """The folder of a step's checkpoint."""
    return home / f"{_PREFIX}{step:08d}"


def load(home: Path, step: int, model: Llama, optimizers: Optimizers) -> None:
    """Load a step's weights and optimizer state in place."""
    state: dict[str, Any] = {
        "model": dict(model.named_parameters()),
        "optimizer": get_optimizer_state_dict(model, optimizers),
    }
    with torch.no_grad():
        dcp_load.load(state, checkpoint_id=path_of(home, step), no_dist=True)
    set_optimizer_state_dict(model, optimizers, state["optimizer"])


def load_model(home: Path, step: int, config: LlamaConfig) -> Llama:
    """The model of a step's checkpoint, in float32."""
    with torch.device("meta"):
        model = Llama(config)
    model.to_empty(device="cpu")
    if config.tie_word_embeddings:
        model.output.weight = model.embedding.weight
    with torch.no_grad():
        dcp_load.load({"model": dict(model.named_parameters())}, checkpoint_id=path_of(home, step), no_dist=True)
    return model.eval()
