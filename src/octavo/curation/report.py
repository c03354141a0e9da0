"""The curation report: what came in, what went out and why, counted from the ledger and the kept documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def summarise(home: Path) -> dict[str, Any]:
    """Count documents and bytes by fate, rule, language and licence from `home`/ledger.parquet and kept/."""
    import daft
    from daft import col

    ledger = daft.read_parquet(str(home / "ledger.parquet"))
    kept = ledger.where("fate <> 'removed'")
    removed = ledger.where("fate = 'removed'")
    languages: dict[str, dict[str, Any]] = {**_counts(kept, "lang")}
    if languages:
        documents = daft.read_parquet(str(home / "kept" / "*.parquet"))
        held = documents.where("split = 'held-out'").select("lang", col("text").length_bytes().alias("bytes_in"))
        for lang, count in _counts(held, "lang").items():
            languages[lang]["held_out"] = count
    return {
        "in": _total(ledger),
        "kept": _total(kept),
        "removed": _total(removed),
        "rules": _counts(removed, "rule"),
        "languages": languages,
        "licences": _counts(kept, "spdx"),
        "obligations": _counts(kept, "obligations"),
    }


def _counts(rows: Any, by: str) -> dict[str, dict[str, int]]:
    from daft import col

    groups = rows.groupby(by).agg(col("bytes_in").count().alias("documents"), col("bytes_in").sum().alias("bytes"))
    found = groups.to_pylist()
    found.sort(key=lambda group: (-group["bytes"], str(group[by])))
    return {str(g[by]): {"documents": g["documents"], "bytes": g["bytes"]} for g in found}


def _total(rows: Any) -> dict[str, int]:
    from daft import col

    total = rows.agg(col("bytes_in").count().alias("documents"), col("bytes_in").sum().alias("bytes")).to_pylist()
    return {"documents": total[0]["documents"], "bytes": total[0]["bytes"] or 0}
