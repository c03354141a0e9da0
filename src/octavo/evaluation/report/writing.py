"""The report of an evaluation: the figures that the measurements wrote, gathered into report.json and report.html.

Nothing is measured here, but for the score of what is shown that the model wrote, so that harmful texts can be
folded away.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from statistics import fmean, median
from typing import Any, Final

import numpy as np
from blake3 import blake3

from octavo import __version__
from octavo.errors import InputError
from octavo.evaluation import (
    adherence,
    bits_per_byte,
    comparison,
    memorization,
    orthography,
    repetition,
    tasks,
)
from octavo.evaluation.model_files import numbered
from octavo.evaluation.prompts import read_prompts
from octavo.evaluation.report import rows
from octavo.evaluation.report.figures import (
    Cost,
    HarmRow,
    Model,
    Point,
    Report,
    Sample,
    Training,
)
from octavo.evaluation.report.page import write_page
from octavo.evaluation.report.summary import findings
from octavo.evaluation.writing import COMMAND
from octavo.lineage import StageRecord, read_record, write_json
from octavo.recipe.schema import Recipe
from octavo.training.metrics import Metrics

FILES: Final = (
    bits_per_byte.FILE,
    adherence.FILE,
    orthography.FILE,
    repetition.FILE,
    comparison.FILE,
    memorization.FILE,
    tasks.FILE,
)
SAMPLES: Final = 2
"""Shown of each language: after a held-out opening and a prompt of our own, where there are both."""
DECODING: Final = {"temperature": 0.0, "repetition_penalty": 1.1}
"""Of the samples: as the model is best used."""
POINTS: Final = 300
"""Of the training's record, most; more steps are put together."""
STAGES: Final = ("corpus", "curation", "tokenization", "pairs", "training")
"""Those that are over when a model is measured."""

Score = Callable[[Sequence[str]], Sequence[float]]
"""Gives texts their scores for harm."""


def compared_files(recipe: Recipe) -> list[Path]:
    """What the report reads of the runs that this one is compared with."""
    found = [Path(run) / "evaluation" / name for run in recipe.evaluation.compare for name in FILES]
    found += [Path(run) / "metrics.jsonl" for run in recipe.evaluation.compare]
    return [file for file in found if file.exists()]


def read_compared(recipe: Recipe) -> list[Model]:
    """The figures of the runs to compare with; InputError where a file of them cannot be read."""
    runs = map(Path, recipe.evaluation.compare)
    return [read_model(run.resolve().name, run, run / "evaluation") for run in runs]


def write_report(
    home: Path,
    models: Sequence[Model],
    languages: Sequence[str],
    seed: int,
    score: Score,
    command: str = COMMAND,
    plot: Path | None = None,
) -> None:
    """Write `home`/report.json and report.html: of the first model, and the others beside it.

    `seed` draws the samples; `command` gives the figures; `plot` is the first model's repetition.svg.
    """
    names = numbered(model.name for model in models)
    models = [model.model_copy(update={"name": name}) for model, name in zip(models, names, strict=True)]
    drawn = _drawn(models[0], seed)
    report = Report(
        octavo=__version__,
        command=command,
        seed=seed,
        languages=list(languages),
        findings=findings(models[0]),
        models=[_scored(model, drawn, score) for model in models],
    )
    write_json(home / "report.json", report.model_dump())
    write_page(home, report, plot or home / repetition.PLOT)


def read_model(name: str, run: Path, home: Path, files: Sequence[str] = FILES) -> Model:
    """The figures in `files` of `home`, and the training recorded in `run`; InputError if they cannot be read."""
    found, records = {file: _read(home / file) if file in files else {} for file in FILES}, _records(run)
    try:
        spoken, spelled = found[adherence.FILE], found[orthography.FILE]
        harm, repeated = found[comparison.FILE], found[repetition.FILE]
        memory = found[memorization.FILE]
        return Model(
            name=name,
            text=found[bits_per_byte.FILE].get("text", {}).get("blake3"),
            bits_per_byte=list(rows.bits(found[bits_per_byte.FILE])),
            adherence=[rows.adhered(row) for row in spoken.get("adherence", [])],
            code_switching=[rows.switched(row) for row in spoken.get("code_switching", [])],
            old_works=spelled.get("works", {}),
            orthography=[rows.spelling(row) for row in spelled.get("features", [])],
            repetition=[rows.repeated(row) for row in repeated.get("repetition", [])],
            harm=[HarmRow(**{**row, "share": rows.estimate(row)}) for row in harm.get("shares", [])],
            corpus=list(rows.corpus(harm.get("corpus") or {})),
            samples=list(_samples(repeated)),
            harmful=rows.harmful(harm.get("continuations", [])),
            extraction=[rows.extracted(row) for row in memory.get("extraction", [])],
            truth_tokens=memory.get("settings", {}).get("truth_tokens"),
            held_out_seen=memory.get("held_out_seen", 0),
            spans=[rows.spans(row) for row in memory.get("spans", [])],
            copied=rows.copied(memory.get("continuations", [])),
            tasks=list(rows.tasks(found[tasks.FILE])),
            training=_training(records, run),
            costs=list(_costs(records)),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{home}: the figures cannot be read ({error}): evaluate it with this octavo") from None


def _read(file: Path) -> dict[str, Any]:
    """What a measurement wrote; nothing where it was not made."""
    try:
        found: dict[str, Any] = json.loads(file.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except ValueError as error:
        raise InputError(f"{file}: cannot be read ({error})") from None
    return found


def _samples(found: dict[str, Any]) -> Iterator[Sample]:
    """All continuations that a sample can be drawn from, not scored yet."""
    prompts = {prompt["id"]: prompt for prompt in found.get("prompts", [])}
    own = {prompt.id for prompt in read_prompts(sorted({prompt["lang"] for prompt in prompts.values()}))}
    for said in found.get("continuations", []):
        if all(said[name] == value for name, value in DECODING.items()):
            yield Sample(
                **prompts[said["id"]],
                continuation=said["continuation"],
                score=None,
                held_out=said["id"] not in own,
            )


def _drawn(model: Model, seed: int) -> list[str]:
    """Of each language the prompts of SAMPLES samples, by the lot that the seed gives each."""

    def lot(sample: Sample) -> bytes:
        return blake3(f"samples {seed} {sample.id}".encode()).digest()

    drawn: list[str] = []
    for lang in dict.fromkeys(sample.lang for sample in model.samples):
        among = sorted((s for s in model.samples if s.lang == lang), key=lot)
        first = [next((s for s in among if s.held_out == held_out), None) for held_out in (True, False)]
        ordered = [*(s for s in first if s), *(s for s in among if s not in first)]
        drawn += [sample.id for sample in ordered[:SAMPLES]]
    return drawn


def _scored(model: Model, drawn: Sequence[str], score: Score) -> Model:
    known = {sample.id: sample for sample in model.samples}
    shown = [known[name] for name in drawn if name in known]
    copied = model.copied
    of_samples, of_copied = (
        [round(float(n), 4) for n in score([one.continuation for one in said])] for said in (shown, copied)
    )
    return model.model_copy(
        update={
            "samples": [s.model_copy(update={"score": n}) for s, n in zip(shown, of_samples, strict=True)],
            "copied": [c.model_copy(update={"score": n}) for c, n in zip(copied, of_copied, strict=True)],
        }
    )


def _training(records: dict[str, StageRecord], run: Path) -> Training | None:
    record = records.get("training")
    if record is None:
        return None
    figures, lines = record.figures, Metrics.read(run)
    return Training(
        **{name: figures[name] for name in ("parameters", "tokens", "steps", "device", "processes")},
        chosen_step=figures.get("chosen_step"),
        epochs=_finite(figures.get("epochs")),
        flops=_finite(figures.get("flops")),
        loss=_finite(figures.get("loss")),
        tokens_per_second=_over(median, (line.get("tokens_per_second") for line in lines)),
        mfu=_over(median, (line.get("mfu") for line in lines)),
        curve=[_point([lines[n] for n in part]) for part in _parts(len(lines))],
    )


def _parts(count: int) -> Iterable[Iterable[int]]:
    return np.array_split(np.arange(count), min(count, POINTS)) if count else []


def _point(lines: Sequence[dict[str, Any]]) -> Point:
    last = lines[-1]
    measured = [fmean(line["held_out"].values()) for line in lines if line.get("held_out")]
    means = {
        name: _over(fmean, (line.get(name) for line in lines)) for name in ("loss", "tokens_per_second", "mfu")
    }
    return Point(
        step=last["step"],
        tokens=last["tokens"],
        joules=_finite(last.get("joules")),
        held_out=round(measured[-1], 4) if measured else None,
        **means,
    )


def _over(what: Callable[[list[float]], float], values: Iterable[float | None]) -> float | None:
    """A figure over the values that are finite; None where there are none."""
    some = [value for value in map(_finite, values) if value is not None]
    return round(what(some), 4) if some else None


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _costs(records: dict[str, StageRecord]) -> Iterator[Cost]:
    for stage in STAGES:
        if stage in records:
            record = records[stage]
            metered = bool(record.energy.get("parts"))
            yield Cost(
                stage=stage,
                wall_seconds=record.wall_seconds,
                joules=record.energy["joules"] if metered else None,
                method=record.energy["method"] if metered else "not known",
                machines=record.energy.get("machines", 0),
            )


def _records(run: Path) -> dict[str, StageRecord]:
    """The records of the stages that are done, by name."""
    found = [read_record(file.parent) for file in sorted(run.glob("*/stage.json"))]
    return {record.stage: record for record in found if record and record.done}
