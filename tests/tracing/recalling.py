"""What tests of recall share: how it is asked, and a scan of a whole training to hold the answer against."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from octavo.recipe.file import load
from octavo.tracing.answer import told
from octavo.tracing.finding import Wanted
from octavo.tracing.recall.recalling import recall
from octavo.training.data import open_data


def ledger(run: Path) -> list[dict]:
    return pq.read_table(run / "corpus/ledger.parquet").to_pylist()


def kept(run: Path, *columns: str) -> list[dict]:
    files = sorted((run / "corpus/kept").glob("*.parquet"))
    return [row for file in files for row in pq.read_table(file, columns=list(columns)).to_pylist()]


def answer(run: Path, *identifiers: str, **wanted: str) -> dict:
    return told(recall(run, Wanted(identifiers, **wanted)))


def steps_of(ranges: list[list[int]]) -> list[int]:
    return [step for first, last in ranges for step in range(first, last + 1)]


def scanned(run: Path) -> dict[str, set[int]]:
    """By identifier the steps that read a sequence with a token of it, one step after the other."""
    recipe = load(run / "recipe.yaml")
    data, size = open_data(recipe, run / "tokens"), recipe.training.sequences_per_step
    seen = defaultdict(set)
    for step in range(recipe.steps):
        for identifier in data.documents(data.at(np.arange(step * size, (step + 1) * size))):
            seen[identifier].add(step + 1)
    return seen
