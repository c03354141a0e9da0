"""Pairs of which a model learns a task: those that were left out are kept aside with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from blake3 import blake3


class Pair(Protocol):
    """What all tasks' pairs have."""

    @property
    def id(self) -> str:
        """Its name in the file."""
        ...

    @property
    def doc(self) -> str:
        """The document that it is from: pairs of one are alike, and stay together."""
        ...


P = TypeVar("P", bound=Pair)


class LeftOut(NamedTuple):
    """A pair that is not learnt from."""

    id: str
    reason: str
    """In few words, the same for all of its kind, such as "empty" or "sides swapped"."""
    evidence: str
    """What was found."""


def with_own_ids(pairs: Iterable[Any]) -> list[Any]:
    """The pairs; of several with one id, as files may count from 1 each, the second becomes ID-2, and so on."""
    found: list[Any] = []
    used: set[str] = set()
    seen: Counter[str] = Counter()
    for pair in pairs:
        own = pair.id
        while own in used:
            seen[pair.id] += 1
            own = f"{pair.id}-{seen[pair.id] + 1}"
        used.add(own)
        found.append(pair if own == pair.id else pair._replace(id=own))
    return found


def outside_languages(
    pairs: Iterable[P], languages: Sequence[str], of: Callable[[P], Sequence[str]]
) -> tuple[list[P], list[LeftOut]]:
    """The pairs that are all in the recipe's languages, and the others."""
    inside: list[P] = []
    outside: list[LeftOut] = []
    for pair in pairs:
        if set(of(pair)) <= set(languages):
            inside.append(pair)
        else:
            outside.append(LeftOut(pair.id, "in none of the recipe's languages", " and ".join(of(pair))))
    return inside, outside


def drawn(pairs: Sequence[P], count: int, seed: int) -> list[P]:
    """So many of the pairs by lot; one of each document before a second of any."""
    lot = sorted(pairs, key=lambda pair: blake3(f"{seed} {pair.id}".encode()).digest())
    seen: dict[str, int] = {}
    turns = []
    for pair in lot:
        seen[pair.doc] = seen.get(pair.doc, 0) + 1
        turns.append(seen[pair.doc])
    order = sorted(range(len(lot)), key=lambda n: turns[n])
    return [lot[n] for n in order[:count]]
