"""When training ends before its last step: where the held-out texts have long not become any likelier."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from octavo.lineage import read_record
from octavo.recipe.schema import Recipe


class Measured(NamedTuple):
    """What the held-out texts cost at a step, on the mean of their groups."""

    step: int
    bits: float


def measured(lines: Sequence[dict[str, Any]]) -> list[Measured]:
    """The measurements in the lines of a training's record; one that is no number counts as the worst."""
    found = [(line["step"], fmean(line["held_out"].values())) for line in lines if line.get("held_out")]
    return [Measured(step, math.inf if math.isnan(bits) else bits) for step, bits in found]


def best(found: Sequence[Measured]) -> int | None:
    """The step with the lowest measurement, the first of them; None before there is one."""
    return min(found, key=lambda one: (one.bits, one.step)).step if found else None


def is_over(found: Sequence[Measured], patience: int | None) -> bool:
    """Whether the last `patience` measurements brought nothing lower than one before them (Prechelt, 1998)."""
    step = best(found)
    return patience is not None and step is not None and sum(one.step > step for one in found) >= patience


def chosen_step(recipe: Recipe, run: Path) -> int:
    """The step whose weights are taken: the last, or the best one where training was to stop by measurements."""
    record = read_record(run / "checkpoints")
    found = record.figures.get("chosen_step") if record else None
    return recipe.steps if found is None else int(found)
