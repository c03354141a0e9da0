"""Training over several folders in stages: the same on any number of processes, and however it was broken off."""

import time

import pytest

from octavo.training.checkpoint_files import complete_steps
from octavo.training.metrics import Metrics
from tests.distributed.processes import recipe, same, start, trained, write_tokens


@pytest.fixture(scope="module")
def staged(tmp_path_factory):
    """A recipe whose second stage begins with step 11 and goes on in one of the first one's folders."""
    home = tmp_path_factory.mktemp("folders")
    a, b, c = (str(write_tokens(home / name, seed, 40)) for seed, name in enumerate("abc"))
    stages = [{"weights": {a: 0.7, b: 0.3}}, {"name": "annealing", "first_step": 11, "weights": {b: 1, c: 2}}]
    return lambda **settings: recipe(20, data=stages, **settings)


@pytest.fixture(scope="module")
def unbroken(staged, tmp_path_factory):
    run = tmp_path_factory.mktemp("unbroken")
    return run, trained(run, run, staged())


def losses(run):
    return [line["loss"] for line in Metrics.read(run)]


def test_the_stages_change_what_is_learnt(staged, unbroken, tmp_path):
    """The steps of the first stage are the same without a second, and those after it are not."""
    run, whole = unbroken
    single = staged()
    single = single.model_copy(
        update={"training": single.training.model_copy(update={"data": single.training.data[:1]})}
    )
    assert not same(whole, trained(tmp_path, tmp_path, single))
    assert losses(tmp_path)[:10] == losses(run)[:10]
    assert losses(tmp_path)[10] != losses(run)[10]


@pytest.mark.parametrize("step", [6, 12, 15])
def test_killed_before_in_or_after_the_change_it_ends_in_the_same_weights(step, staged, unbroken, tmp_path):
    training = start(tmp_path, tmp_path, staged())
    while (complete_steps(tmp_path / "checkpoints") or [0])[-1] < step:
        time.sleep(0.001)
    training.processes[0].kill()
    training.wait()
    assert same(unbroken[1], trained(tmp_path, tmp_path, staged()))


@pytest.mark.parametrize(("before", "after"), [(2, 1), (1, 2)])
def test_it_goes_on_in_the_second_stage_with_fewer_or_more_processes(before, after, staged, unbroken, tmp_path):
    training = start(tmp_path, tmp_path, staged(), before)
    while (complete_steps(tmp_path / "checkpoints") or [0])[-1] < 12:
        time.sleep(0.001)
    for process in training.processes:
        process.kill()
    training.wait()
    trained(tmp_path, tmp_path, staged(), after)
    assert losses(tmp_path) == pytest.approx(losses(unbroken[0]), abs=1e-5)
