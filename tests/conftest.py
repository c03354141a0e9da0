"""What the tests share: one small run over the starter corpus, made once."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

from octavo.progress import Progress
from octavo.recipe import Recipe
from octavo.recipe_file import validate
from octavo.run import Reporter, run_road

# A busy machine is no reason to fail.
settings.register_profile("octavo", deadline=None)
settings.load_profile("octavo")

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
    """The directory of a finished run of the small recipe; tests read it and leave it as it is."""
    run = tmp_path_factory.mktemp("runs") / "small"
    run_road(small_recipe(), run, "release", quiet_reporter())
    return run


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
