"""A run that is killed in every stage, at any moment, ends in the bytes of an unbroken one.

The processes are forked from one that has imported everything, so that kills fall on work and not on imports.
"""

import json
import os
import random
import shutil
import signal
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from octavo.curation import deciding, pipeline
from octavo.progress import StoppedError
from octavo.recipe.file import dump
from octavo.road import run_road
from octavo.stages import stages_of, stages_to, trained_model
from tests.conftest import copy_tokenized, quiet_reporter, small_recipe
from tests.distributed.processes import octavo_process, same
from tests.end_to_end.contents import contents, differing, made_otherwise
from tests.end_to_end.striking import await_moment, is_at_work


def finish(command: str, recipe: Path, run: Path) -> None:
    said = run.with_suffix(".txt")
    process = octavo_process(said, command, recipe, "--out", run)
    process.join()
    assert process.exitcode == 0, said.read_text()


def test_killed_in_the_middle_of_every_stage_it_ends_in_the_same_bytes(small_run, tmp_path):
    """Evaluation and release, which begin anew each time, are killed at their start, too; of stages that are killed
    at their end, test_damaged_files.py takes what they left."""
    file, run, draw = tmp_path / "recipe.yaml", tmp_path / "killed", random.Random(1789)
    file.write_text(dump(small_recipe()))
    for stage in stages_of(small_recipe()):
        for moment in ("middle", "start") if stage.name in ("evaluation", "release") else ("middle",):
            for _ in range(5):
                process = octavo_process(run.with_suffix(".txt"), "run", file, "--out", run)
                await_moment(moment, stage, run, small_run, process.is_alive, draw)
                process.kill()
                process.join()
                if is_at_work(run, stage):
                    break
                shutil.rmtree(run / stage.home, ignore_errors=True)  # it was too quick, and has to do it again
            else:
                raise AssertionError(f"{stage.name} could not be killed at its {moment}")
    finish("run", file, run)
    assert differing(contents(small_run), contents(run)) == []


def test_interrupted_while_it_decides_and_while_it_clears_up_curation_ends_in_the_same_bytes(
    small_run, tmp_path, monkeypatch
):
    """Daft ends its queries at a SIGINT with rows missing, and says nothing."""
    run, decided, remove = tmp_path / "run", [], shutil.rmtree

    def decide(*arguments):
        if not decided:
            os.kill(os.getpid(), signal.SIGINT)
        decided.append(deciding.decide(*arguments))

    def clear_up(folder):
        remove(folder)
        if folder.name == "passages":
            raise ProcessLookupError("killed")

    monkeypatch.setattr(pipeline, "decide", decide)
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        with pytest.raises(StoppedError):
            run_road(small_recipe(), run, "curation", quiet_reporter())
    finally:
        signal.signal(signal.SIGINT, before)
    with monkeypatch.context() as patched:
        patched.setattr(pipeline, "shutil", SimpleNamespace(rmtree=clear_up))
        with pytest.raises(ProcessLookupError):
            run_road(small_recipe(), run, "curation", quiet_reporter())
    run_road(small_recipe(), run, "curation", quiet_reporter())
    assert len(decided) == 2
    assert made_otherwise(contents(small_run), run, stages_to(small_recipe(), "curation")) == []


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
