"""Figures of document work: of the model and, in the same table, of what does the work without one."""

from __future__ import annotations

from typing import Final, NamedTuple

from octavo.evaluation.bootstrap import Estimate

MODEL: Final = "model"
"""The system that was tuned; the others are baselines."""


UNGUARDED: Final = "model without guard"
"""The same, with all that it would change."""


class Score(NamedTuple):
    """One figure of one system."""

    system: str
    by: str
    """"all", "lang", "century" or "start"."""
    group: str
    metric: str
    estimate: Estimate
    lead: Estimate | None = None
    """Of a baseline, by how much the model's figure is higher, document by document: that is surer than two figures
    side by side, as the same documents are hard for both."""
