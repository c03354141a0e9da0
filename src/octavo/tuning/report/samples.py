"""Test pairs with what the model made of them: from the best to the worst, with the words that it changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from octavo.curation.examples import Segment, by_words, visible
from octavo.evaluation.report.figure_names import group_name
from octavo.evaluation.task_metrics import edits
from octavo.tuning.report.figures import Sample

SHOWN: Final = 2
"""At the top of the page: so many of the best, and of the worst."""
CHARACTERS: Final = 1200
"""Shown of a text."""
_COMPARED: Final = 4000
"""Characters of which the difference is found by words; it takes the square of their number."""
LABELS: Final = {
    "ocr": {"source": "As recognised", "answer": "The model", "truth": "As printed"},
    "translation": {"source": "Original", "answer": "The model", "truth": "A person's translation"},
    "rag": {"question": "Question", "source": "Source", "answer": "The model", "truth": "Right answer"},
}
_EMPTY: Final = {
    ("rag", "answer"): "No answer.",
    ("rag", "truth"): "None: the sources do not hold it.",
}
_ABOUT: Final = ("id", "doc", "group", "lang")
"""What tells of a sample, and is no text of it."""


class Shown(NamedTuple):
    """A text of a sample, in pieces: `mark` is empty, `del` or `ins`."""

    label: str
    segments: list[Segment]


class SampleShown(NamedTuple):
    """A sample as a person sees it."""

    origin: str
    texts: list[Shown]


def ordered(task: str, samples: Iterable[dict[str, str]]) -> list[Sample]:
    """The samples, from the best to the worst."""
    found = [
        Sample(
            id=one.get("id", ""),
            group=one.get("group") or one.get("lang", ""),
            texts={name: text for name, text in one.items() if name not in _ABOUT},
            likeness=round(_likeness(task, one), 4),
        )
        for one in samples
    ]
    return sorted(found, key=lambda sample: -sample.likeness)


def best_and_worst(samples: Sequence[Sample], number: int) -> tuple[list[Sample], list[Sample], list[Sample]]:
    """Up to `number` of the best, as many of the worst, the worst first, and the others; none comes twice."""
    number = min(number, (len(samples) + 1) // 2)
    worst = samples[max(number, len(samples) - number) :]
    return list(samples[:number]), list(reversed(worst)), list(samples[number : len(samples) - len(worst)])


def shown(task: str, sample: Sample) -> SampleShown:
    """A sample with the label of each text and, for OCR, the words that were changed."""
    labels = LABELS[task]
    names = sorted(sample.texts, key=lambda name: list(labels).index(name) if name in labels else -1)
    texts = {name: [Segment("", sample.texts[name][:_COMPARED])] for name in names}
    if task == "ocr":
        source, answer, truth = (sample.texts[name][:_COMPARED] for name in ("source", "answer", "truth"))
        texts["answer"] = list(_changes(source, answer))
        texts["truth"] = by_words(answer, truth)[1]
    found = []
    for name in names:
        segments = [Segment("gap", empty_in_words(task, name))]
        if sample.texts[name].strip():
            segments = list(_shortened(texts[name]))
        found.append(Shown(labels.get(name, name.replace("_", " ").capitalize()), segments))
    return SampleShown(" · ".join(_about(task, sample)), found)


def empty_in_words(task: str, name: str) -> str:
    """What stands in place of an empty text."""
    return _EMPTY.get((task, name), "Nothing.")


def _about(task: str, sample: Sample) -> Iterator[str]:
    if sample.group:
        yield group_name(sample.group)
    if sample.id:
        yield sample.id
    if task == "ocr":
        before, after = (edits(sample.texts[name], sample.texts["truth"]) for name in ("source", "answer"))
        yield f"{before:,} wrong character{'' if before == 1 else 's'} before, {after:,} after"


def _likeness(task: str, sample: dict[str, str]) -> float:
    """How like the answer is the truth, from 0 to 1; for OCR less how like the source is, from -1 to 1."""
    reached = _alike(sample["answer"], sample["truth"])
    return reached - _alike(sample["source"], sample["truth"]) if task == "ocr" else reached


def _alike(text: str, truth: str) -> float:
    return 1 - edits(text, truth) / max(len(text), len(truth), 1)


def _changes(source: str, answer: str) -> Iterator[Segment]:
    """The answer in pieces, with what went before what came."""
    for old, new in zip(*by_words(source, answer), strict=True):
        if not old.mark:
            yield old
        else:
            yield from (one for one in (old, new) if one.text)


def _shortened(segments: Iterable[Segment]) -> Iterator[Segment]:
    left = CHARACTERS
    for mark, pieces in groupby(segments, key=lambda one: one.mark):
        text = "".join(piece.text for piece in pieces)
        if left <= 0:
            yield Segment("", " …")
            return
        yield Segment(mark, visible(text[:left]))
        left -= len(text)
    if left < 0:
        yield Segment("", " …")
