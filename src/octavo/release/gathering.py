"""From a run to the manifest of its release: every fact read or counted from the run's own files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from octavo.corpus.parts import parts_of
from octavo.energy import add_up, co2eq_grams
from octavo.lineage import StageRecord
from octavo.modeling.llama import LlamaConfig
from octavo.recipe.schema import Recipe
from octavo.release import manifest as facts
from octavo.release.checksums import sha256
from octavo.release.corpus_facts import corpus_facts, last_day
from octavo.release.metric_facts import base_metrics, quantised_metrics, tuned_metrics
from octavo.tuning.base_name import base_name

FLOPS_METHOD = "6 N + 12 L H S a token, attention counted whole"


def gather(
    recipe: Recipe,
    run: Path,
    home: Path,
    config: LlamaConfig,
    records: dict[str, StageRecord],
    samples: dict[str, dict[str, str]],
) -> facts.Manifest:
    """The manifest of the release in `home`, whose weights lie there already.

    `records` are the run's stages up to the release, by name; `samples` are continuations by language. What the
    GGUF files lose was measured already.
    """
    figures = figures_of_records(records)
    taught = recipe.is_taught
    corpus = None
    if "curation" in figures and recipe.trains_on_own_documents:  # else they are there to be held out alone
        corpus = corpus_facts(recipe, run, figures, records["corpus"])
    pairs = _pairs(figures["pairs"]) if taught else None
    languages = corpus.languages if corpus else pairs.groups if pairs else {}
    metrics = tuned_metrics(run, recipe.tuning.task) if taught and recipe.tuning else base_metrics(run)
    return facts.Manifest(
        octavo=records["training"].octavo,
        name=recipe.name,
        task=recipe.tuning.task if recipe.tuning else None,
        made_on=last_day(records.values()),
        license=recipe.release.license,
        formats=list(recipe.release.formats),
        languages=sorted({lang for group in languages for lang in group.split("-")}),
        provider=recipe.provider,
        architecture=_architecture(config),
        base=_base(recipe),
        corpus=corpus,
        given_tokens=list(_given_tokens(figures)),
        pairs=pairs,
        tokenization=_tokenization(recipe, figures, corpus is not None),
        training=_training(recipe, figures["training"], figures["training"]["wall_seconds"]),
        energy=_energy(recipe, records),
        metrics=[*metrics, *quantised_metrics(home)],
        samples={lang: facts.Sample(**sample) for lang, sample in samples.items()},
        traced=recipe.trace.enabled and not taught,
        weights=_files(sorted([*home.glob("*.safetensors"), *home.glob("gguf/*.gguf")]), home),
        corpus_files=_files(_corpus_files(run) if corpus else [], home),
    )


def figures_of_records(records: dict[str, StageRecord]) -> dict[str, dict[str, Any]]:
    """What the stages counted and measured, with the time and the energy of each, by name."""
    return {
        name: record.figures | {"wall_seconds": record.wall_seconds, "energy": record.energy}
        for name, record in records.items()
    }


def _architecture(config: LlamaConfig) -> facts.Architecture:
    names = [name for name in facts.Architecture.model_fields if name != "parameters"]
    return facts.Architecture(parameters=config.parameters, **{name: getattr(config, name) for name in names})


def _base(recipe: Recipe) -> facts.Base | None:
    if recipe.tuning is None:
        return None
    return facts.Base(name=base_name(Path(recipe.tuning.base)), summary=recipe.provider.base_summary)


def _given_tokens(figures: dict[str, dict[str, Any]]) -> Iterator[facts.GivenTokens]:
    for folder, found in figures.get("tokenization", {}).get("folders", {}).items():
        yield facts.GivenTokens(folder=folder, tokens=found["tokens"], documents=found["documents"])


def _pairs(found: dict[str, Any]) -> facts.Pairs:
    parts = found["pairs"]
    return facts.Pairs(
        **{part: parts[part]["pairs"] for part in ("training", "held_out", "test")},
        made=found["made"],
        tokens=sum(sequences["tokens"] for sequences in found["sequences"].values()),
        groups=parts["training"]["groups"],
        licences=found["licences"],
    )


def _tokenization(
    recipe: Recipe, figures: dict[str, dict[str, Any]], has_documents: bool
) -> facts.Tokenization | None:
    found = figures.get("tokenization") or figures.get("pairs")
    if found is None:
        return None
    return facts.Tokenization(
        entries=found["vocab_size"],
        trained=recipe.tokenizer.path is None,
        tokens=found["tokens"] if has_documents else None,
        documents=found["documents"] if has_documents else None,
    )


def _training(recipe: Recipe, found: dict[str, Any], seconds: float) -> facts.Training:
    settings = recipe.training
    taught = recipe.is_taught
    what = "each token of the answer, after the prompt" if taught else "the next token"
    penalty = f", with a z-loss of {settings.z_loss:g}" if settings.z_loss else ""
    return facts.Training(
        steps=found["steps"],
        taken=found.get("chosen_step") or found["steps"],
        tokens=found["tokens"],
        passes=found["epochs"],
        sequence_length=recipe.sequence_length,
        sequences_per_step=settings.sequences_per_step,
        optimizer=settings.optimizer.name,
        learning_rate=found.get("learning_rate") or settings.optimizer.learning_rate,
        schedule=settings.schedule.name,
        weight_decay=settings.optimizer.weight_decay,
        precision=settings.precision,
        seed=recipe.seed,
        objective=f"the cross-entropy of {what}{penalty}",
        loss=found["loss"],
        flops=found["flops"],
        flops_method=FLOPS_METHOD,
        seconds=seconds,
        processes=found["processes"],
        device=found["device"],
    )


def _energy(recipe: Recipe, records: dict[str, StageRecord]) -> facts.Energy | None:
    taken = {name: record.energy for name, record in records.items() if record.energy.get("parts")}
    if not taken:
        return None
    whole, country = add_up(taken.values()), recipe.provider.country
    return facts.Energy(
        joules=whole["joules"],
        method=whole["method"],
        stages={
            name: facts.StageEnergy(joules=one["joules"], method=one["method"], machines=one["machines"])
            for name, one in taken.items()
        },
        country=country,
        co2eq_grams=co2eq_grams(whole["joules"], country) if country else None,
    )


def _corpus_files(run: Path) -> list[Path]:
    return [*parts_of(run / "corpus" / "kept"), run / "corpus" / "ledger.parquet"]


def _files(paths: Iterable[Path], home: Path) -> list[facts.File]:
    """Files by their path from `home`, with their SHA-256, several at a time."""
    listed = list(paths)

    def one(path: Path) -> facts.File:
        name = path.relative_to(home.parent).as_posix()
        own = path.relative_to(home).as_posix() if path.is_relative_to(home) else f"../{name}"
        return facts.File(path=own, bytes=path.stat().st_size, sha256=sha256(path))

    with ThreadPoolExecutor() as pool:
        return list(pool.map(one, listed))
