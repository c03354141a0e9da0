"""Stage evaluation of a tune: the model and the baselines on pairs of documents that it never saw."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from octavo.evaluation.speaker import Speaker
from octavo.lineage import write_json
from octavo.modeling.hf import round_to_bfloat16
from octavo.modeling.llama import Llama
from octavo.progress import Progress
from octavo.recipe.schema import Recipe
from octavo.tokenization.encode import load_tokenizer
from octavo.tuning.preparing import read_parts
from octavo.tuning.registry import TASKS
from octavo.tuning.report.writing import write_report
from octavo.tuning.scores import Score
from octavo.tuning.tuned_model import FILE, within
from octavo.tuning.vocabulary import task_vocabulary

COMMAND: Final = "octavo evaluate RUN"
SAMPLES: Final = 8
"""That the model card shows."""


def measure_tune(recipe: Recipe, run: Path, model: Llama, home: Path, progress: Progress) -> dict[str, Any]:
    """Write `home`/tuning.json and report.html, and return the figures over all languages together."""
    assert recipe.tuning is not None
    file = run / "tokenizer" / "tokenizer.json"
    vocabulary = task_vocabulary(load_tokenizer(file), str(file))
    round_to_bfloat16(model)
    model = within(model.eval(), recipe.sequence_length)
    speaker = Speaker(model, vocabulary.tokenizer, vocabulary.begin, vocabulary.end)
    measured = TASKS[recipe.tuning.task].measure(recipe, speaker, vocabulary, read_parts(recipe, run), progress)
    settings = {"context": speaker.context, **measured.settings}
    rows = [_row(score) for score in measured.scores]
    figures = {
        "command": COMMAND,
        "task": recipe.tuning.task,
        "base": recipe.tuning.base,
        "settings": settings,
        "scores": rows,
        "samples": measured.samples,
    }
    home.mkdir(parents=True, exist_ok=True)
    write_json(home / FILE, figures)
    write_report(recipe, run, home, figures)
    return {
        "task": recipe.tuning.task,
        "settings": settings,
        "scores": [row for row in rows if row["by"] == "all"],
        "samples": measured.samples[:SAMPLES],
    }


def _row(score: Score) -> dict[str, Any]:
    lead = {} if score.lead is None else {"lead_low": score.lead.low, "lead_high": score.lead.high}
    named = {name: getattr(score, name) for name in ("system", "by", "group", "metric")}
    return named | score.estimate._asdict() | lead
