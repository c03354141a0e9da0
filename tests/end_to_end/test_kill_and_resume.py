"""A run that is killed at any moment, as often as it may be, ends in the bytes of an unbroken one.

The processes are forked from one that has imported everything, so that kills fall on work and not on imports.
"""

import json
import random
import time
from pathlib import Path

from octavo.recipe_file import dump
from octavo.stages import trained_model
from tests.conftest import copy_tokenized, small_recipe
from tests.distributed.processes import octavo_process, same

TIMED = {"stage.json", "README.md", "report.html", "report.json", "SHA256SUMS", "compliance", "lineage"}
COMPARED = ["corpus/ledger.parquet", "corpus/kept", "corpus/removed", "tokenizer", "tokens", "release", "trace"]


def contents(run: Path) -> dict[str, bytes]:
    """The bytes of what a run made; of what tells of times, or has the hash of such a file, the name alone."""
    found = {}
    for name in COMPARED:
        path = run / name
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.is_file():
                timed = file.name in TIMED or file.parent.name in TIMED
                found[str(file.relative_to(run))] = b"" if timed else file.read_bytes()
    return found


def kill_after(recipe: Path, run: Path, seconds: float) -> bool:
    """Start the run and kill it after a while; says whether it was still at work."""
    process = octavo_process(run.with_suffix(".txt"), "run", recipe, "--out", run)
    process.join(seconds)
    at_work = process.exitcode is None
    process.kill()
    process.join()
    return at_work


def finish(command: str, recipe: Path, run: Path) -> None:
    said = run.with_suffix(".txt")
    process = octavo_process(said, command, recipe, "--out", run)
    process.join()
    assert process.exitcode == 0, said.read_text()


def test_killed_at_random_moments_it_ends_in_the_same_bytes(small_run, tmp_path):
    file = tmp_path / "recipe.yaml"
    file.write_text(dump(small_recipe()))
    whole = sum(json.loads(stage.read_bytes())["wall_seconds"] for stage in small_run.rglob("stage.json"))
    moments = random.Random(1789)
    kills = 0
    for _ in range(6):
        kills += kill_after(file, tmp_path / "killed", moments.uniform(0.02, 0.12) * whole)
    finish("run", file, tmp_path / "killed")
    assert kills >= 3
    unbroken, killed = contents(small_run), contents(tmp_path / "killed")
    assert list(unbroken) == list(killed)
    assert [name for name in unbroken if unbroken[name] != killed[name]] == []


def test_killed_while_it_trains_a_compiled_model_ends_in_the_same_weights(small_run, tmp_path):
    file = tmp_path / "recipe.yaml"
    settings = {"tokens": 40_000, "compile": True, "log_every": 1, "checkpoint": {"every_steps": 10}}
    recipe = small_recipe(training=settings, model={"num_hidden_layers": 1})  # the sooner compiled
    file.write_text(dump(recipe))
    for name in ("unbroken", "killed"):
        copy_tokenized(small_run, tmp_path / name)
    finish("pretrain", file, tmp_path / "unbroken")
    metrics = tmp_path / "killed/metrics.jsonl"
    process = octavo_process(tmp_path / "killed.txt", "pretrain", file, "--out", tmp_path / "killed")
    while not (metrics.exists() and metrics.read_text().count("\n") >= 23):
        assert process.is_alive()
        time.sleep(0.02)
    process.kill()
    process.join()
    finish("pretrain", file, tmp_path / "killed")
    assert "goes on from step 20 of 40" in (tmp_path / "killed.txt").read_text()
    unbroken, killed = (trained_model(recipe, tmp_path / name).state_dict() for name in ("unbroken", "killed"))
    assert same(unbroken, killed)
    losses = [
        [(m["step"], m["loss"]) for m in map(json.loads, (tmp_path / n / "metrics.jsonl").open())]
        for n in ("unbroken", "killed")
    ]
    assert losses[0] == losses[1]
