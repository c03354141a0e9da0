"""What is refused of a correction however sure the model is: long losses and inventions, and changed numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from octavo.evaluation.task_metrics import edits as distance
from octavo.tuning.ocr.alignment import Change, changes
from octavo.tuning.ocr.edits import Edit

LOOKS_LIKE: Final = {
    "0": "OoQDCcU",
    "1": "lIiJjTtfſ!|][/",
    "2": "zZ",
    "3": "gBJz",
    "4": "Aa",
    "5": "Ss$",
    "6": "bGC",
    "7": "?TtY",
    "8": "BSsg&",
    "9": "gqoP",
}
"""The signs as which a digit is recognised."""
_WORD = re.compile(r"\S+")
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True)
class Limits:
    """How far a correction may go."""

    deleted: int = 16
    """Characters that an edit may take away at most, more than it puts there."""
    inserted: int = 16
    """Characters that an edit may add at most, more than it takes away."""
    changed: int = 40
    """Characters of the longer side that an edit may change at most."""
    window: float = 0.6
    """Share of a window's characters that may change at most; beyond it the answer is not the same text."""


def judged(text: str, answer: str, edits: Sequence[Edit], limits: Limits) -> list[Edit]:
    """The edits of a window with what is refused; an answer that is not the same text is refused as one edit."""
    plain, other = " ".join(text.split()), " ".join(answer.split())
    rate = distance(plain, other) / max(len(plain), len(other), 1)
    if rate > limits.window:
        return [Edit(0, len(text), text, other, f"not the same text: {rate:.0%} changed")]
    return [edit._replace(refused=refusal(edit, limits)) for edit in edits]


def refusal(edit: Edit, limits: Limits) -> str:
    """Why an edit is not taken; empty where nothing speaks against it."""
    if "\n" in edit.old:
        return "joins lines"
    found = changes(edit.old, edit.new)
    old, new = sum(c.end - c.start for c in found), sum(c.other_end - c.other_start for c in found)
    if old - new > limits.deleted:
        return "deletes too much"
    if new - old > limits.inserted:
        return "adds too much"
    if max(old, new) > limits.changed:
        return "changes too much at once"
    if any(sign == "\ufffd" or not sign.isprintable() for sign in set(edit.new) - set(edit.old)):
        return "writes what is no text"
    if changes_number(edit.old, edit.new):
        return "changes a number"
    return ""


def changes_number(old: str, new: str) -> bool:
    """Whether digits come, go or change otherwise than a reading error explains, or a number is parted or joined.

    A digit may go where it stands in a word of letters (wi1l), and may come where a sign stood that looks like it
    (l8O4). No text tells whether 1868 should be 1863, or 1,5 should be 15.
    """
    for change in changes(old, new):
        gone, come = old[change.start : change.end], new[change.other_start : change.other_end]
        had, has = Counter(filter(str.isdecimal, gone)), Counter(filter(str.isdecimal, come))
        if had - has and not _is_misread(old, change, come):
            return True
        if _is_within_number(old, change.start, change.end) or _is_within_number(
            new, change.other_start, change.other_end
        ):
            return True
        signs = Counter(gone)
        for digit in (has - had).elements():
            like = next((sign for sign in LOOKS_LIKE.get(digit, "") if signs[sign] > 0), None)
            if like is None:
                return True
            signs[like] -= 1
    return False


def _is_misread(old: str, change: Change, come: str) -> bool:
    """Whether the digits that go stand in words of letters, one by one or for signs that look like them."""
    signs = Counter(come)
    for word in _WORD.finditer(old):
        letters, digits = (sum(map(kind, word[0])) for kind in (str.isalpha, str.isdecimal))
        for run in _DIGITS.finditer(old, *word.span()):
            for place in range(max(run.start(), change.start), min(run.end(), change.end)):
                like = next((sign for sign in LOOKS_LIKE.get(old[place], "") if signs[sign] > 0), "")
                signs[like] -= 1
                if letters < digits or not (like or len(run[0]) == 1):
                    return False
    return True


def _is_within_number(text: str, start: int, end: int) -> bool:
    """Whether a stretch is what parts a number, such as its point, or the space between two."""
    around = text[start - 1 : start] + text[end : end + 1]
    stretch = text[start:end]
    return len(around) == 2 and around.isdecimal() and stretch != "" and not any(map(str.isalnum, stretch))
