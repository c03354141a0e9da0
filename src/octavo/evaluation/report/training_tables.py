"""The tables of the training run in the report: what was trained, and what each stage took."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from octavo.energy import in_watt_hours
from octavo.evaluation.report.cells import NONE, Cell, Row, Table, side_by_side
from octavo.evaluation.report.figures import Model
from octavo.page import percent


def training_table(models: Sequence[Model]) -> Table:
    """What was trained, and how fast."""
    rows: dict[str, Callable[[Any], str]] = {
        "Parameters": lambda t: f"{t.parameters:,}",
        "Tokens": lambda t: f"{t.tokens:,}",
        "Passes over the data": lambda t: NONE if t.epochs is None else f"{t.epochs:.2f}",
        "Steps": lambda t: f"{t.steps:,}",
        "Weights taken of step": lambda t: f"{t.chosen_step or t.steps:,}",
        "Compute": lambda t: NONE if t.flops is None else f"{t.flops:.3g} FLOPs",
        "Last training loss": lambda t: NONE if t.loss is None else f"{t.loss:.3f} nats a token",
        "Tokens a second, median": lambda t: NONE if t.tokens_per_second is None else f"{t.tokens_per_second:,.0f}",
        "MFU, median": lambda t: NONE if t.mfu is None else percent(t.mfu),
        "Device": lambda t: t.device,
        "Processes": lambda t: f"{t.processes:,}",
    }
    return Table(
        "The training",
        ["", *(model.name for model in models)],
        [],
        [Row(n, [Cell(say(m.training) if m.training else NONE) for m in models]) for n, say in rows.items()],
    )


def cost_table(models: Sequence[Model]) -> Table:
    """Time and energy of each stage up to the training."""
    found = [{cost.stage: cost for cost in model.costs} for model in models]
    return side_by_side(
        "Time and energy of the stages, each with all that ran on its machines",
        "Stage",
        ["time", "energy", "how it is known"],
        [(stage, stage) for stage in dict.fromkeys(cost.stage for of in models for cost in of.costs)],
        models,
        [
            {
                stage: [
                    Cell(_seconds(cost.wall_seconds)),
                    Cell(NONE if cost.joules is None else in_watt_hours(cost.joules)),
                    Cell(cost.method),
                ]
                for stage, cost in of.items()
            }
            for of in found
        ],
    )


def _seconds(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
