"""The third pass: what becomes of the passages that were flagged, in the documents that stay.

Each asks a larger classifier where the recipe names one, is decided on by the first of the recipe's decisions that
is about it, and goes to the rewriting model where that says so. A rewrite that is refused leaves the passage to be
removed. A document of which too much is to be removed goes as a whole.

What costs is kept: the second scores by part, every answer of the model in a folder beside the stage's own, so that
it outlasts the stage.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from octavo.compiled import Flags, Ints
from octavo.corpus.parts import parts_of
from octavo.curation.completions import key_of
from octavo.curation.evidence import deciding_scores
from octavo.curation.flagging import classifier_of, levels_reached, reaches
from octavo.curation.judging import ROW_BITS
from octavo.curation.rewriting.asking import Passage, Rewrite, Rewriter, check_prompts
from octavo.curation.toxicity.network import F32
from octavo.curation.toxicity.scoring import DIMENSIONS, score, score_passages
from octavo.curation.toxicity.shares import Shares, recall
from octavo.errors import OctavoError
from octavo.lineage import write_json
from octavo.progress import Progress
from octavo.recipe.schema import Recipe
from octavo.recipe.toxicity import Toxicity

ANSWERS: Final = "rewriting"
"""The folder of the model's answers, beside the stage's home: what is set aside when the stage is done again leaves
them in their place."""

SCORES: Final = pa.struct([(name, pa.float32()) for name in DIMENSIONS])

FLAGGED_SCHEMA: Final = pa.schema(
    [
        ("row", pa.int64()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("bytes", pa.int64()),
        *((name, pa.large_string()) for name in ("lang", "collection", "text")),
        ("century", pa.int32()),
        ("scores", SCORES),
        ("second", SCORES),
    ]
)
"""A flagged passage, before it is decided on; `bytes` are its document's."""

WEIGHED_SCHEMA: Final = pa.schema(
    [
        ("row", pa.int64()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("scores", SCORES),
        ("second", SCORES),
        ("action", pa.large_string()),
        ("decision", pa.int32()),
        ("outcome", pa.large_string()),
        *((name, pa.large_string()) for name in ("text", "instead", "model")),
        ("retention", pa.float64()),
        ("rewrite", pa.large_string()),
    ]
)
"""What becomes of a flagged passage, for the pass that sorts."""

GONE_SCHEMA: Final = pa.schema([("row", pa.int64()), ("evidence", pa.large_string())])
"""A document that goes as a whole."""

DONE: Final = {"keep": "kept", "annotate": "annotated", "rewrite": "rewritten", "remove": "removed"}
"""What an action comes to."""


def check(settings: Toxicity, languages: list[str]) -> None:
    """Raise InputError for what would stop the pass: a classifier, a key or a prompt that is not there."""
    if not settings.enabled:
        return
    classifier_of(settings)
    if settings.second_opinion is not None:
        from octavo.curation.second_opinion.model import forget, load_second_opinion

        load_second_opinion(settings.second_opinion)
        forget()  # training may need its memory
    if settings.rewriting is not None:
        with _named_as_in_the_recipe():
            key_of(settings.rewriting)
            check_prompts(settings.rewriting, languages)


def weigh(verdicts: Path, decisions: Path, recipe: Recipe, home: Path, answers: Path, progress: Progress) -> None:
    """Write what becomes of flagged passages into `home`: a file a part, gone.parquet, and figures.json last.

    Raises StoppedError between two parts or while the model rewrites, and OctavoError where the endpoint or the
    budget stops it; the next call goes on from there.
    """
    settings = recipe.curation.toxicity
    decided = pq.read_table(decisions / "documents.parquet", columns=["row", "rule"])
    gone = decided.filter(pc.is_valid(decided.column("rule"))).column("row").combine_chunks()
    (home / "flagged").mkdir(parents=True, exist_ok=True)
    parts = parts_of(verdicts)
    for part in parts:
        target = home / "flagged" / part.name
        if not progress.has(target):
            progress.check()
            pq.write_table(_flagged(part, gone, settings, progress), target.with_suffix(".partial"))
            target.with_suffix(".partial").rename(target)
            progress.made(target)
    tables = [pq.read_table(home / "flagged" / part.name) for part in parts]
    flagged = pa.concat_tables([FLAGGED_SCHEMA.empty_table(), *tables]).combine_chunks()
    weighed, removed = _decide(flagged, settings, answers, progress)
    rows = weighed.column("row").to_numpy()
    for number, part in enumerate(parts):
        first, last = np.searchsorted(rows, [number << ROW_BITS, (number + 1) << ROW_BITS])
        pq.write_table(weighed.slice(first, last - first), home / part.name)
    pq.write_table(removed, home / "gone.parquet")
    changed = pc.is_in(weighed.column("outcome"), pa.array(["removed", "rewritten"], pa.large_string()))
    pq.write_table(weighed.filter(changed).select(["row"]), home / "changed.parquet")
    shares = Shares()
    after = _after(weighed, settings)
    for part in parts:
        shares.add(part, gone, weighed, removed.column("row").combine_chunks(), after)
    figures = {"passages": shares.passages, "flagged": len(rows), **shares.as_json()}
    if settings.second_opinion is not None and settings.second_opinion.sample:
        figures["recall"] = recall(verdicts, gone, settings, flagged, shares.passages, progress)
    if settings.second_opinion is not None:
        from octavo.curation.second_opinion.model import forget

        forget()
    write_json(home / "figures.json", figures)


def evidence_of(passages: list[dict[str, Any]]) -> dict[str, Any]:
    """What the ledger says of a document's flagged passages: counts by outcome, bytes, and the highest scores."""
    scores = [deciding_scores(passage) for passage in passages]
    outcomes = [passage["outcome"] for passage in passages]
    counts = {outcome: outcomes.count(outcome) for outcome in dict.fromkeys(outcomes)}
    removed = sum(p["end"] - p["start"] for p in passages if p["outcome"] == "removed")
    rewritten = sum(p["end"] - p["start"] for p in passages if p["outcome"] == "rewritten")
    return {
        "passages": counts,
        "removed_bytes": removed,
        "rewritten_bytes": rewritten,
        "highest": {name: round(max(own[name] for own in scores), 3) for name in DIMENSIONS},
    }


def _flagged(part: Path, gone: pa.Array, settings: Toxicity, progress: Progress) -> pa.Table:
    """The flagged passages of a part's documents that stay, with the second scores where they are asked for."""
    columns = ["row", "rule", "lang", "collection", "century", "bytes", "flagged"]
    documents = pq.read_table(part, columns=columns)
    documents = documents.filter(pc.is_null(documents.column("rule")))
    documents = documents.filter(pc.invert(pc.is_in(documents.column("row"), gone))).combine_chunks()
    found = (
        documents.column("flagged").combine_chunks() if len(documents) else pa.array([], pa.large_list(pa.null()))
    )
    if not len(found.flatten()):
        return FLAGGED_SCHEMA.empty_table()
    passages = found.flatten()
    of = documents.take(pc.list_parent_indices(found))
    second = pa.nulls(len(passages), SCORES)
    if settings.second_opinion is not None:
        from octavo.curation.second_opinion.asking import second_scores

        asked = second_scores(passages.field("text").to_pylist(), settings.second_opinion, progress)
        second = _structs(asked)
    return (
        pa.table(
            {
                **{name: of.column(name) for name in ("row", "bytes", "lang", "collection", "century")},
                **{name: passages.field(name) for name in ("start", "end", "text")},
                "scores": pa.StructArray.from_arrays(
                    [passages.field(name) for name in DIMENSIONS], fields=list(SCORES)
                ),
                "second": second,
            }
        )
        .select(FLAGGED_SCHEMA.names)
        .cast(FLAGGED_SCHEMA)
    )


def _structs(scores: F32) -> pa.Array:
    """Scores as structs; what is no number is null."""
    return pa.StructArray.from_arrays([pa.array(c, from_pandas=True) for c in scores.T], fields=list(SCORES))


def _matrix(structs: pa.ChunkedArray) -> F32:
    """Scores of structs as (passages, dimensions); null is not a number."""
    columns = structs.combine_chunks().flatten() if len(structs) else [pa.array([], pa.float32())] * len(DIMENSIONS)
    return np.stack([c.to_numpy(zero_copy_only=False).astype(np.float32) for c in columns], axis=1)


def together(scores: F32, second: F32) -> F32:
    """The scores to decide by: the second ones, and the first where there are none."""
    return np.where(np.isnan(second), scores, second)


def deciding(passages: pa.Table, scores: F32, settings: Toxicity) -> Ints:
    """The number of the decision that is about each passage, the first of all that are; -1 where none is."""
    decided = np.full(len(scores), -1)
    for number, decision in enumerate(settings.decisions):
        fits = reaches(decision, scores)
        for column, wanted in (
            ("collection", decision.collections),
            ("lang", decision.languages),
            ("century", decision.centuries),
        ):
            if wanted is not None:
                kind = passages.schema.field(column).type
                among = pc.is_in(passages.column(column), pa.array(wanted, kind))
                fits &= among.to_numpy() if len(among) else fits
        decided[(decided < 0) & fits] = number
    return decided


def _decide(flagged: pa.Table, settings: Toxicity, answers: Path, progress: Progress) -> tuple[pa.Table, pa.Table]:
    """What becomes of all flagged passages (WEIGHED_SCHEMA), and the documents that go (GONE_SCHEMA)."""
    scores = together(_matrix(flagged.column("scores")), _matrix(flagged.column("second")))
    decided = deciding(flagged, scores, settings)
    actions = np.array([*(d.action for d in settings.decisions), "keep"], object)[decided]
    outcomes = np.array([DONE[action] for action in actions], object)
    rewrites: dict[int, Rewrite] = {}
    whole, _ = _too_much(flagged, outcomes == "removed", settings.max_removed)
    ask = np.flatnonzero((actions == "rewrite") & ~whole)  # what goes anyway is not paid for
    if len(ask):
        wanted = [_passage(flagged, place, scores[place], settings, int(decided[place])) for place in ask.tolist()]
        rewrites = dict(zip(ask.tolist(), _rewritten(wanted, settings, answers, progress), strict=True))
        outcomes[[place for place, rewrite in rewrites.items() if rewrite.text is None]] = "removed"
    whole, shares = _too_much(flagged, outcomes == "removed", settings.max_removed)
    told = [rewrites.get(place) for place in range(len(flagged))]
    weighed = (
        pa.table(
            {
                **{name: flagged.column(name) for name in ("row", "start", "end", "scores", "second", "text")},
                "action": pa.array(actions, pa.large_string()),
                "decision": pa.array([None if number < 0 else number for number in decided.tolist()], pa.int32()),
                "outcome": pa.array(np.where(whole, "document-removed", outcomes), pa.large_string()),
                "instead": pa.array([r.text if r else None for r in told], pa.large_string()),
                "model": pa.array([r.model if r else None for r in told], pa.large_string()),
                "retention": pa.array([_retention(r) for r in told], pa.float64()),
                "rewrite": pa.array(
                    [json.dumps(r.as_json(), ensure_ascii=False) if r else None for r in told], pa.large_string()
                ),
            }
        )
        .select(WEIGHED_SCHEMA.names)
        .cast(WEIGHED_SCHEMA)
    )
    return weighed, _gone(weighed.filter(pa.array(whole)), outcomes[whole], shares[whole], settings)


def _too_much(flagged: pa.Table, removed: Flags, limit: float) -> tuple[Flags, npt.NDArray[np.float64]]:
    """Of each passage, whether its document goes as a whole, and the share of it that is to be removed."""
    _, document = np.unique(flagged.column("row").to_numpy(), return_inverse=True)
    size = (flagged.column("end").to_numpy() - flagged.column("start").to_numpy()) * removed
    share = np.bincount(document, weights=size)[document] / np.maximum(flagged.column("bytes").to_numpy(), 1)
    return share >= limit, share


def _gone(passages: pa.Table, outcomes: Any, shares: Any, settings: Toxicity) -> pa.Table:
    by_row: dict[int, list[dict[str, Any]]] = {}
    share_of: dict[int, float] = {}
    for passage, outcome, share in zip(passages.to_pylist(), outcomes, shares, strict=True):
        by_row.setdefault(passage["row"], []).append(passage | {"outcome": outcome})
        share_of[passage["row"]] = round(float(share), 4)
    evidence = [
        json.dumps(evidence_of(own) | {"share": share_of[row], "threshold": settings.max_removed})
        for row, own in by_row.items()
    ]
    return pa.table({"row": list(by_row), "evidence": evidence}, schema=GONE_SCHEMA)


def _passage(flagged: pa.Table, place: int, scores: F32, settings: Toxicity, number: int) -> Passage:
    """A passage as the rewriter takes it, with the dimensions that it was flagged for."""
    decision = settings.decisions[number]
    counting = decision.dimensions or DIMENSIONS
    least = decision.score or 1.0
    found = {name: float(value) for name, value in zip(DIMENSIONS, scores, strict=True) if name in counting}
    flagged_for = tuple(name for name, value in found.items() if value >= least)
    row, start, text, lang = (flagged.column(name)[place].as_py() for name in ("row", "start", "text", "lang"))
    return Passage(f"{row}:{start}", text, lang, flagged_for or (max(found, key=lambda name: found[name]),))


def _rewritten(passages: list[Passage], settings: Toxicity, answers: Path, progress: Progress) -> list[Rewrite]:
    assert settings.rewriting is not None  # the recipe is refused otherwise
    classifier = classifier_of(settings)

    def judge(text: str, lang: str) -> Mapping[str, float]:
        first = score(text, classifier)
        if settings.second_opinion is None:
            return first
        from octavo.curation.second_opinion.asking import second_scores

        given = np.array([list(first.values())], np.float32)
        both = together(given, second_scores([text], settings.second_opinion))[0]
        return dict(zip(first, both.tolist(), strict=True))

    with _named_as_in_the_recipe(), Rewriter(settings.rewriting, judge, answers) as rewriter:
        return rewriter.rewrite(passages, progress)


@contextlib.contextmanager
def _named_as_in_the_recipe() -> Iterator[None]:
    """Let messages of the rewriting name its fields as they stand in the whole recipe."""
    try:
        yield
    except OctavoError as error:
        said = str(error)
        raise type(error)(f"curation.toxicity.{said}" if said.startswith("rewriting.") else said) from None


def _retention(rewrite: Rewrite | None) -> float | None:
    if rewrite is None or rewrite.attempts[-1].verdict.retention is None:
        return None
    return round(rewrite.attempts[-1].verdict.retention.score, 4)


def _after(weighed: pa.Table, settings: Toxicity) -> Ints:
    """Of each flagged passage, the levels that it reaches afterwards, and 1 where it is still there."""
    outcome = weighed.column("outcome").to_pylist()
    scores = _matrix(weighed.column("scores"))
    places = [place for place, what in enumerate(outcome) if what == "rewritten"]
    if places:
        texts = weighed.column("instead").combine_chunks().take(pa.array(places))
        found = score_passages(texts, classifier_of(settings)).to_pylist()
        scores[places] = [[max(p[name] for p in passages) for name in DIMENSIONS] for passages in found]
    there = np.array([what not in ("removed", "document-removed") for what in outcome], np.int64)
    return np.concatenate([levels_reached(scores) * there[:, None], there[:, None]], axis=1)
