"""The model card of a model that was tuned for a task: every figure in it is read from the run's own files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from octavo import __version__
from octavo.evaluation.report.figure_names import group_name
from octavo.evaluation.task_prompts import LABELS
from octavo.modeling.llama import LlamaConfig
from octavo.recipe.schema import LANGUAGE_NAMES, Recipe
from octavo.release.card_metadata import card_metadata
from octavo.release.card_parts import as_it_is, card_template, energy_rows
from octavo.release.metric_facts import of_tune
from octavo.release.quantised_figures import Quantised
from octavo.release.statements import intended_use, out_of_scope
from octavo.tokenization.entries import OCR_ENTRIES, SOURCE_ENTRIES, TRANSLATION_ENTRIES
from octavo.tuning.report.figures import Sample, ScoreRow
from octavo.tuning.report.metrics import MAIN, TASKS, in_short, metric_of, metrics_of, systems_of
from octavo.tuning.report.samples import LABELS as SAMPLE_LABELS
from octavo.tuning.report.samples import best_and_worst, empty_in_words
from octavo.tuning.report.verdicts import findings, summary
from octavo.tuning.scores import MODEL

SAMPLES = 2
"""Of the best, and of the worst."""
CHARACTERS = 600
"""Shown of a text."""
_TAGS = {"ocr": "ocr-correction", "translation": "translation", "rag": "retrieval-augmented-generation"}


class FigureRow(NamedTuple):
    """A line of a table of figures."""

    name: str
    meaning: str
    cells: list[str]


def tuned_card(
    recipe: Recipe,
    base: str,
    config: LlamaConfig,
    figures: dict[str, Any],
    rows: Sequence[ScoreRow],
    samples: Sequence[Sample],
    quantised: Quantised | None = None,
) -> str:
    """The release's README.md, with Hugging Face's metadata at its head.

    `figures` are those of the stages; `rows` and `samples`, from the best to the worst, are those of the report in
    evaluation/; `quantised` is what was measured of the GGUF files.
    """
    assert recipe.tuning is not None
    task = recipe.tuning.task
    groups = figures["pairs"]["pairs"]["training"]["groups"]
    languages = sorted({lang for group in groups for lang in group.split("-")})
    best, worst, _ = best_and_worst(samples, SAMPLES)
    systems = systems_of(rows)
    found = findings(task, rows)
    pipeline = "translation" if task == "translation" else "text-generation"
    metrics, tags = list(of_tune(rows, task)), ["fine-tuned", _TAGS[task]]
    return card_template("tuned_card.md").render(
        metadata=card_metadata(recipe, base, figures, metrics, languages, tags, pipeline),
        recipe=recipe,
        config=config,
        task=task,
        task_name=TASKS[task],
        base=base,
        languages=[LANGUAGE_NAMES.get(lang, lang) for lang in languages],
        own_names={lang: LABELS[lang].language for lang in languages if lang in LABELS},
        ocr=OCR_ENTRIES,
        translation=TRANSLATION_ENTRIES,
        sources=SOURCE_ENTRIES,
        pairs=figures["pairs"],
        parts={"training": "learnt from", "held_out": "held out", "test": "for testing"},
        example=next((group for group in groups if group.startswith("la-")), next(iter(groups), "")).split("-"),
        groups={group: group_name(group) for group in groups},
        training=figures["training"],
        documents=next(row.works for row in rows if (row.system, row.by, row.metric) == (MODEL, "all", MAIN[task])),
        verdict=summary(task, rows),
        intended_use=intended_use(recipe.provider, task),
        out_of_scope=out_of_scope(recipe.provider, task),
        found=[finding.text for finding in found if finding.kind == "found"],
        quantised=quantised,
        limits=[finding.text for finding in found if finding.kind == "limit"],
        systems=systems,
        figure_rows=list(_by_metric(rows, systems)),
        main=MAIN[task],
        group_rows=list(_by_language(rows, systems, MAIN[task])),
        samples={
            "Where it did best": [_texts(task, one) for one in best],
            "Where it did worst": [_texts(task, one) for one in worst],
        },
        energy=energy_rows(figures, recipe.provider.country),
        country=recipe.provider.country,
        version=__version__,
    )


def _by_metric(rows: Sequence[ScoreRow], systems: Sequence[str]) -> Iterator[FigureRow]:
    """All metrics over all test pairs."""
    every = {(row.metric, row.system): row for row in rows if row.by == "all"}
    for name in metrics_of(rows):
        known = metric_of(name)
        better = {True: "lower is better", False: "higher is better", None: ""}[known.lower_is_better]
        meaning = " ".join(part for part in (known.meaning, f"({better})" if better else "") if part)
        yield FigureRow(name, meaning, [in_short(every.get((name, system))) for system in systems])


def _by_language(rows: Sequence[ScoreRow], systems: Sequence[str], metric: str) -> Iterator[FigureRow]:
    found = {(row.group, row.system): row for row in rows if (row.by, row.metric) == ("lang", metric)}
    for group in dict.fromkeys(group for group, _ in found):
        yield FigureRow(group_name(group), "", [in_short(found.get((group, system))) for system in systems])


def _texts(task: str, sample: Sample) -> list[tuple[str, str]]:
    """The texts of a sample with their labels, in order."""
    labels = SAMPLE_LABELS[task]
    names = sorted(sample.texts, key=lambda name: list(labels).index(name) if name in labels else -1)
    return [
        (labels.get(name, name), as_it_is(_cut(sample.texts[name])) or f"*{empty_in_words(task, name)}*")
        for name in names
    ]


def _cut(text: str) -> str:
    text = text.strip()
    return text if len(text) <= CHARACTERS else text[:CHARACTERS].rstrip() + " …"
