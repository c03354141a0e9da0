"""Trains a tiny model, or does what a command asks, in real processes of its own that tests may kill.

They are forked from a server that has imported everything, so that a start takes a moment.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch._inductor  # what training asks of PyTorch imports it

import octavo.curation.pipeline
import octavo.evaluation.evaluate
import octavo.release.bundle
import octavo.road  # noqa: F401
from octavo.cli.app import main
from octavo.display import Stop
from octavo.errors import OctavoError
from octavo.progress import Progress, StoppedError
from octavo.recipe.file import validate
from octavo.recipe.schema import Recipe
from octavo.stages import train_model
from octavo.tokenization.entries import Edges
from octavo.tokenization.shards import write_shard
from octavo.training import checkpoint
from octavo.training.data import open_data
from octavo.training.loop import train
from octavo.training.memory import llama_config
from octavo.training.parallel import call, follow

os.environ.setdefault("OMP_NUM_THREADS", "1")  # of the server, before it imports PyTorch
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["tests.distributed.processes"])

BEGIN, VOCABULARY, LENGTH = 1, 64, 32

MODEL = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "intermediate_size": 40,
    "max_position_embeddings": LENGTH,
}


def recipe(steps: int = 30, **training: Any) -> Recipe:
    """A recipe of so many steps over the tiny model."""
    settings: dict[str, Any] = {
        "tokens": steps * 8 * LENGTH,
        "sequences_per_step": 8,
        "sequences_per_pass": 2,
        "optimizer": {"learning_rate": 1e-2},
        "schedule": {"warmup_steps": 5},
        "checkpoint": {"every_steps": 3},
        "precision": "float32",
        "compile": False,
        "log_every": 1,
    }
    data = {
        "name": "tiny",
        "corpus": {"sources": [{"path": "none"}]},
        "tokenizer": {"path": "none"},  # training asks for it alone where it names token files
        "model": MODEL,
        "training": settings | training,
    }
    return validate(data, {}, "tiny")


def write_tokens(folder: Path, seed: int = 1789, documents_in_all: int = 200) -> Path:
    """Documents in which each token says what comes next, mostly."""
    draw = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    documents = []
    for _ in range(documents_in_all):
        tokens = [BEGIN, int(draw.integers(3, VOCABULARY))]
        while len(tokens) < draw.integers(20, 60):
            step = 5 if draw.random() < 0.9 else int(draw.integers(1, 50))
            tokens.append(3 + (tokens[-1] - 3 + step) % (VOCABULARY - 3))
        documents.append(np.array(tokens))
    write_shard(folder / "00000.ds", iter([documents]), np.dtype("<u2"), "made")
    return folder


@dataclass
class Training:
    """A training at work in its processes."""

    run: Path
    processes: list[Any] = field(default_factory=list)

    def wait(self, seconds: float = 120) -> list[int]:
        """Wait for all; their exit statuses."""
        for process in self.processes:
            process.join(seconds)
        return [process.exitcode for process in self.processes]

    def said(self, rank: int = 0) -> str:
        """What a process told the person."""
        return (self.run / f"said-{rank}.txt").read_text()


def start(run: Path, tokens: Path, what: Recipe, size: int = 1, **environment: str) -> Training:
    """Start a training in so many processes, each with some variables more."""
    run.mkdir(parents=True, exist_ok=True)
    training = Training(run)
    for rank, place in enumerate(_places(size)):
        variables = place | environment
        process = SERVER.Process(target=_work, args=(run, tokens, what.model_dump_json(), rank, variables))
        process.start()
        training.processes.append(process)
    return training


def octavo_process(said: Path, *arguments: object, **environment: str) -> Any:
    """Start a command of octavo, with some variables more; what it writes goes to the end of the file `said`."""
    process = SERVER.Process(target=_do, args=([str(part) for part in arguments], said, environment))
    process.start()
    return process


def octavo_in_two(said: Path, *arguments: object, **environment: str) -> list[int | None]:
    """Do a command of octavo in two processes that work together; their exit statuses."""
    started = [octavo_process(said, *arguments, **place | environment) for place in _places(2)]
    for process in started:
        process.join(300)
    return [process.exitcode for process in started]


def weights(run: Path, what: Recipe) -> dict[str, torch.Tensor]:
    """The weights of the last step's checkpoint."""
    model = checkpoint.load_model(run / "checkpoints", what.steps, llama_config(what, VOCABULARY))
    return dict(model.named_parameters())


def trained(run: Path, tokens: Path, what: Recipe, size: int = 1, **environment: str) -> dict[str, torch.Tensor]:
    """Train to the end; the weights."""
    training = start(run, tokens, what, size, **environment)
    statuses = training.wait()
    assert statuses == [0] * size, [training.said(rank) for rank in range(size)]
    return weights(run, what)


def same(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    """Whether weights are the same to the bit."""
    return all(torch.equal(left[name], right[name]) for name in left)


def _places(size: int) -> list[dict[str, str]]:
    """The variables that tell each of so many processes its place among them, as torchrun sets them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(size)}
    return [address | {"RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(size)]


def _do(arguments: list[str], said: Path, variables: dict[str, str]) -> None:
    os.environ.update(variables)
    sys.argv = ["octavo", *arguments]
    with said.open("ab") as file:
        for output in (sys.stdout, sys.stderr):
            os.dup2(file.fileno(), output.fileno())
    main()


def _work(run: Path, tokens: Path, what: str, rank: int, variables: dict[str, str]) -> None:
    os.environ.update(variables)
    torch.set_num_threads(1)
    stop = Stop()
    with (run / f"said-{rank}.txt").open("w", buffering=1) as said, contextlib.redirect_stderr(said):
        progress = Progress(message=lambda text: print(text, file=said), stopping=stop.wished.is_set)
        made = Recipe.model_validate_json(what)
        if "FULL_DISK_AT" in variables:
            _fill_the_disk(int(variables["FULL_DISK_AT"]))
        try:
            processes = call() if rank == 0 else follow()
            assert processes is not None
            if made.tuning:
                train_model(made, run, progress, processes)
            else:
                data = open_data(made, tokens)
                with processes.in_touch():
                    train(
                        made,
                        llama_config(made, VOCABULARY),
                        Edges(BEGIN, BEGIN + 1),
                        data,
                        run,
                        progress,
                        processes=processes,
                    )
        except OctavoError as error:
            print(f"error: {error}", file=said)
            sys.exit(1)
        except StoppedError:
            sys.exit(130)


def _fill_the_disk(step: int) -> None:
    """From a step on, what a checkpoint writes meets a full disk."""
    import errno

    from torch.distributed.checkpoint.filesystem import FileSystemWriter

    write = FileSystemWriter.write_data

    def write_until_full(self: FileSystemWriter, *arguments: Any) -> Any:
        if int(Path(self.path).name.split("-")[1].split(".")[0]) >= step:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, *arguments)

    FileSystemWriter.write_data = write_until_full
