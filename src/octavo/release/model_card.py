"""The model card: every figure in it is read from the run's own files."""

from __future__ import annotations

from typing import Any

import jinja2
from huggingface_hub import ModelCardData

from octavo import __version__
from octavo.energy import add_up, co2eq_grams, in_watt_hours
from octavo.evaluation import written_table as written
from octavo.evaluation.toxicity_table import harm_rows
from octavo.modeling.llama import LlamaConfig
from octavo.recipe import LANGUAGE_NAMES, OWN_TOKENS, Recipe


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
    metadata = ModelCardData(
        language=list(curation["languages"]) if curation else None,
        license=recipe.release.license.lower(),
        library_name="transformers",
        pipeline_tag="text-generation",
        tags=["octavo", "llama", "base-model", "open-data"],
    )
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("octavo.release"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # Markdown, not HTML
        keep_trailing_newline=True,
    )
    environment.filters["quoted"] = _quoted
    environment.filters["language_name"] = lambda lang: LANGUAGE_NAMES.get(lang, lang)
    return environment.get_template("model_card.md").render(
        metadata=metadata.to_yaml().strip(),
        recipe=recipe,
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
        energy=_energy(figures, country),
        country=country,
        names=LANGUAGE_NAMES,
        version=__version__,
    )


def _energy(figures: dict[str, dict[str, Any]], country: str | None) -> list[dict[str, Any]]:
    """The energy of each stage so far and of all, how it is known and, in a country, grams of CO2eq."""
    taken = {stage: found["energy"] for stage, found in figures.items() if found["energy"].get("parts")}
    rows = taken | {"all of them": add_up(taken.values())} if taken else {}
    return [
        {
            "stage": stage,
            "energy": in_watt_hours(energy["joules"]),
            "method": energy["method"],
            "machines": energy["machines"],
            "co2eq_grams": co2eq_grams(energy["joules"], country) if country else None,
        }
        for stage, energy in rows.items()
    ]


def _quoted(text: str) -> str:
    """A text of several lines as one Markdown quotation."""
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))
