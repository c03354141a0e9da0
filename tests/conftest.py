"""What the tests share: the order of their files, and one small run over the starter corpus, made once."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from octavo.progress import Progress
from octavo.recipe.file import validate
from octavo.recipe.schema import Recipe
from octavo.road import Reporter, run_road

# A busy machine is no reason to fail. What has cost much to find has more examples of its own.
settings.register_profile("octavo", deadline=None, max_examples=60)
settings.load_profile("octavo")

# Else Daft imports all of Ray in each process, as the tests' own packages bring it, to see whether it is in use.
os.environ["DAFT_RUNNER"] = "native"
# Else each process that compiles a model starts others for it, beside the tests that are at work already.
os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"

LONGEST = (
    "training/test_slurm_cluster.py",
    "curation/test_ray.py",
    "modeling/test_llama.py",
    "docs/test_tutorial.py",
    "distributed/test_parallel.py",
    "audit/test_tampering.py",
    "end_to_end/test_kill_and_resume.py",
    "curation/test_pipeline.py",
    "training/test_checkpoint.py",
    "test_cli.py",
    "test_run.py",
    "training/test_loop.py",
    "test_shared_corpus.py",
    "tuning/test_road.py",
    "tokenization/test_encoders.py",
    "corpus/test_importing.py",
)
"""Files that take longest: the first to begin, so that at the end no worker has one alone. The first makes
small_run, and the three after it need none, as they would wait for it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; pytest-xdist hands files out in this order."""
    home = Path(__file__).parent
    places = {home / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(LONGEST)))


WATCHED = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
"""Signals that a command watches for."""


@pytest.fixture(autouse=True)
def no_watch_stays() -> Iterator[None]:
    """A command that a test calls in this process watches for signals to the process's end, and ends it soon after one.

    So the next test that signals to itself would end all the tests of this process.
    """
    handlers = {number: signal.getsignal(number) for number in WATCHED}
    told = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(told)
    yield
    signal.set_wakeup_fd(told)
    for number, handler in handlers.items():
        if handler is not None:  # it is none of Python's
            signal.signal(number, handler)


SMALL = {
    "name": "small",
    "corpus": {"sources": [{"path": "builtin:starter"}]},
    "curation": {"held_out": {"fraction": 0.08}},
    "tokenizer": {"vocab_size": 2048},
    "model": {
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 160,
        "max_position_embeddings": 128,
    },
    "training": {
        "tokens": 120_000,
        "sequences_per_step": 8,
        "sequences_per_pass": 4,
        "optimizer": {"learning_rate": 1e-2},
        "schedule": {"warmup_steps": 10},
        "checkpoint": {"every_steps": 20},
        "compile": False,
    },
    "evaluation": {
        "continuations": {"max_tokens": 8, "samples": 1},
        "writing": {"prompts": 2, "max_tokens": 12},
        "memorization": {"prompts": 8},
    },
    "release": {
        "formats": ["safetensors", "gguf-f32", "gguf-bf16", "gguf-q8_0"],
        "prompts": {"en": "The old keeper", "la": "Erat olim"},
    },
}


def small_recipe(**changes: object) -> Recipe:
    """The small recipe, with sections replaced or, where they are mappings, added to."""
    data = {
        name: {**SMALL.get(name, {}), **value} if isinstance(value, dict) else value
        for name, value in changes.items()
    }
    return validate({**SMALL, **data}, {}, "small")


def quiet_reporter(messages: list[str] | None = None, progress: Progress | None = None) -> Reporter:
    """A reporter that keeps the messages and shows nothing."""
    said = messages if messages is not None else []
    return Reporter(said.append, lambda name: contextlib.nullcontext(progress or Progress(message=said.append)))


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a finished run of the small recipe; tests read it and leave it as it is.

    Of pytest-xdist's workers, whose folders lie side by side, the first to need it makes it; each has a copy, which
    lies as deep, as a run names outside files by the way to them.
    """
    own = tmp_path_factory.mktemp("runs") / "small"
    if "PYTEST_XDIST_WORKER" not in os.environ:
        run_road(small_recipe(), own, "trace", quiet_reporter())
        return own
    made = tmp_path_factory.getbasetemp().parent / "shared" / "runs" / "small"
    made.parent.mkdir(parents=True, exist_ok=True)
    with made.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (made / "trace/index.json").exists():
            run_road(small_recipe(), made, "trace", quiet_reporter())
    return Path(shutil.copytree(made, own, copy_function=shutil.copy2))


def copy_tokenized(small_run: Path, run: Path) -> None:
    """Begin a run with what the small one made before its training, so that these stages are done already."""
    for name in ("documents", "corpus", "tokenizer", "tokens"):
        shutil.copytree(small_run / name, run / name)


@pytest.fixture(scope="session")
def starter_texts(small_run: Path) -> list[str]:
    """All texts of the starter corpus, faults among them."""
    import pyarrow.parquet as pq

    return [
        t
        for part in sorted((small_run / "documents").glob("*.parquet"))
        for t in pq.read_table(part)["text"].to_pylist()
    ]
