"""How much of a passage's information a rewrite keeps: its numbers, dates and names, and most of its words.

Retention is the share of what either text names that both do: |A and B| / max(|A|, |B|), over numbers and dates
as often as they come, and names once each. So it is 1 where nothing is lost and nothing is new, and what is put
in another's place counts once.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from octavo.curation.mentioned_dates import dates
from octavo.curation.mentioned_names import all_words, capitalised, key_of, names, without
from octavo.curation.numerals import Mention, numbers

_LONG_WORD: Final = re.compile(r"[^\W\d_]{4,}")


@dataclass(frozen=True)
class Kept:
    """What became of one kind of information."""

    kept: int
    lost: tuple[str, ...]
    added: tuple[str, ...]

    @property
    def whole(self) -> int:
        """As many as there are in the text that has more."""
        return self.kept + max(len(self.lost), len(self.added))

    def as_json(self) -> dict[str, Any]:
        """The figures for the ledger."""
        return {"kept": self.kept, "lost": list(self.lost), "added": list(self.added)}


@dataclass(frozen=True)
class Retention:
    """What a rewrite keeps of a passage."""

    numbers: Kept
    dates: Kept
    names: Kept
    words: float
    """Share of the passage's different words of four letters and more that the rewrite has too."""

    @property
    def score(self) -> float:
        """The retention, in [0, 1]; 1 where neither text names anything."""
        kinds = (self.numbers, self.dates, self.names)
        whole = sum(kind.whole for kind in kinds)
        return sum(kind.kept for kind in kinds) / whole if whole else 1.0

    def as_json(self) -> dict[str, Any]:
        """The figures for the ledger."""
        kinds = {"numbers": self.numbers, "dates": self.dates, "names": self.names}
        return {
            "score": round(self.score, 4),
            "words": round(self.words, 4),
            **{name: kind.as_json() for name, kind in kinds.items()},
        }


def retention(passage: str, rewrite: str, lang: str) -> Retention:
    """What a rewrite keeps of a passage in the same language (ISO 639-1)."""
    ours, theirs = _read(passage, lang), _read(rewrite, lang)
    lost = without(ours.names, capitalised(rewrite) | capitalised(theirs.rest), lang)
    added = without(theirs.names, all_words(passage) | all_words(ours.rest), lang)
    words = {key_of(word) for word in _LONG_WORD.findall(passage)}
    still = words & {key_of(word) for word in _LONG_WORD.findall(rewrite)}
    return Retention(
        numbers=_compare(ours.numbers, theirs.numbers),
        dates=_compare(ours.dates, theirs.dates),
        names=Kept(len(ours.names - lost), tuple(sorted(lost)), tuple(sorted(added))),
        words=len(still) / len(words) if words else 1.0,
    )


@dataclass(frozen=True)
class _Named:
    numbers: Counter[str]
    dates: Counter[str]
    names: set[str]
    rest: str
    """The text without its dates and numbers."""


def _read(text: str, lang: str) -> _Named:
    """What a text names; what a date holds is no number, and what a number or a date holds no name."""
    found = dates(text, lang)
    rest = _blanked(text, found)
    counted = numbers(rest, lang)
    rest = _blanked(rest, counted)
    return _Named(
        Counter(number.value for number in counted),
        Counter(date.value for date in found),
        names(rest, lang),
        rest,
    )


def _blanked(text: str, mentions: list[Mention]) -> str:
    """The text with other characters in the place of what was read, so that its neighbours stay apart."""
    pieces, done = [], 0
    for mention in mentions:
        if mention.start >= done:
            pieces += [text[done : mention.start], "~" * (mention.end - mention.start)]
            done = mention.end
    return "".join([*pieces, text[done:]])


def _compare(ours: Counter[str], theirs: Counter[str]) -> Kept:
    return Kept(
        (ours & theirs).total(),
        tuple(sorted((ours - theirs).elements())),
        tuple(sorted((theirs - ours).elements())),
    )
