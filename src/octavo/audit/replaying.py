"""Steps of the training, done again from a checkpoint that is there to the next, or from the start."""

from __future__ import annotations

import contextlib
import os
import random
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import torch

from octavo.audit.claims import Claim, failed, held, unknown
from octavo.audit.opening import Audited
from octavo.progress import Progress, StoppedError
from octavo.recipe.schema import Recipe
from octavo.stages import train_model
from octavo.training import checkpoint_files
from octavo.training.machine import this_machine
from octavo.training.metrics import Metrics
from octavo.training.parallel import alone

STEPS = 200
"""Done again at most, where the next checkpoint is so near."""
FROM_THE_START = 20
"""Where it is not, or there is none."""
_READ = ("tokenizer", "tokens", "pairs", "corpus")


class _Stretch(NamedTuple):
    """Steps to do again: those after `first`, up to `last`."""

    first: int
    last: int
    saved: bool
    """Whether there is a checkpoint of the last step to compare with."""


def replay(audited: Audited, run: Path, lot: random.Random, progress: Progress) -> Iterator[Claim]:
    """Train again for some steps: the losses, and the weights where there is a checkpoint, must be the same."""
    figures = audited.records["training"].figures
    with _as_many_threads(figures):
        yield from _replay(audited, run, figures, progress)


@contextlib.contextmanager
def _as_many_threads(figures: dict[str, Any]) -> Iterator[None]:
    """As many threads as it was trained with, as far as there are processors, since sums depend on them."""
    here, stated = torch.get_num_threads(), figures.get("machine", {}).get("threads")
    if stated:
        torch.set_num_threads(min(stated, os.cpu_count() or 1))
    try:
        yield
    finally:
        torch.set_num_threads(here)


def _replay(audited: Audited, run: Path, figures: dict[str, Any], progress: Progress) -> Iterator[Claim]:
    stretch = _stretch(run, int(figures["steps"]))
    said = f"steps {stretch.first + 1:,} to {stretch.last:,} of the training, done again, give the same"
    file = f"checkpoints/{checkpoint_files.path_of(run, stretch.last).name}" if stretch.saved else "metrics.jsonl"
    why = _why_not_here(figures)
    if figures.get("processes", 1) > 1 or (why and figures.get("device") != "cpu"):
        yield unknown("re-runs", file, said, why or f"it was trained by {figures['processes']} processes")
        return
    with tempfile.TemporaryDirectory() as folder:
        again = Path(folder)
        _prepare(run, again, stretch)
        _train(_as_trained(audited.recipe, figures), again, stretch, progress)
        different = _different_lines(run, again, stretch)
        if different is None and stretch.saved:
            different = _different_weights(run, again, stretch.last)
    if different is None:
        what = "weights, optimizer state and losses" if stretch.saved else "losses and gradients"
        yield held("re-runs", file, f"{said} {what}, to the bit")
    elif why:
        yield unknown("re-runs", file, said, f"{different}; {why}")
    else:
        yield failed("re-runs", file, said, different)


def _stretch(run: Path, steps: int) -> _Stretch:
    """The shortest way from one checkpoint to the next, if it is short; else the first steps."""
    saved = [0, *checkpoint_files.complete_steps(run / "checkpoints")]
    first, last = min(pairwise(saved), key=lambda pair: pair[1] - pair[0], default=(0, steps))
    if last - first <= STEPS:
        return _Stretch(first, last, last in saved)
    return _Stretch(0, min(FROM_THE_START, steps), False)


def _why_not_here(figures: dict[str, Any]) -> str | None:
    """Why the same bits are not to be expected on this machine, or None."""
    stated, here = figures.get("machine"), this_machine()
    if stated is None:
        return "the run does not say on which machine it was trained"
    other = [f"{name} {stated[name]}, here {here[name]}" for name in here if stated.get(name) != here[name]]
    return f"it was trained with {', '.join(other)}" if other else None


def _prepare(run: Path, again: Path, stretch: _Stretch) -> None:
    """A run that stands where the stretch begins."""
    for name in _READ:
        if (run / name).exists():
            (again / name).symlink_to((run / name).resolve())
    (again / "checkpoints").mkdir()
    if stretch.first:
        target = checkpoint_files.path_of(again / "checkpoints", stretch.first)
        target.mkdir()
        for file in checkpoint_files.path_of(run / "checkpoints", stretch.first).iterdir():
            (target / file.name).symlink_to(file.resolve())
        passed = run / "checkpoints" / checkpoint_files.PASSED_OVER
        if passed.exists():
            (again / "checkpoints" / checkpoint_files.PASSED_OVER).write_bytes(passed.read_bytes())


def _as_trained(recipe: Recipe, figures: dict[str, Any]) -> Recipe:
    """The recipe with the learning rate that a sweep chose, so that none is tried again."""
    if recipe.tuning is None or not recipe.tuning.sweep:
        return recipe
    optimizer = recipe.training.optimizer.model_copy(update={"learning_rate": figures["learning_rate"]})
    return recipe.model_copy(
        update={
            "training": recipe.training.model_copy(update={"optimizer": optimizer}),
            "tuning": recipe.tuning.model_copy(update={"sweep": None}),
        }
    )


def _train(recipe: Recipe, again: Path, stretch: _Stretch, progress: Progress) -> None:
    done = stretch.first

    def stopping() -> bool:
        """Asked once a step."""
        nonlocal done
        done += 1
        return done >= stretch.last

    with contextlib.suppress(StoppedError):
        train_model(recipe, again, Progress(update=progress.update, stopping=stopping), alone())


def _different_lines(run: Path, again: Path, stretch: _Stretch) -> str | None:
    """The first logged step whose loss or gradient is another."""
    stated = {line["step"]: line for line in Metrics.read(run)}
    # A loss is the mean since the line before, so that the first after another step is of fewer steps.
    fewer = stretch.first and stretch.first not in stated
    for number, line in enumerate(Metrics.read(again)):
        for name in ("grad_norm",) if fewer and not number else ("grad_norm", "loss"):
            other = stated.get(line["step"], line)[name]
            if line[name] != other:
                return f"step {line['step']:,}: {name} {line[name]}, metrics.jsonl has {other}"
    return None


def _different_weights(run: Path, again: Path, step: int) -> str | None:
    """The first file of the checkpoint that is another."""
    first, second = (checkpoint_files.written_files(home / "checkpoints", step) for home in (run, again))
    for name in sorted({*first, *second}):
        # PyTorch's index of a checkpoint has an id of its own each time.
        if not name.startswith(".") and first.get(name) != second.get(name):
            return f"{name} is another"
    return None
