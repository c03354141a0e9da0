"""What a tune came to, in short: for the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from octavo.tuning.report.figures import ScoreRow
from octavo.tuning.report.metrics import MAIN, TASKS, baselines_of, figure, in_short, metrics_of, systems_of
from octavo.tuning.scores import MODEL

_COMMANDS = {
    "ocr": "octavo correct {} FILE",
    "translation": "octavo translate {} FILE --to en",
    "rag": 'octavo ask {} "QUESTION" --sources DIR',
}


def scores_table(evaluation: dict[str, Any]) -> Table:
    """Metrics over all test pairs: of the model, and of what stands beside it."""
    rows = [ScoreRow(**row) for row in evaluation["scores"] if row["by"] == "all"]
    found = {(row.metric, row.system): row for row in rows}
    works = max((row.works for row in rows), default=0)
    title = f"{TASKS[evaluation['task']]} of {works:,} documents that the model never saw, with 95 % intervals"
    table = Table(box=box.SIMPLE, title=title[0].upper() + title[1:], title_justify="left")
    table.add_column("")
    systems = systems_of(rows)
    for system in systems:
        table.add_column(system, justify="right")
    for name in metrics_of(rows):
        table.add_row(name, *(in_short(found.get((name, system))).replace(" ", "\n") for system in systems))
    return table


def evaluation_in_words(evaluation: dict[str, Any]) -> str:
    """The figure that the task is judged by, of the model and of the baselines."""
    rows = [ScoreRow(**row) for row in evaluation["scores"] if row["by"] == "all"]
    main = {row.system: row for row in rows if row.metric == MAIN[evaluation["task"]]}
    said = [
        f"{'' if system == MODEL else f'{system} '}{figure(main[system].metric, main[system].value, ' ')}"
        for system in [MODEL, *baselines_of(rows)]
        if system in main
    ]
    return f"{MAIN[evaluation['task']]} {', '.join(said)}" if said else "nothing to measure on"


def pairs_in_words(figures: dict[str, Any]) -> str:
    """How many pairs there are for what, and why others were left out."""
    parts = figures["pairs"]
    said = [
        f"{parts['training']['pairs']:,} pairs of {parts['training']['documents']:,} documents to learn from",
        f"{parts['held_out']['pairs']:,} held out",
        f"{parts['test']['pairs']:,} for testing",
    ]
    said += [f"{figures['made']:,} examples made of documents"] if figures["made"] else []
    if figures["left_out"]:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in figures["left_out"].items())
        said.append(f"{sum(figures['left_out'].values()):,} left out ({reasons})")
    return ", ".join(said)


def command_to_try(directory: Path, task: str) -> str:
    """The command that uses the tuned model."""
    return _COMMANDS[task].format(directory)
