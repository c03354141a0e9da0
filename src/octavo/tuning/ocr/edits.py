"""What a model would change in a text, word by word, and what is taken of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from octavo.tuning.ocr.alignment import Change, changes

UNSURE: Final = "not sure enough"


class Edit(NamedTuple):
    """A stretch of whole words of a text, and what the model writes for it."""

    start: int
    end: int
    old: str
    new: str
    refused: str = ""
    """Why it is not taken, in few words; empty for one that is."""
    gain: float | None = None
    """By how many bits the model is surer of it than of leaving the stretch as it is, where that was asked."""


class Correction(NamedTuple):
    """A text with the edits that were taken."""

    text: str
    taken: list[Edit]
    refused: list[Edit]


def proposed(text: str, answer: str) -> list[Edit]:
    """The edits that make a text the answer, in order, none touching another: whole words, without spaces around.

    White space counts as one space: that of the text stays, whatever kind the answer has. So an edit spans more
    than a word only where spaces come or go.
    """
    if text.split() == answer.split():
        return []
    places = [at for at, sign in enumerate(text) if not sign.isspace() or (at and not text[at - 1].isspace())]
    while places and text[places[-1]].isspace():
        places.pop()
    while places and text[places[0]].isspace():
        del places[0]
    plain = "".join(" " if text[at].isspace() else text[at] for at in places)
    other = " ".join(answer.split())
    found = []
    for group in _by_words(changes(plain, other), plain) if plain else ():
        start, end, there, there_end = group[0].start, group[-1].end, group[0].other_start, group[-1].other_end
        while start > 0 and plain[start - 1] != " ":
            start, there = start - 1, there - 1
        while end < len(plain) and plain[end] != " ":
            end, there_end = end + 1, there_end + 1
        first, last = places[start], places[end - 1] + 1
        found.append(Edit(first, last, text[first:last], other[there:there_end]))
    return found


def _by_words(found: Iterable[Change], text: str) -> Iterator[list[Change]]:
    """Changes in groups: between two groups stands a space that stays."""
    group: list[Change] = []
    for change in found:
        if group and " " in text[group[-1].end : change.start]:
            yield group
            group = []
        group.append(change)
    if group:
        yield group


def applied(text: str, edits: Iterable[Edit]) -> str:
    """The text with edits, which are in order and apart."""
    parts = []
    at = 0
    for edit in edits:
        parts += [text[at : edit.start], edit.new]
        at = edit.end
    return "".join([*parts, text[at:]])


def settled(text: str, edits: Sequence[Edit], margin: float | None) -> Correction:
    """The text with the edits that are not refused yet and of which the model is surer by `margin` bits at least.

    Without a margin all of those are taken.
    """
    judged = [
        edit._replace(refused=UNSURE)
        if margin is not None and not edit.refused and (edit.gain is None or not edit.gain >= margin)
        else edit
        for edit in edits
    ]
    taken = [edit for edit in judged if not edit.refused]
    return Correction(applied(text, taken), taken, [edit for edit in judged if edit.refused])
