"""Texts are corrected in windows that overlap; the windows' edits are joined on the text itself.

The text is never put together from what a model wrote: it stays, but for the edits that are taken. So nothing is
lost or doubled at a seam, and an answer that is nonsense changes nothing beyond the limits of an edit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, Protocol

from octavo.evaluation.speaker import Speaker
from octavo.modeling.decoding import Decoding
from octavo.modeling.llama import Llama
from octavo.progress import Progress
from octavo.tuning.ocr.edits import Correction, Edit, proposed, settled
from octavo.tuning.ocr.format import Window, answer_of, answer_tokens, prompts, room_of, windows
from octavo.tuning.ocr.guard import Limits, judged
from octavo.tuning.ocr.margin import Margins, margin_of
from octavo.tuning.ocr.sureness import gains
from octavo.tuning.vocabulary import Vocabulary

AT_A_SEAM: Final = "at a seam of two windows"
_NOTE: Final = "correcting"
_LONGEST_BUCKET: Final = 64
"""Windows of up to so many tokens are answered together, and those of twice as many, and so on: each group has a
limit of its own for answers that never end."""


@dataclass(frozen=True)
class Guard:
    """What keeps a model from changing what was right."""

    margins: Margins | None = None
    """Bits by which the model must be surer of an edit than of the copy (`fit_margins`); none asks for no bits."""
    limits: Limits = field(default_factory=Limits)


class Writer(Protocol):
    """What writes the answers: a Speaker, or what stands for one."""

    @property
    def context(self) -> int:
        """Tokens that can be read and written."""
        ...

    def say(
        self, prompts: Sequence[list[int]], ids: Sequence[str], decoding: Decoding, progress: Progress, note: str
    ) -> list[list[int]]:
        """What follows each prompt's tokens."""
        ...


def correct(
    speaker: Speaker,
    vocabulary: Vocabulary,
    texts: Sequence[str],
    guard: Guard,
    progress: Progress,
    room: int | None = None,
) -> list[Correction]:
    """The texts corrected, with the edits that were taken and refused; a text without letters stays as it is.

    Windows of all texts are answered together. `room` is the tokens of a window, where it should be less than the
    context allows: a model corrects best what is as long as it has learnt from.
    """
    margins = guard.margins
    sure = None if margins is None else speaker.model
    edits = propose(speaker, vocabulary, texts, guard.limits, progress, room, sure)
    return [
        settled(text, found, None if margins is None else margin_of(margins, text, found))
        for text, found in zip(texts, edits, strict=True)
    ]


def propose(
    writer: Writer,
    vocabulary: Vocabulary,
    texts: Sequence[str],
    limits: Limits,
    progress: Progress,
    room: int | None = None,
    sure: Llama | None = None,
) -> list[list[Edit]]:
    """What the model would change in each text, in order, with what is refused by the limits.

    Those that are not refused are apart from each other, and have their gain where the model `sure` is to tell it.
    """
    places = [_windows(writer, vocabulary, text, room) for text in texts]
    parts = [text[window.start : window.end] for text, found in zip(texts, places, strict=True) for window in found]
    answers = _answers(writer, vocabulary, parts, progress)
    edits = [
        judged(part, answer, proposed(part, answer), limits) for part, answer in zip(parts, answers, strict=True)
    ]
    if sure is not None:
        edits = _with_gains(sure, vocabulary, parts, edits)
    of_windows = iter(edits)
    return [joined(found, [next(of_windows) for _ in found]) for found in places]


def _with_gains(
    model: Llama, vocabulary: Vocabulary, parts: Sequence[str], edits: Sequence[Sequence[Edit]]
) -> list[list[Edit]]:
    """The windows' edits; those that are not refused with how much surer the model is of them than of the copy."""
    open_edits = [[edit for edit in found if not edit.refused] for found in edits]
    known = gains(model, vocabulary, list(zip(parts, open_edits, strict=True)))
    result = []
    for found, of_open in zip(edits, known, strict=True):
        values = iter(of_open)
        result.append([edit if edit.refused else edit._replace(gain=next(values)) for edit in found])
    return result


def _windows(writer: Writer, vocabulary: Vocabulary, text: str, room: int | None) -> list[Window]:
    most = room_of(writer.context)
    found = windows(vocabulary, text, min(room or most, most))
    return found if any(map(str.isalpha, text)) else []


def _answers(writer: Writer, vocabulary: Vocabulary, parts: Sequence[str], progress: Progress) -> list[str]:
    """What the model writes for each window."""
    questions = prompts(vocabulary, parts)
    buckets: dict[int, list[int]] = {}
    for number, asked in enumerate(questions):
        bucket = _LONGEST_BUCKET
        while bucket < len(asked):
            bucket *= 2
        buckets.setdefault(bucket, []).append(number)
    answers = [""] * len(parts)
    for numbers in buckets.values():
        decoding = Decoding(max(answer_tokens(len(questions[n])) for n in numbers), repetition_penalty=1.0)
        written = writer.say([questions[n] for n in numbers], [str(n) for n in numbers], decoding, progress, _NOTE)
        for number, tokens in zip(numbers, written, strict=True):
            answers[number] = answer_of(vocabulary, tokens)
    return answers


def joined(places: Sequence[Window], edits: Sequence[Sequence[Edit]]) -> list[Edit]:
    """The edits of a text from those of its windows, which count from a window's start: each stretch by one window.

    A seam lies where it cuts no edit of either window, as near to the middle of the overlap as can be; where there
    is no such place, the edits that it cuts are refused.
    """
    if not places:
        return []
    moved = [
        [edit._replace(start=edit.start + window.start, end=edit.end + window.start) for edit in found]
        for window, found in zip(places, edits, strict=True)
    ]
    seams = [0]
    for (window, found), (following, others) in pairwise(zip(places, moved, strict=True)):
        seams.append(_seam(max(following.start, seams[-1]), window.end, [*found, *others]))
    ends = [*seams[1:], places[-1].end]
    result: list[Edit] = []
    for first, last, found in zip(seams, ends, moved, strict=True):
        for edit in found:
            if first <= edit.start and edit.end <= last:
                result.append(edit)
            elif edit.start < last and edit.end > first:
                result.append(edit._replace(refused=edit.refused or AT_A_SEAM))
    return sorted(result, key=lambda edit: (edit.start, edit.end))


def _seam(start: int, end: int, edits: Sequence[Edit]) -> int:
    """A place from `start` to `end` that is in no edit, or in as few as can be."""
    middle = (start + end) // 2
    candidates = {start, end, middle}
    for edit in edits:
        candidates |= {at for at in (edit.start, edit.end) if start <= at <= end}
    return min(
        candidates,
        key=lambda at: (sum(edit.start < at < edit.end for edit in edits), abs(at - middle), at),
    )
