"""Learning rates tried in short, each from the same first weights on the same examples."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from octavo.errors import OctavoError
from octavo.lineage import write_json
from octavo.recipe.schema import Recipe
from octavo.recipe.tuning import Sweep
from octavo.training.guards import DivergedError
from octavo.training.metrics import Metrics
from octavo.training.stopping import measured

REPORT = "report.json"

Trainer = Callable[[Recipe, Path], Any]
"""Trains a recipe into a directory, or goes on there."""


Tried = list[dict[str, Any]]
"""Learning rates, each with what it came to; null where the training diverged."""


def with_best_rate(recipe: Recipe, home: Path, train: Trainer, leads: bool) -> tuple[Recipe, Tried]:
    """The recipe with the rate whose held-out texts end up likeliest, and what each rate came to.

    `home`/report.json keeps that, so that a sweep that is done is not done again. All processes call it alike; the
    one that leads writes. Raises OctavoError where all rates diverged.
    """
    assert recipe.tuning is not None
    assert recipe.tuning.sweep is not None
    sweep, file = recipe.tuning.sweep, home / REPORT
    if file.exists():
        found: Tried = json.loads(file.read_bytes())
    else:
        found = []
        for rate in sweep.learning_rates:
            folder = home / f"{rate:g}"
            found.append({"learning_rate": rate, "held_out": _held_out(_short(recipe, sweep, rate), folder, train)})
        if leads:
            write_json(file, found)
            for rate in sweep.learning_rates:
                shutil.rmtree(home / f"{rate:g}" / "checkpoints", ignore_errors=True)
    finished = [one for one in found if one["held_out"] is not None]
    if not finished:
        raise OctavoError("tuning.sweep: the training diverged at each learning rate; try lower ones")
    return _at(recipe, min(finished, key=lambda one: one["held_out"])["learning_rate"]), found


def _held_out(recipe: Recipe, folder: Path, train: Trainer) -> float | None:
    """The bits per byte of the held-out answers in the end; None where the training diverged."""
    try:
        train(recipe, folder)
    except DivergedError:
        return None
    bits = measured(Metrics.read(folder))[-1].bits
    return round(bits, 4) if math.isfinite(bits) else None


def _short(recipe: Recipe, sweep: Sweep, rate: float) -> Recipe:
    """Measured once, at its end."""
    least = recipe.training.sequences_per_step * recipe.sequence_length
    changes = {"tokens": max(sweep.tokens, least), "patience": None, "evaluate_every_steps": 2**62}
    short = recipe.model_copy(update={"training": recipe.training.model_copy(update=changes)})
    return _at(short, rate)


def _at(recipe: Recipe, rate: float) -> Recipe:
    optimizer = recipe.training.optimizer.model_copy(update={"learning_rate": rate})
    return recipe.model_copy(update={"training": recipe.training.model_copy(update={"optimizer": optimizer})})
