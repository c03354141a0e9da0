"""The real corpus that lies beside the repository, where it does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from octavo.corpus.importing import import_documents
from octavo.curation.pipeline import curate
from octavo.progress import Progress
from octavo.recipe.file import validate

SHARED = Path(__file__).parent.parent.parent / "shared" / "corpus"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.is_dir(), reason="the real corpus is not beside the repository"),
]


DOCUMENTS = 50
"""So many of each language are enough to see."""


def curated(home: Path, *sources: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    data = {"name": "shared", "corpus": {"sources": list(sources)}}
    recipe = validate(data, {}, "recipe.yaml")
    import_documents(recipe.corpus, home / "documents", Progress())
    report = curate(recipe, home / "documents", home / "corpus", Progress())
    return report, pq.read_table(home / "corpus" / "ledger.parquet").to_pylist()


def test_of_the_open_texts_less_than_a_hundredth_is_removed_but_for_copies(tmp_path: Path) -> None:
    parts = sorted((SHARED / "train").glob("*.parquet"))
    report, ledger = curated(tmp_path, *({"path": str(part), "documents": DOCUMENTS} for part in parts))
    assert len(ledger) == report["in"]["documents"] == DOCUMENTS * len(parts)
    copies = sum(report["rules"].get(rule, {"bytes": 0})["bytes"] for rule in ("duplicate", "near-duplicate"))
    assert report["removed"]["bytes"] - copies < 0.01 * report["in"]["bytes"]


def test_of_the_dirty_texts_the_ones_that_are_not_open_or_empty_go_and_the_clean_ones_stay(tmp_path: Path) -> None:
    source = SHARED / "dirty" / "dirty.parquet"
    _, ledger = curated(tmp_path, {"path": str(source)})
    issues = pq.read_table(source, columns=["identifier", "issue"]).to_pylist()
    assert [row["identifier"] for row in ledger] == [row["identifier"] for row in issues]
    fates: dict[str, list[tuple[str, str]]] = {}
    for row, issue in zip(ledger, issues, strict=True):
        fates.setdefault(issue["issue"], []).append((row["fate"], row["identifier"]))
    for issue in ("nonopen_licence", "nonopen_metadata", "missing_licence", "empty"):
        assert [identifier for fate, identifier in fates[issue] if fate != "removed"] == [], issue
    assert [identifier for fate, identifier in fates["clean_control"] if fate == "removed"] == []
