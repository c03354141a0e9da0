"""What the stages of the road are: where each lives, what it obeys, what it reads, what it makes, what it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from octavo.corpus.parts import parts_of
from octavo.errors import InputError, OctavoError
from octavo.lineage import STAGE_FILE, FileRecord, StageRecord, read_record, why_changed
from octavo.progress import Progress
from octavo.recipe.schema import Recipe
from octavo.stage_inputs import (
    corpus_section,
    curated,
    curation_section,
    evaluation_inputs,
    evaluation_section,
    given_tokens,
    last_checkpoint,
    measuring_section,
    pair_files,
    second_opinion,
    stated_section,
    traced_files,
    training_inputs,
    training_section,
    without,
)


@dataclass(frozen=True)
class Stage:
    """One stage: where it lives, what it obeys, what it reads and what it makes."""

    name: str
    home: str
    sections: Callable[[dict[str, Any]], dict[str, Any]]
    """The part of the recipe, as plain data, that the stage obeys."""
    inputs: Callable[[Recipe, Path], list[Path]]
    outputs: tuple[str, ...]
    work: Callable[[Recipe, Path, Progress], dict[str, Any]]
    seal: Callable[[Path], None] | None = None
    """Called with the home of a stage that is done, its record written, for what covers the record too."""


def _corpus(recipe: Recipe, run: Path, progress: Progress) -> dict[str, Any]:
    from octavo.corpus.importing import import_documents

    return import_documents(recipe.corpus, run / "documents", progress)


def _corpus_inputs(recipe: Recipe, run: Path) -> list[Path]:
    from octavo.corpus.importing import source_files

    return source_files(recipe.corpus)


def _curation(recipe: Recipe, run: Path, progress: Progress) -> dict[str, Any]:
    from octavo.curation.pipeline import curate

    return curate(recipe, run / "documents", run / "corpus", progress)


def _tokenization(recipe: Recipe, run: Path, progress: Progress) -> dict[str, Any]:
    from octavo.tokenization.encode import tokenize

    return tokenize(recipe, run / "corpus", run / "tokenizer", run / "tokens", progress)


def _training(recipe: Recipe, run: Path, progress: Progress) -> dict[str, Any]:
    from octavo.tokenization.encode import load_tokenizer
    from octavo.training.parallel import call

    check_processes(recipe, load_tokenizer(run / "tokenizer" / "tokenizer.json").get_vocab_size())
    return train_model(recipe, run, progress, call())


def train_model(recipe: Recipe, run: Path, progress: Progress, processes: Any) -> dict[str, Any]:
    """The part of the training that each process does, after which they part."""
    with processes.in_touch():
        return _train_model(recipe, run, progress, processes)


def _train_model(recipe: Recipe, run: Path, progress: Progress, processes: Any) -> dict[str, Any]:
    from octavo.tokenization.encode import load_tokenizer
    from octavo.tokenization.entries import begin_and_end
    from octavo.training.data import Data, open_data
    from octavo.training.loop import train
    from octavo.training.memory import llama_config

    tokenizer = load_tokenizer(run / "tokenizer" / "tokenizer.json")
    edges = begin_and_end(tokenizer, "tokenizer.json")
    config = llama_config(recipe, tokenizer.get_vocab_size())
    tuning, initial = recipe.tuning, None
    supply: Callable[[Recipe], Data[Any]]
    copying: Callable[[Recipe], int] | None = None
    if tuning and tuning.supervised:
        from octavo.tuning.teaching import copying_steps, held_out_answers, open_examples

        supply, copying = partial(open_examples, run=run), partial(copying_steps, run=run)
        held_out = held_out_answers(recipe, run, edges.begin)
    else:
        supply = partial(open_data, tokens=run / "tokens")
        held_out = _held_out(recipe, run, tokenizer, edges.begin)
    if tuning:
        from octavo.tuning.teaching import first_weights

        initial = first_weights(recipe, config)

    def trained(recipe: Recipe, home: Path) -> dict[str, Any]:
        first = copying(recipe) if copying else 0
        return train(recipe, config, edges, supply(recipe), home, progress, processes, held_out, initial, first)

    if tuning and tuning.sweep:
        if held_out is None:
            raise InputError("tuning.sweep: found nothing held out, expected some by which to choose")
        from octavo.tuning.sweep import with_best_rate

        recipe, tried = with_best_rate(recipe, run / "checkpoints" / "sweep", trained, processes.leads)
        rate = recipe.training.optimizer.learning_rate
        return trained(recipe, run) | {"sweep": tried, "learning_rate": rate}
    return trained(recipe, run)


def _held_out(recipe: Recipe, run: Path, tokenizer: Any, begin: int) -> Callable[[Any], dict[str, float]] | None:
    """Measures a model in training: bits per byte of the held-out texts, by language; None where nothing is to be
    measured, or there are none."""
    if not recipe.training.evaluate_every_steps and not (recipe.tuning and recipe.tuning.sweep):
        return None
    from octavo.evaluation.held_out_text import read_kept
    from octavo.evaluation.scoring import Row, total_bits, windows

    texts = read_kept(run / "corpus" / "kept", recipe.evaluation.max_bytes)
    if not texts:
        return None
    rows: dict[str, list[Row]] = {}
    sizes: dict[str, int] = {}
    context = recipe.model.max_position_embeddings
    for text in texts:
        tokens = [begin, *tokenizer.encode(text.text, add_special_tokens=False).ids]
        rows.setdefault(text.lang, []).extend(windows(tokens, context))
        sizes[text.lang] = sizes.get(text.lang, 0) + len(text.text.encode())
    bfloat16 = recipe.training.precision == "bfloat16"

    def measure(model: Any) -> dict[str, float]:
        return {lang: round(total_bits(model, mine, bfloat16) / sizes[lang], 4) for lang, mine in rows.items()}

    return measure


def check_processes(recipe: Recipe, vocab_size: int) -> None:
    """Raise InputError where the training does not fit into memory, or not onto the processes."""
    from octavo.training.memory import check_fits, llama_config
    from octavo.training.parallel import choose_layout, local_size, rank_and_size, sequences_each, training_device

    _, size = rank_and_size()
    sequences_each(recipe, size)
    if size == 1:
        check_fits(recipe, vocab_size, training_device())
    else:
        choose_layout(recipe, llama_config(recipe, vocab_size), size, local_size(), training_device())


def _pairs(recipe: Recipe, run: Path, progress: Progress) -> dict[str, Any]:
    from octavo.tuning.preparing import prepare

    return prepare(recipe, run, progress)


def _evaluation(recipe: Recipe, run: Path, progress: Progress) -> dict[str, Any]:
    if recipe.is_taught:
        from octavo.tuning.measuring import measure_tune

        return measure_tune(recipe, run, trained_model(recipe, run), run / "evaluation", progress)
    from octavo.evaluation.evaluate import evaluate
    from octavo.training.parallel import training_device

    model = trained_model(recipe, run).to(training_device())
    return evaluate(recipe, run, model, run / "evaluation", progress)


def _release(recipe: Recipe, run: Path, progress: Progress) -> dict[str, Any]:
    from octavo.release.bundle import release

    homes = {stage.name: run / stage.home for stage in stages_to(recipe, "evaluation")}
    return release(recipe, run, trained_model(recipe, run), homes, run / "release", progress)


def _trace(recipe: Recipe, run: Path, progress: Progress) -> dict[str, Any]:
    from octavo.tracing.index.building import build_index

    return build_index(recipe, run, run / "trace", progress)


def _seal_release(home: Path) -> None:
    """Write SHA256SUMS where it is missing; of a release that is done it holds what it holds."""
    from octavo.release.checksums import SUMS, write_checksums

    if not (home / SUMS).exists():
        write_checksums(home)


def trained_model(recipe: Recipe, run: Path) -> Any:
    """The model of a run's last checkpoint."""
    from octavo.tokenization.encode import load_tokenizer
    from octavo.training.checkpoint import load_model
    from octavo.training.memory import llama_config
    from octavo.training.stopping import chosen_step

    tokenizer = load_tokenizer(run / "tokenizer" / "tokenizer.json")
    config = llama_config(recipe, tokenizer.get_vocab_size())
    return load_model(run / "checkpoints", chosen_step(recipe, run), config)


STAGES = (
    Stage(
        "corpus",
        "documents",
        lambda r: {"corpus": corpus_section(r["corpus"])},
        _corpus_inputs,
        ("documents",),
        _corpus,
    ),
    Stage(
        "curation",
        "corpus",
        lambda r: {
            "corpus": {"languages": r["corpus"]["languages"], **stated_section(r)},
            "curation": curation_section(r["curation"]),
            "seed": r["seed"],
        },
        lambda recipe, run: [
            *parts_of(run / "documents"),
            *(Path(name) for name in recipe.curation.decontamination.sets),
            *([Path(recipe.curation.toxicity.classifier)] if recipe.curation.toxicity.classifier else []),
            *second_opinion(recipe),
        ],
        ("corpus",),
        _curation,
    ),
    Stage(
        "tokenization",
        "tokens",
        lambda r: {"tokenizer": r["tokenizer"]},
        lambda recipe, run: [
            *([Path(recipe.tokenizer.path)] if recipe.tokenizer.path else []),
            *curated(recipe, run, "kept", "report.json"),
            *given_tokens(recipe),
        ],
        ("tokenizer", "tokens"),
        _tokenization,
    ),
    Stage(
        "pairs",
        "pairs",
        lambda r: {
            "tuning": without(r["tuning"], "sweep"),
            "corpus": {"languages": r["corpus"]["languages"]},
            "curation": {"decontamination": {"ngram": r["curation"]["decontamination"]["ngram"]}},
            "training": {name: r["training"][name] for name in ("tokens", "sequence_length")},
            "seed": r["seed"],
        },
        lambda recipe, run: pair_files(recipe),
        ("pairs", "tokenizer"),
        _pairs,
    ),
    Stage(
        "training",
        "checkpoints",
        # How often it is saved, logged and measured and how it is spread and guarded is not what is learnt.
        lambda r: {
            "model": r["model"],
            "training": training_section(r["training"]),
            "seed": r["seed"],
            **({"tuning": r["tuning"]} if r["tuning"] else {}),
            **measuring_section(r),
        },
        training_inputs,
        ("checkpoints", "metrics.jsonl", "tensorboard"),
        _training,
    ),
    Stage("evaluation", "evaluation", evaluation_section, evaluation_inputs, ("evaluation",), _evaluation),
    Stage(
        "release",
        "release",
        lambda r: {"release": r["release"], "name": r["name"], "provider": r["provider"]},
        lambda recipe, run: [
            *last_checkpoint(recipe, run),
            run / "tokenizer" / "tokenizer.json",
            run / "evaluation",
            *curated(recipe, run, "kept", "ledger.parquet", "report.json"),
            run / "recipe.yaml",
            # The papers tell what each stage took, which its outputs do not show.
            *(run / stage.home / STAGE_FILE for stage in stages_to(recipe, "evaluation")),
        ],
        ("release",),
        _release,
        _seal_release,
    ),
    Stage(
        "trace",
        "trace",
        lambda r: {"trace": without(r["trace"], "enabled")},
        traced_files,
        ("trace",),
        _trace,
    ),
)
STAGE_NAMES = tuple(stage.name for stage in STAGES)


def stages_of(recipe: Recipe) -> tuple[Stage, ...]:
    """The stages that a recipe has: pairs in place of a corpus, where it is taught by pairs; and of token files
    alone none are curated."""
    if recipe.is_taught:
        left_out = ["corpus", "curation", "tokenization", "trace"]
    else:
        left_out = ["pairs"] if recipe.corpus.sources else ["corpus", "curation", "pairs"]
        left_out += [] if recipe.trace.enabled else ["trace"]
    return tuple(stage for stage in STAGES if stage.name not in left_out)


def stages_to(recipe: Recipe, until: str) -> tuple[Stage, ...]:
    """The stages that a recipe has, up to one of them, whether it has that or not."""
    last = STAGE_NAMES.index(until)
    return tuple(stage for stage in stages_of(recipe) if STAGE_NAMES.index(stage.name) <= last)


def why_outdated(stage: Stage, recipe: Recipe, record: StageRecord, inputs: dict[str, FileRecord]) -> str | None:
    """Say in one line why the record of a stage no longer holds by the recipe and the inputs, or None."""
    given = recipe.model_dump(mode="json", exclude_defaults=True)
    return why_changed(record, stage.sections(recipe.model_dump(mode="json")), given, inputs)


def figures_of(run: Path, stage: Stage) -> dict[str, Any]:
    """What a done stage counted and measured, its time and its energy; OctavoError where it is not done."""
    record = read_record(run / stage.home)
    if record is None or not record.done:
        raise OctavoError(f"{run}: stage {stage.name} is not done")
    return record.figures | {"wall_seconds": record.wall_seconds, "energy": record.energy}
