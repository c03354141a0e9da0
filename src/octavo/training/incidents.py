"""What is done, and kept on record, when a step of training goes wrong."""

from __future__ import annotations

from typing import Any

from octavo.training import checkpoint, checkpoint_files
from octavo.training.guards import DivergedError, SpikeError, Verdict
from octavo.training.job import Job, positions

SHOWN = 8
"""Sequences and documents that a message names; metrics.jsonl has all."""


def incidents(job: Job, known: list[Verdict]) -> dict[str, Any]:
    """What went wrong, for the record: batches that were skipped, and the step at which a spike was noticed."""
    incidents: dict[str, Any] = {}
    for verdict in known:
        if verdict.skipped:
            numbers = positions(job, verdict.step)
            documents = job.data.documents(numbers)
            batch = {"step": verdict.step + 1, "sequences": numbers.tolist(), "documents": documents}
            incidents.setdefault("skipped", []).append(batch)
        if verdict.spike:
            incidents["spike"] = verdict.step + 1
    return incidents


def act_on(job: Job, verdict: Verdict, saver: checkpoint.Saver, passed_over: list[range]) -> None:
    """Stop after too many skipped steps, and go back before a spike where the recipe has it so."""
    guards = job.recipe.training.guards
    if verdict.skipped_in_a_row >= guards.skips_in_a_row:
        numbers = positions(job, verdict.step)
        raise DivergedError(
            f"training: the loss or the gradient of {verdict.skipped_in_a_row} steps in a row is no finite number, "
            f"the last at step {verdict.step + 1} with {_named('sequence', numbers.tolist())} "
            f"({job.recipe.sequence_length} tokens each) of "
            f"{_named('document', job.data.documents(numbers))}; metrics.jsonl has them all. "
            "The last good checkpoint stays; try a lower training.optimizer.learning_rate"
        )
    if not verdict.spike:
        return
    said = f"training: the loss rose {guards.spike_steps} steps ago and stays high at step {verdict.step + 1}"
    saver.finish()
    passed = job.processes.from_leader(_before_spike(job, verdict) if len(passed_over) < guards.rollbacks else None)
    if passed is None:
        job.progress.message(f"{said}; it is in metrics.jsonl")
        return
    job.progress.message(
        f"{said}; back to a checkpoint before it, and on without steps {passed.start + 1:,} to {passed.stop:,}"
    )
    raise SpikeError(passed)


def _before_spike(job: Job, verdict: Verdict) -> range | None:
    """The steps to do without: those of a spike and as many before it; None where no checkpoint is old enough."""
    length = job.recipe.training.guards.spike_steps
    rose = verdict.step + 1 - length
    saved = checkpoint_files.complete_steps(job.home) or [0]
    return range(max(rose - length, saved[0]), verdict.step + 1) if saved[0] <= rose else None


def _named(what: str, items: list[Any]) -> str:
    more = f" and {len(items) - SHOWN:,} more" if len(items) > SHOWN else ""
    return f"{what}s {', '.join(map(str, items[:SHOWN]))}{more}" if items else f"unknown {what}s"
