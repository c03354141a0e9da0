"""What is known of the errors of OCR: per group of texts a table of confusions, and how bad documents are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from octavo.errors import InputError

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


def write(noise: Noise, file: Path) -> None:
    """Write confusions as JSON."""
    groups = {name: asdict(group) for name, group in noise.groups.items()}
    file.write_bytes(orjson.dumps({"groups": groups}, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))


def read(file: Path) -> Noise:
    """Read confusions; InputError, with file and field, where something is missing or no such table."""
    try:
        groups = orjson.loads(file.read_bytes())["groups"]
        noise = Noise({name: _group(file, name, content) for name, content in groups.items()})
    except (OSError, orjson.JSONDecodeError) as error:
        raise InputError(f"{file}: cannot be read ({error}), expected confusions as JSON") from None
    except (KeyError, TypeError, AttributeError):
        raise InputError(f"{file}: groups: found none, expected confusions by group") from None
    if ANY not in noise.groups:
        raise InputError(f"{file}: groups: found {', '.join(noise.groups) or 'none'}, expected {ANY!r} among them")
    return noise


def _group(file: Path, name: str, content: dict[str, Any]) -> Confusions:
    try:
        group = Confusions(
            {old: _rates(new) for old, new in content["rates"].items()},
            _rates(content["before"]),
            _rates(content["after"]),
            float(content["near"]),
            float(content["far"]),
            [float(level) for level in content["levels"]],
            [(float(factor), float(rate)) for factor, rate in content["response"]],
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{file}: groups.{name}: found no {error}, expected a table of confusions") from None
    short = all(1 <= len(old) <= 3 for old in group.rates)
    if not short or not _rise(group.levels) or not all(map(_rise, zip(*group.response, strict=True))):
        raise InputError(
            f"{file}: groups.{name}: found values that do not fit, expected rates of 1 to 3 characters, "
            "and levels and response that rise"
        )
    return group


def _rates(content: dict[str, Any]) -> dict[str, float]:
    return {str(key): float(value) for key, value in content.items()}


def _rise(values: Iterable[float]) -> bool:
    listed = list(values)
    return bool(listed) and listed == sorted(listed)
