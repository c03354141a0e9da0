"""The tables of a tune's report: figures with the systems side by side, pairs, held-out answers, the sweep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from octavo.evaluation.report.cells import NONE, Cell, Row, Table
from octavo.evaluation.report.figure_names import group_name
from octavo.tuning.report.figures import Pairs, Report, ScoreRow
from octavo.tuning.report.metrics import KINDS, bounds, figure, metric_of, metrics_of, name_of_group, systems_of
from octavo.tuning.scores import MODEL

PARTS: Final = {"training": "learnt from", "held_out": "held out", "test": "for testing"}
COUNTS: Final = 8
"""Shown of counts within a setting."""


class ScoreCell(NamedTuple):
    """A figure, in small its interval, and whether it is the best of its row."""

    text: str
    note: str
    best: bool


class ScoreLine(NamedTuple):
    """A group of test pairs: how many documents, and each system's figure."""

    name: str
    works: str
    cells: list[ScoreCell]


class ScorePart(NamedTuple):
    """The groups by one thing, such as language."""

    name: str
    lines: list[ScoreLine]


class ScoreTable(NamedTuple):
    """A metric: what it means, the systems side by side, and its groups."""

    metric: str
    meaning: str
    better: str
    systems: list[str]
    parts: list[ScorePart]


def score_tables(rows: Sequence[ScoreRow]) -> list[ScoreTable]:
    """A table for each metric, in the order in which people are told of them."""
    return [_score_table(name, [row for row in rows if row.metric == name]) for name in metrics_of(rows)]


def _score_table(metric: str, rows: Sequence[ScoreRow]) -> ScoreTable:
    known, systems = metric_of(metric), systems_of(rows)
    kinds = dict.fromkeys(row.by for row in rows)
    better = {True: "Lower is better.", False: "Higher is better.", None: ""}[known.lower_is_better]
    return ScoreTable(
        metric,
        known.meaning,
        better,
        systems,
        [
            ScorePart(KINDS.get(by, by.capitalize()), list(_lines(by, systems, [r for r in rows if r.by == by])))
            for by in sorted(kinds, key=lambda by: list(KINDS).index(by) if by in KINDS else len(KINDS))
        ],
    )


def _lines(by: str, systems: Sequence[str], rows: Sequence[ScoreRow]) -> Iterator[ScoreLine]:
    for group in dict.fromkeys(row.group for row in rows):
        found = {row.system: row for row in rows if row.group == group}
        values = [row.value for row in found.values() if row.value is not None]
        lower = metric_of(rows[0].metric).lower_is_better
        best = None if lower is None or len(values) < 2 else (min if lower else max)(values)
        works = (found.get(MODEL) or next(iter(found.values()))).works
        yield ScoreLine(name_of_group(by, group), f"{works:,}", [_cell(found.get(name), best) for name in systems])


def _cell(row: ScoreRow | None, best: float | None) -> ScoreCell:
    if row is None or row.value is None:
        return ScoreCell(NONE, "", False)
    return ScoreCell(figure(row.metric, row.value), bounds(row), row.value == best)


def pairs_table(pairs: Pairs) -> Table:
    """Pairs by language and use, and the documents that they are of."""
    groups = sorted({group for part in pairs.pairs.values() for group in part.groups}, key=group_name)
    parts = [(name, pairs.pairs[key]) for key, name in PARTS.items() if key in pairs.pairs]
    rows = [Row(group_name(g), [Cell(f"{part.groups.get(g, 0):,}") for _, part in parts]) for g in groups]
    every = [Cell(f"{part.pairs:,}", _documents(part.documents)) for _, part in parts]
    return Table(
        "Pairs by language; no document is in two columns",
        ["Language", *(name for name, _ in parts)],
        [],
        [*rows, Row("All", every)],
    )


def left_out_table(pairs: Pairs) -> Table:
    """Pairs that were left out, by reason, with an example of each."""
    shown = {one.reason: one for one in pairs.left_out_examples}
    return Table(
        "Pairs that were left out",
        ["Reason", "pairs", "for example"],
        [],
        [
            Row(
                reason,
                [
                    Cell(f"{count:,}"),
                    Cell(shown[reason].id, shown[reason].evidence) if reason in shown else Cell(NONE),
                ],
            )
            for reason, count in sorted(pairs.left_out.items(), key=lambda item: -item[1])
        ],
    )


def sequences_table(pairs: Pairs) -> Table:
    """What is learnt from, in tokens."""
    return Table(
        "Examples as they are learnt, whole and packed",
        ["Pairs", "examples", "tokens", "sequences", "unused places"],
        [],
        [
            Row(
                {"given": "given", "made": "made of documents"}.get(name, name),
                [
                    Cell(f"{part.examples:,}"),
                    Cell(f"{part.tokens:,}"),
                    Cell(f"{part.sequences:,}"),
                    Cell(f"{100 * part.padding:.1f}\N{NARROW NO-BREAK SPACE}%"),
                ],
            )
            for name, part in pairs.sequences.items()
        ],
    )


def held_out_table(report: Report) -> Table:
    """Bits per byte of the held-out answers: at first, at the step that was taken, at last."""
    first, last = report.held_out[0], report.held_out[-1]
    taken = next((one for one in report.held_out if one.step == report.chosen_step), last)
    shown = [first, *([taken] if taken not in (first, last) else []), *([last] if last != first else [])]
    groups = sorted(first.bits_per_byte, key=group_name)
    return Table(
        "Held-out answers, bits per byte: fewer are better",
        ["Language", *(f"step {one.step:,}" + (", taken" if one == taken else "") for one in shown)],
        [],
        [
            *(Row(group_name(g), [Cell(f"{one.bits_per_byte[g]:.3f}") for one in shown]) for g in groups),
            *([Row("Mean", [Cell(f"{one.mean:.3f}") for one in shown])] if len(groups) > 1 else []),
        ],
    )


def sweep_table(report: Report) -> Table:
    """Learning rates that were tried, and what the held-out answers came to."""
    return Table(
        "Learning rates tried in short, each from the same first weights",
        ["Learning rate", "held-out answers, bits per byte"],
        [],
        [
            Row(
                f"{one.learning_rate:g}",
                [
                    Cell(
                        "diverged" if one.held_out is None else f"{one.held_out:.3f}",
                        "taken" if one.learning_rate == report.learning_rate else "",
                    )
                ],
            )
            for one in report.sweep
        ],
    )


def settings_table(report: Report) -> Table:
    """What the task's commands go by, and what was counted in finding it; of many counts the first."""
    return Table(
        "What the task's commands go by, and how it was found",
        ["Setting", "value"],
        [],
        [Row(name, [Cell(_written(value))]) for name, value in _flat(report.settings)],
    )


def _flat(settings: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in list(settings.items())[: COUNTS if within else None]:
        words = f"{within}{name.replace('_', ' ')}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{words}: ")
        else:
            yield words, value
    if within and len(settings) > COUNTS:
        yield f"{within}others", f"{len(settings) - COUNTS:,} more, in report.json"


def _written(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,.5f}".rstrip("0").rstrip(".") if isinstance(value, float) else f"{value:,}"


def _documents(count: int) -> str:
    return f"of {count:,} document{'' if count == 1 else 's'}"
