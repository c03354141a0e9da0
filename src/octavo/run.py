"""The road: the stages in order, each skipped when done, resumed when interrupted, redone when touched."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from octavo.errors import InputError, OctavoError
from octavo.lineage import (
    FileRecord,
    StageRecord,
    hash_files,
    outputs_damaged,
    read_record,
    why_changed,
    write_atomically,
    write_record,
)
from octavo.progress import Progress, StoppedError
from octavo.recipe import Recipe
from octavo.recipe_file import dump, load


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
    from octavo.training.energy import EnergyMeter
    from octavo.training.parallel import call

    _check_processes(recipe, load_tokenizer(run / "tokenizer" / "tokenizer.json").get_vocab_size())
    meter = EnergyMeter(run / "checkpoints")
    meter.start()
    try:
        figures = _train(recipe, run, progress, call(), meter.joules)
    finally:
        energy = meter.stop()
    return figures | {"energy": energy}


def _train(
    recipe: Recipe, run: Path, progress: Progress, processes: Any, joules: Callable[[], float | None]
) -> dict[str, Any]:
    """The part of the training that each process does."""
    from octavo.tokenization.encode import load_tokenizer
    from octavo.tokenization.entries import begin_and_end
    from octavo.training.loop import train
    from octavo.training.memory import llama_config

    tokenizer = load_tokenizer(run / "tokenizer" / "tokenizer.json")
    begin, _ = begin_and_end(tokenizer, "tokenizer.json")
    config = llama_config(recipe, tokenizer.get_vocab_size())
    held_out = _held_out(recipe, run, tokenizer, begin) if recipe.training.evaluate_every_steps else None
    return train(recipe, config, begin, run / "tokens", run, progress, joules, processes, held_out)


def _held_out(recipe: Recipe, run: Path, tokenizer: Any, begin: int) -> Callable[[Any], dict[str, float]] | None:
    """Measures a model in training: bits per byte of the held-out texts, by language; None where there are none."""
    from octavo.evaluation.bits_per_byte import read_held_out, text_bits

    texts = read_held_out(run / "corpus" / "kept", recipe.evaluation.max_bytes)
    if not texts:
        return None
    encoded = [[e.ids for e in tokenizer.encode_batch_fast(t.texts, add_special_tokens=False)] for t in texts]
    bfloat16 = recipe.training.precision == "bfloat16"

    def measure(model: Any) -> dict[str, float]:
        parts = zip(texts, encoded, strict=True)
        return {text.lang: round(text_bits(model, ids, begin, bfloat16) / text.bytes, 4) for text, ids in parts}

    return measure


def _check_processes(recipe: Recipe, vocab_size: int) -> None:
    """Raise InputError where the training does not fit into memory, or not onto the processes."""
    from octavo.training.memory import check_fits, llama_config
    from octavo.training.parallel import choose_layout, local_size, rank_and_size, sequences_each, training_device

    _, size = rank_and_size()
    sequences_each(recipe, size)
    if size == 1:
        check_fits(recipe, vocab_size, training_device())
    else:
        choose_layout(recipe, llama_config(recipe, vocab_size), size, local_size(), training_device())


def follow_road(recipe: Recipe, run: Path, progress: Progress) -> None:
    """What a process other than the first does on the road: wait for the training, and take part in it."""
    from octavo.training.parallel import follow

    processes = follow()
    if processes:
        _train(recipe, run, progress, processes, lambda: None)


def _evaluation(recipe: Recipe, run: Path, progress: Progress) -> dict[str, Any]:
    from octavo.evaluation.evaluate import evaluate

    return evaluate(recipe, run, trained_model(recipe, run), run / "evaluation", progress)


def _release(recipe: Recipe, run: Path, progress: Progress) -> dict[str, Any]:
    from octavo.release.bundle import release

    figures = {stage.name: _figures(run, stage) for stage in _stages(recipe)[:-1]}
    return release(recipe, run, trained_model(recipe, run), figures, run / "release", progress)


def trained_model(recipe: Recipe, run: Path) -> Any:
    """The model of a run's last checkpoint."""
    from octavo.tokenization.encode import load_tokenizer
    from octavo.training.checkpoint import load_model
    from octavo.training.memory import llama_config

    tokenizer = load_tokenizer(run / "tokenizer" / "tokenizer.json")
    return load_model(run / "checkpoints", recipe.steps, llama_config(recipe, tokenizer.get_vocab_size()))


def _without(section: dict[str, Any], *fields: str) -> dict[str, Any]:
    return {name: value for name, value in section.items() if name not in fields}


def _last_checkpoint(recipe: Recipe, run: Path) -> list[Path]:
    from octavo.training.checkpoint import path_of

    return [path_of(run / "checkpoints", recipe.steps)]


def _curated(recipe: Recipe, run: Path, *names: str) -> list[Path]:
    """What later stages read of curation, where the recipe has documents."""
    return [run / "corpus" / name for name in names if recipe.corpus.sources]


def _given_tokens(recipe: Recipe) -> list[Path]:
    from octavo.tokenization.given import token_files

    return token_files(recipe.token_folders)


STAGES = (
    Stage(
        "corpus",
        "documents",
        lambda r: {"corpus": {"sources": r["corpus"]["sources"]}},
        _corpus_inputs,
        ("documents",),
        _corpus,
    ),
    Stage(
        "curation",
        "corpus",
        lambda r: {
            "corpus": {"languages": r["corpus"]["languages"]},
            "curation": _without(r["curation"], "engine", "ray"),  # the results are the same
            "seed": r["seed"],
        },
        lambda recipe, run: [
            *sorted((run / "documents").glob("*.parquet")),
            *(Path(name) for name in recipe.curation.decontamination.sets),
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
            *_curated(recipe, run, "kept", "report.json"),
            *_given_tokens(recipe),
        ],
        ("tokenizer", "tokens"),
        _tokenization,
    ),
    Stage(
        "training",
        "checkpoints",
        # How often it is saved, logged and measured and how it is spread and guarded is not what is learnt.
        lambda r: {
            "model": r["model"],
            "training": _without(
                r["training"], "checkpoint", "log_every", "evaluate_every_steps", "parallel", "guards"
            ),
            "seed": r["seed"],
        },
        lambda recipe, run: [run / "tokenizer" / "tokenizer.json", run / "tokens", *_given_tokens(recipe)],
        ("checkpoints", "metrics.jsonl"),
        _training,
    ),
    Stage(
        "evaluation",
        "evaluation",
        lambda r: {"evaluation": r["evaluation"], "training": {"precision": r["training"]["precision"]}},
        lambda recipe, run: [
            *_last_checkpoint(recipe, run),
            run / "tokenizer" / "tokenizer.json",
            run / "tokens",
            *_given_tokens(recipe),
            *_curated(recipe, run, "kept"),
        ],
        ("evaluation",),
        _evaluation,
    ),
    Stage(
        "release",
        "release",
        lambda r: {"release": r["release"], "name": r["name"], "provider": r["provider"]},
        lambda recipe, run: [
            *_last_checkpoint(recipe, run),
            run / "tokenizer" / "tokenizer.json",
            run / "evaluation",
            *_curated(recipe, run, "report.json"),
        ],
        ("release",),
        _release,
    ),
)
STAGE_NAMES = tuple(stage.name for stage in STAGES)


def _stages(recipe: Recipe) -> tuple[Stage, ...]:
    """The stages that a recipe has: without documents, none of them are curated."""
    return tuple(s for s in STAGES if recipe.corpus.sources or s.name not in ("corpus", "curation"))


@dataclass
class Reporter:
    """How the road tells what it does; cli.py shows it."""

    message: Callable[[str], None]
    stage: Callable[[str], contextlib.AbstractContextManager[Progress]]


def run_road(recipe: Recipe, run: Path, until: str, reporter: Reporter) -> dict[str, dict[str, Any]]:
    """Walk the road into `run` up to stage `until` and return the figures of the stages, by name.

    Raises InputError before anything starts where the model cannot fit into memory, and where another run
    works in the directory; StoppedError where the person asked to stop.
    """
    wanted = tuple(stage for stage in _stages(recipe) if STAGE_NAMES.index(stage.name) <= STAGE_NAMES.index(until))
    if not wanted:
        raise InputError(f"corpus.sources: found none, expected documents for stage {until}")
    _check(recipe, run, [stage.name for stage in wanted])
    with _locked(run), _leading():
        write_atomically(run / "recipe.yaml", dump(recipe).encode())
        return _walk(wanted, recipe, run, reporter)


def _leading() -> contextlib.AbstractContextManager[None]:
    if os.environ.get("WORLD_SIZE", "1") == "1":
        return contextlib.nullcontext()
    from octavo.training.parallel import led

    return led()


def finish_road(run: Path, until: str, reporter: Reporter) -> dict[str, dict[str, Any]]:
    """Walk the road of a trained run from the evaluation on, up to stage `until`, by the recipe in it.

    What was trained is taken as it is, so that neither the sources nor a network are needed. Raises
    InputError where the training is not done.
    """
    recipe = _recipe_of(run)
    evaluation = STAGE_NAMES.index("evaluation")
    for stage in (s for s in _stages(recipe) if s in STAGES[:evaluation]):
        record = read_record(run / stage.home)
        if record is None or not record.done:
            raise InputError(
                f"{run}: stage {stage.name} is not done, expected a trained run; "
                f"octavo run {run / 'recipe.yaml'} --out {run} finishes it"
            )
    with _locked(run):
        return _walk(STAGES[evaluation : STAGE_NAMES.index(until) + 1], recipe, run, reporter)


def _walk(stages: tuple[Stage, ...], recipe: Recipe, run: Path, reporter: Reporter) -> dict[str, dict[str, Any]]:
    for stage in stages:
        with _plain_words_for_a_full_disk(run, stage.name):
            _run_stage(stage, recipe, run, reporter)
    return {stage.name: _figures(run, stage) for stage in stages}


def _recipe_of(run: Path) -> Recipe:
    if not (run / "recipe.yaml").is_file():
        raise InputError(f"{run}: found no recipe.yaml in it, expected the directory of a run")
    return load(run / "recipe.yaml")


def _check(recipe: Recipe, run: Path, wanted: list[str]) -> None:
    """Raise InputError for what can be known to fail before anything is made."""
    from octavo.corpus.importing import check_sources
    from octavo.curation.licences import check_allowed

    imported = read_record(run / "documents")
    unchanged = imported and imported.done and imported.recipe == STAGES[0].sections(recipe.model_dump(mode="json"))
    check_sources(recipe.corpus, remote=not unchanged)
    check_allowed(recipe.curation.licences.allow)
    if recipe.curation.decontamination.sets:
        from octavo.curation.decontamination import read_sets

        read_sets(recipe.curation.decontamination)
    curated = read_record(run / "corpus")
    if recipe.curation.engine == "ray" and "curation" in wanted and not (curated and curated.done):
        from octavo.curation.cluster import check

        check(recipe.curation)
    if recipe.provider.country:
        from octavo.training.energy import co2eq_grams

        co2eq_grams(0, recipe.provider.country)
    vocab_size = recipe.tokenizer.vocab_size
    if recipe.tokenizer.path and "tokenization" in wanted:
        from octavo.release.bundle import check_formats
        from octavo.tokenization.encode import load_tokenizer
        from octavo.tokenization.entries import begin_and_end
        from octavo.tokenization.given import check_given

        tokenizer = load_tokenizer(Path(recipe.tokenizer.path))
        begin_and_end(tokenizer, recipe.tokenizer.path)
        if recipe.token_folders:
            check_given(recipe.token_folders, tokenizer, recipe.tokenizer.path)
        vocab_size = tokenizer.get_vocab_size()
        if "release" in wanted:
            check_formats(recipe, tokenizer)
    trained = read_record(run / "checkpoints")
    if "training" in wanted and not (trained and trained.done):
        _check_processes(recipe, vocab_size)


def _run_stage(stage: Stage, recipe: Recipe, run: Path, reporter: Reporter) -> None:
    home = run / stage.home
    before = read_record(home)
    sections = stage.sections(recipe.model_dump(mode="json"))
    inputs = hash_files(stage.inputs(recipe, run), run, _known(run) | (before.inputs if before else {}))
    record = StageRecord(stage=stage.name, recipe=sections, inputs=inputs)
    if before:
        reason = why_changed(before, sections, inputs)
        if reason is None and before.done:
            reason = outputs_damaged(before, run)
            if reason is None:
                reporter.message(f"{stage.name}: done already")
                return
        if reason is None:
            reporter.message(f"{stage.name}: goes on where it stopped")
            record = before
        else:
            kept = _set_aside(stage, run)
            reporter.message(f"{stage.name}: again, because {reason}; what was there is kept in {kept}")
    elif any((run / output).exists() for output in stage.outputs):
        _set_aside(stage, run)
    write_record(home, record)
    started = time.perf_counter()
    try:
        with reporter.stage(stage.name) as progress:
            figures = stage.work(recipe, run, progress)
    except StoppedError:
        record.wall_seconds += round(time.perf_counter() - started, 3)
        write_record(home, record)
        raise
    record.wall_seconds += round(time.perf_counter() - started, 3)
    record.energy = figures.pop("energy", {})
    record.figures = figures
    os.sync()  # what is called done must outlast a loss of power
    record.outputs = hash_files([run / output for output in stage.outputs], run)
    record.done = True
    write_record(home, record)


def _known(run: Path) -> dict[str, FileRecord]:
    """Given token files as tokenization hashed them, so that later stages need not read them again."""
    record = read_record(run / "tokens")
    return record.inputs if record else {}


def _set_aside(stage: Stage, run: Path) -> Path:
    """Move what a stage made out of the way: superseding deletes nothing."""
    number = 1
    while (target := run / "superseded" / f"{stage.name}-{number}").exists():
        number += 1
    for output in (*stage.outputs, *(("tensorboard",) if stage.name == "training" else ())):
        if (run / output).exists():
            target.mkdir(parents=True, exist_ok=True)
            (run / output).rename(target / output)
    return target


def _figures(run: Path, stage: Stage) -> dict[str, Any]:
    record = read_record(run / stage.home)
    if record is None or not record.done:
        raise OctavoError(f"{run}: stage {stage.name} is not done")
    return record.figures | {"wall_seconds": record.wall_seconds, "energy": record.energy}


def stage_states(run: Path) -> list[dict[str, Any]]:
    """What is known of each stage of a run: its state, figures, wall time; InputError where it is no run.

    A done stage is `outdated`, with the reason, where the next run would do it again.
    """
    recipe = _recipe_of(run)
    states = []
    for stage in _stages(recipe):
        record = read_record(run / stage.home)
        state = "waiting" if record is None else "done" if record.done else "interrupted"
        reason = _why_outdated(stage, recipe, run, record) if record else None
        states.append(
            {
                "stage": stage.name,
                "state": "outdated" if reason else state,
                "reason": reason,
                "wall_seconds": record.wall_seconds if record else 0.0,
                "figures": record.figures if record else {},
                "energy": record.energy if record else {},
            }
        )
    return states


def _why_outdated(stage: Stage, recipe: Recipe, run: Path, record: StageRecord) -> str | None:
    sections = stage.sections(recipe.model_dump(mode="json"))
    try:
        inputs = hash_files(stage.inputs(recipe, run), run, record.inputs)
    except (InputError, FileNotFoundError) as error:
        return str(error)
    return why_changed(record, sections, inputs) or outputs_damaged(record, run)


@contextlib.contextmanager
def _locked(run: Path) -> Iterator[None]:
    """Hold a run's directory; a second run in it is refused."""
    try:
        run.mkdir(parents=True, exist_ok=True)
        lock = (run / ".lock").open("a+")
    except OSError as error:
        raise InputError(f"{run}: cannot be written to ({error.strerror}), expected a directory") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise InputError(
                f"{run}: another octavo (process {lock.read().strip() or 'unknown'}) is at work in it; "
                "wait for it, end it, or give another --out"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


@contextlib.contextmanager
def _plain_words_for_a_full_disk(run: Path, stage: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None:
            # PyTorch's writer says nothing of the cause, so the disk itself is asked.
            full = isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT)
            if full or "No space left on device" in str(cause) or shutil.disk_usage(run).free < 2**16:
                raise OctavoError(
                    f"{run}: the disk is full, in stage {stage}; nothing that was done is lost: "
                    "make room and give the same command again"
                ) from error
            cause = cause.__cause__ or cause.__context__
        raise
