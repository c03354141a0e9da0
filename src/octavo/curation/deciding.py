"""The second pass: what needs all documents at once, on the verdicts alone.

Copies, those of what opted out first, repeated passages, the held-out works and the mixture. What touches many
rows is a group-by or a join on Daft; what comes back here are the rows that something was found about.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from octavo.corpus.parts import parts_of, scan
from octavo.corpus.schema import work_of
from octavo.curation import held_out, mixture
from octavo.curation.duplicates import first_copies
from octavo.curation.near_duplicates import BINS, candidate_pairs, clusters, similarity
from octavo.curation.opt_out_copies import COPIES, find_copies
from octavo.curation.opt_outs import RULE as OPT_OUT
from octavo.lineage import write_json
from octavo.recipe.schema import Recipe

DECISION_SCHEMA = pa.schema(
    [
        ("row", pa.int64()),
        ("rule", pa.large_string()),
        ("evidence", pa.large_string()),
        ("cluster", pa.large_string()),
        ("split", pa.large_string()),
        ("repeats", pa.int32()),
    ]
)
"""What the second pass says of a document that it says anything of."""

PASSAGE_SCHEMA = pa.schema([("hash", pa.uint64()), ("first", pa.int64()), ("works", pa.int64())])
"""A passage that stands in many works, and the row that keeps it."""


@dataclass(frozen=True)
class Decisions:
    """What was decided on documents and on repeated passages, both sorted by their first column."""

    documents: pa.Table
    passages: pa.Table

    @staticmethod
    def read(home: Path) -> Decisions:
        """What `decide` has written."""
        return Decisions(pq.read_table(home / "documents.parquet"), pq.read_table(home / "passages.parquet"))

    def without(self, gone: pa.Table, rule: str, changed: pa.Array) -> Decisions:
        """The same where a rule removes more documents, given by `row` and `evidence`, and has changed others.

        A repeated passage whose first copy is in one of them stays wherever it is, as no other is known to keep it.
        """
        rows = gone.column("row").combine_chunks()
        others = self.documents.filter(pc.invert(pc.is_in(self.documents.column("row"), rows)))
        removed = _decisions(rows, rule=rule, evidence=gone.column("evidence").to_pylist())
        unsure = pa.concat_arrays([rows.cast(pa.int64()), changed.cast(pa.int64())])
        kept = self.passages.filter(pc.invert(pc.is_in(self.passages.column("first"), unsure)))
        return Decisions(pa.concat_tables([others, removed]).sort_by("row"), kept)


def decide(verdicts: Path, recipe: Recipe, home: Path) -> None:
    """Write the decisions on all verdicts into `home`: documents.parquet, passages.parquet, mixture.json."""
    settings = recipe.curation.duplicates
    gone = _copies_of_what_opted_out(verdicts, recipe)
    gone = pa.concat_tables([gone, _exact_copies(verdicts, gone)])
    if settings.similarity < 1:
        gone = pa.concat_tables([gone, _near_copies(verdicts, gone, settings.similarity)])
    kept = _rows(verdicts, "row", "identifier", "lang", "collection", "century", "bytes").to_arrow().sort_by("row")
    kept = kept.filter(pc.invert(pc.is_in(kept.column("row"), gone.column("row").combine_chunks())))
    works = pa.array(sorted(held_out.choose_works(kept, recipe.curation.held_out, recipe.seed)), pa.large_string())
    held = pc.is_in(work_of(kept.column("identifier")), works)
    train = kept.filter(pc.invert(held))
    taken = mixture.repeats(train, recipe.curation.mixture, recipe.seed)
    own = _decisions(kept.filter(held).column("row"), split="held-out")
    often = _decisions(train.column("row").filter(pa.array(taken > 1)), repeats=taken[taken > 1])
    left_out = train.column("row").filter(pa.array(taken == 0))
    dropped = _decisions(left_out, rule="mixture", evidence='{"repeats": 0}')
    elsewhere = pa.chunked_array(
        [c for table in (gone, own, dropped) for c in table.column("row").chunks], pa.int64()
    )
    passages = _repeated_passages(verdicts, elsewhere, settings.passage_works)
    home.mkdir(exist_ok=True)
    pq.write_table(passages, home / "passages.parquet")
    write_json(home / "mixture.json", mixture.compare(train, taken, recipe.curation.mixture))
    decisions = pa.concat_tables([gone, own, often, dropped]).sort_by("row")
    pq.write_table(decisions, home / "documents.partial")
    (home / "documents.partial").rename(home / "documents.parquet")


def _rows(verdicts: Path, *columns: str) -> Any:
    """The documents that the first pass left in, on Daft."""
    return scan(parts_of(verdicts)).where("rule is null").select(*columns)


def _copies_of_what_opted_out(verdicts: Path, recipe: Recipe) -> pa.Table:
    found = COPIES.empty_table()
    if recipe.curation.opt_outs.given():
        opted_out = scan(parts_of(verdicts)).where(f"rule = '{OPT_OUT}'")
        still_in = _rows(verdicts, "row", "content_hash", "signature", "bands")
        found = find_copies(opted_out, still_in, recipe.curation.duplicates.similarity)
    others = {name: found.column(name).to_pylist() for name in ("evidence", "cluster")}
    return _decisions(found.column("row"), rule=OPT_OUT, **others)


def _exact_copies(verdicts: Path, gone: pa.Table) -> pa.Table:
    """What has the same text as another, of the documents that are not gone."""
    rows = _rows(verdicts, "row", "identifier", "content_hash")
    if gone.num_rows:
        rows = rows.join(_frame(gone.column("row")), on="row", how="anti")
    found = first_copies(rows).to_arrow().sort_by("row")
    evidence = [_json(same_text_as=name) for name in found.column("original").to_pylist()]
    return _decisions(found.column("row"), rule="duplicate", evidence=evidence, cluster=found.column("cluster"))


def _near_copies(verdicts: Path, gone: pa.Table, least: float) -> pa.Table:
    """What is like a better copy in its cluster: better by character error, then length, then order. What is
    gone is in none.

    A cluster is held together by chains of pairs; of two of its texts that are not alike both stay.
    """
    rows = _rows(verdicts, "row", "bands").join(_frame(gone.column("row")), on="row", how="anti")
    pairs = candidate_pairs(rows)
    involved = pc.unique(pa.concat_arrays([pairs.column(n).combine_chunks() for n in ("first", "row")]))
    members = (
        _rows(verdicts, "row", "identifier", "content_hash", "signature", "character_error", "bytes")
        .join(_frame(involved), on="row", how="semi")
        .to_arrow()
        .sort_by("row")
    )
    row = members.column("row").to_numpy()
    signatures = np.frombuffer(b"".join(members.column("signature").to_pylist()), np.uint32).reshape(-1, BINS)
    left, right = (np.searchsorted(row, pairs.column(n).to_numpy()) for n in ("first", "row"))
    alike = similarity(signatures[left], signatures[right])
    near = alike >= least
    rows_in, cluster = clusters(row[left[near]], row[right[near]])
    place = np.searchsorted(row, rows_in)
    error = np.nan_to_num(members.column("character_error").to_numpy(), nan=1.0)[place].round(2)
    size = members.column("bytes").to_numpy()[place]
    names, hashes = members.column("identifier").to_pylist(), members.column("content_hash").to_pylist()
    copies, evidence, labels = [], [], []
    order = np.lexsort((rows_in, -size, error, cluster))
    for group in np.split(order, np.flatnonzero(np.diff(cluster[order])) + 1):
        stays: list[int] = []
        for at in place[group].tolist():
            alike = similarity(signatures[stays], signatures[[at] * len(stays)])
            if len(stays) and alike.max() >= least:
                best = stays[int(alike.argmax())]
                copies.append(int(row[at]))
                evidence.append(_json(like=names[best], similarity=round(float(alike.max()), 3)))
                labels.append(hashes[np.searchsorted(row, cluster[group[0]])])
            else:
                stays.append(at)
    return _decisions(pa.array(copies, pa.int64()), rule="near-duplicate", evidence=evidence, cluster=labels)


def _repeated_passages(verdicts: Path, gone: pa.ChunkedArray, works: int) -> pa.Table:
    """Passages that stand in at least so many works to train on, each with the first row that holds it."""
    from daft import col

    passages = (
        _rows(verdicts, "row", "identifier", "passages")
        .join(_frame(gone), on="row", how="anti")
        .select("row", col("identifier").regexp_replace(r"#.*$", "").alias("work"), col("passages").explode())
        .where("passages is not null")
        .select("row", "work", col("passages").get("hash").alias("hash"))
    )
    found = (
        passages.groupby("hash")
        .agg(col("work").count_distinct().alias("works"), col("row").min().alias("first"))
        .where(f"works >= {works}")
        .select("hash", "first", "works")
    )
    return found.to_arrow().cast(PASSAGE_SCHEMA).sort_by("hash").combine_chunks()


def _json(**evidence: Any) -> str:
    return json.dumps(evidence, ensure_ascii=False)


def _frame(rows: pa.ChunkedArray | pa.Array) -> Any:
    import daft

    return daft.from_arrow(pa.table({"row": rows}))


def _decisions(row: pa.ChunkedArray | pa.Array, **columns: Any) -> pa.Table:
    """Decisions on rows, the columns given as arrays, lists or one value for all."""
    length = len(row)
    defaults: dict[str, Any] = {"rule": None, "evidence": None, "cluster": None, "split": "train", "repeats": 1}
    filled = {"row": row} | {
        name: value if hasattr(value, "__len__") and not isinstance(value, str) else [value] * length
        for name, value in (defaults | columns).items()
    }
    return pa.table({name: filled[name] for name in DECISION_SCHEMA.names}, schema=DECISION_SCHEMA)
