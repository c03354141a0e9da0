"""The report of opt-outs: what each field of the list removed, its copies, and which entries found nothing."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from octavo.curation.opt_outs import RULE
from octavo.recipe.opt_outs import OptOuts

UNMATCHED = 100
"""Entries named that nothing matches; the counts tell how many there are."""

NAMED = 3
"""Of these, in a message."""


def summarise_opt_outs(home: Path, settings: OptOuts) -> dict[str, Any]:
    """Count what opted out of a curation in `home`, from its ledger, by the `fields` of the list that have entries.

    A document counts for the first field that names it, and a copy for that of its original; an entry counts as
    matched also where another named the document first. Bytes are those that came in.
    """
    lists = settings.given()
    documents: Counter[tuple[str, str]] = Counter()
    sizes: Counter[tuple[str, str]] = Counter()
    matched: set[tuple[str, str]] = set()
    if lists:
        for batch in pq.ParquetFile(home / "ledger.parquet").iter_batches(columns=["rule", "evidence", "bytes_in"]):
            ours = batch.filter(pc.fill_null(pc.equal(batch.column("rule"), RULE), False))
            for evidence, size in zip(
                ours.column("evidence").to_pylist(), ours.column("bytes_in").to_pylist(), strict=True
            ):
                found = json.loads(evidence)[RULE]
                what = found["field"], "copies" if "copy_of" in found else "documents"
                documents[what] += 1
                sizes[what] += size
                matched |= {(one["field"], one["entry"]) for one in (found, *found.get("also", []))}
    unmatched = [
        {"field": field, "entry": entry}
        for field, entries in lists.items()
        for entry in entries
        if (field, entry) not in matched
    ]
    return {
        "fields": {
            field: {
                "entries": len(entries),
                "matched": sum((field, entry) in matched for entry in entries),
                "documents": documents[field, "documents"],
                "bytes": sizes[field, "documents"],
                "copies": {"documents": documents[field, "copies"], "bytes": sizes[field, "copies"]},
            }
            for field, entries in lists.items()
        },
        "unmatched": unmatched[:UNMATCHED],
    }


def opt_outs_in_words(report: dict[str, Any]) -> str:
    """A sentence on what opted out, from what `summarise_opt_outs` counts."""
    fields = report["fields"].values()
    documents, size = (sum(field[name] for field in fields) for name in ("documents", "bytes"))
    copies, copied = (sum(field["copies"][name] for field in fields) for name in ("documents", "bytes"))
    said = (
        f"curation: {_number(documents, 'document')} opted out ({_number(size, 'byte')}) and {_copies(copies)} "
        f"removed with {'it' if documents == 1 else 'them'} ({_number(copied, 'byte')})"
    )
    missed = sum(field["entries"] - field["matched"] for field in fields)
    if missed:
        entries = sum(field["entries"] for field in fields)
        named = ", ".join(f"{one['field']} {one['entry']!r}" for one in report["unmatched"][:NAMED])
        said += f"; {missed:,} of {_number(entries, 'entry', 'entries')} matched nothing: {named}"
        said += f" and {missed - NAMED:,} more" if missed > NAMED else ""
    return said


def _number(count: int, one: str, many: str | None = None) -> str:
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def _copies(count: int) -> str:
    return "1 copy was" if count == 1 else f"{count:,} copies were"
