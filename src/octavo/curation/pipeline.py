"""Stage curation: three passes over the corpus, the ledger, and the documents kept and removed.

1. judge: every part of the corpus by itself; what the rules say is written to verdicts/, beside the text where
   they changed it;
2. decide: what needs all documents at once, on the verdicts alone: copies, the held-out works, the mixture;
3. sort: every part once more, into kept/, originals/ and removed/, beside its verdicts.

Each goes on where it stopped. Texts are only ever held some megabytes at a time; of each document, the second
pass holds a line of its verdicts. Daft hands the parts out to processes, and does the group-bys and joins; on a
cluster, Ray hands them out.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from octavo.corpus.schema import LEDGER_SCHEMA
from octavo.curation import cluster
from octavo.curation.deciding import Decisions, decide
from octavo.curation.judging import judge_part
from octavo.curation.report import summarise
from octavo.curation.report_page import write_page
from octavo.curation.sorting import sort_part
from octavo.errors import InputError, OctavoError
from octavo.lineage import write_json
from octavo.progress import Progress
from octavo.recipe import Recipe

Work = Callable[[Path, int], None]
HandOut = Callable[[Work, list[tuple[Path, int]]], Iterator[str]]

APPEAR_SECONDS = 120.0
"""How long what another node has written may take to appear here: NFS looks again after a minute at most."""

os.environ.setdefault("DAFT_PROGRESS_BAR", "0")
os.environ.setdefault("DAFT_SHOW_QUERY_ID", "0")


def curate(recipe: Recipe, documents: Path, home: Path, progress: Progress) -> dict[str, Any]:
    """Curate the parts in `documents` into `home`: kept, originals, removed, the ledger, the report and its page.

    Returns the stage's figures; raises InputError where no document is left, or the recipe's Ray cluster is not
    one that can do it.
    """
    documents, home = documents.absolute(), home.absolute()
    (home / "workspaces").mkdir(parents=True, exist_ok=True)
    if recipe.curation.engine == "native":
        return _curate(recipe, documents, home, progress, _hand_out)
    with cluster.joined(recipe.curation, home / "workspaces"):
        return _curate(cluster.with_absolute_paths(recipe), documents, home, progress, cluster.hand_out)


def _curate(recipe: Recipe, documents: Path, home: Path, progress: Progress, hand_out: HandOut) -> dict[str, Any]:
    parts = sorted(documents.glob("*.parquet"))
    verdicts, decisions, ledger = home / "verdicts", home / "decisions", home / "ledger"
    for folder in (verdicts, ledger, home / "kept"):
        folder.mkdir(exist_ok=True)
    steps = 2 * len(parts) + 1
    judge = functools.partial(_judge, recipe, verdicts)
    for done, name in enumerate(_over_parts(judge, parts, verdicts, hand_out), 1):
        progress.check()
        progress.update(done, steps, f"judged {name}")
    if not (decisions / "documents.parquet").exists():
        progress.update(len(parts), steps, "looking for copies")
        decide(verdicts, recipe, decisions)
    sort = functools.partial(_sort, verdicts, decisions, home)
    for done, name in enumerate(_over_parts(sort, parts, ledger, hand_out), len(parts) + 2):
        progress.check()
        progress.update(done, steps, f"sorted {name}")
    came_in = sum(pq.read_metadata(part).num_rows for part in parts)
    _join_ledger(home, [ledger / part.name for part in parts], came_in)
    report = summarise(home) | {"mixture": json.loads((decisions / "mixture.json").read_text())}
    write_json(home / "report.json", report)
    write_page(home, report)
    for folder in (verdicts, decisions, ledger, home / "workspaces"):
        shutil.rmtree(folder)
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
    with _workspace(verdicts.parent) as own:
        judge_part(part, number, own / part.name, recipe)
        (own / part.name).rename(verdicts / part.name)


def _sort(verdicts: Path, decisions: Path, home: Path, part: Path, number: int) -> None:
    with _workspace(home) as own:
        (own / "ledger").mkdir()
        sort_part(part, number, verdicts / part.name, Decisions.read(decisions), own)
        for folder in ("kept", "originals", "removed", "ledger"):  # the ledger says that the part is done
            if (own / folder / part.name).exists():
                (home / folder).mkdir(exist_ok=True)
                (own / folder / part.name).rename(home / folder / part.name)


@contextlib.contextmanager
def _workspace(home: Path) -> Iterator[Path]:
    """A folder of one worker's own: a part may be begun again while a worker that was given up still has it."""
    with tempfile.TemporaryDirectory(dir=home / "workspaces") as own:
        yield Path(own)


def _over_parts(work: Work, parts: list[Path], made: Path, hand_out: HandOut) -> Iterator[str]:
    """Do the work of every part that has no file in `made`, several at once; yields their names."""
    pending = [(part, number) for number, part in enumerate(parts) if not (made / part.name).exists()]
    if len(pending) > 1:
        yield from hand_out(work, pending)
    else:  # not worth a process
        for part, number in pending:
            work(part, number)
            yield part.name
    end = time.monotonic() + APPEAR_SECONDS
    while missing := [part.name for part in parts if not (made / part.name).exists()]:
        if time.monotonic() > end:
            raise OctavoError(f"{made}: {len(missing)} files that were made do not appear, such as {missing[0]}")
        time.sleep(0.5)


def _hand_out(work: Work, pending: list[tuple[Path, int]]) -> Iterator[str]:
    """Do the work of the parts, as many at once as there are cores; yields their names."""
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
