"""Checkpoints: the whole training state in PyTorch's distributed format, there whole or not at all.

A checkpoint is copied to the processor's memory while the next forward and backward pass goes on, which change
nothing of it, and written while training goes on: beside its place, with a manifest of its files' hashes, and then
moved there. So one under its name was complete; that it still is, its manifest shows, and a damaged one is told by
name and the one before it taken.
"""

from __future__ import annotations

import json
import shutil
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
from octavo.training.checkpoint_reading import METADATA, load_state
from octavo.training.guards import Watch
from octavo.training.optimizers import Optimizers
from octavo.training.parallel import Processes

_PREFIX = "step-"
MANIFEST = "manifest.json"
PASSED_OVER = "passed-over.json"

SinceLogged = tuple[float, float]
"""The losses of the steps since the last that was logged, added up, and how many of them were learnt from."""

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
            "passed_over": _before(step, passed_over),
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
                _delete(path_of(self.home, old))


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


def _delete(folder: Path) -> None:
    """Delete a checkpoint so that it never stands half deleted under its name."""
    shutil.rmtree(folder.rename(folder.with_suffix(".partial")))


def complete_steps(home: Path) -> list[int]:
    """The steps that have a complete checkpoint, in order."""
    names = (p.name.removeprefix(_PREFIX) for p in home.glob(f"{_PREFIX}*") if p.is_dir())
    return sorted(int(name) for name in names if name.isdigit())


def path_of(home: Path, step: int) -> Path:
    """The folder of a step's checkpoint."""
    return home / f"{_PREFIX}{step:08d}"


def written_files(home: Path, step: int) -> dict[str, str]:
    """The files of a step's checkpoint as they were written: BLAKE3 by name."""
    files: dict[str, dict[str, Any]] = json.loads((path_of(home, step) / MANIFEST).read_bytes())["files"]
    return {name: written["blake3"] for name, written in files.items()}


def since_logged(home: Path, step: int) -> SinceLogged:
    """What the next logged step is to add to, for a step that has a checkpoint; an earlier octavo kept none."""
    loss, learnt = json.loads((path_of(home, step) / MANIFEST).read_bytes()).get("since_logged", (0.0, 0.0))
    return loss, learnt


def damage(folder: Path) -> str | None:
    """Say what is wrong with a checkpoint, or None where every file is as it was written."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        for name, written in manifest["files"].items():
            if Path(name).name != name or name in ("", ".."):
                return f"{MANIFEST}: found {name!r}, expected the name of a file beside it"
            found = hash_file(folder / name)
            if found.bytes != written["bytes"]:
                return f"{name}: found {found.bytes} bytes, expected {written['bytes']}"
            if found.blake3 != written["blake3"]:
                return f"{name}: found other bytes than were written"
        _ = manifest["passed_over"]
    except FileNotFoundError as error:
        return f"found no {Path(error.filename).name}"
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return f"{MANIFEST}: cannot be read"
    return None


def read_passed_over(home: Path) -> list[range]:
    """The steps that training goes over without learning from them, since they led to a spike; counted from 0."""
    file = home / PASSED_OVER
    return [range(*pair) for pair in json.loads(file.read_bytes())] if file.exists() else []


def pass_over(home: Path, steps: range) -> None:
    """Add steps to those; checkpoints that were made with them count no more."""
    pairs = [[s.start, s.stop] for s in (*read_passed_over(home), steps)]
    write_json(home / PASSED_OVER, pairs)


def last_good(home: Path, passed_over: list[range], message: Callable[[str], None]) -> int:
    """The newest step that training can go on from, 0 where there is none.

    A damaged checkpoint is told by name and set aside as step-N.damaged. What an interrupted save left is deleted,
    and so are, where an earlier one is whole, checkpoints that learnt from steps which are now passed over.
    """
    for partial in home.glob("*.partial"):
        shutil.rmtree(partial) if partial.is_dir() else partial.unlink()
    outdated = []
    for step in reversed(complete_steps(home)):
        folder = path_of(home, step)
        fault = damage(folder)
        if fault:
            message(f"training: checkpoint {folder.name} is damaged ({fault}); the one before it is used")
            set_aside(folder)
        elif json.loads((folder / MANIFEST).read_bytes())["passed_over"] != _before(step, passed_over):
            outdated.append(folder)
        else:
            for folder in outdated:
                _delete(folder)
            return step
    for folder in outdated:
        set_aside(folder)
    return 0


def _before(step: int, passed_over: list[range]) -> list[list[int]]:
    return [[steps.start, steps.stop] for steps in passed_over if steps.start < step]


def set_aside(folder: Path) -> None:
    """Give a damaged checkpoint another name."""
    aside = folder.with_suffix(".damaged")
    if aside.exists():
        shutil.rmtree(aside)
    folder.rename(aside)


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
