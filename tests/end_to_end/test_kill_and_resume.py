"""A run that is killed at any moment, as often as it may be, ends in the bytes of an unbroken one."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from octavo.recipe_file import dump
from tests.conftest import copy_tokenized, small_recipe

OCTAVO = Path(sys.executable).parent / "octavo"

TIMED = {"stage.json", "README.md", "report.html", "report.json", "SHA256SUMS", "compliance", "lineage"}
COMPARED = ["corpus/ledger.parquet", "corpus/kept", "corpus/removed", "tokenizer", "tokens", "release"]


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
    process = subprocess.Popen(
        [OCTAVO, "run", recipe, "--out", run], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True
    return False


def finish(recipe: Path, run: Path) -> None:
    done = subprocess.run([OCTAVO, "run", recipe, "--out", run], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_killed_at_random_moments_it_ends_in_the_same_bytes(small_run, tmp_path):
    file = tmp_path / "recipe.yaml"
    file.write_text(dump(small_recipe()))
    whole = sum(json.loads(stage.read_bytes())["wall_seconds"] for stage in small_run.rglob("stage.json"))
    moments = random.Random(1789)
    kills = 0
    for _ in range(6):
        kills += kill_after(file, tmp_path / "killed", moments.uniform(0.1, 0.4) * whole)
    finish(file, tmp_path / "killed")
    assert kills >= 3
    unbroken, killed = contents(small_run), contents(tmp_path / "killed")
    assert list(unbroken) == list(killed)
    assert [name for name in unbroken if unbroken[name] != killed[name]] == []


def test_killed_while_it_trains_a_compiled_model_ends_in_the_same_bytes(small_run, tmp_path):
    file = tmp_path / "recipe.yaml"
    settings = {"tokens": 60_000, "compile": True, "log_every": 1, "checkpoint": {"every_steps": 10}}
    file.write_text(dump(small_recipe(training=settings, model={"num_hidden_layers": 1})))  # the sooner compiled
    for name in ("unbroken", "killed"):
        copy_tokenized(small_run, tmp_path / name)
    finish(file, tmp_path / "unbroken")
    metrics = tmp_path / "killed/metrics.jsonl"
    process = subprocess.Popen([OCTAVO, "run", file, "--out", tmp_path / "killed"], stderr=subprocess.DEVNULL)
    while not (metrics.exists() and metrics.read_text().count("\n") >= 23):
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    finish(file, tmp_path / "killed")
    unbroken, killed = contents(tmp_path / "unbroken"), contents(tmp_path / "killed")
    assert [name for name in unbroken if unbroken[name] != killed[name]] == []
    losses = [
        [(m["step"], m["loss"]) for m in map(json.loads, (tmp_path / n / "metrics.jsonl").open())]
        for n in ("unbroken", "killed")
    ]
    assert losses[0] == losses[1]
