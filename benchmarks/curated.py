"""Curation as a recipe asks for it, for the benchmarks of what it finds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from octavo.corpus.importing import import_documents
from octavo.curation.pipeline import curate
from octavo.progress import Progress
from octavo.recipe.file import validate

Ledger = list[dict[str, Any]]


def curated(source: Path, home: Path, curation: dict[str, Any] | None = None) -> Ledger:
    """Curate a Parquet file, or a folder of them, into `home`/corpus by the default recipe; its ledger.

    `curation` is laid over the recipe's section of this name.
    """
    data = {"name": "benchmark", "corpus": {"sources": [{"path": str(source)}]}, "curation": curation or {}}
    recipe = validate(data, {}, "benchmark")
    import_documents(recipe.corpus, home / "documents", Progress())
    curate(recipe, home / "documents", home / "corpus", Progress())
    ledger: Ledger = pq.read_table(home / "corpus" / "ledger.parquet").to_pylist()
    return ledger


def kept_documents(home: Path) -> dict[str, dict[str, Any]]:
    """The kept documents of a corpus curated into `home`, by their identifiers."""
    parts = (home / "corpus" / "kept").glob("*.parquet")
    return {row["identifier"]: row for part in parts for row in pq.read_table(part).to_pylist()}
