"""The model card: every figure in it is read from the run's own files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from huggingface_hub import ModelCardData

from octavo import __version__
from octavo.evaluation import written_table as written
from octavo.evaluation.toxicity_table import harm_rows
from octavo.modeling.llama import LlamaConfig
from octavo.recipe import LANGUAGE_NAMES, OWN_TOKENS, Recipe
from octavo.release.card_parts import card_template, energy_rows
from octavo.tuning.base_name import base_name


def model_card(
    recipe: Recipe,
    config: LlamaConfig,
    figures: dict[str, Any],
    samples: dict[str, dict[str, str]],
    report: bool,
) -> str:
    """The release's README.md, with Hugging Face's metadata at its head; `report`: whether evaluation/ has one."""
    country = recipe.provider.country
    given = figures["tokenization"].get("folders", {})
    # Documents beside given token files may be there to be held out alone.
    trained_on = not given or OWN_TOKENS in figures["training"]["folders"]
    curation = figures["curation"] if trained_on else None
    base = base_name(Path(recipe.tuning.base)) if recipe.tuning else None
    metadata = ModelCardData(
        base_model=base,
        language=list(curation["languages"]) if curation else None,
        license=recipe.release.license.lower(),
        library_name="transformers",
        pipeline_tag="text-generation",
        tags=["octavo", "llama", "base-model", "open-data"],
    )
    return card_template("model_card.md").render(
        metadata=metadata.to_yaml().strip(),
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
        samples=samples,
        energy=energy_rows(figures, country),
        country=country,
        names=LANGUAGE_NAMES,
        version=__version__,
    )
