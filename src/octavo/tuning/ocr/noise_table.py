"""What is known of the errors of OCR: per group of texts a table of confusions, and how bad documents are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ANY: Final = "any"
"""The group of all pairs together, for texts in a language without pairs."""
LONG_S: Final = " ſ"
"""Added to a language where texts have the long s: they are set in other letters and go wrong otherwise."""
_OFTEN: Final = 500
"""A text has the long s where one of so many of its characters is one, at least."""


@dataclass(frozen=True)
class Confusions:
    """The errors in one group of texts."""

    rates: dict[str, dict[str, float]]
    """For up to three characters as printed, those as recognised with the share of places at which they stand for
    them; at the group's mean error rate."""
    before: dict[str, float]
    """For two characters, by what the rate of the second is multiplied where the first stands before it."""
    after: dict[str, float]
    """For two characters, by what the rate of the first is multiplied where the second stands after it."""
    near: float
    """By what rates are multiplied up to NEAR characters after an error: errors come in clusters."""
    far: float
    """By what they are multiplied elsewhere."""
    levels: list[float]
    """Error rates of documents, the lowest to the highest, at equal steps of their share."""
    response: list[tuple[float, float]]
    """Factors for all rates, each with the error rate that it makes; both rise."""


@dataclass(frozen=True)
class Noise:
    """Confusions by group: a language, a language with LONG_S, or ANY."""

    groups: dict[str, Confusions]

    def of(self, lang: str, text: str) -> Confusions:
        """The confusions that suit a text best."""
        own = group_of(lang, text)
        other = lang if own != lang else lang + LONG_S
        return next(self.groups[name] for name in (own, other, ANY) if name in self.groups)


NEAR: Final = 6
"""Characters after an error that are near it."""


def group_of(lang: str, text: str) -> str:
    """The group that a text belongs to."""
    return lang + LONG_S if text.count("ſ") * _OFTEN > len(text) else lang
