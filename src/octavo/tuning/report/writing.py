"""The report of a tune: the figures of its stages, gathered into report.json and report.html.

Nothing is measured here, but for how like a sample's answer is to the truth, by which samples are ordered.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

import orjson

from octavo import __version__
from octavo.evaluation.report.writing import read_model
from octavo.lineage import read_record, write_json
from octavo.recipe.schema import Recipe
from octavo.training.metrics import Metrics
from octavo.tuning.base_name import base_name
from octavo.tuning.report.figures import HeldOut, LeftOutPair, Pairs, Rate, Report, ScoreRow
from octavo.tuning.report.page import write_page
from octavo.tuning.report.samples import ordered
from octavo.tuning.report.verdicts import findings


def write_report(recipe: Recipe, run: Path, home: Path, figures: dict[str, Any]) -> None:
    """Write `home`/report.json and report.html of a tune."""
    report = gather_report(recipe, run, home, figures)
    write_json(home / "report.json", report.model_dump())
    write_page(home, report, read_model(recipe.name, run, home))


def gather_report(recipe: Recipe, run: Path, home: Path, figures: dict[str, Any]) -> Report:
    """The report of a tune, of its figures (`measuring`), the counts of its pairs in `run`/pairs and the record of
    its training."""
    assert recipe.tuning is not None
    record = read_record(run / "checkpoints")
    trained = record.figures if record else {}
    rows = [ScoreRow(**row) for row in figures["scores"]]
    measured = read_model(recipe.name, run, home)
    return Report(
        octavo=__version__,
        command=figures["command"],
        name=recipe.name,
        task=figures["task"],
        base=base_name(Path(recipe.tuning.base)),
        seed=recipe.seed,
        findings=findings(figures["task"], rows),
        pairs=_pairs(run / "pairs"),
        scores=rows,
        settings=figures["settings"],
        samples=ordered(figures["task"], figures["samples"]),
        training=measured.training,
        steps=recipe.steps,
        chosen_step=trained.get("chosen_step"),
        held_out=list(_held_out(run)),
        sweep=[Rate(**one) for one in trained.get("sweep", [])],
        learning_rate=trained.get("learning_rate", recipe.training.optimizer.learning_rate),
        costs=measured.costs,
    )


def _pairs(home: Path) -> Pairs:
    counted = orjson.loads((home / "report.json").read_bytes())
    return Pairs(**counted, left_out_examples=list(_left_out(home / "left-out.jsonl")))


def _left_out(file: Path) -> Iterator[LeftOutPair]:
    """The first pair of each reason."""
    seen: set[str] = set()
    with file.open("rb") as lines:
        for line in lines:
            one = LeftOutPair(**orjson.loads(line))
            if one.reason not in seen:
                seen.add(one.reason)
                yield one


def _held_out(run: Path) -> Iterator[HeldOut]:
    for line in Metrics.read(run):
        if bits := line.get("held_out"):
            mean = round(fmean(bits.values()), 4)
            yield HeldOut(step=line["step"], tokens=line["tokens"], bits_per_byte=bits, mean=mean)
