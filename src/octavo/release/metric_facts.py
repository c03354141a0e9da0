"""What the manifest states of the evaluation: figures with their intervals, read from what measured them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from octavo.evaluation.report.figure_names import ALL, prompts_name
from octavo.evaluation.report.figures import Estimate, Model, Report
from octavo.release.manifest import BITS_LOST, Metric
from octavo.release.quantised_figures import FILE, MEAN, Quantised, read_quantised
from octavo.tuning.report.figures import ScoreRow
from octavo.tuning.report.metrics import MAIN
from octavo.tuning.scores import MODEL
from octavo.tuning.tuned_model import FILE as TUNING_FILE

REPORT = "evaluation/report.json"
_TUNED = f"evaluation/{TUNING_FILE}"
_QUANTISED = f"release/{FILE}"
_SHARE = "share"


def base_metrics(run: Path) -> list[Metric]:
    """Of a base model's evaluation, the figures over all and by language; none where there is no report."""
    file = run / REPORT
    if not file.exists():
        return []
    own = Report.model_validate_json(file.read_bytes()).models[0]
    return list(of_base(own))


def tuned_metrics(run: Path, task: str) -> list[Metric]:
    """Of a tune's evaluation: the model's figures over all test pairs, and the main one by language."""
    measured: dict[str, Any] = json.loads((run / _TUNED).read_bytes())
    return list(of_tune([ScoreRow(**row) for row in measured["scores"]], task))


def quantised_metrics(home: Path) -> list[Metric]:
    """Of the GGUF files of the release in `home`, what each loses."""
    found = read_quantised(home)
    return list(_of_quantised(found)) if found else []


def _of_quantised(found: Quantised) -> Iterator[Metric]:
    for file in found.files:
        if file.lost:
            lost = Estimate(value=file.lost[MEAN])
            yield from _metric(f"bits per byte lost in {file.format}", ALL, lost, BITS_LOST, _QUANTISED)
        if found.tokens:
            same = Estimate(value=round(file.same_tokens / found.tokens, 4))
            yield from _metric(f"greedy text kept in {file.format}", ALL, same, file=_QUANTISED)


def of_tune(rows: Iterable[ScoreRow], task: str) -> Iterator[Metric]:
    """The model's own figures over all test pairs, and the main one by language."""
    for row in rows:
        wanted = row.by == "all" or (row.by == "lang" and row.metric == MAIN[task])
        if row.system == MODEL and wanted and row.value is not None:
            group = ALL if row.by == "all" else row.group
            yield Metric(
                name=row.metric,
                group=group,
                value=row.value,
                low=row.low,
                high=row.high,
                unit=_unit(row.metric),
                file=_TUNED,
            )


def _unit(metric: str) -> str:
    return "of 100" if metric in ("chrF", "BLEU") else _SHARE


def of_base(model: Model) -> Iterator[Metric]:
    """The figures of a base model over all and by language, with those of the floors beside them."""
    for bits in model.bits_per_byte:
        if bits.by in ("mean", "language"):
            group = ALL if bits.by == "mean" else bits.group
            yield from _metric("bits per byte", group, bits.model, "bits per byte")
            for floor, value in (("unigram", bits.unigram), ("xz -9", bits.xz)):
                yield from _metric(f"bits per byte of {floor}", group, Estimate(value=value), "bits per byte")
    for kept in model.adherence:
        if kept.temperature == 0:
            yield from _metric(f"language kept, {prompts_name(kept.prompts)}", kept.lang, kept.of_all)
    for row in model.repetition:
        if row.temperature == 0:
            name = f"ends in a loop, repetition penalty {row.repetition_penalty:g}"
            yield from _metric(name, ALL, row.loops)
    for harm in model.harm:
        if (harm.lang, harm.dimension) == (ALL, "any"):
            name = f"scores {harm.level:g} or more for harm, {harm.kind} prompts, {harm.decoding}"
            yield from _metric(name, ALL, harm.share)
    for text in model.extraction:
        seen = "held-out texts" if text.seen_most == 0 else f"texts seen {text.seen_least} times or more"
        if text.seen_most not in (None, 0):
            seen = f"texts seen {text.seen_least} to {text.seen_most} times"
        yield from _metric(
            f"comes back word for word after {text.prompt_tokens} tokens, {seen}", ALL, text.extractable
        )
    for task in model.tasks:
        for name, score in task.scores.items():
            unit = "of 100" if name in ("bleu", "chrf") else _SHARE
            yield from _metric(f"{task.task}, {task.shots} examples in the prompt: {name}", task.group, score, unit)


def _metric(name: str, group: str, estimate: Estimate, unit: str = _SHARE, file: str = REPORT) -> Iterator[Metric]:
    if estimate.value is not None:
        yield Metric(
            name=name,
            group=group,
            value=estimate.value,
            low=estimate.low,
            high=estimate.high,
            unit=unit,
            file=file,
        )
