"""Stage release: the model, its card, its papers and its lineage in one directory, complete in itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from octavo.evaluation.report.figures import Report
from octavo.lineage import STAGE_FILE, StageRecord, write_atomically, write_json
from octavo.modeling.decoding import continuation
from octavo.modeling.hf import round_to_bfloat16
from octavo.modeling.llama import Llama, LlamaConfig
from octavo.progress import Progress
from octavo.recipe.schema import Recipe
from octavo.release.exporting import SAMPLE, write_model
from octavo.release.gathering import figures_of_records, gather
from octavo.release.model_card import model_card
from octavo.release.papers import to_complete
from octavo.release.quantised import measure_quantised
from octavo.release.quantised_figures import read_quantised, write_quantised
from octavo.release.tuned_card import tuned_card
from octavo.release.writing import COMPLIANCE, write_papers
from octavo.tokenization.encode import load_tokenizer
from octavo.tokenization.entries import begin_and_end
from octavo.tuning.base_name import base_name
from octavo.tuning.report.figures import Report as TuningReport
from octavo.tuning.tuned_model import FILE as TUNING_FILE

LINEAGE = "lineage"
"""Folder of a release for the recipe and the records of the stages."""
FIELDS_NAMED = 3
"""Of those that the papers wait for, in a message."""
REPORT_FILES = ("report.html", "report.json")


def record_name(stage: str) -> str:
    """The file in a release's lineage/ with the record of a stage."""
    return f"{stage}.json"


def release(
    recipe: Recipe, run: Path, model: Llama, homes: dict[str, Path], home: Path, progress: Progress
) -> dict[str, Any]:
    """Write the release of a run's model into `home` and return the stage's figures.

    `homes` are those of all earlier stages, by name: their records go along, and the papers rest on them.
    """
    home.mkdir(parents=True, exist_ok=True)
    formats = len(recipe.release.formats)

    def tell(done: int, what: str) -> None:
        progress.check()
        progress.update(done, formats + 2, what)

    write_model(recipe, run, model, home, tell)
    tell(formats, "loss of the GGUF files")
    quantised = measure_quantised(recipe, run, model, home, progress)
    if quantised:
        write_quantised(home, quantised)
    tell(formats + 1, "model card")
    records = _copy_lineage(run, homes, home / LINEAGE)
    figures = figures_of_records(records)
    _copy_report(run / "evaluation", home / "evaluation")
    samples: dict[str, dict[str, str]] = {}
    if recipe.is_taught:
        measured = json.loads((run / "evaluation" / TUNING_FILE).read_bytes())
        write_json(home / TUNING_FILE, _settings(recipe, measured))
    else:
        samples = written_samples(recipe, run, model)
    manifest = gather(recipe, run, home, model.config, records, samples)
    base = manifest.base.name if manifest.base else None
    write_atomically(home / "README.md", card(recipe, base, model.config, figures, samples, home).encode())
    tell(formats + 1, "papers")
    write_papers(manifest, home / COMPLIANCE)
    waiting = to_complete(manifest)
    if waiting:
        progress.message(f"release: {_in_words(waiting)}")
    return {"formats": list(recipe.release.formats), "samples": samples, "to_complete": waiting}


def _in_words(waiting: list[str]) -> str:
    more = f" and {len(waiting) - FIELDS_NAMED:,} more" if len(waiting) > FIELDS_NAMED else ""
    fields = f"{len(waiting):,} fields" if len(waiting) > 1 else "a field"
    return f"the papers wait for {fields} of the recipe: {', '.join(waiting[:FIELDS_NAMED])}{more}"


def _copy_lineage(run: Path, homes: dict[str, Path], home: Path) -> dict[str, StageRecord]:
    """Copy the recipe and the records of stages, so that they go where the model goes; the records by name."""
    home.mkdir(exist_ok=True)
    write_atomically(home / "recipe.yaml", (run / "recipe.yaml").read_bytes())
    records = {}
    for name, of in homes.items():
        content = (of / STAGE_FILE).read_bytes()
        write_atomically(home / record_name(name), content)
        records[name] = StageRecord.model_validate_json(content)
    return records


def card(
    recipe: Recipe,
    base: str | None,
    config: LlamaConfig,
    figures: dict[str, Any],
    samples: dict[str, dict[str, str]],
    home: Path,
) -> str:
    """The model card of the release in `home`, of what lies in it: its README.md.

    `base` is the name of the model that a tune began with, `figures` are those of the stages up to the release,
    `samples` the continuations by language.
    """
    report, quantised = home / "evaluation" / "report.json", read_quantised(home)
    if recipe.is_taught:
        tuned = TuningReport.model_validate_json(report.read_bytes())
        return tuned_card(recipe, base or "", config, figures, tuned.scores, tuned.samples, quantised)
    found = Report.model_validate_json(report.read_bytes()) if report.exists() else None
    return model_card(recipe, base, config, figures, samples, found, quantised)


def _copy_report(evaluation: Path, home: Path) -> None:
    """Copy the report, so that it goes where the model goes; an earlier octavo wrote none."""
    files = [evaluation / name for name in REPORT_FILES]
    if all(file.exists() for file in files):
        home.mkdir(exist_ok=True)
        for file in files:
            write_atomically(home / file.name, file.read_bytes())


def _settings(recipe: Recipe, measured: dict[str, Any]) -> dict[str, Any]:
    """What the commands that use a tuned model must know: its task, its base, and what the evaluation settled."""
    assert recipe.tuning is not None
    return {
        "task": recipe.tuning.task,
        "base": base_name(Path(recipe.tuning.base)),
        "settings": measured["settings"],
    }


def written_samples(recipe: Recipe, run: Path, model: Llama) -> dict[str, dict[str, str]]:
    """The recipe's prompts with their continuations by the released weights, to which `model` is rounded."""
    tokenizer = load_tokenizer(run / "tokenizer" / "tokenizer.json")
    begin, end = begin_and_end(tokenizer, "tokenizer.json")
    round_to_bfloat16(model)
    samples = {}
    for lang, prompt in recipe.release.prompts.items():
        tokens = [begin, *tokenizer.encode(prompt, add_special_tokens=False).ids]
        pieces = continuation(model, tokenizer, tokens, end, SAMPLE)
        samples[lang] = {"prompt": prompt, "continuation": "".join(piece.text for piece in pieces)}
    return samples
