"""Two real processes learn what one learns."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from octavo.errors import InputError
from octavo.recipe_file import dump
from octavo.training import parallel
from octavo.training.checkpoint import complete_steps
from octavo.training.memory import llama_config
from octavo.training.metrics import Metrics
from octavo.training.muon import orthogonalise
from octavo.training.parallel import choose_layout, sequences_each
from tests.conftest import small_recipe
from tests.distributed.processes import VOCABULARY, recipe, same, start, trained

MUON = {"optimizer": {"name": "muon", "learning_rate": 1e-2}}


def losses(run: Path) -> list[float]:
    return [line["loss"] for line in Metrics.read(run)]


def alive_at(training, step: int) -> None:
    """Wait until the record has this step."""
    metrics = training.run / "metrics.jsonl"
    while not (metrics.exists() and metrics.read_text().count("\n") >= step):
        assert all(p.is_alive() for p in training.processes), training.said()
        time.sleep(0.005)


@pytest.fixture(scope="module")
def alone(tokens, tmp_path_factory) -> dict[str, list[float]]:
    """The losses of one process, by optimizer."""
    found = {}
    for name, settings in (("adamw", {}), ("muon", MUON)):
        run = tmp_path_factory.mktemp(name)
        trained(run, tokens, recipe(15, **settings))
        found[name] = losses(run)
    return found


@pytest.mark.parametrize("layout", ["ddp", "fsdp"])
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_two_processes_have_the_losses_of_one(layout, optimizer, alone, tokens, tmp_path):
    settings = MUON if optimizer == "muon" else {}
    trained(tmp_path, tokens, recipe(15, parallel=layout, **settings), size=2)
    assert losses(tmp_path) == pytest.approx(alone[optimizer], abs=1e-5)
    assert [line["step"] for line in Metrics.read(tmp_path)] == list(range(1, 16))  # one process alone writes


def test_four_processes_on_two_machines_have_them_too(alone, tokens, tmp_path):
    """Spread over the two of a machine, the same on both machines."""
    trained(tmp_path, tokens, recipe(15, parallel="hsdp", **MUON), size=4, LOCAL_WORLD_SIZE="2")
    assert losses(tmp_path) == pytest.approx(alone["muon"], abs=1e-5)


@pytest.mark.parametrize(("before", "after"), [((2, "fsdp"), (1, "auto")), ((1, "auto"), (2, "ddp"))])
def test_a_training_goes_on_with_fewer_or_more_processes(before, after, alone, tokens, tmp_path):
    size, layout = before
    training = start(tmp_path, tokens, recipe(15, parallel=layout, log_every=1, **MUON), size)
    while not complete_steps(tmp_path / "checkpoints"):
        time.sleep(0.001)
    for process in training.processes:
        process.kill()
    training.wait()
    size, layout = after
    again = start(tmp_path, tokens, recipe(15, parallel=layout, **MUON), size)
    assert again.wait() == [0] * size
    assert "goes on from step" in again.said()
    assert losses(tmp_path) == pytest.approx(alone["muon"], abs=1e-5)


def test_where_one_of_two_is_killed_the_other_ends_soon_and_says_why(tokens, tmp_path):
    settings = recipe(60, parallel="fsdp", **MUON)
    whole = trained(tmp_path / "whole", tokens, settings, size=2)
    for killed in (0, 1):
        training = start(tmp_path / "broken", tokens, settings, size=2)
        alive_at(training, 10 + 20 * killed)
        training.processes[killed].kill()
        asked = time.monotonic()
        assert training.wait()[1 - killed] == 1
        assert time.monotonic() - asked < 15
        assert f"process {1 - killed} of 2 lost contact with another" in training.said(1 - killed)
        assert "Traceback" not in training.said(1 - killed)
    assert same(whole, trained(tmp_path / "broken", tokens, settings, size=2))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_asked_to_stop_all_save_at_the_same_step_and_leave(number, tokens, tmp_path):
    """Also where only one process gets the signal, as Slurm may send it."""
    settings = recipe(60, parallel="ddp", checkpoint={"every_steps": 1000})
    whole = trained(tmp_path / "whole", tokens, settings, size=2)
    training = start(tmp_path / "broken", tokens, settings, size=2)
    alive_at(training, 10)
    os.kill(training.processes[1].pid, number)
    assert training.wait() == [130, 130]
    assert same(whole, trained(tmp_path / "broken", tokens, settings, size=2))


def test_torchrun_starts_it_and_the_first_process_walks_the_road(small_run, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(small_run, run)
    file = tmp_path / "recipe.yaml"
    settings = {"tokens": 5_000, "precision": "float32", "evaluate_every_steps": 2, "parallel": "fsdp"}
    file.write_text(dump(small_recipe(training=settings)))
    command = [Path(sys.executable).parent / "torchrun", "--nproc-per-node", "2", "-m", "octavo", "pretrain", file]
    done = subprocess.run([*command, "--out", run, "--json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["stages"]["training"]["processes"] == 2
    assert "2 processes (fsdp)" in done.stderr
    held_out = Metrics.read(run)[-1]["held_out"]
    assert set(held_out) == {"de", "en", "es", "fr", "it", "la", "nl", "pt"}
    # And where there is nothing to train, the others are let go.
    again = subprocess.run([*command, "--out", run], capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert "training: done already" in again.stderr


def test_a_step_must_be_shared_out_evenly():
    assert sequences_each(recipe(), 4) == 2
    with pytest.raises(InputError, match=r"sequences_per_step: found 8, expected a multiple of the 3 processes"):
        sequences_each(recipe(), 3)


@pytest.mark.parametrize(("spread_over", "layout"), [(1, "ddp"), (2, "hsdp"), (8, "fsdp")])
def test_the_layout_is_the_first_that_fits_into_memory(spread_over, layout, monkeypatch):
    """Of eight processes, two to a machine, with just the memory that a layout needs."""
    settings = recipe(optimizer={"name": "adamw"})
    config = llama_config(small_recipe(model={"num_hidden_layers": 40}), 512)
    whole = parallel.estimate(settings, config, "cuda", 8, 1)
    parts = whole if spread_over == 1 else parallel.sharded(whole, config, spread_over)
    monkeypatch.setattr(parallel, "available", lambda device: sum(parts.values()))
    assert choose_layout(settings, config, 8, 2, torch.device("cuda")) == layout


def test_what_fits_in_no_layout_is_refused_with_the_numbers(monkeypatch):
    settings = recipe()
    monkeypatch.setattr(parallel, "available", lambda device: 1000)
    with pytest.raises(
        InputError, match=r"in GB for each of 2 processes: ddp .*, hsdp .*, fsdp .*; found 0.0 free"
    ):
        choose_layout(settings, llama_config(settings, VOCABULARY), 2, 2, torch.device("cuda"))


@pytest.mark.parametrize(("rank", "size"), [("2", "2"), ("-1", "2"), ("x", "2")])
def test_a_rank_that_cannot_be_is_refused(rank, size, monkeypatch):
    monkeypatch.setenv("RANK", rank)
    monkeypatch.setenv("WORLD_SIZE", size)
    with pytest.raises(InputError, match=f"found RANK={rank} and WORLD_SIZE={size}"):
        parallel.rank_and_size()


def test_muon_is_that_of_pytorch():
    """Three steps with the same gradients, in the precision that PyTorch's computes in."""
    from octavo.training.muon import Muon

    draw = torch.Generator().manual_seed(1)
    ours, theirs = (torch.nn.Parameter(torch.ones(24, 16)) for _ in range(2))
    mine = Muon([ours], lr=0.02, weight_decay=0.1, momentum=0.95)
    peer = torch.optim.Muon([theirs], lr=0.02, weight_decay=0.1, momentum=0.95, adjust_lr_fn="match_rms_adamw")
    for _ in range(3):
        ours.grad = torch.randn(24, 16, generator=draw)
        theirs.grad = ours.grad.clone()
        mine.step()
        peer.step()
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(40, 16), (16, 40), (16, 16)])
def test_orthogonalising_brings_the_singular_values_near_one(shape):
    made = orthogonalise(torch.randn(shape, generator=torch.Generator().manual_seed(2)))
    assert made.shape == shape
    values = torch.linalg.svdvals(made)
    assert 0.5 < float(values.min()) <= float(values.max()) < 1.3
