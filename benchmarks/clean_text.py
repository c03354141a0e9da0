"""What curation takes from a folder of clean works: the share of their bytes, by rule, language and genre.

    python benchmarks/clean_text.py FOLDER_WITH_PARQUET [--json]

The works are curated by the default recipe. `removed` is the text of documents that went, `cut` what those that
stay lost within them, by repair or as passages that stand in other works. Copies of other documents, exact and
near, are counted apart, since a clean copy is one too many. A document that went before its genre was told has
none.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
from curated import Ledger, curated
from figures import figure, print_figures, print_table

COPIES = ("duplicate", "near-duplicate")


def lost_by_rule(ledger: Ledger) -> dict[str, tuple[int, int]]:
    """Of each rule, the documents that it took something from, and the bytes."""
    documents: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    for row in ledger:
        if row["fate"] == "removed":
            parts = {row["rule"]: row["bytes_in"]}
        else:
            evidence = json.loads(row["evidence"] or "{}")
            passages = evidence.get("repeated-passages", {}).get("bytes", 0)
            mended = row["bytes_in"] - row["bytes_out"] - passages
            parts = {"repeated-passages": passages, "repair, personal-data": max(mended, 0)}
        documents.update(rule for rule, size in parts.items() if size)
        lost.update({rule: size for rule, size in parts.items() if size})
    return {rule: (documents[rule], size) for rule, size in lost.most_common()}


def losses(ledger: Ledger, key: Callable[[dict[str, Any]], str]) -> list[tuple[str, int, int, float, float, float]]:
    """By a key of its rows: documents, bytes, and the shares removed, cut, and gone as copies."""
    groups: dict[str, Ledger] = {}
    for row in ledger:
        groups.setdefault(key(row), []).append(row)
    rows = []
    for name, own in sorted(groups.items(), key=lambda group: -sum(row["bytes_in"] for row in group[1])):
        size = sum(row["bytes_in"] for row in own)
        copies = sum(row["bytes_in"] for row in own if row["rule"] in COPIES)
        removed = sum(row["bytes_in"] for row in own if row["fate"] == "removed") - copies
        cut = sum(max(row["bytes_in"] - row["bytes_out"], 0) for row in own if row["fate"] != "removed")
        rows.append((name, len(own), size, *(share / max(size, 1) for share in (removed, cut, copies))))
    return rows


def with_long_s(folder: Path) -> set[str]:
    """The documents printed with ſ."""
    names: set[str] = set()
    for file in sorted(folder.glob("*.parquet")):
        table = pq.read_table(file, columns=["identifier", "text"])
        names |= set(table.filter(pc.match_substring(table["text"], "ſ"))["identifier"].to_pylist())
    return names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true")
    settings = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        ledger = curated(settings.folder, Path(temporary))
    old = with_long_s(settings.folder)
    [(_, documents, size, removed, cut, copies)] = losses(ledger, lambda row: "all")
    how = f"{documents:,} documents, {size / 1e6:.1f} MB"
    figures = {
        "removed or cut": figure(100 * (removed + cut), "%", "< 1 %", removed + cut < 0.01, how),
        "copies": figure(100 * copies, "%", "", True, how),
    }
    tables = {
        "language": losses(ledger, lambda row: row["lang"] or "none"),
        "genre": losses(ledger, lambda row: row["genre"] or "none"),
        "letters": losses(ledger, lambda row: "with ſ" if row["identifier"] in old else "without ſ"),
    }
    rules = lost_by_rule(ledger)
    if settings.json:
        print(json.dumps({**figures, "rules": rules, **tables}, indent=1))
        return
    print_figures(figures)
    print()
    shares = [(rule, number, lost, f"{100 * lost / size:.3f} %") for rule, (number, lost) in rules.items()]
    print_table(("rule", "documents", "bytes", "of all"), shares)
    for head, rows in tables.items():
        print()
        percent = [(name, n, total, *(f"{100 * share:.2f} %" for share in rest)) for name, n, total, *rest in rows]
        print_table((head, "documents", "bytes", "removed", "cut", "copies"), percent)


if __name__ == "__main__":
    main()
