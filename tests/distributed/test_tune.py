"""A tune in two processes learns what it learns in one, and finds the same learning rate."""

import json
import shutil

import pytest

from octavo.progress import Progress
from octavo.training.metrics import Metrics
from octavo.tuning.preparing import prepare
from tests.distributed.processes import start
from tests.tuning.small_tunes import CONTEXT, task_recipe

RATES = [1e-4, 1e-2]


def settings(layout: str):
    return {"tokens": 6 * 4 * CONTEXT, "evaluate_every_steps": 3, "parallel": layout}


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """A home with a tune that one process made there, and how its recipe is made for others."""
    home = tmp_path_factory.mktemp("tune")
    sweep = {"learning_rates": RATES, "tokens": 2 * 4 * CONTEXT}

    def recipe(layout="auto"):
        return task_recipe(home, "translation", settings(layout), made=0, sweep=sweep)

    prepare(recipe(), home / "alone", Progress())
    training = start(home / "alone", home, recipe())
    assert training.wait() == [0], training.said()
    return home, recipe


@pytest.mark.parametrize("layout", ["ddp", "fsdp"])
def test_two_processes_have_the_losses_and_the_rate_of_one(layout, alone, tmp_path):
    home, recipe = alone
    for name in ("pairs", "tokenizer"):
        shutil.copytree(home / "alone" / name, tmp_path / name)
    training = start(tmp_path, home, recipe(layout), size=2)
    assert training.wait() == [0, 0], [training.said(rank) for rank in (0, 1)]
    mine, theirs = Metrics.read(tmp_path), Metrics.read(home / "alone")
    assert [line["loss"] for line in mine] == pytest.approx([line["loss"] for line in theirs], abs=1e-5)
    assert [line["lr"] for line in mine] == [line["lr"] for line in theirs]
    for line, other in zip(mine, theirs, strict=True):
        assert line.get("held_out") == (pytest.approx(other["held_out"], abs=2e-4) if "held_out" in other else None)
    found, expected = (
        json.loads((run / "checkpoints/sweep/report.json").read_bytes()) for run in (tmp_path, home / "alone")
    )
    assert [one["learning_rate"] for one in found] == RATES
    assert [one["held_out"] for one in found] == pytest.approx([one["held_out"] for one in expected], abs=2e-4)
