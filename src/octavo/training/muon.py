"""Muon (Jordan, 2024): momentum whose matrix is made orthogonal before each step.

Matrices of one shape are stacked and made orthogonal in one product after another. That needs whole matrices: where
several processes train, each takes its share of a stack, so that the work is done once and not by every process.
Processes that hold the same weights send each other what they made; where FSDP cut the matrices by rows, each first
collects the rows of its own from the others and then sends them back.
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

STACKED = 2**24
"""Most elements of a stack, by which its memory is bounded; a larger matrix goes by itself, or one a process."""


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
        size = dist.get_world_size(self.group) if self.group else 1
        for settings in self.param_groups:
            matrices = sorted(
                settings["params"], key=lambda p: tuple(p.shape)
            )  # a stable sort: the same everywhere
            for batch in _of_one_shape(matrices, size):
                directions = self._directions(batch, settings["momentum"])
                made = self._orthogonal(batch, directions)
                self._move(batch, made, settings["lr"], settings["weight_decay"])
        return None

    def _directions(self, batch: list[Parameter], momentum: float) -> Tensor:
        """Nesterov's momentum, stacked, of the rows that lie here."""
        gradients = [_local(p.grad) for p in batch if p.grad is not None]
        averages = [_local(self.state[p]["momentum_buffer"]) for p in batch]
        if self.found_inf is not None:
            bad = self.found_inf > 0
            gradients = [torch.where(bad, a, g) for a, g in zip(averages, gradients, strict=True)]
        torch._foreach_lerp_(averages, gradients, 1 - momentum)
        stack = averages[0].new_empty((len(batch), *averages[0].shape), dtype=self.precision)
        torch._foreach_copy_(list(stack), torch._foreach_lerp(gradients, averages, momentum))
        return stack

    def _orthogonal(self, batch: list[Parameter], directions: Tensor) -> Tensor:
        """Of a stack, the rows that lie here: made orthogonal, by each process the matrices of its share."""
        if not self.group:
            return orthogonalise(directions)
        rank, size = dist.get_rank(self.group), dist.get_world_size(self.group)
        shares = [len(part) for part in torch.arange(len(batch)).tensor_split(size)]
        first = sum(shares[:rank])
        if not isinstance(batch[0], DTensor):
            mine = directions.new_zeros((max(shares), *directions.shape[1:]))
            mine[: shares[rank]] = orthogonalise(directions[first : first + shares[rank]])
            all_made = [torch.empty_like(mine) for _ in range(size)]
            dist.all_gather(all_made, mine, group=self.group)
            return torch.cat([part[:share] for part, share in zip(all_made, shares, strict=True)])
        rows, columns = batch[0].shape
        held = [len(part) for part in torch.empty(rows, 0).chunk(size)]  # as FSDP cuts them
        held += [0] * (size - len(held))
        here = [held[rank] * columns * share for share in shares]
        whole = [part * columns * shares[rank] for part in held]
        owned = directions.new_empty(sum(whole))
        dist.all_to_all_single(owned, directions.flatten(), whole, here, group=self.group)
        parts = [part.view(shares[rank], -1, columns) for part in torch.split(owned, whole) if len(part)]
        if parts:
            made = torch.split(orthogonalise(torch.cat(parts, dim=1)), [part.shape[1] for part in parts], dim=1)
            owned = torch.cat([part.flatten() for part in made])
        returned = torch.empty_like(directions)
        dist.all_to_all_single(returned.view(-1), owned, here, whole, group=self.group)
        return returned

    def _move(self, batch: list[Parameter], made: Tensor, lr: float, decay: float) -> None:
        weights = [_local(p) for p in batch]
        # As large as an update of AdamW: root mean square 0.2, whatever the shape.
        rate = lr * 0.2 * math.sqrt(max(batch[0].shape))
        if self.found_inf is None:
            torch._foreach_mul_(weights, 1 - lr * decay)
            torch._foreach_add_(weights, list(made), alpha=-rate)
        else:
            alive = 1 - self.found_inf
            torch._foreach_mul_(weights, 1 - lr * decay * alive)
            torch._foreach_sub_(weights, list(made.to(weights[0].dtype).mul_(alive * rate)))


def orthogonalise(matrices: Tensor, rounds: int = 5) -> Tensor:
    """The nearest orthogonal matrices, roughly: singular values between 0.7 and 1.2, by Newton-Schulz iteration.

    Of a stack (K, M, N); the polynomial is taken of the Gram matrix of the smaller side.
    """
    a, b, c = NEWTON_SCHULZ
    tall = matrices.shape[1] > matrices.shape[2]
    x: Tensor = matrices / torch.linalg.vector_norm(matrices, dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(rounds):
        gram = x.mT @ x if tall else x @ x.mT
        factor = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        factor.diagonal(dim1=1, dim2=2).add_(a)
        x = x @ factor if tall else factor @ x
    return x


def _of_one_shape(matrices: list[Parameter], processes: int) -> Iterator[list[Parameter]]:
    """Matrices of one shape: a stack of them, or one for each process where those are more."""
    batch: list[Parameter] = []
    for matrix in matrices:
        most = max(processes, STACKED // matrix.numel())
        if batch and (len(batch) == most or matrix.shape != batch[0].shape):
            yield batch
            batch = []
        batch.append(matrix)
    if batch:
        yield batch


def _local(tensor: Tensor) -> Tensor:
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor
