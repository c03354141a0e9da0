"""Pairs of which a model learns a task: those that were left out are kept aside with the reason."""

from __future__ import annotations

from typing import NamedTuple


class LeftOut(NamedTuple):
    """A pair that is not learnt from."""

    id: str
    reason: str
    """In few words, the same for all of its kind, such as "empty" or "sides swapped"."""
    evidence: str
    """What was found."""
