"""Harmful passages found: all are scored and counted by level, and those kept that a decision may be about."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from octavo.compiled import Flags, Hashes, Ints, compiled, spread
from octavo.curation.code_points import bytes_of
from octavo.curation.toxicity.network import F32
from octavo.curation.toxicity.scoring import DIMENSIONS, Classifier, load_classifier, score_passages
from octavo.recipe.toxicity import Decision, Toxicity

LEVELS: Final = (0.5, 1.0, 1.5, 2.0, 2.5)
"""Scores that passages are counted from."""

MEASURES: Final = (*DIMENSIONS, "any")
"""What is counted: each dimension, and the highest of a passage."""

COUNTS: Final = len(MEASURES) * len(LEVELS)

FLAGGED: Final = pa.large_list(
    pa.struct(
        [
            ("start", pa.int64()),
            ("end", pa.int64()),
            *((name, pa.float32()) for name in DIMENSIONS),
            ("text", pa.large_string()),
        ]
    )
)
"""Passages by their place in the UTF-8 bytes of the text, with their scores."""

DRAWN: Final = pa.large_list(pa.struct([("draw", pa.uint64()), ("text", pa.large_string())]))
"""Passages that were not flagged, each with its lot: the lowest of all the corpus make a sample."""

COLUMNS: Final = {
    "scored": pa.int64(),
    "reached": pa.list_(pa.int32(), COUNTS),
    "flagged": FLAGGED,
    "drawn": DRAWN,
}
"""Of a document: how many passages it has, how many reach each level by measure, and those that are kept."""


def find(text: pa.Array, settings: Toxicity, first_row: int, seed: int) -> dict[str, pa.Array]:
    """The passages of texts, in COLUMNS; an empty text has none. `first_row` numbers the texts, for the lots."""
    if not settings.enabled:
        return {name: pa.nulls(len(text), kind) for name, kind in COLUMNS.items()}
    found = score_passages(text, classifier_of(settings))
    flat = found.flatten()
    scores = np.stack([flat.field(name).to_numpy() for name in DIMENSIONS], axis=1)
    start, end = (flat.field(name).to_numpy() for name in ("start", "end"))
    bounds = found.offsets.to_numpy()
    doc = np.repeat(np.arange(len(text)), np.diff(bounds))
    some = np.flatnonzero(scores.max(axis=1, initial=0) >= LEVELS[0])
    reached = np.zeros((len(text), COUNTS), np.int32)
    np.add.at(reached, doc[some], levels_reached(scores[some]))
    flagged = np.zeros(len(scores), bool)
    for decision in settings.decisions:
        flagged |= reaches(decision, scores)
    data, offsets = bytes_of(text)

    def texts(places: Ints) -> pa.Array:
        spans = zip((offsets[doc] + start)[places].tolist(), (offsets[doc] + end)[places].tolist(), strict=True)
        return pa.array([data[a:b].tobytes() for a, b in spans], pa.large_binary()).cast(pa.large_string())

    def lists(kind: pa.DataType, places: Ints, *columns: Any) -> pa.Array:
        values = pa.StructArray.from_arrays([pa.array(c) for c in columns], fields=list(kind.value_type))
        ends = np.searchsorted(doc[places], np.arange(len(text) + 1))
        return pa.LargeListArray.from_arrays(pa.array(ends, pa.int64()), values)

    kept = np.flatnonzero(flagged)
    lots = np.empty(0, np.uint64)
    drawn = np.empty(0, np.int64)
    if settings.second_opinion is not None and settings.second_opinion.sample:
        others = np.flatnonzero(~flagged)
        lots = _lots(doc[others] + first_row, others - bounds[doc[others]], seed)
        lowest = np.sort(np.argsort(lots)[: settings.second_opinion.sample])
        drawn, lots = others[lowest], lots[lowest]
    return {
        "scored": pa.array(np.diff(bounds)),
        "reached": pa.FixedSizeListArray.from_arrays(pa.array(reached.ravel()), COUNTS),
        "flagged": lists(FLAGGED, kept, start[kept], end[kept], *scores[kept].T, texts(kept)),
        "drawn": lists(DRAWN, drawn, lots, texts(drawn)),
    }


def reaches(decision: Decision, scores: F32) -> Flags:
    """Which passages, of scores (passages, dimensions), have the score or sum that a decision is for."""
    if decision.sum is not None:
        return np.asarray(scores.sum(axis=1) >= decision.sum)
    counting = [DIMENSIONS.index(name) for name in decision.dimensions or DIMENSIONS]
    return np.asarray(scores[:, counting].max(axis=1, initial=0) >= decision.score)


def levels_reached(scores: F32) -> npt.NDArray[np.int32]:
    """Of passages, 1 for each level that each measure reaches: (passages, COUNTS), by measure, then level."""
    measured = np.concatenate([scores, scores.max(axis=1, keepdims=True, initial=0)], axis=1)
    levels = np.array(LEVELS, np.float32)
    return (measured[:, :, None] >= levels).reshape(len(scores), COUNTS).astype(np.int32)


def classifier_of(settings: Toxicity) -> Classifier:
    """The classifier that the recipe names. Raises InputError where it cannot be read."""
    return load_classifier(Path(settings.classifier) if settings.classifier else None)


@compiled
def _lots(row: Ints, passage: Ints, seed: int) -> Hashes:
    """A number for each passage that depends on nothing but its document's row, its place in it and the seed."""
    lots = np.empty(len(row), np.uint64)
    start = spread(np.uint64(seed))
    for at in range(len(row)):
        lots[at] = spread(spread(start ^ np.uint64(row[at])) ^ np.uint64(passage[at]))
    return lots
