"""What the figures of a tune say in words, by rules: whether it does better than what does the work without it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum

from octavo.evaluation.report.figures import Finding
from octavo.tuning.report.figures import ScoreRow
from octavo.tuning.report.metrics import MAIN, baselines_of, figure, metric_of, name_of_group, told
from octavo.tuning.scores import MODEL

FEW_DOCUMENTS = 30
"""With fewer to measure on, others could well give another figure."""
HARM = 0.002
"""By how much the error rate of nearly clean documents may rise and still be no matter: 0.2 points."""
_NOTHING, _LEFT, _CLEAN = "do nothing", "share of errors left", "below 1 %"


class Verdict(Enum):
    """How the model's figure compares with a baseline's."""

    SURELY_BETTER = "surely better"
    BETTER = "better"
    ALIKE = "alike"
    WORSE = "worse"
    SURELY_WORSE = "surely worse"


_IN_WORDS = {
    Verdict.SURELY_BETTER: "Better than",
    Verdict.BETTER: "Perhaps better than",
    Verdict.ALIKE: "No better than",
    Verdict.WORSE: "No better than",
    Verdict.SURELY_WORSE: "Worse than",
}

_GOOD = (Verdict.SURELY_BETTER, Verdict.BETTER)
_BASELINES = {
    "do nothing": "doing nothing",
    "dictionary": "a dictionary",
    "copy the source": "the source left as it is",
    "word by word": "a dictionary, word by word",
    "best sentence": "the best sentence that a search finds",
    "first source": "the first source as a whole",
}
_NEVER = 2.0
_SAID = (
    ("over-correction rate", _NEVER, "of the characters that were right are wrong afterwards"),
    ("verbatim answers", 1.0, "of the answers that are shown are word for word in the source they name"),
    ("refusal rate, unanswerable", 0.5, "of the questions that the sources do not answer get no answer"),
    ("refusal rate, answerable", _NEVER, "of the questions that the sources do answer get none, either"),
    ("in the right language", 0.95, "of the translations are in the language asked for"),
    ("not translated", _NEVER, "of the texts got no translation, in whole or in part"),
    ("cut by the limit", _NEVER, "of the translations did not come to their end"),
)
"""Metrics that are told of in words, and the share from which they speak for the model."""


def findings(task: str, rows: Sequence[ScoreRow]) -> list[Finding]:
    """What was found, and what the model is not good for."""
    return [*_beside_baselines(task, rows), *_by_group(task, rows), *_of_task(task, rows), *_how_sure(task, rows)]


def is_better(task: str, rows: Sequence[ScoreRow], system: str) -> Verdict | None:
    """How the model's main figure over all compares with a baseline's; None where it has none."""
    metric = MAIN[task]
    ours, theirs = (_row(rows, name, metric) for name in (MODEL, system))
    if ours is None or theirs is None:
        return None
    return _compared(ours, theirs)


def summary(task: str, rows: Sequence[ScoreRow]) -> str:
    """The one sentence that a person who has no time needs."""
    found = {name: is_better(task, rows, name) for name in baselines_of(rows)}
    verdicts = {name: verdict for name, verdict in found.items() if verdict}
    ours = _row(rows, MODEL, MAIN[task])
    if ours is None or ours.value is None or not verdicts:
        return "Nothing was measured that could say whether the model is of use."
    better = [name for name, verdict in verdicts.items() if verdict is Verdict.SURELY_BETTER]
    perhaps = [name for name, verdict in verdicts.items() if verdict is Verdict.BETTER]
    no = [name for name in verdicts if name not in better + perhaps]
    if no:
        than = _named(no)
        return f"The model is no better than {than}: as it is, there is no reason to use it."
    if perhaps:
        return f"The model may be better than {_named(perhaps)}, but the figures do not prove it."
    return f"The model is better than {_named(better, 'and')}."


def _beside_baselines(task: str, rows: Sequence[ScoreRow]) -> Iterator[Finding]:
    ours, left = _row(rows, MODEL, MAIN[task]), _row(rows, MODEL, _LEFT)
    for system in baselines_of(rows):
        theirs, verdict = _row(rows, system, MAIN[task]), is_better(task, rows, system)
        if ours is None or theirs is None or verdict is None:
            continue
        text = f"{_IN_WORDS[verdict]} {_named([system])}: {ours.metric} {told(ours)}, beside {told(theirs)}."
        if system == _NOTHING and left and left.value is not None and left.value < 1:
            text += f" Of the wrong characters, {figure(_LEFT, 1 - left.value)} are gone."
        yield _finding(verdict in _GOOD, text)


def _by_group(task: str, rows: Sequence[ScoreRow]) -> Iterator[Finding]:
    """Languages in which a baseline does as well or better."""
    groups = [row.group for row in rows if (row.system, row.by, row.metric) == (MODEL, "lang", MAIN[task])]
    for system in baselines_of(rows):
        no = []
        for group in groups:
            ours, theirs = (_row(rows, name, MAIN[task], "lang", group) for name in (MODEL, system))
            if ours and theirs and _compared(ours, theirs) not in _GOOD:
                no.append(name_of_group("lang", group))
        if no and len(no) < len(groups):
            yield _finding(False, f"No better than {_named([system])} in {_listed(no, 'and')}.")


def _of_task(task: str, rows: Sequence[ScoreRow]) -> Iterator[Finding]:
    after, before = (_row(rows, name, MAIN[task], "start", _CLEAN) for name in (MODEL, _NOTHING))
    if after and before and after.value is not None and before.value is not None:
        worse = after.value - before.value > HARM
        text = (
            f"Nearly clean documents, with errors {_CLEAN}, have {figure(after.metric, after.value)} wrong "
            f"characters afterwards and {figure(before.metric, before.value)} before"
        )
        yield _finding(not worse, text + (": leave them as they are." if worse else "."))
    left, harmed = (_row(rows, MODEL, metric) for metric in (_LEFT, "over-correction rate"))
    if left and harmed and (left.value, harmed.value) == (1, 0):
        yield _finding(False, "It left the texts as they were: it is sure of no change, or finds none.")
    for metric, good, words in _SAID:
        row = _row(rows, MODEL, metric)
        if row and row.value is not None and (row.value or metric_of(metric).lower_is_better is False):
            yield _finding(row.value >= good, f"{told(row)} {words}.")


def _how_sure(task: str, rows: Sequence[ScoreRow]) -> Iterator[Finding]:
    ours = _row(rows, MODEL, MAIN[task])
    if ours and ours.works < FEW_DOCUMENTS:
        documents = f"{ours.works:,} document{'' if ours.works == 1 else 's'}"
        yield _finding(False, f"It was measured on {documents}: with others the figures could well differ.")


def _finding(good: bool, text: str) -> Finding:
    return Finding(kind="found" if good else "limit", about="figures", text=text)


def _row(
    rows: Sequence[ScoreRow], system: str, metric: str, by: str = "all", group: str = "all"
) -> ScoreRow | None:
    asked = (system, by, group, metric)
    return next((row for row in rows if (row.system, row.by, row.group, row.metric) == asked), None)


def _compared(ours: ScoreRow, theirs: ScoreRow) -> Verdict | None:
    """By the interval of their difference, where there is one; else those that lie apart are surely different."""
    if ours.value is None or theirs.value is None:
        return None
    if ours.value == theirs.value:
        return Verdict.ALIKE
    lower = metric_of(ours.metric).lower_is_better
    better = (ours.value < theirs.value) == lower
    if theirs.lead_low is not None and theirs.lead_high is not None:
        apart = theirs.lead_low > 0 or theirs.lead_high < 0
    else:
        apart = None not in (ours.low, ours.high, theirs.low, theirs.high) and (
            (ours.high or 0) < (theirs.low or 0) or (theirs.high or 0) < (ours.low or 0)
        )
    if better:
        return Verdict.SURELY_BETTER if apart else Verdict.BETTER
    return Verdict.SURELY_WORSE if apart else Verdict.WORSE


def _named(names: Sequence[str], last: str = "or") -> str:
    return _listed([_BASELINES.get(name, name) for name in names], last)


def _listed(names: Sequence[str], last: str = "or") -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"
