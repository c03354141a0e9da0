"""The report of a tune that a person reads: one HTML page, whole in itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from octavo.evaluation.report.figures import Model
from octavo.evaluation.report.plots import curve_plots
from octavo.evaluation.report.training_tables import cost_table, training_table
from octavo.lineage import write_atomically
from octavo.page import template
from octavo.tuning.report import tables
from octavo.tuning.report.figures import Report
from octavo.tuning.report.metrics import MAIN, SYSTEMS, TASKS, baselines_of, bounds, figure, systems_of
from octavo.tuning.report.samples import SHOWN, best_and_worst, shown
from octavo.tuning.report.verdicts import summary
from octavo.tuning.scores import MODEL


class Headline(NamedTuple):
    """One of the figures at the top."""

    name: str
    value: str
    told: str


def write_page(home: Path, report: Report, measured: Model) -> None:
    """Write `home`/report.html; `measured` has the training and its costs as the evaluation's report shows them."""
    best, worst, others = best_and_worst(report.samples, SHOWN)
    page = template("octavo.tuning", "tuning.html").render(
        report=report,
        task=TASKS[report.task],
        verdict=summary(report.task, report.scores),
        headlines=list(_headlines(report)),
        found=[finding for finding in report.findings if finding.kind == "found"],
        limits=[finding for finding in report.findings if finding.kind == "limit"],
        systems=[(name, SYSTEMS.get(name, "")) for name in systems_of(report.scores)[1:]],
        score_tables=tables.score_tables(report.scores),
        samples={
            "Where it did best": [shown(report.task, one) for one in best],
            "Where it did worst": [shown(report.task, one) for one in worst],
        },
        others=[shown(report.task, one) for one in others],
        pairs_table=tables.pairs_table(report.pairs),
        left_out_table=tables.left_out_table(report.pairs),
        sequences_table=tables.sequences_table(report.pairs),
        held_out_table=tables.held_out_table(report) if report.held_out else None,
        sweep_table=tables.sweep_table(report),
        curves=curve_plots([measured]),
        training_table=training_table([measured]) if report.training else None,
        cost_table=cost_table([measured]),
        settings_table=tables.settings_table(report),
    )
    write_atomically(home / "report.html", page.encode())


def _headlines(report: Report) -> Iterator[Headline]:
    metric = MAIN[report.task]
    every = [row for row in report.scores if (row.by, row.metric) == ("all", metric)]
    for system in [MODEL, *baselines_of(every)]:
        row = next(row for row in every if row.system == system)
        name = f"{metric[0].upper()}{metric[1:]}" if system == MODEL else system.capitalize()
        yield Headline(name, figure(metric, row.value), (bounds(row) if system == MODEL else "") or metric)
    works = next((row.works for row in every if row.system == MODEL), 0)
    yield Headline("Measured on", f"{works:,}", f"document{'' if works == 1 else 's'} that it never saw")
