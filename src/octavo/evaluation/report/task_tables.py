"""The tables of document tasks in the report, each score beside that of the text left as it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from octavo.evaluation import task_files
from octavo.evaluation.report.cells import NONE, Cell, Table, share, side_by_side, value
from octavo.evaluation.report.figure_names import TASKS, examples, group_name
from octavo.evaluation.report.figures import Estimate, Model, TaskRow
from octavo.page import percent

MINUS = "\N{MINUS SIGN}"
_CAPTIONS = {
    task_files.TRANSLATION: "chrF and BLEU, from 0 to 100: more are better",
    task_files.OCR: "character error rate (CER), that is edits by characters of the printed text: fewer are better",
    task_files.RAG: "words shared with the right answer (F1), and answers that are exactly right: more are better",
}
_COLUMNS: dict[str, dict[str, Callable[[TaskRow], Cell]]] = {
    task_files.TRANSLATION: {
        "chrF": lambda row: value(row.scores["chrf"], 1),
        "chrF, source copied": lambda row: value(row.untouched["chrf"], 1),
        "BLEU": lambda row: value(row.scores["bleu"], 1),
        "BLEU, source copied": lambda row: value(row.untouched["bleu"], 1),
    },
    task_files.OCR: {
        "CER before": lambda row: share(row.untouched["error_rate"]),
        "CER after": lambda row: share(row.scores["error_rate"]),
        "gained": lambda row: _gained(row.gained),
    },
    task_files.RAG: {
        "F1": lambda row: share(row.scores["f1"]),
        "F1, passage copied": lambda row: share(row.untouched["f1"]),
        "exact match": lambda row: share(row.scores["exact_match"]),
    },
}


def task_tables(models: Sequence[Model]) -> list[Table]:
    """A table for each task that was measured, by language and number of examples."""
    measured = dict.fromkeys(row.task for model in models for row in model.tasks)
    return [_task_table(models, task) for task in measured]


def _task_table(models: Sequence[Model], task: str) -> Table:
    columns = _COLUMNS[task]
    found = [{(row.group, row.shots): row for row in model.tasks if row.task == task} for model in models]
    items = {key: row.items for of in reversed(found) for key, row in of.items()}
    return side_by_side(
        f"{TASKS[task]}: {_CAPTIONS[task]}",
        "Language, examples in the prompt",
        [*columns, "items"],
        [(f"{group_name(group)}, {examples(shots)}", (group, shots)) for group, shots in sorted(items)],
        models,
        [
            {
                key: [*(cell(row) for cell in columns.values()), _items(row, row.items == items[key])]
                for key, row in of.items()
            }
            for of in found
        ],
    )


def _items(row: TaskRow, same: bool) -> Cell:
    """How many, with a warning where they are others than the first model's."""
    documents = f"of {row.documents:,} document{'' if row.documents == 1 else 's'}"
    long = f"{row.too_long:,} too long" if row.too_long else ""
    return Cell(f"{row.n:,}", " · ".join(part for part in (documents, long, "" if same else "other items") if part))


def _gained(found: Estimate | None) -> Cell:
    if found is None or found.value is None:
        return Cell(NONE)
    known = found.low is not None and found.high is not None
    bounds = f"{100 * (found.low or 0):+.1f} to {100 * (found.high or 0):+.1f}" if known else ""
    sign = "+" if found.value > 0 else ""
    return Cell(f"{sign}{percent(found.value)}".replace("-", MINUS), bounds.replace("-", MINUS))
