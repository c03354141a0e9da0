"""Guard rails: updates that are not finite are skipped, and a loss that leaves its course is noticed.

All of it is computed on the device, and read by the processor one step late, so that no step waits for an answer.
What the guards know is part of a checkpoint: a training that goes on judges as an unbroken one.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from octavo.errors import OctavoError
from octavo.recipe.training import Guards

MEMORY = 64
"""Steps that the running mean of the loss looks back over, and that must pass before any loss is called high."""


@dataclass(frozen=True)
class Verdict:
    """What is known of a step."""

    step: int
    """Counted from 0."""
    skipped: bool
    """Whether its loss or gradient was no finite number, so that it changed nothing."""
    skipped_in_a_row: int
    """It and those just before it."""
    spike: bool
    """Whether it makes a spike of the high losses before it."""
    stop: bool
    """Whether any process was asked to stop."""


class Watch:
    """Judges each step by its loss and gradient."""

    def __init__(self, settings: Guards, device: torch.device) -> None:
        self.settings = settings
        # Of calm steps: how many (up to MEMORY), mean loss, last loss, variance; skipped and high ones in a row.
        self.state = torch.zeros(6, dtype=torch.float64, device=device)

    def judge(self, loss: Tensor, norm: Tensor, stop: Tensor) -> Tensor:
        """Take a step's loss and gradient norm; returns (skipped, skipped in a row, spike, stop) as numbers."""
        seen, mean, last, variance, skipped, high = self.state
        finite = torch.isfinite(loss) & torch.isfinite(norm)
        loss = torch.where(finite, loss.double(), mean)
        is_high = (seen >= MEMORY) & (loss > mean + self.settings.spike_deviations * variance.sqrt())
        calm = finite & ~is_high
        weight = torch.where(calm, 1 / (seen + 1).clamp(max=MEMORY), 0.0)  # a mean at first, then a running one
        skipped = torch.where(finite, 0.0, skipped + 1)
        high = torch.where(calm, 0.0, high + is_high)
        spike = high >= self.settings.spike_steps
        # After a spike that stays, its level is the new course.
        after = (
            torch.where(spike, 0.0, (seen + calm).clamp(max=MEMORY)),
            mean + weight * (loss - mean),
            torch.where(calm, loss, last),
            # By the differences from step to step, which the fall of the loss over many steps does not enter.
            variance + weight * torch.where(seen > 0, (loss - last) ** 2 / 2 - variance, 0.0),
            skipped,
            torch.where(spike, 0.0, high),
        )
        self.state.copy_(torch.stack(after))
        return torch.stack(((~finite).double(), skipped, spike.double(), stop.double()))


class Readback:
    """Brings verdicts from the device to the processor, each while the next step is at work."""

    def __init__(self, device: torch.device) -> None:
        on_gpu = device.type == "cuda"
        self.rooms = [torch.empty(4, dtype=torch.float64, pin_memory=on_gpu) for _ in range(2)]
        self.events = [torch.Event(device) for _ in range(2)] if on_gpu else []
        self.waiting: list[tuple[int, int]] = []
        self.room = 0

    def put(self, step: int, verdict: Tensor) -> None:
        """Send a step's verdict on its way; at most two may be on it."""
        self.room = 1 - self.room
        self.rooms[self.room].copy_(verdict, non_blocking=True)
        if self.events:
            self.events[self.room].record()
        self.waiting.append((step, self.room))

    def take(self, leave: int) -> list[Verdict]:
        """The verdicts that have come, all but the `leave` latest."""
        verdicts = []
        while len(self.waiting) > leave:
            step, room = self.waiting.pop(0)
            if self.events:
                self.events[room].synchronize()
            skipped, in_a_row, spike, stop = self.rooms[room].tolist()
            verdicts.append(Verdict(step, skipped > 0, int(in_a_row), spike > 0, stop > 0))
        return verdicts


class DivergedError(OctavoError):
    """The loss or the gradient of several steps in a row is no finite number."""


class SpikeError(Exception):
    """The loss has left its course: training goes back to a checkpoint before it, without the steps of `passed`."""

    def __init__(self, passed: range) -> None:
        self.passed = passed
