"""The road: the stages in order, each skipped when done, resumed when interrupted, redone when touched."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from octavo.energy import Meter, co2eq_grams, energy_of, forget
from octavo.errors import InputError, OctavoError
from octavo.journal import Journal
from octavo.lineage import (
    JOURNAL_FILE,
    STAGE_FILE,
    FileRecord,
    StageRecord,
    hash_files,
    outputs_damaged,
    read_record,
    write_atomically,
    write_record,
)
from octavo.progress import Progress, StoppedError
from octavo.recipe.file import dump, load
from octavo.recipe.schema import Recipe
from octavo.stage_inputs import harm_files, task_files
from octavo.stages import (
    STAGE_NAMES,
    STAGES,
    Stage,
    check_processes,
    figures_of,
    stages_of,
    stages_to,
    train_model,
    why_outdated,
)

_REFUSALS = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO)
"""Of a disk, or of who owns what is on it."""


@dataclass
class Reporter:
    """How the road tells what it does; cli/app.py shows it."""

    message: Callable[[str], None]
    stage: Callable[[str], contextlib.AbstractContextManager[Progress]]


def run_road(recipe: Recipe, run: Path, until: str, reporter: Reporter) -> dict[str, dict[str, Any]]:
    """Walk the road into `run` up to stage `until` and return the figures of the stages, by name.

    Raises InputError before anything starts where the model cannot fit into memory, and where another run
    works in the directory; StoppedError where the person asked to stop.
    """
    wanted = stages_to(recipe, until)
    if not wanted:
        raise InputError(f"corpus.sources: found none, expected documents for stage {until}")
    check_place(run, wanted)
    check(recipe, run, [stage.name for stage in wanted])
    with locked(run), _leading():
        _keep(recipe, run)
        return walk(wanted, recipe, run, reporter)


def check_place(run: Path, wanted: Sequence[Stage]) -> None:
    """Raise InputError where a run would take the place of what no octavo made."""
    begun = (run / "slurm", *(run / stage.home / STAGE_FILE for stage in STAGES))
    outputs = (output for stage in wanted for output in stage.outputs)
    refuse_place_of_others(run, begun, ("recipe.yaml", *outputs), "a run")


def refuse_place_of_others(place: Path, begun: Iterable[Path], made: Iterable[str], what: str) -> None:
    """Raise InputError where something that would be made in a folder is there, and nothing tells of octavo's work.

    That is the lock, or one of the files `begun`; `what` is what has such a folder.
    """
    if any(sign.exists() for sign in (place / ".lock", *begun)):
        return
    for name in made:
        if (place / name).exists():
            raise InputError(
                f"{place}: found {name}, which no octavo made, expected a new folder or the directory of {what}"
            )


def _leading() -> contextlib.AbstractContextManager[None]:
    if os.environ.get("WORLD_SIZE", "1") == "1":
        return contextlib.nullcontext()
    from octavo.training.parallel import led

    return led()


def follow_road(recipe: Recipe, run: Path, progress: Progress) -> None:
    """What a process other than the first does on the road: wait for the training, and take part in it."""
    from octavo.training.parallel import follow

    processes = follow()
    if processes and processes.first_of_machine:
        with Meter(run / "checkpoints", processes.machine) as meter:
            train_model(recipe, run, replace(progress, joules=meter.keep), processes)
    elif processes:
        train_model(recipe, run, progress, processes)


def finish_road(
    run: Path, until: str, reporter: Reporter, settings: list[str] | None = None
) -> dict[str, dict[str, Any]]:
    """Walk the road of a trained run from the evaluation on, up to stage `until`, by the recipe in it.

    What was trained is taken as it is, so that neither the sources nor a network are needed. `settings` change the
    run's recipe. Raises InputError where the training is not done.
    """
    recipe = _recipe_of(run, settings)
    evaluation = STAGE_NAMES.index("evaluation")
    for stage in stages_to(recipe, "training"):
        record = read_record(run / stage.home)
        if record is None or not record.done:
            raise InputError(
                f"{run}: stage {stage.name} is not done, expected a trained run; "
                f"octavo run {run / 'recipe.yaml'} --out {run} finishes it"
            )
    with locked(run):
        if settings:
            _check_evaluation(recipe)
            _keep(recipe, run)
        return walk(STAGES[evaluation : STAGE_NAMES.index(until) + 1], recipe, run, reporter)


def walk(stages: Sequence[Stage], recipe: Recipe, run: Path, reporter: Reporter) -> dict[str, dict[str, Any]]:
    """Do stages in a directory that is held, those that are done already but for their check; their figures."""
    for stage in stages:
        with plain_words_for_the_disk(run, f"in stage {stage.name}"):
            _run_stage(stage, recipe, run, reporter)
    return {stage.name: figures_of(run, stage) for stage in stages}


def _keep(recipe: Recipe, run: Path) -> None:
    with plain_words_for_the_disk(run, "before the first stage"):
        write_atomically(run / "recipe.yaml", dump(recipe).encode())


def _recipe_of(run: Path, settings: list[str] | None = None) -> Recipe:
    if not (run / "recipe.yaml").is_file():
        raise InputError(f"{run}: found no recipe.yaml in it, expected the directory of a run")
    return load(run / "recipe.yaml", settings)


def check(recipe: Recipe, run: Path, wanted: list[str]) -> None:
    """Raise InputError for what can be known to fail in the stages `wanted` before anything is made."""
    if recipe.provider.country:
        co2eq_grams(0, recipe.provider.country)
    if "release" in wanted:
        _check_licence(recipe.release.license)
    if recipe.is_taught:
        _check_tune(recipe, run, wanted)
    else:
        _check_road(recipe, run, wanted)


def _check_licence(stated: str) -> None:
    from octavo.corpus.licences import normalise

    known = normalise(stated)
    if known != stated:
        raise InputError(f"release.license: found {stated!r}, expected {known or 'an SPDX id, such as Apache-2.0'}")


def _check_tune(recipe: Recipe, run: Path, wanted: list[str]) -> None:
    from octavo.release.exporting import check_formats
    from octavo.tuning.checking import check_tune

    tokenizer = check_tune(recipe)
    if "release" in wanted:
        check_formats(recipe, tokenizer)
    trained = read_record(run / "checkpoints")
    if "training" in wanted and not (trained and trained.done):
        check_processes(recipe, tokenizer.get_vocab_size())


def _check_road(recipe: Recipe, run: Path, wanted: list[str]) -> None:
    from octavo.corpus.importing import check_sources
    from octavo.curation.licences import check_allowed

    imported = read_record(run / "documents")
    corpus, curation, *_ = STAGES
    plain = recipe.model_dump(mode="json")
    unchanged = imported and imported.done and imported.recipe == corpus.sections(plain)
    check_sources(recipe.corpus, remote=not unchanged)
    check_allowed(recipe.curation.licences.allow)
    if recipe.curation.decontamination.sets:
        from octavo.curation.decontamination import read_sets

        read_sets(recipe.curation.decontamination)
    if "evaluation" in wanted:
        _check_evaluation(recipe)
    curated = read_record(run / "corpus")
    if "curation" in wanted and not (curated and curated.done and curated.recipe == curation.sections(plain)):
        from octavo.curation import cluster, weighing

        weighing.check(recipe.curation.toxicity, recipe.corpus.languages)
        if recipe.curation.engine == "ray":
            cluster.check(recipe.curation)
    if unknown := recipe.tokenizer.languages.keys() - set(recipe.corpus.languages):
        raise InputError(
            f"tokenizer.languages: found {', '.join(sorted(unknown))}, expected languages of corpus.languages"
        )
    vocab_size = recipe.tokenizer.vocab_size
    if recipe.tokenizer.path and "tokenization" in wanted:
        from octavo.release.exporting import check_formats
        from octavo.tokenization.encode import load_tokenizer
        from octavo.tokenization.entries import begin_and_end, check_ids
        from octavo.tokenization.given import check_given

        tokenizer = load_tokenizer(Path(recipe.tokenizer.path))
        begin_and_end(tokenizer, recipe.tokenizer.path)
        if recipe.token_folders:
            check_given(recipe.token_folders, tokenizer, recipe.tokenizer.path)
        check_ids(tokenizer, recipe.tokenizer.path)
        vocab_size = tokenizer.get_vocab_size()
        if "release" in wanted:
            check_formats(recipe, tokenizer)
    trained = read_record(run / "checkpoints")
    if "training" in wanted and not (trained and trained.done):
        check_processes(recipe, vocab_size)


def _check_evaluation(recipe: Recipe) -> None:
    """Raise InputError where a file outside the run that the evaluation reads is wrong."""
    harm_files(recipe)
    task_files(recipe)


def _run_stage(stage: Stage, recipe: Recipe, run: Path, reporter: Reporter) -> None:
    home = run / stage.home
    before = read_record(home)
    sections = stage.sections(recipe.model_dump(mode="json"))
    try:
        inputs = hash_files(stage.inputs(recipe, run), run, _known(run) | (before.inputs if before else {}))
    except FileNotFoundError as error:
        raise InputError(
            f"{error.filename}: found no such file, expected it, as stage {stage.name} reads it"
        ) from None
    record = StageRecord(stage=stage.name, recipe=sections, inputs=inputs)
    if before:
        reason = why_outdated(stage, recipe, before, inputs)
        if reason is None and before.done:
            reason = outputs_damaged(before, run)
            if reason is None:
                reporter.message(f"{stage.name}: done already")
                _seal(stage, home)
                return
        if reason is None:
            reporter.message(f"{stage.name}: goes on where it stopped")
            record = before
        else:
            kept = _set_aside(stage, run)
            reporter.message(f"{stage.name}: again, because {reason}; what was there is kept in {kept}")
    elif reason := _unrecorded(stage, run):
        kept = _set_aside(stage, run)
        reporter.message(f"{stage.name}: again, because {reason}; what was there is kept in {kept}")
    write_record(home, record)
    journal = Journal(home, reporter.message)
    started = time.perf_counter()
    try:
        with Meter(home) as meter, reporter.stage(stage.name) as progress:
            at_work = replace(progress, joules=meter.joules, has=journal.has, made=journal.made)
            record.figures = stage.work(recipe, run, at_work)
    except StoppedError:
        record.wall_seconds += round(time.perf_counter() - started, 3)
        record.energy = energy_of(home)
        write_record(home, record)
        raise
    record.wall_seconds += round(time.perf_counter() - started, 3)
    record.energy = energy_of(home)
    os.sync()  # what is called done must outlast a loss of power
    record.outputs = hash_files([run / output for output in stage.outputs], run)
    record.done = True
    write_record(home, record)
    _seal(stage, home)


def _seal(stage: Stage, home: Path) -> None:
    forget(home)
    (home / JOURNAL_FILE).unlink(missing_ok=True)
    if stage.seal:
        stage.seal(home)


def _known(run: Path) -> dict[str, FileRecord]:
    """Given token files as tokenization hashed them, so that later stages need not read them again."""
    record = read_record(run / "tokens")
    return record.inputs if record else {}


def _unrecorded(stage: Stage, run: Path) -> str | None:
    """Say why what a stage made without a record that can be read does not hold, or None where it made nothing."""
    there = any((run / output).exists() for output in stage.outputs)
    return f"{stage.home}/{STAGE_FILE} is missing or damaged" if there else None


def _set_aside(stage: Stage, run: Path) -> Path:
    """Move what a stage made out of the way: superseding deletes nothing."""
    number = 1
    while (target := run / "superseded" / f"{stage.name}-{number}").exists():
        number += 1
    for output in stage.outputs:
        if (run / output).exists():
            target.mkdir(parents=True, exist_ok=True)
            (run / output).rename(target / output)
    return target


def stage_states(run: Path) -> list[dict[str, Any]]:
    """What is known of each stage of a run: its state, figures, wall time; InputError where it is no run.

    A done stage is `outdated`, with the reason, where the next run would do it again.
    """
    recipe = _recipe_of(run)
    states = []
    for stage in stages_of(recipe):
        record = read_record(run / stage.home)
        state = "waiting" if record is None else "done" if record.done else "interrupted"
        reason = _why_outdated(stage, recipe, run, record) if record else _unrecorded(stage, run)
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
    try:
        inputs = hash_files(stage.inputs(recipe, run), run, record.inputs)
    except (InputError, FileNotFoundError) as error:
        return str(error)
    return why_outdated(stage, recipe, record, inputs) or outputs_damaged(record, run)


@contextlib.contextmanager
def locked(run: Path) -> Iterator[None]:
    """Hold a run's directory; a second run in it is refused."""
    try:
        run.mkdir(parents=True, exist_ok=True)
        lock = (run / ".lock").open("a+b", buffering=0)
    except OSError as error:
        raise InputError(f"{run}: cannot be written to ({error.strerror}), expected a directory") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise InputError(
                f"{run}: another octavo (process {lock.read().decode().strip() or 'unknown'}) is at work in it; "
                "wait for it, end it, or give another --out"
            ) from None
        with contextlib.suppress(OSError):  # a full disk is told later, and the lock holds in any case
            lock.truncate(0)
            lock.write(str(os.getpid()).encode())
        yield


@contextlib.contextmanager
def plain_words_for_the_disk(run: Path, where: str) -> Iterator[None]:
    """Tell of a disk that is full, or that lets nothing be written or read, instead of a traceback."""
    again = "nothing that was done is lost: {} and give the same command again"
    try:
        yield
    except (InputError, StoppedError):
        raise
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None:
            # PyTorch's writer says nothing of the cause, so the disk itself is asked.
            full = isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT)
            if full or "No space left on device" in str(cause) or shutil.disk_usage(run).free < 2**16:
                raise OctavoError(f"{run}: the disk is full, {where}; {again.format('make room')}") from error
            if isinstance(cause, OSError) and cause.errno in _REFUSALS:
                raise OctavoError(
                    f"{cause.filename or run}: cannot be written or read ({cause.strerror}), {where}; "
                    f"{again.format('put that right')}"
                ) from error
            cause = cause.__cause__ or cause.__context__
        raise
