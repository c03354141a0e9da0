"""Checkpoints: the whole training state in PyTorch's distributed format, there whole or not at all.

A checkpoint is copied to the processor's memory while the next forward and backward pass goes on, which change
nothing of it, and written while training goes on: beside its place, with a manifest of its files' hashes, and then
moved there. So one under its name was complete; that it still is, its manifest shows, and a damaged one is told by
name and the one before it taken.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed.checkpoint.state_dict_saver as dcp_save
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.staging import DefaultStager, StagingOptions
from torch.distributed.checkpoint.state_dict import get_optimizer_state_dict, set_optimizer_state_dict

from octavo.errors import OctavoError
from octavo.lineage import hash_file, write_atomically, write_json
from octavo.modeling.llama import Llama, LlamaConfig, allocate
from octavo.recipe.training import Checkpoint
from octavo.training.checkpoint_files import (
    MANIFEST,
    SinceLogged,
    complete_steps,
    damage,
    delete,
    passed_before,
    path_of,
)
from octavo.training.checkpoint_reading import METADATA, load_state
from octavo.training.guards import Watch
from octavo.training.optimizers import Optimizers
from octavo.training.parallel import Processes

# One process on purpose; the library takes it for a mistake.
warnings.filterwarnings("ignore", message="torch.distributed is disabled", category=UserWarning)


@dataclass(frozen=True)
class State:
    """What training changes: a checkpoint holds all of it."""

    model: Llama
    optimizers: Optimizers
    watch: Watch

    def as_dict(self) -> dict[str, Any]:
        """By names that do not depend on how the state lies among processes."""
        return {
            "model": dict(self.model.named_parameters()),
            "optimizer": get_optimizer_state_dict(self.model, self.optimizers),
            "guards": self.watch.state,
        }


class Saver:
    """Saves checkpoints in the background, one at a time; all processes call it alike."""

    def __init__(self, home: Path, settings: Checkpoint, processes: Processes) -> None:
        self.home, self.settings, self.processes = home, settings, processes
        self.kept_step: int | None = None
        """A step whose checkpoint stays beside the last ones."""
        self.on_gpu = processes.device.type == "cuda"
        # The memory of its copies is kept for the next time.
        self.stager = DefaultStager(
            StagingOptions(
                use_pinned_memory=self.on_gpu,
                use_shared_memory=False,
                use_async_staging=True,
                use_non_blocking_copy=self.on_gpu,
            )
        )
        self.thread = ThreadPoolExecutor(1, "checkpoint")
        self.copying: Future[Any] | None = None
        self.pending: Future[None] | None = None

    def save(self, step: int, state: State, passed_over: list[range], since_logged: SinceLogged) -> None:
        """Begin to save a step; waits for the save before, and raises its error where it failed.

        The state must stay as it is until `copied` has been called.
        """
        self.finish()
        if self.on_gpu:  # the copies are made beside the stream that made the state
            torch.cuda.current_stream().synchronize()
        copying = self.stager.stage(state.as_dict())
        assert isinstance(copying, Future)
        self.copying = copying
        self.pending = self.thread.submit(self._write, step, copying, passed_over, since_logged)

    def copied(self) -> None:
        """Wait until the state that is being saved may change."""
        if self.copying:
            copying, self.copying = self.copying, None
            copying.result()

    def check(self) -> None:
        """Raise the error of a save that failed meanwhile; does not wait."""
        if self.pending and self.pending.done():
            self.finish()

    def finish(self) -> None:
        """Wait until what was begun is saved; raises its error where it failed."""
        if self.pending:
            pending, self.pending = self.pending, None
            pending.result()

    def close(self) -> None:
        """Let a save that is under way come to its end."""
        self.thread.shutdown()
        self.stager.close()

    def _write(self, step: int, copying: Future[Any], passed_over: list[range], since_logged: SinceLogged) -> None:
        copied = copying.result()
        group, partial = self.processes.group, path_of(self.home, step).with_suffix(".partial")
        try:
            dcp_save.save(copied, checkpoint_id=partial, process_group=group, no_dist=group is None)
        except CheckpointException as error:
            cause, _ = next(iter(error.failures.values()))
            raise OctavoError(f"training: {partial} cannot be written: {cause}") from cause
        own = partial.glob(f"__{self.processes.rank}_*")
        files = [*own, partial / METADATA] if self.processes.leads else list(own)
        hashes = {file.name: hash_file(file).model_dump(include={"bytes", "blake3"}) for file in files}
        manifest = {
            "step": step,
            "passed_over": passed_before(step, passed_over),
            "since_logged": since_logged,
            "files": {name: record for part in self.processes.from_all(hashes) for name, record in part.items()},
        }
        _by_leader(self.processes, lambda: self._publish(step, partial, manifest))

    def _publish(self, step: int, partial: Path, manifest: dict[str, Any]) -> None:
        """Give a complete checkpoint its name, point `latest` to it, and delete those that are not to stay."""
        write_json(partial / MANIFEST, manifest)
        partial.rename(path_of(self.home, step))
        write_atomically(self.home / "latest", path_of(self.home, step).name.encode() + b"\n")
        for old in complete_steps(self.home)[: -self.settings.keep_last]:
            kept = self.settings.keep_every and old % self.settings.keep_every == 0
            if not kept and old != self.kept_step:
                delete(path_of(self.home, old))


def _by_leader(processes: Processes, work: Callable[[], None]) -> None:
    """Do what one process is enough for; all know then how it went."""
    failure = None
    if processes.leads:
        try:
            work()
        except Exception as error:
            failure = error
    told = processes.from_leader(str(failure) if failure else None)
    if failure:
        raise failure
    if told:
        raise OctavoError(f"training: process 0 could not save a checkpoint: {told}")


def load(home: Path, step: int, state: State, processes: Processes) -> None:
    """Load a step's state in place, however many processes saved it."""
    found, group = state.as_dict(), processes.group
    with torch.no_grad():
        load_state(path_of(home, step), found, group)
    set_optimizer_state_dict(state.model, state.optimizers, found["optimizer"])


def load_model(home: Path, step: int, config: LlamaConfig) -> Llama:
    """The model of a step's checkpoint, in float32; OctavoError where the checkpoint is damaged."""
    fault = damage(path_of(home, step))
    if fault:
        raise OctavoError(f"{path_of(home, step)}: the checkpoint is damaged: {fault}")
    with torch.device("meta"):
        model = Llama(config)
    allocate(model)
    with torch.no_grad():
        load_state(path_of(home, step), {"model": dict(model.named_parameters())}, None)
    return model.eval()
