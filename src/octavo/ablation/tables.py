"""The tables of an ablation: what leaving something out changes, and what the figures rest on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from rich import box
from rich.table import Table as RichTable

from octavo.ablation.comparing import Verdict
from octavo.ablation.report_figures import FIGURES, MEAN, FigureName, Report, Row, VariantRow
from octavo.evaluation.report.cells import NONE, Cell, Table
from octavo.evaluation.report.cells import Row as TableRow
from octavo.evaluation.report.summary import language_name
from octavo.page import percent
from octavo.terminal import plain_console

SAME_CORPUS: Final = "changes nothing"
SHORT: Final[dict[Verdict, str]] = {"no difference shown": "not shown", "cannot be told": "not told"}
"""Verdicts in few words, as columns are narrow."""


def difference_table(report: Report) -> Table:
    """Of each variant the text that it has more, and how much larger its figures are, with verdicts."""
    figures = _figures(report)
    baseline = _by_figure(report.baseline)
    first = [Cell(""), *(Cell(amount(name, baseline[name].value, signed=False)) for name in figures)]
    rows = [TableRow("baseline", first)]
    for variant in report.variants:
        found = _by_figure(variant)
        cells = [difference(found[name]) if name in found else Cell(NONE) for name in figures]
        taken = NONE if variant.taken is None else percent(variant.taken)
        rows.append(TableRow(variant.name, [Cell(taken, SAME_CORPUS if variant.same_corpus else ""), *cells]))
    return Table(
        f"Without it, less the baseline: {len(report.seeds)} seeds, 95 % intervals",
        ["Left out", "text it takes", *(FIGURES[name].name for name in figures)],
        [],
        rows,
    )


def language_tables(report: Report) -> list[Table]:
    """Bits per byte of each form by language: the baseline's, and how many more each variant needs."""
    return [_language_table(report, name) for name in _figures(report) if not FIGURES[name].is_share]


def _language_table(report: Report, figure: FigureName) -> Table:
    own = {row.by: row for row in report.baseline.figures if row.figure == figure}
    rows = [TableRow("baseline", [Cell(amount(figure, row.value, signed=False)) for row in own.values()])]
    for variant in report.variants:
        found = {row.by: row for row in variant.figures if row.figure == figure}
        if found:
            rows.append(TableRow(variant.name, [difference(found[by], verdict=False) for by in own]))
    heads = ["Mean" if by == MEAN else language_name(by) for by in own]
    return Table(f"{_capital(FIGURES[figure].name)}, less the baseline", ["Left out", *heads], [], rows)


def seeds_table(report: Report) -> Table:
    """The figures of each proxy."""
    figures = _figures(report)
    rows = []
    for variant in (report.baseline, *report.variants):
        found = _by_figure(variant)
        for n, training in enumerate(variant.trainings):
            cells = [Cell(amount(name, found[name].values[n], signed=False)) for name in figures]
            loss = NONE if training.loss is None else f"{training.loss:.3f}"
            more = [Cell(loss), Cell(f"{training.epochs:.3g}"), Cell(f"{training.flops:.3g}")]
            rows.append(TableRow(f"{variant.name}, {training.seed}", [*cells, *more]))
    names = [FIGURES[name].name for name in figures]
    return Table(
        "Each proxy: variant and seed", ["Proxy", *names, "last loss, nats a token", "epochs", "FLOPs"], [], rows
    )


def text_table(report: Report) -> Table:
    """What each variant's curation leaves, and what it sets otherwise."""
    rows = [
        TableRow(
            one.name,
            [
                Cell(f"{one.text.documents:,}"),
                Cell(f"{one.text.bytes:,}"),
                Cell(NONE if one.text.tokens is None else f"{one.text.tokens:,}"),
            ],
        )
        for one in (report.baseline, *report.variants)
    ]
    return Table("Text to train on", ["Variant", "documents", "bytes", "tokens"], [], rows)


def choices_table(report: Report) -> Table:
    """What each variant is, and the fields of the recipe that it sets."""
    rows = []
    for one in report.variants:
        fields = ", ".join(f"{name}: {value}" for name, value in one.fields.items())
        rows.append(TableRow(one.name, [Cell(one.told), Cell(fields)]))
    return Table("What the variants are", ["Left out", "so that", "fields of the recipe"], [], rows)


def difference(row: Row, verdict: bool = True) -> Cell:
    """A difference with its interval, and what it says."""
    found = row.difference
    if found is None or found.value is None:
        return Cell(NONE)
    notes = []
    if found.low is not None and found.high is not None:
        notes.append(f"{amount(row.figure, found.low)} to {amount(row.figure, found.high)}")
    notes += [SHORT.get(row.verdict, row.verdict)] if verdict and row.verdict else []
    return Cell(amount(row.figure, found.value), " · ".join(notes))


def amount(figure: FigureName, value: float, signed: bool = True) -> str:
    """A figure in words: bits to a thousandth, shares in per cent, and differences of these in points."""
    sign = "+" if signed else ""
    if not FIGURES[figure].is_share:
        return f"{value:{sign}.3f}"
    return f"{100 * value:{sign}.1f}" if signed else percent(value)


def print_differences(report: Report, out: Path) -> None:
    """Print what leaving each thing out changes, what that says, and where the report is."""
    console, found = plain_console(), difference_table(report)
    shown = RichTable(box=box.SIMPLE, title=found.caption, title_justify="left")
    for n, name in enumerate(found.head):
        shown.add_column(name, justify="right" if n else "left", no_wrap=not n)
    for row in found.rows:
        shown.add_row(row.name, *(f"{cell.text}\n{cell.note}" if cell.note else cell.text for cell in row.cells))
    console.print(shown)
    for line in (*report.findings, f"Report: {out / 'report.html'}, report.md and report.json beside it"):
        console.print(line, markup=False, soft_wrap=True)


def markdown(table: Table) -> str:
    """A table in Markdown."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in _markdown_rows(table))


def _markdown_rows(table: Table) -> Iterator[list[str]]:
    yield table.head
    yield ["---"] * len(table.head)
    for row in table.rows:
        yield [row.name, *(f"{cell.text} ({cell.note})" if cell.note else cell.text for cell in row.cells)]


def _figures(report: Report) -> list[FigureName]:
    return list(_by_figure(report.baseline))


def _by_figure(variant: VariantRow) -> dict[FigureName, Row]:
    return {row.figure: row for row in variant.figures if row.by == MEAN}


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]
