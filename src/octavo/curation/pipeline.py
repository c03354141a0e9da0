"""Stage curation: the rules composed on Daft, the ledger, and the documents kept and removed.

Three passes, each of which goes on where it stopped:
1. judge: every part of the corpus streams through the rules; what they say, without the text, is written
   to verdicts/, in the order of the documents;
2. decide: what needs all documents at once, on the verdicts alone: duplicates and the held-out works;
3. sort: every part streams once more, into kept/ and removed/, beside its verdicts.
Texts are only ever held a batch at a time; of each document, the second pass holds a line of its verdicts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from octavo.corpus.schema import KEPT_SCHEMA, LEDGER_SCHEMA, REMOVED_SCHEMA, work_of
from octavo.curation import held_out, language, licences
from octavo.curation.duplicates import first_copies
from octavo.curation.report import summarise
from octavo.errors import InputError, OctavoError
from octavo.lineage import write_json
from octavo.progress import Progress
from octavo.recipe import Recipe

os.environ.setdefault("DAFT_PROGRESS_BAR", "0")

SORT_ROWS = 1024


def curate(recipe: Recipe, documents: Path, home: Path, progress: Progress) -> dict[str, Any]:
    """Curate the parts in `documents` into `home` (kept, removed, ledger.parquet, report.json).

    Returns the stage's figures; raises InputError where no document is left.
    """
    parts = sorted(documents.glob("*.parquet"))
    verdicts = home / "verdicts"
    for folder in (verdicts, home / "kept", home / "removed"):
        folder.mkdir(parents=True, exist_ok=True)
    steps = 2 * len(parts) + 1
    first_row = 0
    for number, part in enumerate(parts):
        progress.check()
        progress.update(number, steps, f"judging {part.name}")
        verdict = verdicts / part.name
        if not verdict.exists():
            source = recipe.corpus.sources[int(part.name.split("-")[0])]
            _judge_part(part, verdict, first_row, source.license, recipe)
        first_row += pq.read_metadata(verdict).num_rows
    progress.update(len(parts), steps, "looking for duplicates")
    duplicates = _find_duplicates(verdicts)
    works = _hold_out(verdicts, duplicates, recipe)
    for number, part in enumerate(parts):
        progress.check()
        progress.update(len(parts) + 1 + number, steps, f"sorting {part.name}")
        if not (home / "ledger" / part.name).exists():
            verdict_table = _decide(pq.read_table(verdicts / part.name), duplicates, works)
            _sort_part(part, verdict_table, home)
    _join_ledger(home, [home / "ledger" / part.name for part in parts], first_row)
    report = summarise(home)
    write_json(home / "report.json", report)
    for folder in (verdicts, home / "ledger"):
        for file in folder.glob("*"):
            file.unlink()
        folder.rmdir()
    if not report["kept"]["documents"]:
        raise InputError(
            f"corpus.sources: none of {first_row} documents is left after curation "
            f"({_removals_in_words(report)}); {home / 'ledger.parquet'} says why for each"
        )
    missing = [lang for lang in recipe.corpus.languages if lang not in report["languages"]]
    if missing:
        progress.message(f"curation: no document is left in {', '.join(missing)}")
    return report


def _judge_part(part: Path, verdict: Path, first_row: int, source_licence: str | None, recipe: Recipe) -> None:
    import daft
    from daft import DataType, col

    allow = tuple(recipe.curation.licences.allow)

    @daft.func.batch(return_dtype=DataType.from_arrow_type(licences.VERDICT))
    def licence_gate(stated: daft.Series) -> pa.Array:
        return licences.judge(stated.to_arrow(), source_licence, allow)

    @daft.func.batch(return_dtype=DataType.from_arrow_type(language.VERDICT))
    def identify_language(text: daft.Series) -> pa.Array:
        return language.identify(text.to_arrow())

    rows = (
        daft.read_parquet(str(part))
        .with_column("licence", licence_gate(col("license")))
        .with_column("identified", identify_language(col("text")))
        .select(
            "identifier",
            "source",
            "collection",
            "license",
            "content_hash",
            col("text").length_bytes().cast(DataType.int64()).alias("bytes"),
            col("text").lstrip().length().eq_null_safe(0).alias("empty"),
            "licence",
            "identified",
        )
    )
    wanted = tuple(recipe.corpus.languages)
    temporary = verdict.with_suffix(".partial")
    with pq.ParquetWriter(temporary, VERDICT_SCHEMA, compression="zstd") as writer:
        for batch in rows.to_arrow_iter():
            writer.write_table(_verdicts(pa.Table.from_batches([batch]), first_row, wanted))
            first_row += batch.num_rows
    temporary.rename(verdict)


VERDICT_SCHEMA = pa.schema(
    [
        ("row", pa.int64()),
        *((n, pa.large_string()) for n in ("identifier", "source", "collection", "license", "content_hash")),
        ("bytes", pa.int64()),
        *((n, pa.large_string()) for n in ("lang", "spdx", "basis", "obligations", "rule", "evidence")),
    ]
)


def _verdicts(judged: pa.Table, first_row: int, languages: tuple[str, ...]) -> pa.Table:
    """The rules' findings on a batch as verdicts; the first rule that removes a document decides."""
    licence = pa.Table.from_struct_array(judged.column("licence"))
    identified = pa.Table.from_struct_array(judged.column("identified"))
    wanted = pc.is_in(identified.column("lang"), pa.array(languages, pa.large_string()))
    rule = pc.case_when(
        pc.make_struct(
            judged.column("empty"),
            pc.is_null(licence.column("spdx")),
            pc.invert(licence.column("open")),
            pc.invert(wanted),
        ),
        *(pa.scalar(r, pa.large_string()) for r in ("empty", "licence-unknown", "licence-not-open", "language")),
        pa.scalar(None, pa.large_string()),
    )
    evidence = [
        _evidence(*row)
        for row in zip(
            rule.to_pylist(),
            judged.column("license").to_pylist(),
            licence.column("spdx").to_pylist(),
            identified.column("lang").to_pylist(),
            identified.column("confidence").to_pylist(),
            strict=True,
        )
    ]
    columns = {name: judged.column(name) for name in VERDICT_SCHEMA.names if name in judged.column_names}
    columns |= {
        "row": pa.array(range(first_row, first_row + judged.num_rows), pa.int64()),
        "lang": identified.column("lang"),
        "spdx": licence.column("spdx"),
        "basis": licence.column("basis"),
        "obligations": licence.column("obligations"),
        "rule": rule,
        "evidence": pa.array(evidence, pa.large_string()),
    }
    return pa.table(columns, schema=VERDICT_SCHEMA)


def _evidence(rule: str | None, stated: str | None, spdx: str | None, lang: str, confidence: float) -> str | None:
    found: dict[str, Any]
    if rule is None:
        return None
    if rule == "empty":
        found = {"characters": 0}
    elif rule == "language":
        found = {"lang": lang, "confidence": round(confidence, 4)}
    else:
        found = {"stated": stated, "spdx": spdx}
    return json.dumps(found, ensure_ascii=False)


def _verdict_rows(verdicts: Path, columns: list[str]) -> Any:
    import daft
    from daft import col

    return daft.read_parquet(str(verdicts / "*.parquet")).where(col("rule").is_null()).select(*columns)


def _find_duplicates(verdicts: Path) -> pa.Table:
    """Rows that repeat an earlier text: (row, cluster, original), sorted by row."""
    found = first_copies(_verdict_rows(verdicts, ["row", "identifier", "content_hash"]))
    return found.to_arrow().sort_by("row").combine_chunks()


def _hold_out(verdicts: Path, duplicates: pa.Table, recipe: Recipe) -> pa.Array:
    kept = _verdict_rows(verdicts, ["row", "identifier", "lang", "bytes"]).to_arrow()
    kept = kept.filter(pc.invert(pc.is_in(kept.column("row"), duplicates.column("row").combine_chunks())))
    works = held_out.choose_works(kept, recipe.curation.held_out, recipe.seed)
    return pa.array(sorted(works), pa.large_string())


def _decide(verdicts: pa.Table, duplicates: pa.Table, works: pa.Array) -> pa.Table:
    """Lay duplicates and the split over a part's verdicts: adds `cluster` and `split`, changes `rule`."""
    at = pc.index_in(verdicts.column("row"), duplicates.column("row").combine_chunks())
    cluster = duplicates.column("cluster").take(at)
    original = duplicates.column("original").take(at)
    evidence = pc.binary_join_element_wise(
        '{"same_text_as": ', pa.array([json.dumps(o, ensure_ascii=False) for o in original.to_pylist()]), "}", ""
    ).cast(pa.large_string())
    repeated = pc.is_valid(at)
    held = pc.is_in(work_of(verdicts.column("identifier")), works)
    columns = {name: verdicts.column(name) for name in verdicts.column_names}
    columns["rule"] = pc.if_else(repeated, "duplicate", verdicts.column("rule"))
    columns["evidence"] = pc.if_else(repeated, evidence, verdicts.column("evidence"))
    columns["cluster"] = cluster
    columns["split"] = pc.if_else(held, "held-out", "train")
    return pa.table(columns)


def _sort_part(part: Path, verdicts: pa.Table, home: Path) -> None:
    """Write a part's documents to kept/ or removed/, then its ledger rows, which say that it is done."""
    writers: dict[str, pq.ParquetWriter] = {}

    def write(folder: str, table: pa.Table, schema: pa.Schema) -> None:
        if table.num_rows:
            if folder not in writers:
                target = home / folder / f"{part.name}.partial"
                writers[folder] = pq.ParquetWriter(target, schema, compression="zstd")
            writers[folder].write_table(table.select(schema.names).cast(schema))

    try:
        for table, verdict in _side_by_side(part, verdicts):
            stays = pc.is_null(verdict.column("rule"))
            for name in ("lang", "spdx", "basis", "obligations", "split", "rule", "evidence"):
                table = table.append_column(name, verdict.column(name))
            write("kept", table.filter(stays), KEPT_SCHEMA)
            write("removed", table.filter(pc.invert(stays)), REMOVED_SCHEMA)
    finally:
        for writer in writers.values():
            writer.close()
    for folder in writers:
        (home / folder / f"{part.name}.partial").rename(home / folder / part.name)
    ledger = home / "ledger" / part.name
    ledger.parent.mkdir(exist_ok=True)
    pq.write_table(_ledger_rows(verdicts), ledger.with_suffix(".partial"), compression="zstd")
    ledger.with_suffix(".partial").rename(ledger)


def _side_by_side(part: Path, verdicts: pa.Table) -> Iterator[tuple[pa.Table, pa.Table]]:
    start = 0
    for batch in pq.ParquetFile(part).iter_batches(SORT_ROWS):
        verdict = verdicts.slice(start, batch.num_rows)
        if verdict.column("identifier").combine_chunks() != batch.column("identifier"):
            raise OctavoError(f"{part}: its verdicts are of other documents; the folder was changed by hand")
        yield pa.Table.from_batches([batch]), verdict
        start += batch.num_rows


def _ledger_rows(verdicts: pa.Table) -> pa.Table:
    rule = verdicts.column("rule")
    stays = pc.is_null(rule)
    columns = {name: verdicts.column(name) for name in LEDGER_SCHEMA.names if name in verdicts.column_names}
    columns |= {
        "fate": pc.if_else(stays, "kept", "removed"),
        "rules": pa.array([[r] if r else [] for r in rule.to_pylist()], pa.large_list(pa.large_string())),
        "bytes_in": verdicts.column("bytes"),
        "bytes_out": pc.if_else(stays, verdicts.column("bytes"), 0),
        "content_hash_in": verdicts.column("content_hash"),
        "content_hash_out": pc.if_else(stays, verdicts.column("content_hash"), None),
    }
    return pa.table({name: columns[name] for name in LEDGER_SCHEMA.names}).cast(LEDGER_SCHEMA)


def _join_ledger(home: Path, parts: list[Path], rows_in: int) -> None:
    temporary = home / "ledger.parquet.partial"
    with pq.ParquetWriter(temporary, LEDGER_SCHEMA, compression="zstd") as writer:
        for part in parts:
            writer.write_table(pq.read_table(part))
    rows_out = pq.read_metadata(temporary).num_rows
    if rows_out != rows_in:
        raise OctavoError(f"{temporary}: found {rows_out} rows, expected one for each of {rows_in} documents")
    temporary.rename(home / "ledger.parquet")


def _removals_in_words(report: dict[str, Any]) -> str:
    return ", ".join(f"{rule}: {count['documents']}" for rule, count in report["rules"].items())
