"""What an audit finds: claims, each held, failed, or not checkable here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

Outcome = Literal["held", "failed", "not checkable here"]


class Claim(NamedTuple):
    """Something that a release or a run says of itself, and what became of it."""

    part: str
    """files, signature, lineage, documents, licences, figures, papers, weights, or re-runs."""
    file: str
    """The file that makes the claim, relative to the run or the release that is named before it."""
    claim: str
    outcome: Outcome
    found: str = ""
    """What was found instead, or why it cannot be checked."""


def held(part: str, file: str, claim: str) -> Claim:
    """A claim that holds."""
    return Claim(part, file, claim, "held")


def failed(part: str, file: str, claim: str, found: str) -> Claim:
    """A claim that does not hold, and what was found."""
    return Claim(part, file, claim, "failed", found)


def unknown(part: str, file: str, claim: str, why: str) -> Claim:
    """A claim that cannot be checked here, and why."""
    return Claim(part, file, claim, "not checkable here", why)


def all_or_each(
    part: str, file: str, claim: str, problems: Iterable[tuple[str, str]], excuse: str | None = None
) -> Iterator[Claim]:
    """One claim that holds where there are no problems; else one that failed for each (file, what was found).

    With an `excuse`, a reason for which they may differ though all is well, they cannot be checked here.
    """
    found = list(problems)
    if not found:
        yield held(part, file, claim)
    for where, what in found:
        yield (
            failed(part, where, claim, what) if excuse is None else unknown(part, where, claim, f"{what}; {excuse}")
        )


def is_held(claims: Iterable[Claim]) -> bool:
    """Whether no claim failed."""
    return all(claim.outcome != "failed" for claim in claims)
