"""The part of curation's page on harmful text: what was decided, how often, and passages to read and argue with."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from blake3 import blake3

from octavo.curation.evidence import deciding_scores, dimension_in_words
from octavo.curation.examples import Segment, by_words, redacted, visible

REMOVED = 100
ANNOTATED = 50
REWRITTEN = 50
"""Passages shown of each kind."""

LEVELS = ("1.0", "1.5", "2.0")
"""Of the levels that are counted, those that are shown."""

ROWS = 40
"""Shown of each table; what is smaller is summed up in one row."""

OUTCOMES = {
    "kept": "stay as they are",
    "annotated": "stay; place and scores are noted in the column harmful",
    "rewritten": "were rewritten by a model",
    "removed": "were cut out",
    "document-removed": "went with their whole document, of which too much was to be removed",
    "cut": "went with a passage that stands in many works",
}


class PassageShown(NamedTuple):
    """A flagged passage; `after` is empty where it was not rewritten."""

    title: str
    identifier: str
    facts: str
    scores: str
    decided: str
    before: list[Segment]
    after: list[Segment]


class ShareRow(NamedTuple):
    """Passages of one language, dimension, collection or century that reach the levels, before and afterwards."""

    label: str
    passages: int
    left: int
    before: list[int]
    after: list[int]


Label = Callable[[str, Any], str]
"""Of a column and a value in it, what a person reads; null has words too."""


def section(home: Path, report: dict[str, Any], label: Label) -> dict[str, Any] | None:
    """What the template needs of harmful text; None where none was looked for."""
    found = report.get("toxicity")
    if found is None:
        return None
    shown = {
        kind: [_shown(passage, label) for passage in _redacted(chosen)]
        for kind, chosen in choose(home / "passages.parquet", found["seed"]).items()
    }
    return {
        **found,
        "decisions": [(_decision(decision), decision["passages"]) for decision in found["decisions"]],
        "outcomes": [(OUTCOMES[name], count) for name, count in found["outcomes"].items()],
        "levels": LEVELS,
        "tables": [
            ("language", _rows(found["shares"], lambda name: label("lang", name))),
            ("dimension", _rows(found["dimensions"], _dimension)),
            ("collection", _rows(found["collections"], lambda name: label("collection", _known(name)))),
            ("century", _centuries(found["centuries"], label)),
        ],
        "shown": shown,
    }


def choose(file: Path, seed: int) -> dict[str, list[dict[str, Any]]]:
    """Removed and rewritten passages drawn by lot, and of those annotated the ones with the highest scores."""
    best: dict[str, list[tuple[float | bytes, str, int, dict[str, Any]]]] = {
        "removed": [],
        "annotated": [],
        "rewritten": [],
    }
    for kind, outcomes, number, key in (
        ("removed", ("removed", "document-removed"), REMOVED, None),
        ("rewritten", ("rewritten",), REWRITTEN, None),
        ("annotated", ("annotated",), ANNOTATED, _highest),
    ):

        def entries(
            outcomes: tuple[str, ...] = outcomes, key: Callable[[dict[str, Any]], float] | None = key
        ) -> Iterator[tuple[float | bytes, str, int, dict[str, Any]]]:
            for passage in _passages(file, outcomes):
                lot = blake3(f"{seed}:{passage['identifier']}:{passage['start']}".encode()).digest(8)
                yield (-key(passage) if key else lot, passage["identifier"], passage["start"], passage)

        best[kind] = heapq.nsmallest(number, entries(), key=lambda entry: entry[:3])
    return {kind: [entry[-1] for entry in chosen] for kind, chosen in best.items()}


def _passages(file: Path, outcomes: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for batch in pq.ParquetFile(file).iter_batches(4096):
        yield from batch.filter(
            pc.is_in(batch.column("outcome"), pa.array(outcomes, pa.large_string()))
        ).to_pylist()


def _highest(passage: dict[str, Any]) -> float:
    return max(deciding_scores(passage).values())


def _redacted(passages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    columns = {
        name: redacted([passage[name] or "" for passage in passages]) for name in ("text", "instead", "title")
    }
    return [
        passage | {name: column[place] for name, column in columns.items()}
        for place, passage in enumerate(passages)
    ]


def _shown(passage: dict[str, Any], label: Label) -> PassageShown:
    facts = [label("lang", passage["lang"]), passage["date"], passage["spdx"], passage["collection"]]
    scores = sorted(deciding_scores(passage).items(), key=lambda item: -item[1])
    named = [f"{dimension_in_words(name)} {score:.2f}" for name, score in scores if score >= 0.25]
    second = passage["second"] or {}
    by = "second opinion, where it has one: " if any(value is not None for value in second.values()) else ""
    decided = "no decision" if passage["decision"] is None else f"decision {passage['decision']}"
    before: list[Segment] = [Segment("", passage["text"])]
    after: list[Segment] = []
    if passage["outcome"] == "rewritten":
        before, after = by_words(passage["text"], passage["instead"])
        decided += f", by {passage['model']}"
        if passage["retention"] is not None:
            decided += f", information retention {passage['retention']:.2f}"
    elif passage["outcome"] == "document-removed":
        decided += ", with the whole document"
    elif passage["action"] == "rewrite":
        decided += ", as its rewrite was refused"
    return PassageShown(
        visible(passage["title"]),
        label("identifier", passage["identifier"]),
        visible(" · ".join(fact for fact in facts if fact)),
        by + ", ".join(named),
        decided,
        *([Segment(mark, visible(text)) for mark, text in side] for side in (before, after)),
    )


def _decision(decision: dict[str, Any]) -> str:
    """A decision of the recipe, in words."""
    dimensions = [dimension_in_words(name) for name in decision.get("dimensions", [])]
    of = f"the score of {' or of '.join(dimensions)}" if dimensions else "any score"
    least = f"{of} is {decision.get('score')} or more"
    if "sum" in decision:
        least = f"the sum of the scores is {decision['sum']} or more"
    where = [
        f"{words} {', '.join(map(str, decision[name]))}"
        for name, words in (("collections", "in"), ("languages", "in"), ("centuries", "in century"))
        if name in decision
    ]
    return f"{decision['action']} where {' and '.join([least, *where])}"


def _rows(shares: dict[str, dict[str, Any]], label: Callable[[str], str]) -> list[ShareRow]:
    rows = [
        ShareRow(
            label(name),
            count["passages"],
            count["left"],
            [count["before"][level] for level in LEVELS],
            [count["after"][level] for level in LEVELS],
        )
        for name, count in shares.items()
    ]
    return rows[:ROWS] + ([_summed(rows[ROWS:])] if len(rows) > ROWS else [])


def _summed(rows: list[ShareRow]) -> ShareRow:
    def add(lists: Iterable[list[int]]) -> list[int]:
        return [sum(values) for values in zip(*lists, strict=True)]

    return ShareRow(
        f"{len(rows):,} others",
        sum(row.passages for row in rows),
        sum(row.left for row in rows),
        add(row.before for row in rows),
        add(row.after for row in rows),
    )


def _dimension(name: str) -> str:
    return "Any of them" if name == "any" else dimension_in_words(name).capitalize()


def _known(name: str) -> str | None:
    return None if name == "None" else name


def _centuries(shares: dict[str, dict[str, Any]], label: Label) -> list[ShareRow]:
    """The rows by century, in order; works without a date come last."""
    numbers = sorted(int(name) for name in shares if _known(name))
    names = [*map(str, numbers), *(name for name in shares if not _known(name))]
    return _rows(
        {name: shares[name] for name in names}, lambda name: label("century", int(name) if _known(name) else None)
    )
