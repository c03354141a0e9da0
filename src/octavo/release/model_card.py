"""The model card: every figure in it is read from the run's own files."""

from __future__ import annotations

from typing import Any

from octavo import __version__
from octavo.evaluation.report import written_table as written
from octavo.evaluation.report.figures import Report
from octavo.evaluation.report.toxicity_table import harm_rows
from octavo.modeling.llama import LlamaConfig
from octavo.recipe.schema import LANGUAGE_NAMES, Recipe
from octavo.recipe.training import OWN_TOKENS
from octavo.release.card_metadata import card_metadata
from octavo.release.card_parts import card_template, energy_rows
from octavo.release.metric_facts import of_base
from octavo.release.quantised_figures import Quantised
from octavo.release.statements import intended_use, out_of_scope
from octavo.release.unflattering import unflattering


def model_card(
    recipe: Recipe,
    base: str | None,
    config: LlamaConfig,
    figures: dict[str, Any],
    samples: dict[str, dict[str, str]],
    report: Report | None,
    quantised: Quantised | None = None,
) -> str:
    """The release's README.md, with Hugging Face's metadata at its head; `report` is the one in evaluation/, and
    `quantised` what was measured of the GGUF files."""
    country = recipe.provider.country
    given = figures["tokenization"].get("folders", {})
    # Documents beside given token files may be there to be held out alone.
    trained_on = not given or OWN_TOKENS in figures["training"]["folders"]
    curation = figures["curation"] if trained_on else None
    metrics = list(of_base(report.models[0])) if report else []
    languages = list(curation["languages"]) if curation else None
    return card_template("model_card.md").render(
        metadata=card_metadata(recipe, base, figures, metrics, languages, ["base-model", "open-data"]),
        recipe=recipe,
        base=base,
        config=config,
        corpus=figures.get("corpus"),
        curation=curation,
        given=given,
        tokenization=figures["tokenization"],
        training=figures["training"],
        evaluation=figures["evaluation"],
        adherence=written.adherence_rows(figures["evaluation"]),
        repetition=written.repetition_rows(figures["evaluation"]),
        spelling=written.spelling_rows(figures["evaluation"]),
        extraction=written.extraction_rows(figures["evaluation"]),
        spans=written.span_rows(figures["evaluation"]),
        tasks=written.task_rows(figures["evaluation"]),
        harm=harm_rows(figures["evaluation"]["harm"]),
        report=report,
        quantised=quantised,
        samples=samples,
        unflattering=unflattering(report) if report else [],
        intended_use=intended_use(recipe.provider, None),
        out_of_scope=out_of_scope(recipe.provider, None),
        energy=energy_rows(figures, country),
        country=country,
        names=LANGUAGE_NAMES,
        version=__version__,
    )
