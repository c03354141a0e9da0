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
from octavo.lineage import read_record
from octavo.recipe.file import dump
from octavo.training import parallel
from octavo.training.checkpoint_files import complete_steps
from octavo.training.memory import llama_config
from octavo.training.metrics import Metrics
from octavo.training.muon import orthogonalise
from octavo.training.parallel import choose_layout, sequences_each
from tests.conftest import small_recipe
from tests.distributed.processes import VOCABULARY, octavo_in_two, recipe, same, start, trained

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


@pytest.mark.parametrize("layout", ["hsdp", "ddp"])
def test_four_processes_on_two_machines_have_them_too(layout, alone, tokens, tmp_path):
    """Spread over the two of a machine, the same on both machines; or where two of four have no matrix to work on."""
    trained(tmp_path, tokens, recipe(15, parallel=layout, **MUON), size=4, LOCAL_WORLD_SIZE="2")
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
    file.write_text(dump(small_recipe(training=settings, evaluation={"max_bytes": 4000})))
    command = [Path(sys.executable).parent / "torchrun", "--nproc-per-node", "2", "-m", "octavo", "pretrain", file]
    done = subprocess.run([*command, "--out", run, "--json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)["stages"]["training"]
    assert figures["processes"] == 2
    assert figures["energy"]["machines"] == 1  # metered by one of them, and not twice
    assert "2 processes (fsdp)" in done.stderr
    held_out = Metrics.read(run)[-1]["held_out"]
    assert set(held_out) == {"de", "en", "es", "fr", "it", "la", "nl", "pt"}
    # And where there is nothing to train, the others are let go.
    said = tmp_path / "said.txt"
    assert octavo_in_two(said, "pretrain", file, "--out", run) == [0, 0], said.read_text()
    assert "training: done already" in said.read_text()


def test_the_energy_of_a_training_is_that_of_all_its_machines(small_run, tmp_path):
    """Two processes that are told that each has a machine of its own."""
    run = tmp_path / "run"
    shutil.copytree(small_run, run)
    file = tmp_path / "recipe.yaml"
    file.write_text(dump(small_recipe(training={"tokens": 10_000, "precision": "float32", "log_every": 1})))
    said, own_machine = tmp_path / "said.txt", {"LOCAL_WORLD_SIZE": "1", "LOCAL_RANK": "0"}
    assert octavo_in_two(said, "pretrain", file, "--out", run, **own_machine) == [0, 0], said.read_text()
    energy = read_record(run / "checkpoints").energy
    assert energy["machines"] == 2
    own = Metrics.read(run)[0]["joules"]
    assert energy["joules"] > own
    assert not list((run / "checkpoints").glob("energy-*"))


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


def test_muon_is_that_of_pytorch(monkeypatch):
    """Three steps with the same gradients: momentum, decay, size; for what lies between see the tests below."""
    from octavo.training.muon import Muon

    made = lambda m, *_: orthogonalise(m.bfloat16()[None])[0]  # noqa: E731
    monkeypatch.setattr(torch.optim._muon, "_zeropower_via_newtonschulz", made)
    draw = torch.Generator().manual_seed(1)
    shapes = [(24, 16), (24, 16), (16, 24)]
    ours, theirs = ([torch.nn.Parameter(torch.ones(shape)) for shape in shapes] for _ in range(2))
    mine = Muon(ours, lr=0.02, weight_decay=0.1, momentum=0.95)
    peer = torch.optim.Muon(theirs, lr=0.02, weight_decay=0.1, momentum=0.95, adjust_lr_fn="match_rms_adamw")
    for _ in range(3):
        for left, right in zip(ours, theirs, strict=True):
            left.grad = torch.randn(left.shape, generator=draw)
            right.grad = left.grad.clone()
        mine.step()
        peer.step()
    for left, right in zip(ours, theirs, strict=True):
        torch.testing.assert_close(left, right, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(24, 16), (16, 24), (16, 16)])
def test_orthogonalising_is_jordans_iteration(shape):
    """Of each matrix of a stack by itself, written as he wrote it; in bfloat16 up to its rounding."""
    stack = torch.randn((3, *shape), generator=torch.Generator().manual_seed(1))
    for matrix, exact, rounded in zip(stack, orthogonalise(stack), orthogonalise(stack.bfloat16()), strict=True):
        x = matrix / matrix.norm()
        for _ in range(5):
            x = 3.4445 * x - 4.7750 * x @ x.T @ x + 2.0315 * x @ x.T @ x @ x.T @ x
        torch.testing.assert_close(exact, x, rtol=1e-4, atol=1e-5)
        assert float((rounded - x).norm() / x.norm()) < 0.04


@pytest.mark.parametrize("bad", [0.0, 1.0])
def test_muon_told_on_the_device_changes_nothing_after_a_bad_gradient(bad):
    """As on a GPU, where no processor waits to know: the number alone decides."""
    from octavo.training.muon import Muon

    (ours, plain) = ([torch.nn.Parameter(torch.ones(24, 16)) for _ in range(2)] for _ in range(2))
    told, untold = (Muon(matrices, lr=0.02, weight_decay=0.1, momentum=0.95) for matrices in (ours, plain))
    for left, right in zip(ours, plain, strict=True):
        left.grad = torch.full((24, 16), torch.nan) if bad else torch.eye(24, 16)
        right.grad = torch.eye(24, 16)
    told.found_inf = torch.tensor(bad)
    told.step()
    if not bad:
        untold.step()
    for left, right in zip(ours, plain, strict=True):
        torch.testing.assert_close(left, right)
        torch.testing.assert_close(told.state[left], untold.state[right])


@pytest.mark.parametrize("shape", [(1, 40, 16), (2, 16, 40), (3, 32, 128)])
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_orthogonalising_keeps_directions_and_brings_the_singular_values_near_one(shape, precision):
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(2)).to(precision)
    left, values, right = torch.linalg.svd(matrices.float(), full_matrices=False)
    made = torch.diagonal(left.mT @ orthogonalise(matrices).float() @ right.mT, dim1=-2, dim2=-1)
    assert float((values / values.norm(dim=-1, keepdim=True)).min()) > 0.005
    assert 0.6 < float(made.min()) <= float(made.max()) < 1.25


def test_nothing_comes_of_nothing():
    assert not orthogonalise(torch.zeros(1, 8, 8)).any()
