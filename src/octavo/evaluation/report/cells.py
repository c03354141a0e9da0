"""Tables as the report shows them: cells with a figure and its interval, and models side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from octavo.evaluation.report.figures import Estimate, Model
from octavo.page import percent

NONE = "–"
"""Stands where there is no figure."""


class Cell(NamedTuple):
    """A figure, and in small its interval or what it is of."""

    text: str
    note: str = ""


class Group(NamedTuple):
    """A heading over several columns."""

    name: str
    columns: int


class Row(NamedTuple):
    """A row: what it is about, and its cells."""

    name: str
    cells: list[Cell]


class Table(NamedTuple):
    """A table as it is shown; `groups` stand over the columns after the first, empty where there is one model."""

    caption: str
    head: list[str]
    groups: list[Group]
    rows: list[Row]


def side_by_side(
    caption: str,
    what: str,
    columns: list[str],
    rows: Iterable[tuple[str, Any]],
    models: Sequence[Model],
    cells: Sequence[dict[Any, list[Cell]]],
) -> Table:
    """A table whose columns come once for each model, under its name."""
    empty = [Cell(NONE)] * len(columns)
    return Table(
        caption,
        [what, *(column for _ in models for column in columns)],
        [Group(model.name, len(columns)) for model in models] if len(models) > 1 else [],
        [Row(name, [cell for of in cells for cell in of.get(key, empty)]) for name, key in rows],
    )


def share(found: Estimate | None, of: str = "") -> Cell:
    """A share with its bounds, and what it is of."""
    if found is None or found.value is None:
        return Cell(NONE)
    known = found.low is not None and found.high is not None
    bounds = f"{100 * (found.low or 0):.1f}–{100 * (found.high or 0):.1f}" if known else ""
    return Cell(percent(found.value), " · ".join(part for part in (bounds, of) if part))


def value(found: Estimate, digits: int) -> Cell:
    """A figure with its bounds."""
    if found.value is None:
        return Cell(NONE)
    known = found.low is not None and found.high is not None
    return Cell(f"{found.value:.{digits}f}", f"{found.low:.{digits}f}–{found.high:.{digits}f}" if known else "")
