"""What the report says of harmful passages: how many there are, what became of them, and what a model wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from octavo.recipe.schema import Recipe


def summarise_passages(home: Path, recipe: Recipe, figures: dict[str, Any]) -> dict[str, Any]:
    """Count the flagged passages of a curation in `home` by what came of them; `figures` are those of the weighing.

    Bytes are of the passages as they were, but for `synthetic`, which counts what a model wrote of the kept text.
    """
    columns = ["action", "decision", "outcome", "start", "end", "model", "instead"]
    passages = pq.read_table(home / "passages.parquet", columns=columns)
    size = pc.subtract(passages.column("end"), passages.column("start"))
    passages = passages.append_column("bytes", size)
    decisions = passages.column("decision").to_pylist()
    return {
        "seed": recipe.seed,
        "passages": figures["passages"],
        "flagged": passages.num_rows,
        "actions": _counts(passages, "action"),
        "outcomes": _counts(passages, "outcome"),
        "decisions": [
            {**decision.model_dump(exclude_none=True), "passages": decisions.count(number)}
            for number, decision in enumerate(recipe.curation.toxicity.decisions)
        ],
        "synthetic": _synthetic(home, passages.filter(pc.equal(passages.column("outcome"), "rewritten"))),
        **{name: value for name, value in figures.items() if name not in ("passages", "flagged")},
    }


def _counts(passages: pa.Table, column: str) -> dict[str, dict[str, int]]:
    found = passages.group_by(column).aggregate([("bytes", "count"), ("bytes", "sum")]).to_pylist()
    found.sort(key=lambda group: (-group["bytes_count"], group[column]))
    return {g[column]: {"passages": g["bytes_count"], "bytes": g["bytes_sum"]} for g in found}


def _synthetic(home: Path, rewritten: pa.Table) -> dict[str, Any]:
    """What of the kept text a model wrote: bytes, their share, documents with any, and by model."""
    ledger = pq.read_table(home / "ledger.parquet", columns=["synthetic_bytes", "bytes_out"])
    own = ledger.column("synthetic_bytes")
    size, kept = (pc.sum(ledger.column(name)).as_py() or 0 for name in ("synthetic_bytes", "bytes_out"))
    written = rewritten.append_column("written", pc.binary_length(rewritten.column("instead")))
    models = written.group_by("model").aggregate([("written", "count"), ("written", "sum")]).to_pylist()
    return {
        "bytes": size,
        "share": size / kept if kept else 0.0,
        "documents": pc.sum(pc.greater(own, 0)).as_py() or 0,
        "models": {m["model"]: {"passages": m["written_count"], "bytes": m["written_sum"]} for m in models},
    }
