"""Training on several processes: who they are, how the weights lie among them, how gradients are added up.

The processes are started by torchrun, or by anything that sets the same variables (RANK, WORLD_SIZE, LOCAL_RANK,
LOCAL_WORLD_SIZE, MASTER_ADDR, MASTER_PORT). Process 0 walks the road; the others wait until it comes to the
training, and take part in that alone. The model knows nothing of any of this.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, Protocol

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard, register_fsdp_forward_method
from torch.distributed.rendezvous import rendezvous

from octavo.errors import InputError, OctavoError
from octavo.modeling.llama import Llama, LlamaConfig
from octavo.recipe.schema import Recipe
from octavo.training.memory import available, estimate, sharded

Layout = Literal["alone", "ddp", "fsdp", "hsdp"]

BUCKET_BYTES = 25 * 2**20
"""Gradients are sent in pieces of this size, while the backward pass goes on."""

PATIENCE = timedelta(minutes=10)
"""How long a process waits for another in one exchange before it gives up."""

_WORD, _TRAIN, _NOTHING = "octavo/word", "train", "nothing"


@dataclass(frozen=True)
class Processes:
    """The processes of a training, seen from one of them."""

    rank: int
    size: int
    local_size: int
    device: torch.device
    group: Any = None
    """For what goes over the processors' memory (checkpoints, short messages); None for a process alone."""

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes the record and talks to the person."""
        return self.rank == 0

    @property
    def machine(self) -> int:
        """The number of its machine."""
        return self.rank // self.local_size

    @property
    def first_of_machine(self) -> bool:
        """Whether this is the process that does what is done once a machine."""
        return self.rank % self.local_size == 0

    def add_up(self, values: Tensor) -> Tensor:
        """Sum a tensor over all processes, in place."""
        if self.size > 1:
            dist.all_reduce(values)
        return values

    def from_leader(self, value: Any) -> Any:
        """The leader's value, for all."""
        if self.group is None:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0, group=self.group)
        return box[0]

    def from_all(self, value: Any) -> list[Any]:
        """Everyone's value, by rank."""
        if self.group is None:
            return [value]
        values: list[Any] = [None] * self.size
        dist.all_gather_object(values, value, group=self.group)
        return values

    @contextlib.contextmanager
    def in_touch(self) -> Iterator[None]:
        """Tell plainly, as OctavoError, where another process is gone; at the end they part."""
        try:
            yield
        except (RuntimeError, OSError) as error:
            if self.size == 1 or not _is_lost_contact(error):
                raise
            raise OctavoError(
                f"training: process {self.rank} of {self.size} lost contact with another, which has ended or hangs "
                "(its own message says why); the last complete checkpoint stays: give the same command again"
            ) from error
        finally:
            if self.size > 1 and dist.is_initialized():
                with contextlib.suppress(RuntimeError):
                    dist.destroy_process_group()


def training_device() -> torch.device:
    """This process's GPU where there is one, else the CPU."""
    if torch.cuda.is_available():
        number, count = os.environ.get("LOCAL_RANK", "0"), torch.cuda.device_count()
        if number not in map(str, range(count)):
            raise InputError(f"environment: found LOCAL_RANK={number}, expected a number from 0 to {count - 1}")
        return torch.device("cuda", int(number))
    return torch.device("cpu")


def alone() -> Processes:
    """A process by itself."""
    return Processes(0, 1, 1, training_device())


def rank_and_size() -> tuple[int, int]:
    """This process's number and the number of processes, from the environment: (0, 1) for one by itself."""
    try:
        rank, size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    except ValueError:
        rank, size = -1, 0
    if not 0 <= rank < size:
        raise InputError(
            f"environment: found RANK={os.environ.get('RANK')} and WORLD_SIZE={os.environ.get('WORLD_SIZE')}, "
            "expected a number below WORLD_SIZE, as torchrun sets them"
        )
    return rank, size


def local_size() -> int:
    """Number of the processes on this machine."""
    size = rank_and_size()[1]
    found = os.environ.get("LOCAL_WORLD_SIZE", str(size))
    if not found.isdigit() or not int(found) or size % int(found):
        raise InputError(f"environment: found LOCAL_WORLD_SIZE={found}, expected a divisor of WORLD_SIZE ({size})")
    return int(found)


@contextlib.contextmanager
def led() -> Iterator[None]:
    """Around process 0's way along the road: the others wait, and are let go where it comes to no training."""
    store, (_, size) = _meet(), rank_and_size()
    yield
    if not store.check([_WORD]):
        store.set(_WORD, _NOTHING)
        # This process may keep the store: it must stay until all have heard, or are gone.
        with contextlib.suppress(RuntimeError):
            store.wait([_heard(rank) for rank in range(1, size)], timedelta(seconds=60))


def call() -> Processes:
    """The processes that train: this one alone, or with the others, which it calls to the training."""
    if rank_and_size()[1] == 1:
        return alone()
    _meet().set(_WORD, _TRAIN)
    return _assemble(_meet())


def follow() -> Processes | None:
    """Wait for process 0's word: the processes that train together, or None where there is nothing to do.

    Raises OctavoError where process 0 ends before it comes to the training.
    """
    store, (rank, _) = _meet(), rank_and_size()
    try:
        store.wait([_WORD], timedelta(days=365))
        word = store.get(_WORD).decode()
        store.set(_heard(rank), "yes")
    except RuntimeError as error:
        raise OctavoError(
            "training: process 0 has ended before it came to the training; its message says why"
        ) from error
    return _assemble(store) if word == _TRAIN else None


def _heard(rank: int) -> str:
    return f"octavo/heard/{rank}"


@functools.cache
def _meet() -> Any:
    """The store through which the processes find each other; InputError where the environment does not tell how."""
    try:
        store, _, _ = next(rendezvous("env://", timeout=PATIENCE))
    except ValueError as error:
        raise InputError(f"environment: {error}; expected the variables that torchrun sets") from None
    return store


def _assemble(store: Any) -> Processes:
    rank, size = rank_and_size()
    device = training_device()
    if device.type == "cuda":
        torch.cuda.set_device(device)
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=PATIENCE)
    # A group of its own, as checkpoints are written while gradients are exchanged.
    group = dist.new_group(backend="gloo", timeout=PATIENCE)
    return Processes(rank, size, local_size(), device, group)


def _is_lost_contact(error: BaseException) -> bool:
    """Whether an error, or one behind it, tells of a connection; gloo's errors have no type of their own."""
    cause: BaseException | None = error
    while cause is not None:
        words = str(cause)
        if isinstance(cause, dist.DistError | ConnectionError) or "gloo" in words or "NCCL" in words:
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def sequences_each(recipe: Recipe, size: int) -> int:
    """Sequences of a step that fall to each process; InputError where they cannot be shared out evenly."""
    count = recipe.training.sequences_per_step
    if count % size:
        raise InputError(
            f"training.sequences_per_step: found {count}, expected a multiple of the {size} processes, "
            "which take equal shares of each step"
        )
    return count // size


def sequences_a_pass(recipe: Recipe, size: int) -> int:
    """Sequences in a pass of each process: as the recipe says, or the next fewer that its share is made of."""
    share = sequences_each(recipe, size)
    return max(n for n in range(1, recipe.training.sequences_per_pass + 1) if share % n == 0)


def choose_layout(recipe: Recipe, config: LlamaConfig, size: int, local_size: int, device: torch.device) -> Layout:
    """How the training state lies among the processes: as the recipe says, or else by the memory that it takes.

    `ddp` keeps all of it in each process and is the fastest where it fits; `hsdp` spreads it over the processes
    of a machine, `fsdp` over all. Raises InputError, with the numbers, where it does not fit.
    """
    if size == 1:
        return "alone"
    whole = estimate(recipe, config, device.type, size, sequences_a_pass(recipe, size))
    free = available(device) // (local_size if device.type == "cpu" else 1)
    needed: dict[Layout, int] = {
        "ddp": sum(whole.values()),
        "hsdp": sum(sharded(whole, config, local_size).values()),
        "fsdp": sum(sharded(whole, config, size).values()),
    }
    wanted = recipe.training.parallel
    layouts: list[Layout] = list(needed) if wanted == "auto" else [wanted]
    for layout in layouts:
        if needed[layout] <= free:
            return layout
    shown = ", ".join(f"{layout} {needed[layout] / 1e9:.1f}" for layout in layouts)
    raise InputError(
        f"model: {config.parameters:,} parameters need, in GB for each of {size} processes: {shown}; found "
        f"{free / 1e9:.1f} free; take a smaller model, fewer training.sequences_per_pass or more processes"
    )


class Gradients(Protocol):
    """How the gradients of the processes become one sum."""

    def last_pass(self) -> None:
        """Say before the last backward pass of a step that it is the last."""

    def finish(self) -> None:
        """Wait, after it, until the sums are there."""


class OwnGradients:
    """Nothing to add: a process alone, or shards, which FSDP adds up itself in each backward pass."""

    def last_pass(self) -> None:
        """Nothing."""

    def finish(self) -> None:
        """Nothing."""


class SharedGradients:
    """Adds up the gradients of processes that hold the same weights, while the last backward pass goes on.

    Gradients lie in buckets, in the order in which the backward pass makes them, and a bucket is sent as soon as
    it is full, always in the same order. It does what DistributedDataParallel does, except that the buckets stay
    as they are: that one cuts them anew after its first step, so that a run that goes on from a checkpoint would
    add in another order than an unbroken one, and end in other bits.
    """

    def __init__(self, parameters: list[torch.nn.Parameter]) -> None:
        self.buckets: list[Tensor] = []
        self.bucket_of: dict[Tensor, int] = {}
        self.sizes: list[int] = []
        for members in _in_buckets(parameters[::-1]):
            flat = torch.zeros(sum(p.numel() for p in members), dtype=members[0].dtype, device=members[0].device)
            for parameter, part in zip(members, torch.split(flat, [p.numel() for p in members]), strict=True):
                parameter.grad = part.view_as(parameter)
                self.bucket_of[parameter] = len(self.buckets)
                parameter.register_post_accumulate_grad_hook(self._made)  # type: ignore[no-untyped-call]
            self.buckets.append(flat)
            self.sizes.append(len(members))
        self.missing: list[int] = []
        self.sent: list[Any] = []

    def last_pass(self) -> None:
        """From now on, count the gradients that are made."""
        self.missing, self.sent = list(self.sizes), []

    def finish(self) -> None:
        """Wait until all buckets are added up."""
        for work in self.sent:
            work.wait()
        self.missing = []

    def _made(self, parameter: Tensor) -> None:
        if not self.missing:
            return
        self.missing[self.bucket_of[parameter]] -= 1
        while len(self.sent) < len(self.buckets) and self.missing[len(self.sent)] == 0:
            self.sent.append(dist.all_reduce(self.buckets[len(self.sent)], async_op=True))


def _in_buckets(parameters: list[torch.nn.Parameter]) -> Iterator[list[torch.nn.Parameter]]:
    members: list[torch.nn.Parameter] = []
    size = 0
    for parameter in parameters:
        members.append(parameter)
        size += parameter.nbytes
        if size >= BUCKET_BYTES:
            yield members
            members, size = [], 0
    if members:
        yield members


def place(model: Llama, layout: Layout, processes: Processes, compiled: bool) -> Any:
    """Bring the model to the device, spread by the layout; returns the processes that share work on its matrices.

    With several processes the layers are compiled one by one, so that gradients leave while others are made.
    """
    if layout != "alone" and compiled:
        for layer in model.layers:
            layer.compile(dynamic=False)
    if layout in ("alone", "ddp"):
        model.to(processes.device)
        return dist.group.WORLD if layout == "ddp" else None
    mesh = _mesh(layout, processes)
    for module in (*model.layers, model):
        fully_shard(module, mesh=mesh)
    for module in model.modules():
        if isinstance(module, FSDPModule):  # sums, as the loss is divided by the targets of the whole step
            module.set_gradient_divide_factor(1.0)
            module.set_force_sum_reduction_for_comms(True)
    register_fsdp_forward_method(model, "loss")
    return mesh.get_group("shard")


def settle(model: Llama) -> None:
    """Bring weights back to how they lie between steps, after a forward pass that no backward pass followed."""
    for module in model.modules():
        if isinstance(module, FSDPModule):
            module.reshard()


def gradients_of(model: Llama, layout: Layout) -> Gradients:
    """What adds up the gradients; made after a checkpoint is loaded, as it says where gradients lie."""
    return SharedGradients(list(model.parameters())) if layout == "ddp" else OwnGradients()


def _mesh(layout: Layout, processes: Processes) -> DeviceMesh:
    kind = processes.device.type
    if layout == "fsdp":
        return init_device_mesh(kind, (processes.size,), mesh_dim_names=("shard",))
    shape = (processes.size // processes.local_size, processes.local_size)
    return init_device_mesh(kind, shape, mesh_dim_names=("replicate", "shard"))
