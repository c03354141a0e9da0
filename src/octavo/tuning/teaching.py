"""What the trainer needs of a tune: its sequences, its held-out answers and its first weights."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from octavo.evaluation.scoring import Row, total_bits
from octavo.modeling.llama import Llama, LlamaConfig
from octavo.recipe.schema import Recipe
from octavo.training.data import Data
from octavo.tuning.base_model import base_weights
from octavo.tuning.packing import Packed, open_packed
from octavo.tuning.preparing import ANSWERS, COPIES, GIVEN, MADE


def open_examples(recipe: Recipe, run: Path) -> Data[Packed]:
    """What a prepared tune learns from: copies first, then given and made pairs by the recipe's share."""
    assert recipe.tuning is not None
    home, made = run / "pairs", recipe.tuning.made
    folders = {GIVEN: 1.0}
    if (home / MADE).is_dir() and made:
        folders = {GIVEN: 1 - made, MADE: made} if made < 1 else {MADE: 1.0}
    copying = copying_steps(recipe, run)
    stages: dict[int, dict[str, float]] = {0: {COPIES: 1.0}} if copying else {}
    return open_packed(stages | {copying * recipe.training.sequences_per_step: folders}, home, recipe.seed)


def copying_steps(recipe: Recipe, run: Path) -> int:
    """The steps at the beginning in which texts are copied; of these nothing is measured."""
    assert recipe.tuning is not None
    return round(recipe.tuning.copies * recipe.steps) if (run / "pairs" / COPIES).is_dir() else 0


def held_out_answers(recipe: Recipe, run: Path, begin: int) -> Callable[[Llama], dict[str, float]] | None:
    """Measures a model in training: bits per byte of the held-out answers, by group; None where there are none."""
    rows: dict[str, list[Row]] = {}
    sizes: dict[str, int] = {}
    for row in pq.read_table(run / "pairs" / ANSWERS).to_pylist():
        tokens = [begin, *row["prompt"], *row["answer"]]
        rows.setdefault(row["group"], []).append(Row(tokens, 1 + len(row["prompt"])))
        sizes[row["group"]] = sizes.get(row["group"], 0) + row["bytes"]
    bfloat16 = recipe.training.precision == "bfloat16"

    def measure(model: Llama) -> dict[str, float]:
        return {
            group: round(total_bits(model, mine, bfloat16) / max(sizes[group], 1), 4)
            for group, mine in sorted(rows.items())
        }

    return measure if rows else None


def first_weights(recipe: Recipe, config: LlamaConfig) -> Callable[[], Any]:
    """Makes the base's model as a tune begins with it."""
    assert recipe.tuning is not None
    return partial(base_weights, Path(recipe.tuning.base), config, recipe.seed)
