"""What a model writes, in one table: for the terminal, and for the model card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import fmean
from typing import Any

from rich import box
from rich.table import Table

from octavo.evaluation.report import rows
from octavo.evaluation.report.figure_names import (
    ALL,
    EVERYWHERE,
    HELD_OUT,
    MAIN_SCORES,
    SCORES,
    TASKS,
    examples,
    group_name,
    length,
    prompts_name,
    times_seen,
)
from octavo.evaluation.report.figures import Estimate, TaskRow
from octavo.evaluation.report.summary import beats_untouched, extracted, greedy_adherence, repeated

RECOMMENDED = "recommended"
"""How continuations are decoded by default."""


def written_table(models: Mapping[str, dict[str, Any]]) -> Table | None:
    """Language, repetition, memorization and tasks in short, by each model's figures; None where there are none."""
    found = {name: dict(_in_short(figures)) for name, figures in models.items()}
    if not any(found.values()):
        return None
    title = "What it writes, with 95 % intervals"
    several = len(found) > 1
    table = Table(box=box.SIMPLE, title=title, title_justify="left", caption_justify="left", show_header=several)
    if any(figures.get("tasks") for figures in models.values()):
        table.caption = (
            "Tasks: mean of the languages; of the text left as it is; languages where it is surely better."
        )
    table.add_column("")
    for name in found:
        table.add_column(name, justify="right")
    for row in dict.fromkeys(row for of in found.values() for row in of):
        table.add_row(row, *(of.get(row, "") for of in found.values()))
    return table


def _in_short(figures: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield from adherence_rows(figures)[:1]
    yield from repetition_rows(figures)
    for seen in (EVERYWHERE, HELD_OUT):
        yield from extraction_rows(figures, seen)
    yield from span_rows(figures)[:2]
    tasks = _tasks(figures)
    for task, shots in dict.fromkeys((row.task, row.shots) for row in tasks):
        yield _task_in_short([row for row in tasks if (row.task, row.shots) == (task, shots)])


def adherence_rows(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """Greedy continuations in the prompt's language; first after the kind of prompts that there are most of."""
    adhered = [rows.adhered(row) for row in figures.get("writing", {}).get("adherence", [])]
    greedy = [row for row in adhered if row.temperature == 0 and row.n and row.lang == ALL]
    first = [row for row in greedy_adherence(adhered) if row.lang == ALL]
    return [
        (f"language kept, {prompts_name(row.prompts)}", f"{share(row.of_all)} of {row.n:,}")
        for row in [*first, *(row for row in greedy if row not in first)]
    ]


def repetition_rows(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """Loops of greedy continuations, without a penalty and with that which is recommended."""
    repetition = [rows.repeated(row) for row in figures.get("writing", {}).get("repetition", [])]
    found = {words: repeated(repetition, penalty) for words, penalty in (("no penalty", 1.0), ("penalty 1.1", 1.1))}
    return [(f"ends in a loop, {words}", f"{share(row.loops)} of {row.n:,}") for words, row in found.items() if row]


def spelling_rows(figures: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """By language and feature the works, the words in which the old spelling is likelier, and the agreement."""
    return [
        (
            f"{group_name(row['lang'])}, {row['feature'].replace('_', ' ')}",
            f"{row['works']:,}",
            share(rows.estimate(row["old_likelier"])),
            share(rows.estimate(row["agreement"]["greedy"])),
        )
        for row in figures.get("writing", {}).get("orthography", [])
        if row["old_likelier"] or row["agreement"]["greedy"]["value"] is not None
    ]


def extraction_rows(figures: dict[str, Any], wanted: tuple[int, int | None] | None = None) -> list[tuple[str, str]]:
    """Texts that come back whole after the longest prompt, by how often training saw them, or those `wanted`."""
    extraction = [rows.extracted(row) for row in figures.get("memorization", {}).get("extraction", [])]
    measured = {(row.seen_least, row.seen_most) for row in extraction} - {EVERYWHERE, HELD_OUT}
    groups = [wanted] if wanted else [EVERYWHERE, *sorted(measured), HELD_OUT]
    found = {seen: extracted(extraction, seen) for seen in groups}
    return [
        (_texts(seen), f"{share(row.extractable)} of {row.n:,}, after {row.prompt_tokens} tokens")
        for seen, row in found.items()
        if row
    ]


def _texts(seen: tuple[int, int | None]) -> str:
    if seen == HELD_OUT:
        return "held-out texts given back"
    return "training texts given back" + ("" if seen == EVERYWHERE else f", {times_seen(*seen)}")


def span_rows(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """Of continuations as recommended: the longest span that is in the corpus, and shares with long ones."""
    found = (rows.spans(row) for row in figures.get("memorization", {}).get("spans", []))
    row = next((row for row in found if row.decoding == RECOMMENDED), None)
    if row is None:
        return []
    return [
        ("longest span from the corpus", f"{row.longest:,.0f} characters in {row.n:,} texts"),
        *(
            (f"span of {length(reached)}", f"{share(found)} of {row.n:,}")
            for reached, found in row.reaching.items()
        ),
    ]


def task_rows(figures: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """By task, language and number of examples: items, the score it is judged by, and the untouched text's."""
    return [
        (
            f"{TASKS[row.task]}, {group_name(row.group)}, {examples(row.shots)}",
            f"{row.n:,}",
            f"{SCORES[MAIN_SCORES[row.task]]} {_score(row.task, row.scores[MAIN_SCORES[row.task]])}",
            _score(row.task, row.untouched[MAIN_SCORES[row.task]]),
        )
        for row in _tasks(figures)
    ]


def _tasks(figures: dict[str, Any]) -> list[TaskRow]:
    return [rows.task(row, None) for row in figures.get("tasks", {}).get("tasks", [])]


def _task_in_short(of_task: list[TaskRow]) -> tuple[str, str]:
    """The mean over languages, and in how many of them doing the task is surely better than doing nothing."""
    task, shots = of_task[0].task, of_task[0].shots
    name = MAIN_SCORES[task]
    reached = _mean(task, [row.scores[name] for row in of_task])
    untouched = _mean(task, [row.untouched[name] for row in of_task])
    better = sum(map(beats_untouched, of_task))
    said = f"{SCORES[name]} {reached}, untouched {untouched}, better in {better}/{len(of_task)}"
    return f"{TASKS[task]}, {shots}-shot", said


def _mean(task: str, found: list[Estimate]) -> str:
    known = [one.value for one in found if one.value is not None]
    return _score(task, Estimate(value=fmean(known) if known else None))


def _score(task: str, found: Estimate) -> str:
    return share(found) if MAIN_SCORES[task] != "chrf" else value(found)


def share(found: Estimate) -> str:
    """A share with its bounds."""
    if found.value is None:
        return "-"
    known = found.low is not None and found.high is not None
    bounds = f" ({100 * (found.low or 0):.1f}-{100 * (found.high or 0):.1f})" if known else ""
    return f"{found.value:.1%}{bounds}"


def value(found: Estimate) -> str:
    """A figure with its bounds."""
    if found.value is None:
        return "-"
    bounds = f" ({found.low:.1f}-{found.high:.1f})" if found.low is not None and found.high is not None else ""
    return f"{found.value:.1f}{bounds}"
