"""A sweep tries each learning rate in short, and the whole tune takes the one with the likeliest held-out answers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from octavo.errors import InputError, OctavoError
from octavo.lineage import read_record
from octavo.progress import Progress, StoppedError
from octavo.recipe.schema import Recipe
from octavo.road import run_road
from octavo.stages import trained_model
from octavo.training.metrics import Metrics
from tests.conftest import quiet_reporter
from tests.distributed.processes import same
from tests.tuning.small_tunes import CONTEXT, task_recipe

RATES = [1e-5, 2e-2, 1e-3]
SWEEP = {"learning_rates": RATES, "tokens": 4 * 4 * CONTEXT}
FOLDERS = ["1e-05", "0.02", "0.001"]


def train(recipe: Recipe, run: Path, stopping=lambda: False) -> list[str]:
    said: list[str] = []
    run_road(recipe, run, "training", quiet_reporter(said, Progress(message=said.append, stopping=stopping)))
    return said


def logged(run: Path) -> int:
    """Steps in a training's record."""
    return len(Metrics.read(run))


def report(run: Path) -> list[dict[str, float]]:
    return json.loads((run / "checkpoints/sweep/report.json").read_bytes())


@pytest.fixture
def begun(tuned, tmp_path) -> Path:
    """A run whose pairs are ready."""
    for name in ("pairs", "tokenizer"):
        shutil.copytree(tuned("translation") / name, tmp_path / "run" / name)
    return tmp_path / "run"


def test_it_takes_the_best_rate_and_is_not_done_again(begun, tuning_home, tmp_path):
    recipe = task_recipe(tuning_home, "translation", sweep=SWEEP)
    with pytest.raises(StoppedError):  # once the whole tune has begun
        train(recipe, begun, lambda: logged(begun) >= 2)
    tried = report(begun)
    assert [one["learning_rate"] for one in tried] == RATES
    for one, folder in zip(tried, FOLDERS, strict=True):
        lines = Metrics.read(begun / "checkpoints/sweep" / folder)
        assert [line["step"] for line in lines if "held_out" in line] == [4]
        held_out = lines[-1]["held_out"]
        assert one["held_out"] == pytest.approx(sum(held_out.values()) / len(held_out), abs=1e-4)
        assert max(line["lr"] for line in lines) == one["learning_rate"]
        assert not (begun / "checkpoints/sweep" / folder / "checkpoints").exists()
    best = min(tried, key=lambda one: one["held_out"])["learning_rate"]
    assert best == 2e-2, "of these the base learns most by it"
    records = [begun / "checkpoints/sweep" / folder / "metrics.jsonl" for folder in FOLDERS]
    times = [file.stat().st_mtime_ns for file in records]
    said = train(recipe, begun)
    assert any(line.startswith("training: goes on from step ") for line in said)
    assert [file.stat().st_mtime_ns for file in records] == times
    figures = read_record(begun / "checkpoints").figures
    assert (figures["sweep"], figures["learning_rate"]) == (tried, best)
    plain = task_recipe(tuning_home, "translation", {"optimizer": {"learning_rate": best}})
    other = tmp_path / "plain"
    for name in ("pairs", "tokenizer"):
        shutil.copytree(begun / name, other / name)
    train(plain, other)
    found, expected = (dict(trained_model(recipe, run).named_parameters()) for run in (begun, other))
    assert same(found, expected), "the tune is that of a recipe with this rate"


def test_stopped_within_it_goes_on_there(begun, tuning_home):
    recipe = task_recipe(tuning_home, "translation", {"tokens": 2 * 4 * CONTEXT}, sweep=SWEEP)
    sweep = begun / "checkpoints/sweep"
    with pytest.raises(StoppedError):
        train(recipe, begun, lambda: logged(sweep / "0.02") >= 2)
    assert not (sweep / "report.json").exists()
    done = (sweep / "1e-05/metrics.jsonl").read_bytes()
    train(recipe, begun)
    assert (sweep / "1e-05/metrics.jsonl").read_bytes() == done
    assert logged(sweep / "0.02") == 4
    assert [one["learning_rate"] for one in report(begun)] == RATES


def test_a_rate_at_which_training_diverges_is_told_and_not_taken(begun, tuning_home):
    recipe = task_recipe(
        tuning_home,
        "translation",
        {"tokens": 4 * CONTEXT, "guards": {"skips_in_a_row": 1}, "optimizer": {"name": "adamw"}},
        sweep=SWEEP | {"learning_rates": [1e30, 1e-3]},
    )
    train(recipe, begun)
    (wild, calm) = report(begun)
    assert (wild["held_out"], calm["held_out"] is None) == (None, False)
    assert read_record(begun / "checkpoints").figures["learning_rate"] == 1e-3


def test_where_all_diverge_nothing_is_trained(begun, tuning_home):
    guards = {"guards": {"skips_in_a_row": 1}, "optimizer": {"name": "adamw"}}
    recipe = task_recipe(tuning_home, "translation", guards, sweep=SWEEP | {"learning_rates": [1e30, 1e31]})
    with pytest.raises(OctavoError, match=r"tuning.sweep: the training diverged at each learning rate; try lower"):
        train(recipe, begun)


def test_it_needs_something_held_out(tuning_home, tmp_path):
    recipe = task_recipe(tuning_home, "translation", held_out=0, made=0, sweep=SWEEP)
    with pytest.raises(InputError, match=r"tuning.sweep: found nothing held out, expected some by which to choose"):
        train(recipe, tmp_path / "run")
