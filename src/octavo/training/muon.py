"""Muon (Jordan, 2024): momentum whose matrix is made orthogonal before each step.

Orthogonalising needs whole matrices. Where several processes train, each takes its share of them: matrices of one
shape are dealt out in turn, so that the work is done once and not by every process. Processes that hold the same
weights send each other what they made; where FSDP cut the matrices by rows, each first collects the rows of its
own from the others and then sends them back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, overload

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.tensor import DTensor
from torch.nn import Parameter
from torch.optim import Optimizer

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Jordan's coefficients of the quintic iteration, which five rounds bring near enough to orthogonal."""


class Muon(Optimizer):
    """Steps of the size of AdamW's (Liu et al., 2025), with decoupled weight decay and Nesterov's momentum."""

    found_inf: Tensor | None = None
    """Where it is set and 1, a step changes nothing; fused AdamW knows it by the same name."""

    def __init__(
        self,
        matrices: list[Parameter],
        lr: float,
        weight_decay: float,
        momentum: float,
        precision: torch.dtype = torch.bfloat16,
        group: Any = None,
    ) -> None:
        """Of `matrices`, with the orthogonalisation in `precision`, shared out in the process group, if any."""
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})
        self.precision = precision
        self.group = group
        for matrix in matrices:
            self.state[matrix]["momentum_buffer"] = torch.zeros_like(matrix)

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Step by the gradients; a closure has no use here."""
        for settings in self.param_groups:
            matrices = sorted(
                settings["params"], key=lambda p: tuple(p.shape)
            )  # a stable sort: the same everywhere
            for batch in _of_one_shape(matrices, dist.get_world_size(self.group) if self.group else 1):
                directions = [self._direction(p, settings["momentum"]) for p in batch]
                for matrix, made in zip(batch, self._orthogonal(batch, directions), strict=True):
                    self._move(matrix, made, settings["lr"], settings["weight_decay"])
        return None

    def _direction(self, matrix: Parameter, momentum: float) -> Tensor:
        """Nesterov's momentum, of the rows that lie here."""
        assert matrix.grad is not None
        gradient, average = _local(matrix.grad), _local(self.state[matrix]["momentum_buffer"])
        if self.found_inf is not None:
            gradient = torch.where(self.found_inf > 0, average, gradient)
        average.lerp_(gradient, 1 - momentum)
        return gradient.lerp(average, momentum).to(self.precision)

    def _orthogonal(self, batch: list[Parameter], directions: list[Tensor]) -> list[Tensor]:
        """Of a batch of one shape, at most one matrix a process: the rows that lie here, made orthogonal."""
        if not self.group:
            return [orthogonalise(direction) for direction in directions]
        rank, size = dist.get_rank(self.group), dist.get_world_size(self.group)
        if not isinstance(batch[0], DTensor):
            made = [torch.empty_like(directions[0]) for _ in range(size)]
            mine = orthogonalise(directions[rank]).contiguous() if rank < len(batch) else directions[0]
            dist.all_gather(made, mine, group=self.group)
            return made[: len(batch)]
        rows, columns = batch[0].shape
        held = [len(part) * columns for part in torch.empty(rows, 0).chunk(size)]  # as FSDP cuts them
        held += [0] * (size - len(held))
        here = [held[rank] if owner < len(batch) else 0 for owner in range(size)]
        whole = held if rank < len(batch) else [0] * size
        sent, owned = torch.cat([d.flatten() for d in directions]), directions[0].new_empty(sum(whole))
        dist.all_to_all_single(owned, sent, whole, here, group=self.group)
        if rank < len(batch):
            owned = orthogonalise(owned.view(rows, columns)).flatten().contiguous()
        returned = torch.empty_like(sent)
        dist.all_to_all_single(returned, owned, here, whole, group=self.group)
        return (
            [part.view_as(directions[0]) for part in torch.split(returned, held[rank])]
            if held[rank]
            else directions
        )

    def _move(self, matrix: Parameter, made: Tensor, lr: float, decay: float) -> None:
        weights = _local(matrix)
        # As large as an update of AdamW: root mean square 0.2, whatever the shape.
        rate = lr * 0.2 * math.sqrt(max(matrix.shape))
        if self.found_inf is None:
            weights.mul_(1 - lr * decay).add_(made, alpha=-rate)
        else:
            alive = 1 - self.found_inf
            weights.mul_(1 - lr * decay * alive).addcmul_(made.to(weights.dtype), alive, value=-rate)


def orthogonalise(matrix: Tensor, rounds: int = 5) -> Tensor:
    """The nearest orthogonal matrix, roughly: singular values between 0.7 and 1.2, by Newton-Schulz iteration."""
    a, b, c = NEWTON_SCHULZ
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(rounds):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x


def _of_one_shape(matrices: list[Parameter], most: int) -> Iterator[list[Parameter]]:
    batch: list[Parameter] = []
    for matrix in matrices:
        if batch and (len(batch) == most or matrix.shape != batch[0].shape):
            yield batch
            batch = []
        batch.append(matrix)
    if batch:
        yield batch


def _local(tensor: Tensor) -> Tensor:
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor
