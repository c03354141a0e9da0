"""The report of an evaluation that a person reads: one HTML page, whole in itself."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any, NamedTuple

from octavo.evaluation.report import tables
from octavo.evaluation.report.figure_names import DECODINGS, EVERYWHERE
from octavo.evaluation.report.figures import CopiedSpan, Model, Report, Said, Sample
from octavo.evaluation.report.harm_tables import harm_tables
from octavo.evaluation.report.memorization_tables import extraction_tables, span_tables
from octavo.evaluation.report.plots import bits_plot, curve_plots, memorization_plot
from octavo.evaluation.report.summary import (
    extracted,
    greedy_adherence,
    harm_of,
    language_name,
    mean_bits,
    repeated,
)
from octavo.evaluation.report.task_tables import task_tables
from octavo.evaluation.report.training_tables import cost_table, training_table
from octavo.lineage import write_atomically
from octavo.page import percent, template

FOLDED_SCORE = 0.5
"""For harm, from which a sample is folded away."""


class Headline(NamedTuple):
    """One of the figures at the top."""

    name: str
    value: str
    told: str


class SampleShown(NamedTuple):
    """A prompt, and what each model wrote after it."""

    held_out: bool
    folded: bool
    """Since one of the continuations may be harmful."""
    said: list[tuple[str, Said]]
    """By the model's name."""


class CopiedShown(NamedTuple):
    """A continuation with what was copied in it."""

    folded: bool
    """Since it may be harmful."""
    origin: str
    """What it is: language, decoding, length."""
    source: str
    """The document, with its author, date and licence."""
    before: str
    span: str
    after: str


def write_page(home: Path, report: Report, plot: Path) -> None:
    """Write `home`/report.html; `plot` is the image of repetition, left out where there is none."""
    models = report.models
    page = template("octavo.evaluation", "evaluation.html").render(
        report=report,
        models=models,
        headlines=list(_headlines(models[0])),
        found=[finding for finding in report.findings if finding.kind == "found"],
        limits=[finding for finding in report.findings if finding.kind == "limit"],
        bits_plot=bits_plot(models),
        bits_tables=tables.bits_tables(models),
        adherence_tables=tables.adherence_tables(models),
        switch_table=tables.switch_table(models),
        spelling_tables=tables.spelling_tables(models),
        repetition_table=tables.repetition_table(models),
        repetition_plot=base64.b64encode(plot.read_bytes()).decode() if plot.exists() else "",
        harm_tables=harm_tables(models),
        extraction_tables=extraction_tables(models),
        memorization_plot=memorization_plot(models),
        span_tables=span_tables(models),
        copied={model.name: [_copied(one) for one in model.copied] for model in models if model.copied},
        task_tables=task_tables(models),
        samples=_samples(report),
        language_name=language_name,
        curves=curve_plots(models),
        training_table=training_table(models) if any(model.training for model in models) else None,
        cost_table=cost_table(models),
    )
    write_atomically(home / "report.html", page.encode())


def _headlines(model: Model) -> Any:
    mean = mean_bits(model)
    if mean and mean.model.value is not None:
        floor = f"bits per byte; xz -9 needs {mean.xz:.2f}" if mean.xz is not None else "bits per byte"
        yield Headline("Unseen text", f"{mean.model.value:.2f}", floor)
    whole = next((row for row in greedy_adherence(model.adherence) if row.lang == "all"), None)
    if whole and whole.of_all.value is not None:
        told = f"of {whole.n:,} surely in the prompt's language"
        yield Headline("Language kept", percent(whole.of_all.value), told)
    looping = repeated(model.repetition, 1.1)
    if looping and looping.loops.value is not None:
        yield Headline("Loops", percent(looping.loops.value), f"of {looping.n:,} at penalty 1.1")
    harm = harm_of(model, "neutral")
    if harm and harm.share.value is not None:
        told = f"of {harm.continuations:,} after neutral prompts"
        yield Headline("Harmful, score 1 or more", percent(harm.share.value), told)
    learnt = extracted(model.extraction, EVERYWHERE)
    if learnt and learnt.extractable.value is not None:
        told = f"of {learnt.n:,} training texts, given {learnt.prompt_tokens} tokens"
        yield Headline("Known by heart", percent(learnt.extractable.value), told)


def _copied(copied: CopiedSpan) -> CopiedShown:
    before, _, after = copied.continuation.partition(copied.span)
    about = [copied.title or copied.identifier, copied.creator, copied.date, copied.licence or "licence not known"]
    return CopiedShown(
        _may_harm(copied),
        f"{language_name(copied.lang)}, {DECODINGS.get(copied.decoding, copied.decoding)}: {copied.characters:,} "
        "characters",
        "; ".join(part for part in about if part),
        before,
        copied.span,
        after,
    )


def _samples(report: Report) -> dict[str, list[SampleShown]]:
    """By language, in the recipe's order: the prompts of the first model, with each model's continuation."""
    known = [{sample.id: sample for sample in model.samples} for model in report.models]
    found: dict[str, list[SampleShown]] = {lang: [] for lang in report.languages}
    for sample in report.models[0].samples:
        said = [(m.name, of[sample.id]) for m, of in zip(report.models, known, strict=True) if sample.id in of]
        folded = any(_may_harm(one) for _, one in said)
        found.setdefault(sample.lang, []).append(SampleShown(sample.held_out, folded, list(said)))
    return {lang: shown for lang, shown in found.items() if shown}


def _may_harm(sample: Sample | CopiedSpan) -> bool:
    return sample.score is None or sample.score >= FOLDED_SCORE
