"""The last pass: every document to its place, beside its verdict, and its row in the ledger.

kept/ holds the texts as curation leaves them, originals/ the documents of those that it changed, as they came
in, and removed/ what it took out, as it came in. Repeated and harmful passages are cut or replaced here, all of a
document's at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from octavo.corpus.schema import (
    DOCUMENT_SCHEMA,
    HARMFUL,
    KEPT_SCHEMA,
    LEDGER_SCHEMA,
    PASSAGE_SCHEMA,
    REMOVED_SCHEMA,
    SYNTHETIC,
    content_hash,
)
from octavo.curation import flagging, passages
from octavo.curation.deciding import Decisions
from octavo.curation.editing import Span, edit
from octavo.curation.evidence import deciding_scores
from octavo.curation.judging import ROW_BITS
from octavo.curation.weighing import WEIGHED_SCHEMA, evidence_of
from octavo.errors import OctavoError

ROWS = 1024

_TEXT = pa.large_string()


def sort_part(part: Path, number: int, verdict: Path, decisions: Decisions, weighed: pa.Table, home: Path) -> int:
    """Write a part's documents to kept/, originals/ and removed/, its flagged passages to passages/, and its rows
    of the ledger; their number. `weighed` is what becomes of its flagged passages.

    The ledger's rows are written last, and say that the part is done.
    """
    decided = _of_part(decisions, number)
    writers: dict[str, pq.ParquetWriter] = {}
    ledger = []

    def write(folder: str, table: pa.Table, schema: pa.Schema) -> None:
        if table.num_rows:
            if folder not in writers:
                (home / folder).mkdir(exist_ok=True)
                file = home / folder / f"{part.name}.partial"
                writers[folder] = pq.ParquetWriter(file, schema, compression="zstd")
            writers[folder].write_table(table.select(schema.names).cast(schema))

    try:
        for documents, verdicts in _side_by_side(part, verdict):
            done, flagged = _decide(documents, verdicts, decided, decisions.passages, weighed)
            stays = pc.is_null(done.column("rule"))
            kept = done.filter(stays)
            write("kept", kept, KEPT_SCHEMA)
            changed = pc.not_equal(kept.column("content_hash"), kept.column("content_hash_in"))
            write("originals", _as_it_came(kept.filter(changed)), DOCUMENT_SCHEMA)
            write("removed", _as_it_came(done.filter(pc.invert(stays))), REMOVED_SCHEMA)
            write("passages", flagged, PASSAGE_SCHEMA)
            ledger.append(_ledger_rows(done))
    finally:
        for writer in writers.values():
            writer.close()
    for folder in writers:
        (home / folder / f"{part.name}.partial").rename(home / folder / part.name)
    rows = pa.concat_tables(ledger) if ledger else LEDGER_SCHEMA.empty_table()
    target = home / "ledger" / part.name
    pq.write_table(rows, target.with_suffix(".partial"), compression="zstd")
    target.with_suffix(".partial").rename(target)
    return int(rows.num_rows)


def _of_part(decisions: Decisions, number: int) -> pa.Table:
    rows = decisions.documents.column("row").to_numpy()
    first, last = np.searchsorted(rows, [number << ROW_BITS, (number + 1) << ROW_BITS])
    return decisions.documents.slice(first, last - first).combine_chunks()


def _side_by_side(part: Path, verdict: Path) -> Iterator[tuple[pa.Table, pa.Table]]:
    """The documents of a part, some at a time, each with its verdict."""
    columns = ("signature", "bands", *flagging.COLUMNS)
    names = [n for n in pq.read_schema(verdict).names if n not in columns]
    verdicts = pq.read_table(verdict, columns=names)
    start = 0
    for batch in pq.ParquetFile(part).iter_batches(ROWS):
        own = verdicts.slice(start, batch.num_rows)
        if own.column("identifier").combine_chunks() != batch.column("identifier"):
            raise OctavoError(f"{part}: its verdicts are of other documents; the folder was changed by hand")
        yield pa.Table.from_batches([batch]), own.combine_chunks()
        start += batch.num_rows


def _decide(
    documents: pa.Table, verdicts: pa.Table, decided: pa.Table, repeated: pa.Table, weighed: pa.Table
) -> tuple[pa.Table, pa.Table]:
    """The documents with all that is now known of them, and their flagged passages.

    `text` is the curated one, `text_in` as it came in.
    """
    at = pc.index_in(verdicts.column("row"), decided.column("row"))

    told = {name: decided.column(name).take(at) for name in decided.column_names}
    rule = pc.coalesce(verdicts.column("rule"), told["rule"])
    text = pc.coalesce(verdicts.column("text"), documents.column("text"))
    rules = verdicts.column("rules").to_pylist()
    evidence = [json.loads(e) if e else {} for e in verdicts.column("evidence").to_pylist()]
    removals = zip(told["rule"].to_pylist(), told["evidence"].to_pylist(), strict=True)
    for place, (name, found) in enumerate(removals):
        if name is not None:
            rules[place].append(name)
            evidence[place][name] = json.loads(found)
    names = rule.to_pylist()
    cuts = _repeated(verdicts, rule, repeated)
    flagged = _flagged(verdicts, weighed)
    altered: dict[int, str] = {}
    synthetic: list[list[dict[str, Any]]] = [[] for _ in names]
    harmful: list[list[dict[str, Any]]] = [[] for _ in names]
    for place in sorted({*cuts, *(place for place in flagged if names[place] is None)}):
        new = _alter(text[place].as_py(), cuts.get(place, []), flagged.get(place, []))
        if place in cuts:
            rules[place].append("repeated-passages")
            evidence[place]["repeated-passages"] = {"bytes": sum(end - start for start, end in cuts[place])}
        if place in flagged:
            flagged[place] = new.passages
            evidence[place]["toxicity"] = evidence_of(new.passages)
            if any(passage["outcome"] in ("removed", "rewritten") for passage in new.passages):
                rules[place].append("toxicity")
        if rules[place] and not new.text.strip():
            names[place] = rules[place][-1]
        else:
            synthetic[place], harmful[place] = new.synthetic, new.harmful
        altered[place] = new.text
    changed = pa.array([place in altered for place in range(len(names))])
    text = _replaced(text, changed, list(altered.values()))
    hashes = verdicts.column("content_hash").combine_chunks()
    columns = {name: documents.column(name) for name in documents.column_names}
    columns |= {n: verdicts.column(n) for n in verdicts.column_names if n not in ("text", "passages", "bytes")}
    columns |= {
        "text": text,
        "text_in": documents.column("text"),
        "content_hash": _replaced(hashes, changed, [content_hash(t) for t in altered.values()]),
        "bytes": pc.binary_length(text),
        "rule": pa.array(names, _TEXT),
        "rules": pa.array(rules, pa.large_list(_TEXT)),
        "evidence": pa.array([json.dumps(e, ensure_ascii=False) if e else None for e in evidence], _TEXT),
        "cluster": told["cluster"],
        "split": pc.fill_null(told["split"], "train"),
        "repeats": pc.fill_null(told["repeats"], 1),
        "synthetic": pa.array(synthetic, SYNTHETIC),
        "synthetic_bytes": pa.array([sum(s["end"] - s["start"] for s in spans) for spans in synthetic], pa.int64()),
        "harmful": pa.array(harmful, HARMFUL),
    }
    done = pa.table(columns)
    return done, _with_documents(flagged, done)


class _Altered(NamedTuple):
    text: str
    synthetic: list[dict[str, Any]]
    harmful: list[dict[str, Any]]
    passages: list[dict[str, Any]]
    """The flagged passages, with what has come of each."""


def _alter(text: str, cuts: list[Span], flagged: list[dict[str, Any]]) -> _Altered:
    """A text without what is cut, with what is rewritten; a flagged passage that stood in a cut is `cut`."""

    def of(*outcomes: str) -> list[dict[str, Any]]:
        return [passage for passage in flagged if passage["outcome"] in outcomes]

    rewritten, stay = of("rewritten"), of("annotated", "kept")
    done = edit(
        text.encode(),
        [*cuts, *((p["start"], p["end"]) for p in of("removed"))],
        [(p["start"], p["end"], p["instead"].encode()) for p in rewritten],
        [(p["start"], p["end"]) for p in stay],
    )
    places = {
        passage["start"]: span
        for passage, span in zip([*rewritten, *stay], [*done.rewritten, *done.marks], strict=True)
    }
    passages = [
        passage | {"outcome": "cut"} if places.get(passage["start"], ()) is None else passage for passage in flagged
    ]
    return _Altered(
        done.text.decode(),
        [
            {"start": span[0], "end": span[1], "model": passage["model"]}
            for passage, span in zip(rewritten, done.rewritten, strict=True)
            if span
        ],
        [
            {"start": span[0], "end": span[1], **deciding_scores(passage)}
            for passage, span in zip(stay, done.marks, strict=True)
            if span and passage["outcome"] == "annotated"
        ],
        passages,
    )


def _replaced(values: pa.Array | pa.ChunkedArray, places: pa.Array, new: list[str]) -> pa.Array:
    """Values with others in some places, given in order."""
    whole = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    return pc.replace_with_mask(whole, places, pa.array(new, _TEXT))


def _repeated(verdicts: pa.Table, rule: pa.ChunkedArray, repeated: pa.Table) -> dict[int, list[Span]]:
    """The passages that another row keeps, of documents that stay, by the document's place."""
    found = verdicts.column("passages").combine_chunks()
    known = repeated.column("hash").to_numpy()
    hashes = found.flatten().field("hash").to_numpy()
    row = np.repeat(verdicts.column("row").to_numpy(), pc.fill_null(pc.list_value_length(found), 0).to_numpy())
    out = np.repeat(pc.is_valid(rule).to_numpy(), pc.fill_null(pc.list_value_length(found), 0).to_numpy())
    at = np.minimum(np.searchsorted(known, hashes), max(len(known) - 1, 0))
    keeps = repeated.column("first").to_numpy()[at] == row if len(known) else np.zeros(len(row), bool)
    return passages.to_cut(found, known, keeps | out)


def _flagged(verdicts: pa.Table, weighed: pa.Table) -> dict[int, list[dict[str, Any]]]:
    """The flagged passages of the documents, by their place."""
    rows = verdicts.column("row").to_numpy()
    first, last = np.searchsorted(weighed.column("row").to_numpy(), [rows[0], rows[-1] + 1])
    found: dict[int, list[dict[str, Any]]] = {}
    for passage in weighed.slice(first, last - first).to_pylist():
        found.setdefault(passage["row"] - int(rows[0]), []).append(passage)
    return found


def _with_documents(flagged: dict[int, list[dict[str, Any]]], done: pa.Table) -> pa.Table:
    """The flagged passages beside what is known of their documents."""
    places = [place for place in sorted(flagged) for _ in flagged[place]]
    rows = [passage for place in sorted(flagged) for passage in flagged[place]]
    own = pa.Table.from_pylist(rows, schema=WEIGHED_SCHEMA)
    of = done.take(pa.array(places, pa.int64()))
    columns = {n: own.column(n) if n in WEIGHED_SCHEMA.names else of.column(n) for n in PASSAGE_SCHEMA.names}
    gone = pc.is_valid(of.column("rule"))
    columns["outcome"] = pc.if_else(gone, pa.scalar("document-removed", _TEXT), own.column("outcome"))
    return pa.table(columns).cast(PASSAGE_SCHEMA)


def _as_it_came(documents: pa.Table) -> pa.Table:
    return (
        documents.drop_columns(["text", "content_hash"])
        .append_column("text", documents.column("text_in"))
        .append_column("content_hash", documents.column("content_hash_in"))
    )


def _ledger_rows(done: pa.Table) -> pa.Table:
    removed = pc.is_valid(done.column("rule"))
    rules = done.column("rules").to_pylist()
    columns = {name: done.column(name) for name in LEDGER_SCHEMA.names if name in done.column_names}
    fates = [
        "removed"
        if gone
        else "rewritten"
        if synthetic
        else "redacted"
        if "personal-data" in names
        else "repaired"
        if changed
        else "kept"
        for gone, synthetic, names, changed in zip(
            removed.to_pylist(),
            done.column("synthetic_bytes").to_pylist(),
            rules,
            pc.not_equal(done.column("content_hash"), done.column("content_hash_in")).to_pylist(),
            strict=True,
        )
    ]
    columns |= {
        "fate": pa.array(fates, _TEXT),
        "rule": pa.array([names[-1] if names else None for names in rules], _TEXT),
        "bytes_out": pc.if_else(removed, 0, done.column("bytes")),
        "content_hash_out": pc.if_else(removed, pa.scalar(None, _TEXT), done.column("content_hash")),
    }
    return pa.table({name: columns[name] for name in LEDGER_SCHEMA.names}).cast(LEDGER_SCHEMA)
