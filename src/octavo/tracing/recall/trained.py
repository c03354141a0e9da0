"""How far a run's training is, and whether its data is still what the training read."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Literal, NamedTuple

from octavo.errors import InputError
from octavo.lineage import FileRecord, StageRecord, hash_file, read_record
from octavo.recipe.schema import Recipe
from octavo.tracing.recall.sightings import Steps
from octavo.training.checkpoint_files import complete_steps, read_passed_over
from octavo.training.metrics import Metrics

_DATA = (".ds", ".ds.index", ".ds.metadata", ".documents.arrow")
_SAVED = re.compile(r"checkpoints/step-(\d+)/")
_ORDERING = {
    "model": ("max_position_embeddings",),
    "training": ("tokens", "data", "sequence_length", "sequences_per_step"),
    "tuning": ("made", "copies"),
}
"""Of the recipe, beside its seed: what decides which sequence a step reads."""


class Release(NamedTuple):
    """A run's release."""

    folder: Path
    step: int | None
    """The step whose weights it has; None where they are of a training that was set aside since."""


class Trained(NamedTuple):
    """A run's training, as its files tell it."""

    state: Literal["waiting", "interrupted", "done"]
    steps: Steps
    checkpoints: list[int]
    """Steps after which the state was saved, and is still there."""
    release: Release | None


def read_trained(recipe: Recipe, run: Path) -> Trained:
    """How far a run's training is.

    Raises InputError where recipe.yaml or the data are others than the training began with, as then nothing tells
    which documents it has seen.
    """
    home = run / "checkpoints"
    record, checkpoints = read_record(home), complete_steps(home)
    size = recipe.training.sequences_per_step
    if record is None:
        return Trained("waiting", Steps(0, size), [], _release(run, {}))
    _check_recipe(record, recipe, run)
    _check_data(record, run)
    logged = [int(line["step"]) for line in Metrics.read(run)]
    done = int(record.figures["steps"]) if record.done else max([0, *checkpoints, *logged])
    return Trained(
        "done" if record.done else "interrupted",
        Steps(done, size, read_passed_over(home)),
        checkpoints,
        _release(run, record.outputs),
    )


def _release(run: Path, trained: dict[str, FileRecord]) -> Release | None:
    """The release, with its step by the checkpoint that it was made of; `trained` is what the training made."""
    record = read_record(run / "release")
    if record is None or not record.done:
        return None
    steps = set()
    for name, read in record.inputs.items():
        if saved := _SAVED.match(name):
            made = trained.get(name)
            steps.add(int(saved[1]) if made is not None and made.blake3 == read.blake3 else None)
    return Release(run / "release", steps.pop() if len(steps) == 1 else None)


def _check_recipe(record: StageRecord, recipe: Recipe, run: Path) -> None:
    now: dict[str, Any] = recipe.model_dump(mode="json")
    pairs = [("seed", record.recipe.get("seed"), now["seed"])]
    for section, fields in _ORDERING.items():
        before = record.recipe.get(section) or {}
        pairs += [(f"{section}.{name}", before[name], now[section][name]) for name in fields if name in before]
    for field, before, after in pairs:
        if before != after:
            raise InputError(
                f"{run / 'recipe.yaml'}: {field}: found {after}, expected {before}, as the training began with; "
                f"octavo run {run / 'recipe.yaml'} --out {run} trains anew"
            )


def _check_data(record: StageRecord, run: Path) -> None:
    """Files whose size and time are those of the record are believed."""
    for name, read in record.inputs.items():
        if name.endswith(_DATA) or name.startswith("pairs/"):
            path = Path(os.path.normpath(run / name))
            if not path.is_file():
                raise InputError(f"{path}: is gone, expected it as the training read it")
            if hash_file(path, read).blake3 != read.blake3:
                raise InputError(f"{path}: found another content, expected it as the training read it")
