"""Shares of a corpus's passages that reach each level of harm, before anything is done about them and afterwards.

Counted are the documents that stay after copies and the mixture, before repeated passages are cut, by the first
classifier's scores: so before and after are of the same documents, and on the same scale.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from octavo.compiled import Flags
from octavo.corpus.parts import parts_of
from octavo.curation.flagging import COUNTS, LEVELS, MEASURES, levels_reached, reaches
from octavo.curation.toxicity.scoring import DIMENSIONS
from octavo.progress import Progress
from octavo.recipe.toxicity import Toxicity

_BY: Final = {"lang": "shares", "collection": "collections", "century": "centuries"}

Counts = npt.NDArray[np.int64]


class Shares:
    """Counts by language, collection and century; each row has the levels by measure, then the passages."""

    def __init__(self) -> None:
        self.groups: dict[str, dict[str, Counts]] = {
            column: defaultdict(lambda: np.zeros((2, COUNTS + 1), np.int64)) for column in _BY
        }

    @property
    def passages(self) -> int:
        """Of all documents."""
        return int(sum(counts[0, COUNTS] for counts in self.groups["lang"].values()))

    def add(self, part: Path, gone: pa.Array, weighed: pa.Table, removed: pa.Array, after: Counts) -> None:
        """Count a part's documents but for those `gone`; `after` is of the weighed passages, in their order."""
        columns = ["row", "rule", *_BY, "scored", "reached"]
        documents = pq.read_table(part, columns=columns)
        documents = documents.filter(pc.is_null(documents.column("rule")))
        documents = documents.filter(pc.invert(pc.is_in(documents.column("row"), gone))).combine_chunks()
        if not len(documents):
            return
        rows = documents.column("row").to_numpy()
        levels = documents.column("reached").combine_chunks().flatten().to_numpy().reshape(-1, COUNTS)
        before = np.concatenate([levels, documents.column("scored").to_numpy()[:, None]], axis=1).astype(np.int64)
        left = before.copy()
        of = weighed.column("row").to_numpy()
        first, last = np.searchsorted(of, [rows[0], rows[-1] + 1])
        scores = weighed.slice(first, last - first).column("scores").combine_chunks()
        if len(scores):
            found = np.stack([scores.field(name).to_numpy() for name in DIMENSIONS], axis=1)
            was = np.concatenate([levels_reached(found), np.ones((len(found), 1), np.int32)], axis=1)
            np.add.at(left, np.searchsorted(rows, of[first:last]), after[first:last] - was)
        left[np.isin(rows, removed.to_numpy())] = 0
        for column, groups in self.groups.items():
            names, own = np.unique(
                np.array([str(name) for name in documents.column(column).to_pylist()]), return_inverse=True
            )
            for counts, place in ((before, 0), (left, 1)):
                total = np.zeros((len(names), COUNTS + 1), np.int64)
                np.add.at(total, own, counts)
                for name, row in zip(names.tolist(), total, strict=True):
                    groups[name][place] += row

    def as_json(self) -> dict[str, Any]:
        """By group and by dimension: passages, how many are left, and how many reach each level."""
        total = sum(self.groups["lang"].values(), np.zeros((2, COUNTS + 1), np.int64))
        return {
            **{
                title: {
                    name: _told(counts, "any")
                    for name, counts in sorted(self.groups[by].items(), key=lambda g: (-g[1][0, COUNTS], g[0]))
                }
                for by, title in _BY.items()
            },
            "dimensions": {measure: _told(total, measure) for measure in MEASURES},
        }


def _told(counts: Counts, measure: str) -> dict[str, Any]:
    first = MEASURES.index(measure) * len(LEVELS)

    def levels(row: Counts) -> dict[str, int]:
        return {str(level): int(row[first + place]) for place, level in enumerate(LEVELS)}

    return {
        "passages": int(counts[0, COUNTS]),
        "left": int(counts[1, COUNTS]),
        "before": levels(counts[0]),
        "after": levels(counts[1]),
    }


def recall(
    verdicts: Path, gone: pa.Array, settings: Toxicity, flagged: pa.Table, passages: int, progress: Progress
) -> dict[str, Any]:
    """Which share of what the second classifier would flag the first one does, by a sample of the passages that it
    let through: those with the lowest lots. `cascade_recall` says how it is estimated."""
    from octavo.curation.second_opinion.asking import cascade_recall, second_scores

    assert settings.second_opinion is not None
    drawn = _drawn(verdicts, gone, settings.second_opinion.sample)
    others = second_scores(drawn, settings.second_opinion, progress)
    second = flagged.column("second").combine_chunks()
    given = [second.field(name).to_numpy(zero_copy_only=False).astype(np.float32) for name in DIMENSIONS]
    positive = _would_flag(np.concatenate([np.stack(given, axis=1), others]), settings)
    found = cascade_recall(np.arange(len(positive)) < len(flagged), positive, passages - len(flagged))
    return found._asdict()


def _would_flag(scores: npt.NDArray[np.float32], settings: Toxicity) -> Flags:
    known = np.nan_to_num(scores, nan=0.0)
    concerned = np.zeros(len(known), bool)
    for decision in settings.decisions:
        concerned |= reaches(decision, known)
    return concerned


def _drawn(verdicts: Path, gone: pa.Array, number: int) -> list[str]:
    """The texts with the lowest lots, of documents that stay."""
    lowest = pa.table({"draw": pa.array([], pa.uint64()), "text": pa.array([], pa.large_string())})
    for part in parts_of(verdicts):
        documents = pq.read_table(part, columns=["row", "rule", "drawn"])
        documents = documents.filter(pc.is_null(documents.column("rule")))
        documents = documents.filter(pc.invert(pc.is_in(documents.column("row"), gone)))
        for chunk in documents.column("drawn").chunks:
            found = chunk.flatten()
            more = pa.table({"draw": found.field("draw"), "text": found.field("text")})
            lowest = pa.concat_tables([lowest, more]).sort_by("draw").slice(0, number)
    texts: list[str] = lowest.column("text").to_pylist()
    return texts
