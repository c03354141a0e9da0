"""Learning rate over the run: linear warm-up, then cosine, or stable and a linear decay at the end."""

from __future__ import annotations

import math

from octavo.recipe.training import Schedule


def learning_rate_factor(schedule: Schedule, step: int, steps: int) -> float:
    """Share of the peak learning rate at a step, counted from 0, of a run of `steps`.

    The first update has a rate above zero, the last `final_ratio`. But a run ends at the peak that is no longer
    than its warm-up (for a cosine, than one step more), or whose decay has no step.
    """
    warmup = min(schedule.warmup_steps, max(steps - 1, 0))
    if step < warmup:
        return (step + 1) / warmup
    if schedule.name == "cosine":
        done = (step - warmup) / max(steps - 1 - warmup, 1)
        return schedule.final_ratio + (1 - schedule.final_ratio) * 0.5 * (1 + math.cos(math.pi * done))
    decay_start = max(warmup, steps - round(schedule.decay_fraction * steps))
    if step < decay_start:
        return 1.0
    done = (step - decay_start + 1) / (steps - decay_start)
    return 1 + (schedule.final_ratio - 1) * done
