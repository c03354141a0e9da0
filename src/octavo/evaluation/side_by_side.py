"""Several models on the same held-out text: runs, releases, Hugging Face directories and .gguf files."""

from __future__ import annotations

import itertools
import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from octavo import __version__
from octavo.errors import InputError
from octavo.evaluation import bits_per_byte, repetition
from octavo.evaluation.bits_per_byte import Floors
from octavo.evaluation.held_out_text import Text, digest, read_held_out
from octavo.evaluation.model_files import name_of, open_model, weight_files
from octavo.evaluation.openings import Document
from octavo.evaluation.overlap import check_overlap
from octavo.evaluation.report import read_model, write_report
from octavo.evaluation.toxicity import any_scores, measure_harm
from octavo.evaluation.writing import measure_writing
from octavo.lineage import hash_files, write_json
from octavo.progress import Progress
from octavo.recipe import LANGUAGES, Recipe
from octavo.recipe_file import apply_settings, validate

FILE: Final = "side_by_side.json"
MEASURED: Final = "measured.json"
"""Of each model: what its figures rest on, so that what is done is not done again."""


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

    Where the models were made to write, OUT/report.html has it all for people.
    What is there already, of the same model, text and settings, is not measured again. Raises InputError before
    anything is measured where text cannot be read or a model was trained on it.
    """
    if wanted.home.exists() and not wanted.home.is_dir():
        raise InputError(f"--out: {wanted.home}: found a file, expected a directory")
    names = _names(wanted.models)
    _check_homes(wanted, names)
    recipe = _recipe(wanted, list(LANGUAGES))
    texts = read_held_out(wanted.held_out, recipe.evaluation.max_bytes)
    languages = [lang for lang in LANGUAGES if any(text.lang == lang for text in texts)]
    recipe = _recipe(wanted, languages) if languages else recipe
    files = [weight_files(model) for model in wanted.models]
    if not wanted.allow_overlap:
        for model in wanted.models:
            check_overlap(model, texts)
    floors = Floors(bits_per_byte.xz_bits(texts))
    found: dict[str, dict[str, Any]] = {}
    short: dict[str, dict[str, Any]] = {}
    for name, model, rests_on in zip(names, wanted.models, files, strict=True):
        basis = {
            "octavo": __version__,
            "model": [record.blake3 for record in hash_files(rests_on, model).values()],
            "text": digest(texts),
            "settings": recipe.evaluation.model_dump(mode="json") | {"languages": languages},
        }
        job = _Job(name, model, wanted.home / name, basis, recipe, texts, floors, progress)
        short[name] = {"model": str(model)} | _measure(job, bits_only=wanted.bits_only or not languages)
        found[name] = json.loads((job.home / bits_per_byte.FILE).read_bytes())
    first = found[names[0]]
    answer = {
        "command": _command(wanted),
        "text": first["text"] | {"held_out": str(wanted.held_out)},
        "models": short,
        "differences": {name: bits_per_byte.difference(found[name], first) for name in names[1:]},
    }
    write_json(wanted.home / FILE, answer)
    if languages and not wanted.bits_only:
        homes = [wanted.home / name for name in names]
        models = [read_model(*one) for one in zip(names, wanted.models, homes, strict=True)]
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
    recipe: Recipe
    texts: Sequence[Text]
    floors: Floors
    progress: Progress


def _measure(job: _Job, bits_only: bool) -> dict[str, Any]:
    """What a model's figures are in short; those that are there already, on the same basis, are read."""
    done = _done(job)
    wanted = ["bits_per_byte"] if bits_only else ["bits_per_byte", "harm", "writing"]
    if set(wanted) <= done.keys():
        job.progress.message(f"{job.name}: measured already")
        return {name: done[name] for name in wanted}
    speaker = open_model(job.model)
    job.home.mkdir(parents=True, exist_ok=True)
    for measure in (name for name in wanted if name not in done):
        job.progress.check()
        if measure == "bits_per_byte":
            figures = bits_per_byte.measure(speaker, job.texts, job.floors, job.progress)
            write_json(job.home / bits_per_byte.FILE, {"model": str(job.model), **figures})
            done[measure] = bits_per_byte.in_short(figures)
            _warn(job, figures)
        elif measure == "harm":
            nowhere = job.home / "no corpus"
            done[measure] = measure_harm(
                job.recipe,
                speaker.model,
                speaker.tokenizer,
                speaker.begin,
                speaker.end,
                nowhere,
                job.home,
                job.progress,
            )
        else:
            languages = job.recipe.corpus.languages
            documents = [Document(t.id, t.work, t.lang, t.text) for t in job.texts if t.lang in languages]
            done[measure] = measure_writing(job.recipe, speaker, documents, job.home, job.progress)
        write_json(job.home / MEASURED, {"basis": job.basis, "done": done})
    return {name: done[name] for name in wanted}


def _done(job: _Job) -> dict[str, Any]:
    try:
        found = json.loads((job.home / MEASURED).read_bytes())
        return dict(found["done"]) if found["basis"] == job.basis else {}
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
        return {}


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
    return validate(data, lines, "--set")


def _names(models: Sequence[Path]) -> list[str]:
    """A name for each model, with a number where two would have the same."""
    names: list[str] = []
    for name in map(name_of, models):
        numbered = (f"{name}-{number}" for number in itertools.count(2))
        names.append(next(n for n in itertools.chain([name], numbered) if n not in names))
    return names


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
