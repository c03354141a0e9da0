"""The third pass: every document to its place, beside its verdict, and its row in the ledger.

kept/ holds the texts as curation leaves them, originals/ the documents of those that it changed, as they came
in, and removed/ what it took out, as it came in.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from octavo.corpus.schema import DOCUMENT_SCHEMA, KEPT_SCHEMA, LEDGER_SCHEMA, REMOVED_SCHEMA, content_hash
from octavo.curation import passages
from octavo.curation.deciding import Decisions
from octavo.curation.judging import ROW_BITS
from octavo.errors import OctavoError

ROWS = 1024

_TEXT = pa.large_string()


def sort_part(part: Path, number: int, verdict: Path, decisions: Decisions, home: Path) -> int:
    """Write a part's documents to kept/, originals/ and removed/, and its rows of the ledger; their number.

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
            done = _decide(documents, verdicts, decided, decisions.passages)
            stays = pc.is_null(done.column("rule"))
            kept = done.filter(stays)
            write("kept", kept, KEPT_SCHEMA)
            changed = pc.not_equal(kept.column("content_hash"), kept.column("content_hash_in"))
            write("originals", _as_it_came(kept.filter(changed)), DOCUMENT_SCHEMA)
            write("removed", _as_it_came(done.filter(pc.invert(stays))), REMOVED_SCHEMA)
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
    columns = ("signature", "bands")
    names = [n for n in pq.read_schema(verdict).names if n not in columns]
    verdicts = pq.read_table(verdict, columns=names)
    start = 0
    for batch in pq.ParquetFile(part).iter_batches(ROWS):
        own = verdicts.slice(start, batch.num_rows)
        if own.column("identifier").combine_chunks() != batch.column("identifier"):
            raise OctavoError(f"{part}: its verdicts are of other documents; the folder was changed by hand")
        yield pa.Table.from_batches([batch]), own.combine_chunks()
        start += batch.num_rows


def _decide(documents: pa.Table, verdicts: pa.Table, decided: pa.Table, repeated: pa.Table) -> pa.Table:
    """The documents with all that is now known of them; `text` is the curated one, `text_in` as it came in."""
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
    shortened = _cut_passages(text, verdicts, rule, repeated)
    cut = pc.is_valid(shortened)
    names = rule.to_pylist()
    sizes = pc.subtract(pc.binary_length(text), pc.binary_length(pc.coalesce(shortened, text))).to_pylist()
    for place in np.flatnonzero(cut.to_numpy(zero_copy_only=False)).tolist():
        rules[place].append("repeated-passages")
        evidence[place]["repeated-passages"] = {"bytes": sizes[place]}
        if not shortened[place].as_py().strip():
            names[place] = "repeated-passages"
    text = pc.coalesce(shortened, text)
    hashes = pc.replace_with_mask(
        verdicts.column("content_hash").combine_chunks(),
        cut,
        pa.array([content_hash(t) for t in text.filter(cut).to_pylist()], _TEXT),
    )
    columns = {name: documents.column(name) for name in documents.column_names}
    columns |= {n: verdicts.column(n) for n in verdicts.column_names if n not in ("text", "passages", "bytes")}
    columns |= {
        "text": text,
        "text_in": documents.column("text"),
        "content_hash": hashes,
        "bytes": pc.binary_length(text),
        "rule": pa.array(names, _TEXT),
        "rules": pa.array(rules, pa.large_list(_TEXT)),
        "evidence": pa.array([json.dumps(e, ensure_ascii=False) if e else None for e in evidence], _TEXT),
        "cluster": told["cluster"],
        "split": pc.fill_null(told["split"], "train"),
        "repeats": pc.fill_null(told["repeats"], 1),
    }
    return pa.table(columns)


def _cut_passages(text: pa.ChunkedArray, verdicts: pa.Table, rule: pa.ChunkedArray, repeated: pa.Table) -> pa.Array:
    """The texts of documents that stay without the passages that another row keeps; null where there are none."""
    found = verdicts.column("passages").combine_chunks()
    known = repeated.column("hash").to_numpy()
    hashes = found.flatten().field("hash").to_numpy()
    row = np.repeat(verdicts.column("row").to_numpy(), pc.fill_null(pc.list_value_length(found), 0).to_numpy())
    out = np.repeat(pc.is_valid(rule).to_numpy(), pc.fill_null(pc.list_value_length(found), 0).to_numpy())
    at = np.minimum(np.searchsorted(known, hashes), max(len(known) - 1, 0))
    keeps = repeated.column("first").to_numpy()[at] == row if len(known) else np.zeros(len(row), bool)
    return passages.cut(text.combine_chunks(), found, known, keeps | out)


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
        "removed" if gone else "redacted" if "personal-data" in names else "repaired" if changed else "kept"
        for gone, names, changed in zip(
            removed.to_pylist(),
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
