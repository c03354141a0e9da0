"""What a licence asks of those who pass a text on, and whether an allow-list takes it."""

from __future__ import annotations

import re
from functools import cache
from typing import Literal

from octavo.corpus.licence_names import (
    NO_COPYRIGHT_US,
    NO_KNOWN_COPYRIGHT,
    NOTHING_STATED,
    PUBLIC_DOMAIN,
    PUBLIC_DOMAIN_MARK,
)
from octavo.corpus.licences import known_ids, normalise, spdx_licensing

Obligation = Literal["none", "attribution", "share-alike"]

ELSEWHERE = "LicenseRef-"
"""What SPDX has no id for: any name may follow."""

_ASKING: tuple[Obligation, ...] = ("none", "attribution", "share-alike")
_ASK_NOTHING = frozenset(
    {
        PUBLIC_DOMAIN,
        PUBLIC_DOMAIN_MARK,
        NO_COPYRIGHT_US,
        NO_KNOWN_COPYRIGHT,
        *NOTHING_STATED,
        "CC-PDDC",
        "CC0-1.0",
        "PDDL-1.0",
        "Unlicense",
        "0BSD",
        "MIT-0",
        "DL-DE-ZERO-2.0",
    }
)
_ASK_THE_SAME = re.compile(r"-SA\b|ODbL|GFDL|GPL|\bLAL-|\bFAL|\bMPL-|\bEUPL-|CDLA-Sharing")


@cache
def is_allowed(spdx: str, allow: tuple[str, ...]) -> bool:
    """Whether an SPDX expression passes an allow-list: of OR one side must, of AND every side.

    A final `-*` in the list stands for any version, so that CC-BY-* takes CC-BY-4.0 and never CC-BY-NC-4.0.
    """
    operator, sides = _sides(spdx)
    if operator:
        allowed = (is_allowed(side, allow) for side in sides)
        return any(allowed) if operator == "OR" else all(allowed)
    return any(_matches(spdx, pattern) for pattern in allow)


def known_entry(entry: str) -> str | None:
    """An entry of an allow-list as SPDX spells it, however it was spelt; None where no licence is meant by it."""
    if not entry.endswith("-*"):
        return normalise(entry)
    beginning = entry.removesuffix("*")
    if beginning.casefold().startswith(ELSEWHERE.casefold()):  # any name may follow
        return f"{ELSEWHERE}{entry[len(ELSEWHERE) :]}"
    for spdx in sorted(known_ids()):
        found = f"{spdx[: len(beginning)]}*"
        if found.casefold() == entry.casefold() and is_allowed(spdx, (found,)):
            return found
    return None


def _sides(spdx: str) -> tuple[str, list[str]]:
    """The operator of a compound (`AND` or `OR`) and what it joins; neither of a single licence."""
    if not re.search(r"\s(?:OR|AND)\s", spdx):
        return "", []
    expression = spdx_licensing().parse(spdx)
    return expression.operator.strip(), [str(side) for side in expression.args]


def _matches(spdx: str, pattern: str) -> bool:
    if pattern.endswith("-*"):
        name = re.escape(pattern[:-2].removeprefix("LicenseRef-"))
        return bool(re.fullmatch(rf"{name}-[0-9.]+(?:-[A-Z]+)?|LicenseRef-{name}(?:-[0-9.]+(?:-[A-Z]+)?)?", spdx))
    return spdx == pattern or {spdx, pattern} == {PUBLIC_DOMAIN_MARK, "CC-PDM-1.0"}


@cache
def obligation(spdx: str, allow: tuple[str, ...] = ()) -> Obligation:
    """What a licence asks of those who pass the text on: nothing, attribution, or the same licence.

    Of AND the most that a side asks; of OR the least, as one may choose: among the sides that `allow`
    takes, where it takes one.
    """
    operator, sides = _sides(spdx)
    if operator == "AND":
        return max((obligation(side, allow) for side in sides), key=_ASKING.index)
    if operator == "OR":
        open_ones = [side for side in sides if is_allowed(side, allow)]
        return min((obligation(side, allow) for side in open_ones or sides), key=_ASKING.index)
    if _ASK_THE_SAME.search(spdx):
        return "share-alike"
    return "none" if spdx in _ASK_NOTHING else "attribution"
