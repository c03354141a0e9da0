"""Stage curation: four passes over the corpus, the ledger, and the documents kept and removed.

1. judge: every part of the corpus by itself; what the rules say is written to verdicts/, beside the text where
   they changed it;
2. decide: what needs all documents at once, on the verdicts alone: copies, the held-out works, the mixture;
3. weigh: what becomes of harmful passages in the documents that stay, by the second classifier and the rewriting
   model where the recipe has them;
4. sort: every part once more, into kept/, originals/ and removed/, beside its verdicts.

Each goes on where it stopped. Texts are only ever held some megabytes at a time; of each document, the second
pass holds a line of its verdicts. Parts are judged in processes and sorted in threads, which wait for Arrow alone,
or both on a Ray cluster; the group-bys and joins are Daft's.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from octavo.corpus.parts import parts_of
from octavo.corpus.schema import LEDGER_SCHEMA, PASSAGE_SCHEMA
from octavo.curation import cluster
from octavo.curation.cluster import Part
from octavo.curation.deciding import Decisions, decide
from octavo.curation.judging import judge_part
from octavo.curation.opt_outs_report import opt_outs_in_words, summarise_opt_outs
from octavo.curation.report import summarise
from octavo.curation.report_page import write_page
from octavo.curation.sorting import sort_part
from octavo.curation.toxicity.report import summarise_passages
from octavo.curation.weighing import ANSWERS, WEIGHED_SCHEMA, weigh
from octavo.errors import InputError, OctavoError
from octavo.lineage import write_json
from octavo.progress import Progress
from octavo.recipe.schema import Recipe
from octavo.workers import all_rows, in_processes, in_threads

HandOut = Callable[[Callable[[Part], None], list[Part]], Iterator[Part]]
"""Does the work of several parts at once; yields each as it is done."""

APPEAR_SECONDS = 120.0
"""How long what another node has written may take to appear here: NFS looks again after a minute at most."""

_SORTED = ("kept", "originals", "removed")
_ON_THE_WAY = ("verdicts", "decisions", "weighed", "passages", "ledger", "workspaces")
"""Folders that are gone when the stage is done."""


class NothingLeftError(InputError):
    """Every document was removed; where all went and why is written nonetheless."""


def curate(recipe: Recipe, documents: Path, home: Path, progress: Progress) -> dict[str, Any]:
    """Curate the parts in `documents` into `home`: kept, originals, removed, the ledger, the report and its page.

    Returns the stage's figures; raises NothingLeftError where no document is left, InputError where the recipe's
    Ray cluster is not one that can do it.
    """
    documents, home = documents.absolute(), home.absolute()
    (home / "workspaces").mkdir(parents=True, exist_ok=True)
    if recipe.curation.engine == "native":
        return _curate(recipe, documents, home, progress, in_processes, in_threads)
    with cluster.joined(recipe.curation, home / "workspaces"):
        return _curate(
            cluster.with_absolute_paths(recipe), documents, home, progress, cluster.hand_out, cluster.hand_out
        )


def _curate(
    recipe: Recipe, documents: Path, home: Path, progress: Progress, to_judge: HandOut, to_sort: HandOut
) -> dict[str, Any]:
    parts = parts_of(documents)
    if not progress.has(home / "report.json"):
        _make(recipe, parts, home, progress, to_judge, to_sort)
        # What was made on the way to them is deleted next, so that they are noted once more, together.
        made = [home / name for name in ("report.json", "report.html", "ledger.parquet", "passages.parquet")]
        made += [file for folder in _SORTED for file in parts_of(home / folder)]
        progress.made(*(file for file in made if file.exists()))
    for folder in _ON_THE_WAY:
        if (home / folder).exists():
            shutil.rmtree(home / folder)
    report: dict[str, Any] = json.loads((home / "report.json").read_bytes())
    if recipe.curation.opt_outs.given():
        progress.message(opt_outs_in_words(report["opt_outs"]))
    if not report["kept"]["documents"]:
        raise NothingLeftError(
            f"corpus.sources: none of {report['in']['documents']} documents is left after curation "
            f"({_removals_in_words(report)}); {home / 'ledger.parquet'} says why for each"
        )
    missing = [lang for lang in recipe.corpus.languages if lang not in report["languages"]]
    if missing:
        progress.message(f"curation: no document is left in {', '.join(missing)}")
    return report


def _make(
    recipe: Recipe, parts: list[Path], home: Path, progress: Progress, to_judge: HandOut, to_sort: HandOut
) -> None:
    verdicts, decisions, weighed, passages, ledger = (home / folder for folder in _ON_THE_WAY[:-1])
    for folder in (verdicts, ledger, passages, home / "kept"):
        folder.mkdir(exist_ok=True)
    steps = 2 * len(parts) + 2
    judge = functools.partial(_judge, recipe, verdicts)
    for done, name in enumerate(_over_parts(judge, parts, [verdicts], to_judge, progress), 1):
        progress.check()
        progress.update(done, steps, f"judged {name}")
    if not progress.has(decisions / "documents.parquet"):
        progress.update(len(parts), steps, "looking for copies")
        with all_rows():
            decide(verdicts, recipe, decisions)
        progress.made(*(decisions / name for name in ("documents.parquet", "passages.parquet", "mixture.json")))
    if recipe.curation.toxicity.enabled and not progress.has(weighed / "figures.json"):
        progress.update(len(parts) + 1, steps, "weighing harmful passages")
        within = dataclasses.replace(
            progress, update=lambda done, of, note: progress.update(len(parts) + 1 + done / of, steps, note)
        )
        weigh(verdicts, decisions, recipe, weighed, home.parent / ANSWERS, within)
        progress.made(weighed / "figures.json", *parts_of(weighed))
    sort = functools.partial(_sort, recipe, verdicts, decisions, weighed, home)
    places = [ledger, passages, *(home / folder for folder in _SORTED)]
    for done, name in enumerate(_over_parts(sort, parts, places, to_sort, progress), len(parts) + 3):
        progress.check()
        progress.update(done, steps, f"sorted {name}")
    came_in = sum(pq.read_metadata(part).num_rows for part in parts)
    _join_ledger(home, [ledger / part.name for part in parts], came_in)
    if recipe.curation.toxicity.enabled:
        _join(home / "passages.parquet", PASSAGE_SCHEMA, parts_of(passages))
    with all_rows():
        _report(recipe, home)


def _report(recipe: Recipe, home: Path) -> None:
    decisions, weighed = home / "decisions", home / "weighed"
    report = summarise(home) | {"mixture": json.loads((decisions / "mixture.json").read_text())}
    report["opt_outs"] = summarise_opt_outs(home, recipe.curation.opt_outs)
    if recipe.curation.toxicity.enabled:
        report["toxicity"] = summarise_passages(home, recipe, json.loads((weighed / "figures.json").read_text()))
    write_page(home, report)
    write_json(home / "report.json", report)


def _judge(recipe: Recipe, verdicts: Path, numbered: Part) -> None:
    part, number = numbered
    with _workspace(verdicts.parent) as own:
        judge_part(part, number, own / part.name, recipe)
        (own / part.name).rename(verdicts / part.name)


def _sort(recipe: Recipe, verdicts: Path, decisions: Path, weighed: Path, home: Path, numbered: Part) -> None:
    part, number = numbered
    decided, flagged = Decisions.read(decisions), WEIGHED_SCHEMA.empty_table()
    if recipe.curation.toxicity.enabled:
        changed = pq.read_table(weighed / "changed.parquet").column("row").combine_chunks()
        decided = decided.without(pq.read_table(weighed / "gone.parquet"), "toxicity", changed)
        flagged = pq.read_table(weighed / part.name)
    with _workspace(home) as own:
        (own / "ledger").mkdir()
        sort_part(part, number, verdicts / part.name, decided, flagged, own)
        for folder in (*_SORTED, "passages", "ledger"):  # the ledger says that the part is done
            if (own / folder / part.name).exists():
                (home / folder).mkdir(exist_ok=True)
                (own / folder / part.name).rename(home / folder / part.name)


@contextlib.contextmanager
def _workspace(home: Path) -> Iterator[Path]:
    """A folder of one worker's own: a part may be begun again while a worker that was given up still has it."""
    with tempfile.TemporaryDirectory(dir=home / "workspaces") as own:
        yield Path(own)


def _over_parts(
    work: Callable[[Part], None], parts: list[Path], places: list[Path], hand_out: HandOut, progress: Progress
) -> Iterator[str]:
    """Do the work of every part that is not done, the largest first; yields their names.

    Its files are in `places`; the one in the first says that it is done.
    """
    pending = [(part, number) for number, part in enumerate(parts) if not progress.has(places[0] / part.name)]
    pending.sort(key=lambda part: -part[0].stat().st_size)  # so that all workers end at about the same time
    for part, _ in hand_out(work, pending):
        _await(places[0] / part.name)
        progress.made(*(file for place in places if (file := place / part.name).exists()))
        yield part.name


def _await(made: Path) -> None:
    end = time.monotonic() + APPEAR_SECONDS
    while not made.exists():
        if time.monotonic() > end:
            raise OctavoError(f"{made}: was made, and does not appear")
        time.sleep(0.5)


def _join_ledger(home: Path, parts: list[Path], rows_in: int) -> None:
    _join(home / "ledger.parquet", LEDGER_SCHEMA, parts)
    rows_out = pq.read_metadata(home / "ledger.parquet").num_rows
    if rows_out != rows_in:
        raise OctavoError(
            f"{home / 'ledger.parquet'}: found {rows_out} rows, expected one for each of {rows_in} documents"
        )


def _join(target: Path, schema: pa.Schema, parts: list[Path]) -> None:
    temporary = target.with_name(f"{target.name}.partial")
    with pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for part in parts:
            writer.write_table(pq.read_table(part))
    temporary.rename(target)


def _removals_in_words(report: dict[str, Any]) -> str:
    return ", ".join(f"{rule}: {count['documents']}" for rule, count in report["rules"].items())
