"""The report of an ablation, as report.json for programs, report.md and report.html for people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from octavo.ablation import tables
from octavo.ablation.plot import difference_plots
from octavo.ablation.report_figures import FIGURES, Report
from octavo.lineage import write_atomically, write_json
from octavo.page import template

REPORTS = JSON, MARKDOWN, PAGE = "report.json", "report.md", "report.html"


def write_report(report: Report, out: Path) -> None:
    """Write the report into `out`, in its three forms."""
    write_json(out / JSON, report.model_dump(mode="json"))
    write_atomically(out / MARKDOWN, "\n\n".join(_markdown(report)).encode() + b"\n")
    page = template("octavo.ablation", "ablation.html").render(
        report=report,
        figures=FIGURES,
        differences=tables.difference_table(report),
        plots=difference_plots(report),
        languages=tables.language_tables(report),
        text=tables.text_table(report),
        choices=tables.choices_table(report),
        seeds=tables.seeds_table(report),
    )
    write_atomically(out / PAGE, page.encode())


def _markdown(report: Report) -> Iterator[str]:
    yield f"# {report.name}: does each rule earn its place?"
    yield f"`{report.command}`, octavo {report.octavo}."
    yield _bulleted(report.findings)
    yield tables.markdown(tables.difference_table(report))
    yield "## What to beware of"
    yield _bulleted(report.limits)
    for name, table in (
        ("What the variants are", tables.choices_table(report)),
        ("Text", tables.text_table(report)),
        ("Proxies", tables.seeds_table(report)),
    ):
        yield f"## {name}"
        yield tables.markdown(table)
    for table in tables.language_tables(report):
        yield f"## {table.caption}"
        yield tables.markdown(table)


def _bulleted(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
