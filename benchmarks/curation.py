"""Curation beside datatrove on the same text: MB/s per core, and peak memory at one and at many copies.

    pip install '.[benchmarks]'
    python benchmarks/curation.py FOLDER_WITH_PARQUET [--megabytes 150] [--copies 12]

datatrove's chain is the nearest that it has to octavo's default one: Gopher's quality and repetition rules,
language and MinHash in its four stages, each document's language being one call of the same pycld2 that octavo
asks first. octavo's chain is the whole of `octavo curate`: licences, repair, personal data,
language, OCR, quality, harmful passages, copies, passages, ledger, report; and once more without harmful passages,
which datatrove does not score: that is the chain to compare. It refuses to time beside other work unless told
(--busy).
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from figures import figure, idle_machine, show
from processes import resident


def sample(folder: Path, target: Path, megabytes: float, copies: int = 1) -> float:
    """The first documents, English before others, as many as asked; with copies, all documents so often."""
    files = sorted(folder.glob("*.parquet"))
    target.mkdir(parents=True)
    if copies > 1:
        for number in range(copies):
            for file in files:
                table = pq.read_table(file)
                names = pa.array([f"{name}@{number}" for name in table.column("identifier").to_pylist()])
                place = table.column_names.index("identifier")
                # Each copy is another text, or all but one would go at once.
                text = pa.array(
                    [f"{number} {text}" for text in table.column("text").to_pylist()], pa.large_string()
                )
                table = table.set_column(place, "identifier", names)
                table = table.set_column(table.column_names.index("text"), "text", text)
                pq.write_table(table, target / f"{number:02d}-{file.name}", row_group_size=500)
        return (
            sum(sum(map(len, pq.read_table(f, columns=["text"])["text"].to_pylist())) for f in files) * copies / 1e6
        )
    taken, size = [], 0
    for file in sorted(files, key=lambda f: ("-en" not in f.name, f.name)):
        for row in pq.read_table(file).to_pylist():
            if size < megabytes * 1e6:
                taken.append(row)
                size += len(row["text"].encode())
    pq.write_table(pa.Table.from_pylist(taken), target / "sample.parquet", row_group_size=100)
    return size / 1e6


def octavo_chain(source: Path, out: Path, harm: bool = True) -> None:
    from octavo.corpus.importing import import_documents
    from octavo.curation.pipeline import curate
    from octavo.progress import Progress
    from octavo.recipe.file import validate

    settings = {"toxicity": {"enabled": harm}}
    recipe = validate(
        {"name": "bench", "corpus": {"sources": [{"path": str(source)}]}, "curation": settings}, {}, "bench"
    )
    import_documents(recipe.corpus, out / "documents", Progress())
    curate(recipe, out / "documents", out / "corpus", Progress())


def octavo_without_harm(source: Path, out: Path) -> None:
    octavo_chain(source, out, harm=False)


def datatrove_chain(source: Path, out: Path) -> None:
    import pycld2
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import (
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )
    from datatrove.pipeline.filters import GopherQualityFilter, GopherRepetitionFilter, LambdaFilter
    from datatrove.pipeline.readers import ParquetReader
    from datatrove.pipeline.writers import ParquetWriter
    from loguru import logger

    logger.remove()

    def known_language(document: Any) -> bool:
        try:
            _, _, guesses = pycld2.detect(document.text, bestEffort=True)
        except pycld2.error:  # it refuses some sequences that are valid UTF-8
            guesses = (("", "un", 0, 0),)
        document.metadata["lang"] = guesses[0][1]
        return True

    def run(stage: str, *steps: Any, tasks: int = 1) -> None:
        LocalPipelineExecutor(pipeline=list(steps), tasks=tasks, logging_dir=str(out / "logs" / stage)).run()

    reader = ParquetReader(str(source), text_key="text", id_key="identifier")
    run(
        "quality",
        reader,
        LambdaFilter(known_language),
        GopherRepetitionFilter(),
        GopherQualityFilter(),
        ParquetWriter(str(out / "kept")),
    )
    kept = ParquetReader(str(out / "kept"))
    run("signatures", kept, MinhashDedupSignature(str(out / "signatures")))
    run("buckets", MinhashDedupBuckets(str(out / "signatures"), str(out / "buckets")), tasks=14)  # one a bucket
    run("clusters", MinhashDedupCluster(str(out / "buckets"), str(out / "clusters")))
    run("filter", kept, MinhashDedupFilter(str(out / "clusters")), ParquetWriter(str(out / "result")))


def timed(work: Callable[[Path, Path], None], source: Path, out: Path) -> dict[str, float]:
    """Seconds, CPU seconds and peak memory of the work in a process of its own with all its children."""
    parent, child = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_measure, args=(work, source, out, child))
    process.start()
    peak = 0
    while process.is_alive():
        peak = max(peak, resident(process.pid))
        process.join(0.1)
    if not parent.poll():
        sys.exit(f"{work.__name__}: failed")
    found: dict[str, float] = parent.recv()
    return found | {"peak_gb": peak / 1e9}


def _measure(work: Callable[[Path, Path], None], source: Path, out: Path, answer: Any) -> None:
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        started = time.perf_counter()
        work(source, out)
        seconds = time.perf_counter() - started
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    answer.send({"seconds": seconds, "cpu_seconds": sum(u.ru_utime + u.ru_stime for u in used)})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--megabytes", type=float, default=150, help="text for both chains")
    parser.add_argument("--copies", type=int, default=12, help="copies of the whole folder for the peak memory")
    parser.add_argument("--busy", action="store_true", help="measure beside other work all the same")
    parser.add_argument("--json", action="store_true")
    settings = parser.parse_args()
    machine = idle_machine(settings.busy)
    cores = os.cpu_count() or 1
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        size = sample(settings.folder, home / "sample", settings.megabytes)
        whole = timed(octavo_chain, home / "sample", home / "whole-chain")
        ours = timed(octavo_without_harm, home / "sample", home / "ours")
        theirs = timed(datatrove_chain, home / "sample", home / "theirs")
        how = f"{size:.1f} MB of text, English first"
        per_core, peer = size / ours["cpu_seconds"], size / theirs["cpu_seconds"]
        found["octavo, per core"] = figure(
            size / whole["cpu_seconds"], "MB/s", "", True, f"{how}, by CPU time of all processes"
        )
        found["octavo without scoring harm, per core"] = figure(per_core, "MB/s", "", True, how)
        found["datatrove, per core"] = figure(peer, "MB/s", "", True, f"{how}, one task")
        found["ratio per core"] = figure(per_core / peer, "x", ">= 20", per_core >= 20 * peer, how)
        for copies in (1, settings.copies):
            shutil.rmtree(home / "whole", ignore_errors=True)
            size = (
                sample(settings.folder, home / "whole", 0, copies) if copies > 1 else _linked(settings.folder, home)
            )
            how = f"{size:.0f} MB, {cores} cores, import and ledger included"
            for name, chain in (("octavo", octavo_chain), ("octavo without scoring harm", octavo_without_harm)):
                shutil.rmtree(home / "curated", ignore_errors=True)
                whole = timed(chain, home / "whole", home / "curated")
                speed = size / whole["seconds"]
                found[f"{name}, {copies} x"] = figure(speed, "MB/s", ">= 15", speed >= 15, how)
                found[f"{name}, {copies} x, peak memory"] = figure(
                    whole["peak_gb"], "GB", "< 2", whole["peak_gb"] < 2, how
                )
    show(found, machine, settings.json)


def _linked(folder: Path, home: Path) -> float:
    (home / "whole").mkdir()
    size = 0
    for file in sorted(folder.glob("*.parquet")):
        (home / "whole" / file.name).symlink_to(file.resolve())
        size += sum(len(text.encode()) for text in pq.read_table(file, columns=["text"])["text"].to_pylist())
    return size / 1e6


if __name__ == "__main__":
    main()
