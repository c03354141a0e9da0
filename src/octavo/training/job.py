"""A training: what is learnt, from what, by whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from octavo.modeling.llama import Llama, LlamaConfig
from octavo.progress import Progress
from octavo.recipe.schema import Recipe
from octavo.tokenization.entries import Edges
from octavo.training.data import Data
from octavo.training.parallel import Layout, Processes

HeldOut = Callable[[Llama], dict[str, float]]
"""Measures a model on held-out texts: bits by language. All processes call it alike."""


@dataclass(frozen=True)
class Job:
    """What is to be trained, on what, by whom, and whom to tell."""

    recipe: Recipe
    config: LlamaConfig
    edges: Edges
    run: Path
    data: Data[Any]
    processes: Processes
    layout: Layout
    progress: Progress
    held_out: HeldOut | None
    measured_from: int
    """The step after which held-out texts are measured."""
    initial: Callable[[], Llama]

    @property
    def home(self) -> Path:
        """Where the checkpoints lie."""
        return self.run / "checkpoints"


def positions(job: Job, step: int) -> np.ndarray:
    """The sequences of a step, by number."""
    count = job.recipe.training.sequences_per_step
    return job.data.at(np.arange(step * count, (step + 1) * count))


def read_share(job: Job, step: int, share: int) -> np.ndarray:
    """The sequences of a step that fall to this process: (share, S + 1)."""
    first = job.processes.rank * share
    return job.data.read(positions(job, step)[first : first + share])
