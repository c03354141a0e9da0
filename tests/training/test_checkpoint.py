"""Whatever ends a training, and whatever becomes of its checkpoints, the same call goes on to the same weights."""

import json
import random
import shutil
import time
from pathlib import Path

import pytest

from octavo.errors import OctavoError
from octavo.training import checkpoint, checkpoint_files
from octavo.training.memory import llama_config
from tests.distributed.conftest import tokens  # noqa: F401
from tests.distributed.processes import VOCABULARY, recipe, same, start, trained, weights

SETTINGS = recipe(45)


@pytest.fixture(scope="module")
def unbroken(tokens, tmp_path_factory):  # noqa: F811
    """The run of a training that nothing disturbed."""
    run = tmp_path_factory.mktemp("unbroken")
    trained(run, tokens, SETTINGS)
    return run


def is_saving(run) -> bool:
    return any((run / "checkpoints").glob("*.partial"))


def test_killed_at_random_moments_it_ends_in_the_same_weights(unbroken, tokens, tmp_path):  # noqa: F811
    moments = random.Random(1789)
    kills = 0
    while kills < 12:
        training = start(tmp_path, tokens, SETTINGS)
        training.processes[0].join(moments.uniform(0.2, 1.2))
        training.processes[0].kill()
        training.wait()
        kills += 1
    assert same(trained(tmp_path, tokens, SETTINGS), weights(unbroken, SETTINGS))


def test_killed_while_it_saves_it_ends_in_the_same_weights(unbroken, tokens, tmp_path):  # noqa: F811
    moments = random.Random(1789)
    kills = 0
    for _ in range(6):
        training = start(tmp_path, tokens, SETTINGS)
        while training.processes[0].is_alive() and not is_saving(tmp_path):
            time.sleep(0.0005)
        time.sleep(moments.uniform(0, 0.02))
        kills += is_saving(tmp_path)
        training.processes[0].kill()
        training.wait()
    assert kills >= 2
    assert same(trained(tmp_path, tokens, SETTINGS), weights(unbroken, SETTINGS))
    assert not is_saving(tmp_path)


def cut_short(run: Path, tokens: Path) -> None:  # noqa: F811
    """Train and leave by a kill, with some checkpoints made and the end not reached."""
    training = start(run, tokens, SETTINGS)
    while checkpoint_files.complete_steps(run / "checkpoints")[-1:] < [24]:
        assert training.processes[0].is_alive(), training.said()
        time.sleep(0.001)
    training.processes[0].kill()
    training.wait()


def flip_a_byte(folder: Path) -> None:
    file = max(folder.glob("*.distcp"), key=lambda f: f.stat().st_size)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


DAMAGES = {
    "a flipped byte": (flip_a_byte, "found other bytes than were written"),
    "a file that is cut short": (lambda f: (f / ".metadata").write_bytes(b"x"), "found 1 bytes, expected"),
    "a file that is gone": (lambda f: (f / ".metadata").unlink(), "found no .metadata"),
    "no manifest": (lambda f: (f / "manifest.json").unlink(), "found no manifest.json"),
    "a manifest cut short": (lambda f: (f / "manifest.json").write_text("{"), "manifest.json: cannot be read"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_named_and_the_one_before_it_used(damage, unbroken, tokens, tmp_path):  # noqa: F811
    cut_short(tmp_path, tokens)
    before, last = checkpoint_files.complete_steps(tmp_path / "checkpoints")[-2:]
    do, said = DAMAGES[damage]
    do(checkpoint_files.path_of(tmp_path / "checkpoints", last))
    again = start(tmp_path, tokens, SETTINGS)
    assert again.wait() == [0]
    assert f"checkpoint step-{last:08d} is damaged" in again.said()
    assert said in again.said()
    assert f"goes on from step {before} of 45" in again.said()
    assert same(weights(tmp_path, SETTINGS), weights(unbroken, SETTINGS))
    assert (tmp_path / f"checkpoints/step-{last:08d}.damaged").is_dir()


def test_where_all_are_damaged_training_begins_anew_and_deletes_none(unbroken, tokens, tmp_path):  # noqa: F811
    cut_short(tmp_path, tokens)
    steps = checkpoint_files.complete_steps(tmp_path / "checkpoints")
    for step in steps:
        flip_a_byte(checkpoint_files.path_of(tmp_path / "checkpoints", step))
    assert same(trained(tmp_path, tokens, SETTINGS), weights(unbroken, SETTINGS))
    assert all((tmp_path / f"checkpoints/step-{step:08d}.damaged").is_dir() for step in steps)


def test_a_full_disk_ends_it_and_the_next_call_goes_on(unbroken, tokens, tmp_path):  # noqa: F811
    training = start(tmp_path, tokens, SETTINGS, FULL_DISK_AT="20")
    assert training.wait() == [1]
    assert "No space left on device" in training.said()
    assert checkpoint_files.complete_steps(tmp_path / "checkpoints")[-1] == 18
    assert same(trained(tmp_path, tokens, SETTINGS), weights(unbroken, SETTINGS))


def test_the_last_few_stay_and_the_multiples_of_keep_every(tokens, tmp_path):  # noqa: F811
    settings = recipe(20, checkpoint={"every_steps": 3, "keep_last": 2, "keep_every": 6})
    trained(tmp_path, tokens, settings)
    assert checkpoint_files.complete_steps(tmp_path / "checkpoints") == [6, 12, 18, 20]


def test_a_damaged_checkpoint_is_not_made_a_model_of(unbroken, tmp_path):
    home = tmp_path / "checkpoints"
    shutil.copytree(unbroken / "checkpoints", home)
    flip_a_byte(checkpoint_files.path_of(home, 45))
    with pytest.raises(OctavoError, match=r"step-00000045: the checkpoint is damaged: .*found other bytes"):
        checkpoint.load_model(home, 45, llama_config(SETTINGS, VOCABULARY))


def test_a_checkpoint_that_learnt_from_steps_now_passed_over_is_not_used(unbroken, tmp_path):
    """A kill between the decision to go back and the deletion of what came after leaves just that."""
    home = tmp_path / "checkpoints"
    shutil.copytree(unbroken / "checkpoints", home)
    assert checkpoint_files.complete_steps(home) == [42, 45]
    checkpoint_files.pass_over(home, range(42, 44))
    assert checkpoint_files.last_good(home, checkpoint_files.read_passed_over(home), print) == 42
    assert checkpoint_files.complete_steps(home) == [42]
    checkpoint_files.pass_over(home, range(3, 5))
    assert checkpoint_files.last_good(home, checkpoint_files.read_passed_over(home), print) == 0
    assert (home / "step-00000042.damaged").is_dir()  # the only one there was


def test_the_manifest_lists_every_file_of_a_checkpoint(unbroken):
    folder = checkpoint_files.path_of(unbroken / "checkpoints", 45)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert {*manifest["files"], "manifest.json"} == {f.name for f in folder.iterdir()}
    assert checkpoint_files.damage(folder) is None
