"""Gather the small files of a finished run into an example: recipe, record, plots, reports and papers.

No weights come along, and no text of its documents or pairs: reports and the model card are written anew without
the passages that they show of these.

    python examples/gather.py runs/reference-cpu examples/reference-cpu
"""

from __future__ import annotations

import shutil
from pathlib import Path

import typer

from octavo.errors import InputError
from octavo.evaluation.report import page as base_page
from octavo.evaluation.report.figures import Report
from octavo.evaluation.report.writing import read_model
from octavo.lineage import is_run, write_json
from octavo.recipe.file import load
from octavo.release.card_parts import as_it_is, quoted
from octavo.tuning.report import page as tune_page
from octavo.tuning.report.figures import Report as TuneReport

COPIED = (
    "recipe.yaml",
    "metrics.jsonl",
    "corpus/report.json",
    "tokenizer/report.json",
    "pairs/report.json",
    "evaluation/repetition.svg",
    "release/compliance",
    "release/quantised.json",
    "release/config.json",
    "release/SHA256SUMS",
)
CARD = "release/README.md"
OF_A_BASE = (CARD, "release/lineage")
"""Of a tune these hold pairs."""
LEFT_OUT = "> (A passage of a document, which is left out here.)"


def gather(run: Path, to: Path) -> None:
    """Copy the small files of `run` into the new folder `to`; InputError where it cannot be done."""
    if not is_run(run) or not (run / "release/stage.json").exists():
        raise InputError(f"{run}: found no finished run, expected one with a release")
    if to.exists():
        raise InputError(f"{to}: is there already, expected a new folder")
    recipe = load(run / "recipe.yaml")
    for name in (*COPIED, *(() if recipe.is_taught else OF_A_BASE)):
        file, copy = run / name, to / name
        if file.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if file.is_dir() else shutil.copyfile)(file, copy)
    home = to / "evaluation"
    home.mkdir(parents=True, exist_ok=True)
    content = (run / "evaluation/report.json").read_bytes()
    if recipe.is_taught:
        tune = TuneReport.model_validate_json(content)
        pairs = tune.pairs.model_copy(update={"left_out_examples": []})
        tune = tune.model_copy(update={"samples": [], "pairs": pairs})
        write_json(home / "report.json", tune.model_dump())
        tune_page.write_page(home, tune, read_model(recipe.name, run, run / "evaluation"))
        return
    report = Report.model_validate_json(content)
    models = [
        model.model_copy(update={"samples": [one for one in model.samples if not one.held_out], "copied": []})
        for model in report.models
    ]
    passages = [one.prompt for model in report.models for one in model.samples if one.held_out]
    passages += [one.continuation for model in report.models for one in model.copied]
    card = (to / CARD).read_text(encoding="utf-8")
    for passage in passages:
        card = card.replace(quoted(as_it_is(passage)), LEFT_OUT)
    (to / CARD).write_text(card, encoding="utf-8")
    report = report.model_copy(update={"models": models})
    write_json(home / "report.json", report.model_dump())
    base_page.write_page(home, report, home / "repetition.svg")


def main(run: Path, to: Path) -> None:
    """Gather the small files of a finished run into a new folder."""
    try:
        gather(run, to)
    except InputError as error:
        raise SystemExit(f"gather: {error}") from None


if __name__ == "__main__":
    typer.run(main)
