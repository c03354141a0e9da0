"""What the figures of document work mean, for people, and how they are written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from octavo.evaluation.report.figure_names import group_name
from octavo.tuning.report.figures import ScoreRow
from octavo.tuning.scores import MODEL, UNGUARDED

NONE: Final = "–"
"""Stands where there is no figure."""


class Metric(NamedTuple):
    """How a figure is to be read."""

    meaning: str
    """One sentence; empty for one that is not known here."""
    lower_is_better: bool | None
    digits: int
    share: bool
    """Whether it is a share, shown in percent."""


_UNKNOWN: Final = Metric("", None, 3, False)
METRICS: Final = {
    "character error rate": Metric(
        "Characters to insert, delete or replace to get the printed text, by the characters of that text.",
        True,
        2,
        True,
    ),
    "word error rate": Metric("The same by words: a word with one wrong letter is a wrong word.", True, 2, True),
    "share of errors left": Metric(
        "Wrong characters afterwards by those before: at 100 % nothing is gained, above it the text got worse.",
        True,
        1,
        True,
    ),
    "over-correction rate": Metric(
        "Characters that were right and are wrong afterwards, by all that were right.", True, 3, True
    ),
    "chrF": Metric(
        "Runs of up to six characters that a translation shares with a person's, from 0 to 100.", False, 1, False
    ),
    "BLEU": Metric(
        "Runs of up to four words that a translation shares with a person's, from 0 to 100.", False, 1, False
    ),
    "in the right language": Metric(
        "Translations that are in the language asked for, by those long enough to be judged.", False, 1, True
    ),
    "not translated": Metric("Texts for which nothing was written, so that they stay as they were.", True, 1, True),
    "cut by the limit": Metric("Texts whose translation did not come to its end in time.", True, 1, True),
    "F1": Metric(
        "Words that an answer shares with a right one (the harmonic mean of precision and recall), on the mean of "
        "the answerable questions.",
        False,
        1,
        True,
    ),
    "exact match": Metric(
        "Answerable questions whose answer has just the words of a right one; case, punctuation and articles do "
        "not count.",
        False,
        1,
        True,
    ),
    "citation precision": Metric(
        "Of the quotations that are shown, those with words of a right answer from the source that has it.",
        False,
        1,
        True,
    ),
    "citation recall": Metric("Of the answerable questions, those with such a quotation.", False, 1, True),
    "verbatim answers": Metric(
        "Of the answers that are shown, those whose quotations all stand word for word in the source they name.",
        False,
        1,
        True,
    ),
    "refusal rate, unanswerable": Metric(
        "Of the questions that the sources do not answer, those that are rightly left without an answer.",
        False,
        1,
        True,
    ),
    "refusal rate, answerable": Metric(
        "Of the questions that the sources do answer, those that are wrongly left without one.", True, 1, True
    ),
}
MAIN: Final = {"ocr": "character error rate", "translation": "chrF", "rag": "F1"}
"""By which a task is judged where one figure must do."""
TASKS: Final = {"ocr": "OCR correction", "translation": "translation", "rag": "answers with sources"}
SYSTEMS: Final = {
    UNGUARDED: "all that the model would change within the guard's hard limits, whether it is sure of it or not",
    "do nothing": "the text as it was recognised",
    "dictionary": "words that a dictionary does not have, put right by a likely one that it has",
    "copy the source": "the original, untranslated",
    "word by word": "each word put for itself by a dictionary learnt from the pairs",
    "best sentence": "the sentence of the sources that shares most with the question, by BM25",
    "first source": "the whole of the first source",
}
"""What each system answers that stands beside the model."""
KINDS: Final = {
    "all": "All",
    "lang": "Language",
    "century": "Century",
    "start": "Character error rate at the start",
    "level": "How much is translated at once",
}
"""By what the test pairs are told apart."""


def metric_of(name: str) -> Metric:
    """What is known of a metric."""
    return METRICS.get(name, _UNKNOWN)


def name_of_group(by: str, group: str) -> str:
    """A group in words: a language or a pair of them, a century."""
    if by == "all":
        return "All test pairs"
    if by == "century" and group.isdecimal():
        number = int(group)
        ending = "th" if 10 < number % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
        return f"{number}{ending} century"
    return group_name(group) if by == "lang" else group


def figure(metric: str, value: float | None, gap: str = "\N{NARROW NO-BREAK SPACE}") -> str:
    """A figure as its metric is written; `gap` stands before the sign for percent."""
    if value is None:
        return NONE
    known = metric_of(metric)
    return f"{100 * value:.{known.digits}f}{gap}%" if known.share else f"{value:.{known.digits}f}"


def bounds(row: ScoreRow, between: str = "–") -> str:
    """The interval of a figure, without a sign; empty where there is none."""
    if row.low is None or row.high is None:
        return ""
    known = metric_of(row.metric)
    low, high = (100 * end if known.share else end for end in (row.low, row.high))
    return f"{low:.{known.digits}f}{between}{high:.{known.digits}f}"


def told(row: ScoreRow) -> str:
    """A figure with its interval in brackets, in a sentence."""
    within = bounds(row, " to ")
    return figure(row.metric, row.value) + (f" ({within})" if within else "")


def in_short(row: ScoreRow | None) -> str:
    """The same in a table of a terminal or of Markdown."""
    if row is None or row.value is None:
        return "-"
    within = bounds(row, "-")
    return figure(row.metric, row.value, "") + (f" ({within})" if within else "")


def systems_of(rows: Sequence[ScoreRow]) -> list[str]:
    """The systems that were measured, the model first."""
    found = dict.fromkeys(row.system for row in rows)
    return sorted(found, key=lambda name: name != MODEL)


def metrics_of(rows: Sequence[ScoreRow]) -> list[str]:
    """The metrics that were measured, in the order in which people are told of them; unknown ones last."""
    order = {name: place for place, name in enumerate(METRICS)}
    return sorted(dict.fromkeys(row.metric for row in rows), key=lambda name: order.get(name, len(order)))


def baselines_of(rows: Sequence[ScoreRow]) -> list[str]:
    """The systems that do the work without the model."""
    return [name for name in systems_of(rows) if name not in (MODEL, UNGUARDED)]
