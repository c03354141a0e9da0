"""Several models on the same held-out text: runs, releases, Hugging Face directories and .gguf files."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from octavo import __version__
from octavo.errors import InputError
from octavo.evaluation import adherence, bits_per_byte, comparison, orthography, repetition, tasks
from octavo.evaluation.bits_per_byte import Floors
from octavo.evaluation.held_out_text import Text, digest, read_held_out
from octavo.evaluation.model_files import name_of, numbered, open_model, weight_files
from octavo.evaluation.openings import Document
from octavo.evaluation.overlap import check_overlap
from octavo.evaluation.report.writing import read_model, write_report
from octavo.evaluation.speaker import Speaker
from octavo.evaluation.toxicity import any_scores, measure_harm, outside_files
from octavo.evaluation.writing import measure_writing
from octavo.lineage import hash_file, hash_files, write_json
from octavo.progress import Progress
from octavo.recipe.file import apply_settings, validate
from octavo.recipe.schema import LANGUAGES, Recipe

FILE: Final = "side_by_side.json"
MEASURED: Final = "measured.json"
"""Of each model: what its figures rest on, so that what is done is not done again."""
REPORT: Final = ("report.html", "report.json")
WRITTEN: Final = {
    "bits_per_byte": (bits_per_byte.FILE,),
    "harm": (comparison.FILE,),
    "writing": (adherence.FILE, orthography.FILE, repetition.FILE, repetition.PLOT),
    "tasks": (tasks.FILE,),
}
"""The measurements, in their order, and the files that each writes."""
_SECTIONS: Final = {"bits_per_byte": "max_bytes", "harm": "continuations", "writing": "writing", "tasks": "tasks"}
"""What each obeys of the recipe's evaluation."""
_OF_RUNS: Final = ("memorization", "compare")
"""Settings of what needs the corpus of a run."""


@dataclass(frozen=True)
class Wanted:
    """What a person asked for."""

    models: Sequence[Path]
    held_out: Path
    out: Path | None
    allow_overlap: bool
    bits_only: bool
    settings: list[str] | None

    @property
    def home(self) -> Path:
        """Where the figures go; nothing is written into a model's own directory."""
        if self.out:
            return self.out
        return Path(f"evaluation-{name_of(self.models[0])}") if len(self.models) == 1 else Path("evaluation")


def evaluate_models(wanted: Wanted, progress: Progress) -> dict[str, Any]:
    """Measure each model, write OUT/MODEL/*.json and OUT/side_by_side.json, and return what the latter holds.

    Where the models were made to write, OUT/report.html has it all for people; else one that is there from before
    is removed, as it would stand beside other figures.
    What is there already, of the same model, text and settings, is not measured again. Raises InputError before
    anything is measured where text cannot be read or a model was trained on it.
    """
    if wanted.home.exists() and not wanted.home.is_dir():
        raise InputError(f"--out: {wanted.home}: found a file, expected a directory")
    names = numbered(map(name_of, wanted.models))
    _check_homes(wanted, names)
    recipe = _recipe(wanted, list(LANGUAGES))
    task_files, classifiers = tasks.outside_files(recipe), outside_files(recipe)
    texts = read_held_out(wanted.held_out, recipe.evaluation.max_bytes)
    languages = [lang for lang in LANGUAGES if any(text.lang == lang for text in texts)]
    recipe = _recipe(wanted, languages) if languages else recipe
    files = [weight_files(model) for model in wanted.models]
    if not wanted.allow_overlap:
        for model in wanted.models:
            check_overlap(model, texts, progress)
    floors = Floors(bits_per_byte.xz_bits(texts))
    found: dict[str, dict[str, Any]] = {}
    short: dict[str, dict[str, Any]] = {}
    writes = bool(languages) and not wanted.bits_only
    measured = ["bits_per_byte", *(["harm", "writing"] if writes else []), *(["tasks"] if task_files else [])]
    settings = {
        name: {_SECTIONS[name]: recipe.evaluation.model_dump(mode="json")[_SECTIONS[name]]} for name in WRITTEN
    }
    settings["harm"]["classifier"] = [hash_file(file).blake3 for file in classifiers]
    settings["tasks"]["files"] = [hash_file(file).blake3 for file in task_files]
    settings["writing"]["seed"] = settings["tasks"]["seed"] = recipe.seed
    for name, model, rests_on in zip(names, wanted.models, files, strict=True):
        basis = {
            "octavo": __version__,
            "model": [record.blake3 for record in hash_files(rests_on, model).values()],
            "text": digest(texts),
            "languages": languages,
        }
        home = wanted.home / name
        job = _Job(name, model, home, basis, settings, _command(wanted), recipe, texts, floors, progress)
        short[name] = {"model": str(model)} | _measure(job, measured)
        found[name] = json.loads((job.home / bits_per_byte.FILE).read_bytes())
    first = found[names[0]]
    answer = {
        "command": _command(wanted),
        "text": first["text"] | {"held_out": str(wanted.held_out)},
        "models": short,
        "differences": {name: bits_per_byte.difference(found[name], first) for name in names[1:]},
    }
    write_json(wanted.home / FILE, answer)
    if not writes:
        _remove_report(wanted.home, progress)
    else:
        homes = [wanted.home / name for name in names]
        shown = [file for name in measured for file in WRITTEN[name]]
        models = [read_model(*one, shown) for one in zip(names, wanted.models, homes, strict=True)]
        score = partial(any_scores, recipe=recipe)
        plot = homes[0] / repetition.PLOT
        write_report(wanted.home, models, languages, recipe.seed, score, answer["command"], plot)
    return answer


@dataclass(frozen=True)
class _Job:
    name: str
    model: Path
    home: Path
    basis: dict[str, Any]
    """What all figures rest on."""
    settings: dict[str, Any]
    """What each measurement obeys."""
    command: str
    recipe: Recipe
    texts: Sequence[Text]
    floors: Floors
    progress: Progress


def _measure(job: _Job, wanted: Sequence[str]) -> dict[str, Any]:
    """What a model's figures are in short; those that are there already, on the same basis, are read."""
    done = _done(job)
    missing = [name for name in wanted if name not in done or done[name]["settings"] != job.settings[name]]
    if not missing:
        job.progress.message(f"{job.name}: measured already")
        return {name: done[name]["figures"] for name in wanted}
    speaker = open_model(job.model)
    job.home.mkdir(parents=True, exist_ok=True)
    _remove_others(job, done)
    for name in missing:
        job.progress.check()
        figures = _measure_one(name, job, speaker)
        files = {file: hash_file(job.home / file).blake3 for file in WRITTEN[name]}
        done[name] = {"settings": job.settings[name], "files": files, "figures": figures}
        write_json(job.home / MEASURED, {"basis": job.basis, "done": done})
    return {name: done[name]["figures"] for name in wanted}


def _measure_one(name: str, job: _Job, speaker: Speaker) -> dict[str, Any]:
    recipe, home, progress = job.recipe, job.home, job.progress
    if name == "bits_per_byte":
        figures = bits_per_byte.measure(speaker, job.texts, job.floors, progress)
        write_json(home / bits_per_byte.FILE, {"command": job.command, "model": str(job.model), **figures})
        _warn(job, figures)
        return bits_per_byte.in_short(figures)
    if name == "harm":
        model, ends = speaker.model, (speaker.begin, speaker.end)
        return measure_harm(recipe, model, speaker.tokenizer, *ends, home / "no corpus", home, progress)
    if name == "tasks":
        return tasks.measure_tasks(recipe, speaker, home, progress, job.command)
    languages = recipe.corpus.languages
    documents = [Document(t.id, t.work, t.lang, t.text) for t in job.texts if t.lang in languages]
    return measure_writing(recipe, speaker, documents, home, progress, job.command)


def _done(job: _Job) -> dict[str, Any]:
    """The measurements of the same model and text whose files are there as they were written."""
    try:
        found = json.loads((job.home / MEASURED).read_bytes())
        if found["basis"] != job.basis:
            return {}
        return {name: one for name, one in found["done"].items() if _is_there(job.home, name, one["files"])}
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _is_there(home: Path, name: str, files: dict[str, str]) -> bool:
    return files.keys() == set(WRITTEN.get(name, ())) and all(
        (home / file).is_file() and hash_file(home / file).blake3 == blake3 for file, blake3 in files.items()
    )


def _remove_others(job: _Job, done: dict[str, Any]) -> None:
    """Remove figures that were measured on something else, so that none of them stands beside those of now."""
    files = [job.home / file for name in WRITTEN if name not in done for file in WRITTEN[name]]
    _remove(
        [file for file in files if file.is_file()],
        "are not of this model, text and version",
        job.progress,
    )


def _remove_report(home: Path, progress: Progress) -> None:
    """Remove the report of an earlier evaluation."""
    why = "told of an earlier evaluation; the command without --bits-only writes a report again"
    _remove([home / name for name in REPORT if (home / name).is_file()], why, progress)


def _remove(files: Sequence[Path], why: str, progress: Progress) -> None:
    for file in files:
        file.unlink()
    if files:
        progress.message(f"removed {', '.join(map(str, files))}, which {why}")


def _warn(job: _Job, figures: dict[str, Any]) -> None:
    for lang, row in figures["languages"].items():
        lost = row["documents"] - row["restored"]
        if lost:
            job.progress.message(
                f"{job.name}: {lang}: {lost:,} of {row['documents']:,} texts do not come back from their tokens, "
                "so that their bits per byte are not comparable"
            )


def _recipe(wanted: Wanted, languages: list[str]) -> Recipe:
    """The settings of the evaluation, as a recipe over the held-out text."""
    data: dict[str, Any] = {
        "name": "evaluation",
        "corpus": {"sources": [{"path": str(wanted.held_out)}], "languages": languages},
    }
    lines: dict[tuple[str | int, ...], str] = {}
    apply_settings(data, lines, wanted.settings or [])
    _refuse_without_effect(data.get("evaluation", {}), wanted.bits_only)
    return validate(data, lines, "--set")


def _refuse_without_effect(settings: dict[str, Any], bits_only: bool) -> None:
    """Raise InputError for a setting of what will not be measured."""
    for name in settings:
        found = f"--set: evaluation.{name}: found {json.dumps(settings[name])}, expected no such setting"
        if name in _OF_RUNS:
            raise InputError(f"{found} with --held-out, as it needs a run's corpus: evaluate the run alone")
        if bits_only and name in _SECTIONS.values() and name != _SECTIONS["bits_per_byte"]:
            raise InputError(f"{found} with --bits-only, which measures nothing else")


def _check_homes(wanted: Wanted, names: Sequence[str]) -> None:
    """Raise InputError where figures would be written into the directory of a model."""
    inside = [model.resolve() for model in wanted.models if model.is_dir()]
    for home in (wanted.home, *(wanted.home / name for name in names)):
        for model in inside:
            if home.resolve() == model or model in home.resolve().parents:
                raise InputError(
                    f"--out: {home}: lies in the directory of a model ({model}), expected another place"
                )


def _command(wanted: Wanted) -> str:
    parts = ["octavo", "evaluate", *map(str, wanted.models), "--held-out", str(wanted.held_out)]
    parts += ["--out", str(wanted.out)] if wanted.out else []
    parts += [part for setting in wanted.settings or [] for part in ("--set", setting)]
    parts += ["--allow-overlap"] if wanted.allow_overlap else []
    return shlex.join(parts + (["--bits-only"] if wanted.bits_only else []))
