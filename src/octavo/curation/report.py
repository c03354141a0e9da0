"""The curation report: what came in, what went out and why, counted from the ledger and the kept documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from octavo.corpus.parts import parts_of, scan


def summarise(home: Path) -> dict[str, Any]:
    """Count documents and bytes by fate, rule, language, licence, century, genre and source from `home`'s ledger.

    `mixed` counts those that stay and are in mixed languages, by the main one; `rules` counts what removed
    documents, `changes` what changed those that stayed. Bytes are those that came in for what was removed, and
    those that go out for what stayed.
    """
    from daft import col

    ledger = scan([home / "ledger.parquet"])
    kept = ledger.where("fate <> 'removed'")
    removed = ledger.where("fate = 'removed'")
    languages: dict[str, dict[str, Any]] = {**_counts(kept, "lang", "bytes_out")}
    if languages:
        documents = scan(parts_of(home / "kept"))
        held = documents.where("split = 'held-out'").select("lang", col("text").length_bytes().alias("bytes"))
        for lang, count in _counts(held, "lang", "bytes").items():
            languages[lang]["held_out"] = count
    changed = kept.where("rule is not null").select("bytes_out", col("rules").explode().alias("change"))
    return {
        "in": _total(ledger, "bytes_in"),
        "kept": _total(kept, "bytes_out"),
        "removed": _total(removed, "bytes_in"),
        "fates": _counts(ledger, "fate", "bytes_in"),
        "rules": _counts(removed, "rule", "bytes_in"),
        "changes": _counts(changed, "change", "bytes_out"),
        "languages": languages,
        "mixed": _counts(kept.where("mixed"), "lang", "bytes_out"),
        "licences": _counts(kept, "spdx", "bytes_out"),
        "obligations": _counts(kept, "obligations", "bytes_out"),
        "centuries": _counts(kept, "century", "bytes_out"),
        "genres": _counts(kept, "genre", "bytes_out"),
        "sources": _sources(ledger, kept, removed),
    }


def _sources(ledger: Any, kept: Any, removed: Any) -> dict[str, dict[str, dict[str, int]]]:
    """By the file that documents were read from: what came in, what was kept and what was removed."""
    stay, gone = _counts(kept, "source", "bytes_out"), _counts(removed, "source", "bytes_in")
    none = {"documents": 0, "bytes": 0}
    return {
        source: {"in": came, "kept": stay.get(source, none), "removed": gone.get(source, none)}
        for source, came in _counts(ledger, "source", "bytes_in").items()
    }


def _counts(rows: Any, by: str, size: str) -> dict[str, dict[str, int]]:
    from daft import col

    found = rows.groupby(by).agg(col(size).count().alias("documents"), col(size).sum().alias("bytes")).to_pylist()
    found.sort(key=lambda group: (-group["bytes"], str(group[by])))
    return {str(g[by]): {"documents": g["documents"], "bytes": g["bytes"]} for g in found}


def _total(rows: Any, size: str) -> dict[str, int]:
    from daft import col

    total = rows.agg(col(size).count().alias("documents"), col(size).sum().alias("bytes")).to_pylist()
    return {"documents": total[0]["documents"], "bytes": total[0]["bytes"] or 0}
