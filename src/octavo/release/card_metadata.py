"""The metadata at the head of a model card, as Hugging Face's hub reads it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from octavo.energy import co2eq_grams
from octavo.evaluation.report.figure_names import ALL, group_name, prompts_name
from octavo.recipe.schema import Recipe
from octavo.release.hub_licences import hub_license
from octavo.release.manifest import Metric
from octavo.release.statements import titled

_HUB = re.compile(r"hf://datasets/([^/@]+/[^/@]+)")
_BY_LANGUAGE = ("bits per byte", f"language kept, {prompts_name('sentence')}")
"""Of a base model: the figures that are told of each language; the others are told of all together."""
_FLOOR = "bits per byte of "


def card_metadata(
    recipe: Recipe,
    base: str | None,
    figures: dict[str, Any],
    metrics: Sequence[Metric],
    languages: Sequence[str] | None,
    tags: Sequence[str],
    pipeline_tag: str = "text-generation",
) -> str:
    """The YAML: licence, languages, base, data sets that are on the hub, results and CO2eq, where they are known.

    `figures` are those of the stages by name, `metrics` those of the evaluation.
    """
    of_base: dict[str, Any] = {"base_model": base, "base_model_relation": "finetune"} if base else {}
    results = _results(recipe, metrics)
    return ModelCardData(
        language=list(languages) if languages else None,
        library_name="transformers",
        pipeline_tag=pipeline_tag,
        tags=["octavo", "llama", *tags],
        datasets=_datasets(recipe) or None,
        model_name=recipe.name if results else None,
        eval_results=results or None,
        **hub_license(recipe.release.license),
        **of_base,
        **_emissions(recipe, figures),
    ).to_yaml().strip()  # fmt: skip


def _datasets(recipe: Recipe) -> list[str]:
    """Sources that are data sets of the hub."""
    found = (_HUB.match(source.path) for source in recipe.corpus.sources)
    return list(dict.fromkeys(match[1] for match in found if match))


def _results(recipe: Recipe, metrics: Iterable[Metric]) -> list[EvalResult]:
    supervised = recipe.is_taught
    told = [metric for metric in metrics if not metric.name.startswith(_FLOOR)]
    return [
        _result(recipe, metric, "test pairs" if supervised else "held-out works and prompts")
        for metric in told
        if supervised or metric.group == ALL or metric.name in _BY_LANGUAGE
    ]


def _result(recipe: Recipe, metric: Metric, where: str) -> EvalResult:
    bounds = {"low": metric.low, "high": metric.high} if None not in (metric.low, metric.high) else None
    of = "all" if metric.group == ALL else group_name(metric.group)
    return EvalResult(
        task_type="text-generation",
        dataset_type=f"{recipe.name}-evaluation",
        dataset_name=f"{where}, {of}",
        dataset_config=metric.group,
        dataset_split="test",
        metric_type=re.sub(r"[^a-z0-9]+", "_", metric.name.lower()).strip("_"),
        metric_name=titled(metric),
        metric_value=round(metric.value, 6),
        metric_args={"confidence": 0.95, **bounds} if bounds else None,
    )


def _emissions(recipe: Recipe, figures: dict[str, Any]) -> dict[str, Any]:
    """Grams of CO2eq of the training, where its energy and its country are known."""
    country, training = recipe.provider.country, figures["training"]
    if country is None or not training["energy"].get("parts"):
        return {}
    return {
        "co2_eq_emissions": {
            "emissions": round(co2eq_grams(training["energy"]["joules"], country), 6),
            "source": "codecarbon",
            "training_type": "fine-tuning" if recipe.tuning else "pre-training",
            "geographical_location": country,
            "hardware_used": training["device"],
        }
    }
