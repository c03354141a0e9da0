"""The evaluation: its record, its report and its files say the same, and sums are the sums of their parts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from octavo.audit.differences import differences
from octavo.evaluation import (
    adherence,
    bits_per_byte,
    comparison,
    memorization,
    orthography,
    repetition,
    tasks,
    toxicity,
    writing,
)
from octavo.evaluation.report.figures import Model, Report
from octavo.evaluation.report.writing import read_model
from octavo.recipe.schema import Recipe
from octavo.tuning.report.figures import Report as TuneReport
from octavo.tuning.report.writing import gather_report
from octavo.tuning.tuned_model import FILE as TUNING_FILE

HOME = "evaluation"
REPORT = f"{HOME}/report.json"
_SCORED = {"samples", "harmful", "copied"}
"""Of the report: texts that were chosen and scored when it was written."""


def measured(recipe: Recipe, run: Path, stated: dict[str, Any]) -> dict[str, Any]:
    """What the record of the stage should say, by the files of the measurements."""
    home = run / HOME
    if recipe.is_taught:
        answers = _read(home / TUNING_FILE)
        # The record has some of the scores and of the samples.
        some = {name: [one for one in stated[name] if one in answers[name]] for name in ("scores", "samples")}
        return {name: answers[name] for name in ("task", "settings")} | some
    harm = {name: found for name, found in _read(home / comparison.FILE).items() if name != "continuations"}
    spoken = writing.in_short(*(_read(home / part.FILE) for part in (adherence, orthography, repetition)))
    found = bits_per_byte.in_short(_read(home / bits_per_byte.FILE))
    found |= {"harm": toxicity.in_short(harm), "writing": spoken}
    for name, file in (("memorization", memorization.FILE), ("tasks", tasks.FILE)):
        if stated.get(name):
            content = _read(home / file)
            found[name] = {part: content[part] for part in stated[name]}
    return found


def report_problems(recipe: Recipe, run: Path) -> Iterator[str]:
    """In what the report says other than the files that it was gathered from."""
    if (run / REPORT).exists():
        of_a_base = set() if recipe.is_taught else _SCORED
        yield from differences(*_gathered(recipe, run, exclude={*of_a_base, "costs", "octavo"}))


def cost_differences(recipe: Recipe, run: Path) -> list[str]:
    """In what the report tells otherwise than the records what the stages took.

    A stage that is done again with the same results takes another time, and the evaluation need not be done again.
    """
    return list(differences(*_gathered(recipe, run, include={"costs"})))


def _gathered(
    recipe: Recipe, run: Path, include: set[str] | None = None, exclude: set[str] | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Some of what the report says, and of what the files say."""
    content, home = (run / REPORT).read_bytes(), run / HOME
    stated: TuneReport | Model
    found: TuneReport | Model
    if recipe.is_taught:
        stated = TuneReport.model_validate_json(content)
        found = gather_report(recipe, run, home, _read(home / TUNING_FILE))
    else:
        stated = Report.model_validate_json(content).models[0]
        found = read_model(recipe.name, run, home)
    return (
        stated.model_dump(mode="json", include=include, exclude=exclude),
        found.model_dump(mode="json", include=include, exclude=exclude),
    )


def sum_problems(recipe: Recipe, run: Path) -> Iterator[str]:
    """Languages whose bits per byte are not those of their works."""
    figures = _read(run / HOME / bits_per_byte.FILE)
    for lang, row in figures["languages"].items():
        works = [work for work in figures["works"] if work["lang"] == lang]
        bits, size = (sum(work[name] for work in works) for name in ("bits", "bytes"))
        stated = row["bits_per_byte"]["model"]
        if not size or abs(bits / size - stated) > 1e-4:
            yield f"languages.{lang}.bits_per_byte.model is {stated}, its works have {bits / max(size, 1):.4f}"
    models = [row["bits_per_byte"]["model"] for row in figures["languages"].values()]
    if models and abs(sum(models) / len(models) - figures["mean"]["model"]) > 1e-4:
        yield f"mean.model is {figures['mean']['model']}, the languages have {sum(models) / len(models):.4f}"


def _read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_bytes())
    return content
