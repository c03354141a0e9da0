"""Stage evaluation: measures the model that will be released, its weights rounded to BF16."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from octavo.evaluation import bits_per_byte
from octavo.evaluation.bits_per_byte import Floors
from octavo.evaluation.held_out_text import read_kept
from octavo.evaluation.memorization import measure_memorization
from octavo.evaluation.openings import read_documents
from octavo.evaluation.report.writing import read_compared, read_model, write_report
from octavo.evaluation.speaker import Speaker
from octavo.evaluation.tasks import measure_tasks
from octavo.evaluation.toxicity import any_scores, measure_harm
from octavo.evaluation.writing import COMMAND, measure_writing
from octavo.lineage import write_json
from octavo.modeling.hf import round_to_bfloat16
from octavo.modeling.llama import Llama
from octavo.progress import Progress
from octavo.recipe.schema import Recipe
from octavo.tokenization.encode import load_tokenizer
from octavo.tokenization.entries import begin_and_end
from octavo.training.data import training_shards


def evaluate(recipe: Recipe, run: Path, model: Llama, home: Path, progress: Progress) -> dict[str, Any]:
    """Measure a run's model, write the figures of each kind into `home`, and return them, in short where long."""
    home.mkdir(parents=True, exist_ok=True)
    compared = read_compared(recipe)  # before the work, as a mistake in them ends it
    tokenizer = load_tokenizer(run / "tokenizer" / "tokenizer.json")
    begin, end = begin_and_end(tokenizer, "tokenizer.json")
    round_to_bfloat16(model)
    model.eval()
    speaker = Speaker(model, tokenizer, begin, end)
    held_out = read_kept(run / "corpus" / "kept", recipe.evaluation.max_bytes)
    if not held_out:
        why = "nothing is held out" if recipe.corpus.sources else "a recipe without documents holds out none"
        progress.message(f"evaluation: {why}, so there is nothing to measure")
    shards = training_shards(recipe, run / "tokens") if held_out else []
    floors = Floors(bits_per_byte.xz_bits(held_out), bits_per_byte.unigram_bits(shards, model.config.vocab_size))
    figures = bits_per_byte.measure(speaker, held_out, floors, progress)
    write_json(home / bits_per_byte.FILE, {"command": COMMAND, **figures})
    report = run / "corpus" / "report.json"
    harm = measure_harm(recipe, model, tokenizer, begin, end, report, home, progress)
    documents = read_documents(run / "corpus" / "kept", recipe.corpus.languages)
    writing = measure_writing(recipe, speaker, documents, home, progress)
    memorization = measure_memorization(recipe, speaker, documents, run, home, progress)
    tasks = measure_tasks(recipe, speaker, home, progress)
    models = [read_model(recipe.name, run, home), *compared]
    write_report(home, models, recipe.corpus.languages, recipe.seed, lambda t: any_scores(t, recipe))
    return bits_per_byte.in_short(figures) | {
        "harm": harm,
        "writing": writing,
        "memorization": memorization,
        "tasks": tasks,
    }
