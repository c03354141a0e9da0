"""Stage curation: three passes over the corpus, the ledger, and the documents kept and removed.

1. judge: every part of the corpus by itself; what the rules say is written to verdicts/, beside the text where
   they changed it;
2. decide: what needs all documents at once, on the verdicts alone: copies, the held-out works, the mixture;
3. sort: every part once more, into kept/, originals/ and removed/, beside its verdicts.

Each goes on where it stopped. Texts are only ever held some megabytes at a time; of each document, the second
pass holds a line of its verdicts. Daft hands the parts out to processes, and does the group-bys and joins.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from octavo.corpus.schema import LEDGER_SCHEMA
from octavo.curation.deciding import Decisions, decide
from octavo.curation.judging import judge_part
from octavo.curation.report import summarise
from octavo.curation.report_page import write_page
from octavo.curation.sorting import sort_part
from octavo.errors import InputError, OctavoError
from octavo.lineage import write_json
from octavo.progress import Progress
from octavo.recipe import Recipe

os.environ.setdefault("DAFT_PROGRESS_BAR", "0")
os.environ.setdefault("DAFT_SHOW_QUERY_ID", "0")


def curate(recipe: Recipe, documents: Path, home: Path, progress: Progress) -> dict[str, Any]:
    """Curate the parts in `documents` into `home`: kept, originals, removed, the ledger, the report and its page.

    Returns the stage's figures; raises InputError where no document is left.
    """
    parts = sorted(documents.glob("*.parquet"))
    verdicts, decisions, ledger = home / "verdicts", home / "decisions", home / "ledger"
    for folder in (verdicts, ledger, home / "kept"):
        folder.mkdir(parents=True, exist_ok=True)
    steps = 2 * len(parts) + 1
    judge = functools.partial(_judge, recipe, verdicts)
    for done, name in enumerate(_over_parts(judge, parts, verdicts), 1):
        progress.check()
        progress.update(done, steps, f"judged {name}")
    if not (decisions / "documents.parquet").exists():
        progress.update(len(parts), steps, "looking for copies")
        decide(verdicts, recipe, decisions)
    sort = functools.partial(_sort, verdicts, decisions, home)
    for done, name in enumerate(_over_parts(sort, parts, ledger), len(parts) + 2):
        progress.check()
        progress.update(done, steps, f"sorted {name}")
    came_in = sum(pq.read_metadata(part).num_rows for part in parts)
    _join_ledger(home, [ledger / part.name for part in parts], came_in)
    report = summarise(home) | {"mixture": json.loads((decisions / "mixture.json").read_text())}
    write_json(home / "report.json", report)
    write_page(home, report)
    for folder in (verdicts, decisions, ledger):
        for file in folder.glob("*"):
            file.unlink()
        folder.rmdir()
    if not report["kept"]["documents"]:
        raise InputError(
            f"corpus.sources: none of {came_in} documents is left after curation "
            f"({_removals_in_words(report)}); {home / 'ledger.parquet'} says why for each"
        )
    missing = [lang for lang in recipe.corpus.languages if lang not in report["languages"]]
    if missing:
        progress.message(f"curation: no document is left in {', '.join(missing)}")
    return report


def _judge(recipe: Recipe, verdicts: Path, part: Path, number: int) -> None:
    judge_part(part, number, verdicts / part.name, recipe)


def _sort(verdicts: Path, decisions: Path, home: Path, part: Path, number: int) -> None:
    sort_part(part, number, verdicts / part.name, Decisions.read(decisions), home)


def _over_parts(work: Callable[[Path, int], None], parts: list[Path], made: Path) -> Iterator[str]:
    """Do the work of every part that has no file in `made`, as many at once as there are cores; yields names."""
    pending = [(part, number) for number, part in enumerate(parts) if not (made / part.name).exists()]
    if len(pending) < 2:  # not worth a process
        for part, number in pending:
            work(part, number)
            yield part.name
        return
    import daft
    from daft import DataType, col

    @daft.cls(use_process=True, max_concurrency=min(len(pending), os.cpu_count() or 1))
    class Worker:
        def __init__(self) -> None:
            import signal

            signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it decides when it ends

        @daft.method.batch(return_dtype=DataType.string(), batch_size=1)
        def do(self, paths: daft.Series, numbers: daft.Series) -> list[str]:
            said = []
            for path, number in zip(paths.to_pylist(), numbers.to_pylist(), strict=True):
                try:
                    work(Path(path), number)
                    said.append("")
                except OctavoError as error:  # as words, since Daft makes a traceback of it
                    said.append(str(error))
            return said

    frame = daft.from_pydict({"part": [str(p) for p, _ in pending], "number": [n for _, n in pending]})
    done: Any = Worker().do(col("part"), col("number"))  # type: ignore[arg-type]  # called with expressions
    for batch in frame.select("part", done.alias("error")).to_arrow_iter():
        for row in batch.to_pylist():
            if row["error"]:
                raise OctavoError(row["error"])
            yield Path(row["part"]).name


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
