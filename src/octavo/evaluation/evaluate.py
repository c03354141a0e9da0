"""Stage evaluation: measures the model that will be released, its weights rounded to BF16."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from octavo.evaluation.bits_per_byte import measure, read_held_out
from octavo.evaluation.speaker import Speaker
from octavo.evaluation.toxicity import measure_harm
from octavo.evaluation.writing import measure_writing
from octavo.lineage import write_json
from octavo.modeling.llama import Llama
from octavo.progress import Progress
from octavo.recipe import Recipe
from octavo.tokenization.encode import load_tokenizer
from octavo.tokenization.entries import begin_and_end
from octavo.training.data import training_shards


def evaluate(recipe: Recipe, run: Path, model: Llama, home: Path, progress: Progress) -> dict[str, Any]:
    """Measure a run's model, write the figures of each kind into `home`, and return them, in short where long."""
    home.mkdir(parents=True, exist_ok=True)
    tokenizer = load_tokenizer(run / "tokenizer" / "tokenizer.json")
    begin, end = begin_and_end(tokenizer, "tokenizer.json")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.to(torch.bfloat16))
    model.eval()
    held_out = read_held_out(run / "corpus" / "kept", recipe.evaluation.max_bytes)
    if not held_out:
        why = "nothing is held out" if recipe.corpus.sources else "a recipe without documents holds out none"
        progress.message(f"evaluation: {why}, so there is nothing to measure")
    figures = measure(
        model,
        tokenizer,
        begin,
        held_out,
        training_shards(recipe, run / "tokens") if held_out else [],
        recipe.training.precision == "bfloat16",
        progress,
    )
    write_json(home / "bits_per_byte.json", figures)
    report = run / "corpus" / "report.json"
    harm = measure_harm(recipe, model, tokenizer, begin, end, report, home, progress)
    speaker = Speaker(model, tokenizer, begin, end)
    writing = measure_writing(recipe, speaker, run / "corpus" / "kept", home, progress)
    return figures | {"harm": harm, "writing": writing}
