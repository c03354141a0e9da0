"""What of the recipe each stage obeys, and which files it reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from octavo.recipe.schema import Recipe


def without(section: dict[str, Any], *fields: str) -> dict[str, Any]:
    """A section without some of its fields."""
    return {name: value for name, value in section.items() if name not in fields}


_PACE = (
    "endpoint",
    "key_variable",
    "concurrency",
    "requests_per_minute",
    "tokens_per_minute",
    "timeout",
    "tries",
    "first_wait",
    "budget_tokens",
    "budget_cost",
    "price_in",
    "price_out",
)
"""Of the recipe's rewriting: what does not change the answers, so that a spent budget can be raised and a key or an
address put right without doing the stage again."""


_DESCRIPTION = ("origin", "title", "url", "collected")
"""Of a source: what only the papers tell."""


def corpus_section(section: dict[str, Any]) -> dict[str, Any]:
    """What the import obeys: the sources, not what is said of them."""
    return {"sources": [without(source, *_DESCRIPTION) for source in section["sources"]]}


def curation_section(section: dict[str, Any]) -> dict[str, Any]:
    """What curation obeys: not who does the work, nor at what pace and price, as the results are the same, and of
    the opt-outs those lists that have entries, as earlier versions knew none."""
    toxicity = section["toxicity"]
    if toxicity["rewriting"]:
        toxicity = toxicity | {"rewriting": without(toxicity["rewriting"], *_PACE)}
    opt_outs = {field: entries for field, entries in section["opt_outs"].items() if entries}
    obeyed = without(section, "engine", "ray", "opt_outs") | {"toxicity": toxicity}
    return obeyed | ({"opt_outs": opt_outs} if opt_outs else {})


def stated_section(recipe: dict[str, Any]) -> dict[str, Any]:
    """What curation obeys of the sources, which the documents do not hold: a licence that is stated for them, and
    where sources are opted out, their paths."""
    fields = ("license", "path") if recipe["curation"]["opt_outs"]["sources"] else ("license",)
    stated = [{field: source[field] for field in fields} for source in recipe["corpus"]["sources"]]
    return {"sources": stated} if any(any(source.values()) for source in stated) else {}


def training_section(section: dict[str, Any]) -> dict[str, Any]:
    """What training obeys: how often it is measured only where that decides when it ends."""
    measuring = () if section["patience"] else ("evaluate_every_steps",)
    return without(section, "checkpoint", "log_every", "parallel", "guards", *measuring)


def measuring_section(recipe: dict[str, Any]) -> dict[str, Any]:
    """What training obeys of the evaluation where its measurements decide when it ends, or its learning rate; those
    of a tune that is taught by pairs are of pairs."""
    tuning = recipe["tuning"] or {"task": "continued", "sweep": None}
    decides = tuning["task"] == "continued" and (recipe["training"]["patience"] or tuning["sweep"])
    return {"evaluation": {"max_bytes": recipe["evaluation"]["max_bytes"]}} if decides else {}


def last_checkpoint(recipe: Recipe, run: Path) -> list[Path]:
    """The checkpoint whose weights are taken."""
    from octavo.training.checkpoint_files import path_of
    from octavo.training.stopping import chosen_step

    return [path_of(run / "checkpoints", chosen_step(recipe, run))]


def curated(recipe: Recipe, run: Path, *names: str) -> list[Path]:
    """What later stages read of curation, where the recipe has documents."""
    return [run / "corpus" / name for name in names if recipe.corpus.sources]


def second_opinion(recipe: Recipe) -> list[Path]:
    """The files of a second classifier that lies in a folder; one of the hub is known by its revision."""
    asked = recipe.curation.toxicity.second_opinion
    if asked is None or not recipe.curation.toxicity.enabled:
        return []
    from octavo.curation.second_opinion.files import files_in

    return files_in(Path(asked.model).expanduser())


def pair_files(recipe: Recipe) -> list[Path]:
    """The files of pairs and documents that a tune for a task is taught by, and the tokenizer of its base."""
    from octavo.tuning.documents import document_files

    assert recipe.tuning is not None
    assert recipe.tokenizer.path is not None
    given = [Path(name) for name in recipe.tuning.pairs]
    if recipe.tuning.task == "translation":
        from octavo.tuning.translation.parallel_documents import named_files

        given += named_files(path for path in map(Path, recipe.tuning.documents) if path.is_file())
    return [*given, *document_files(recipe.tuning.documents), Path(recipe.tokenizer.path)]


def training_inputs(recipe: Recipe, run: Path) -> list[Path]:
    """The tokenizer, what is trained on, the weights of a base, and texts that decide when it ends."""
    base: list[Path] = []
    if recipe.tuning:
        from octavo.evaluation.model_files import weight_files

        base = weight_files(Path(recipe.tuning.base))
    read = [run / "pairs"] if recipe.is_taught else [run / "tokens", *given_tokens(recipe)]
    measured = curated(recipe, run, "kept") if measuring_section(recipe.model_dump(mode="json")) else []
    return [run / "tokenizer" / "tokenizer.json", *read, *base, *measured]


def evaluation_inputs(recipe: Recipe, run: Path) -> list[Path]:
    """The model, the texts that it is measured on, and what it is compared with."""
    tokenizer = run / "tokenizer" / "tokenizer.json"
    if recipe.is_taught:
        return [*last_checkpoint(recipe, run), tokenizer, run / "pairs"]
    return [
        *last_checkpoint(recipe, run),
        tokenizer,
        run / "tokens",
        *given_tokens(recipe),
        *curated(recipe, run, "kept", "report.json"),
        *harm_files(recipe),
        *task_files(recipe),
        *compared_files(recipe),
    ]


def evaluation_section(recipe: dict[str, Any]) -> dict[str, Any]:
    """What evaluation obeys."""
    if recipe["tuning"] and recipe["tuning"]["task"] != "continued":
        return {"tuning": recipe["tuning"], "seed": recipe["seed"], "name": recipe["name"]}
    return {
        "evaluation": recipe["evaluation"],
        "corpus": {"languages": recipe["corpus"]["languages"]},
        "curation": {"toxicity": {"classifier": recipe["curation"]["toxicity"]["classifier"]}},
        "seed": recipe["seed"],
        "name": recipe["name"],
    }


def given_tokens(recipe: Recipe) -> list[Path]:
    """The token files that the recipe names."""
    from octavo.tokenization.given import token_files

    return token_files(recipe.token_folders)


def traced_files(recipe: Recipe, run: Path) -> list[Path]:
    """What the trace index is made of: token files, and what is known of their documents."""
    from octavo.tokenization.index import documents_of_run

    given = given_tokens(recipe)
    beside = [documents_of_run(path) for path in given if path.suffix == ".ds"]
    return [
        run / "tokenizer" / "tokenizer.json",
        *([run / "tokens", *curated(recipe, run, "kept")] if recipe.trains_on_own_documents else []),
        *given,
        *(path for path in beside if path.is_file()),
    ]


def harm_files(recipe: Recipe) -> list[Path]:
    """What the measurement of harm reads from outside the run."""
    if recipe.curation.toxicity.classifier is None and not recipe.evaluation.compare:
        return []
    from octavo.evaluation.toxicity import outside_files

    return outside_files(recipe)


def task_files(recipe: Recipe) -> list[Path]:
    """What the document tasks read from outside the run."""
    if recipe.evaluation.tasks.path is None:
        return []
    from octavo.evaluation.tasks import outside_files

    return outside_files(recipe)


def compared_files(recipe: Recipe) -> list[Path]:
    """What the report reads of other runs."""
    if not recipe.evaluation.compare:
        return []
    from octavo.evaluation.report.writing import compared_files

    return compared_files(recipe)
