"""What training does about a loss that is no number, or leaves its course."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from octavo.errors import OctavoError
from octavo.progress import Progress
from octavo.recipe.training import Guards
from octavo.tokenization.entries import Edges
from octavo.training import checkpoint, checkpoint_files, loop
from octavo.training.data import open_data
from octavo.training.guards import MEMORY, Readback, Watch
from octavo.training.memory import llama_config
from octavo.training.metrics import Metrics
from tests.distributed.conftest import tokens  # noqa: F401
from tests.distributed.processes import BEGIN, VOCABULARY, recipe, same, weights

CPU = torch.device("cpu")


def watched(losses: list[float], norms: list[float] | None = None, **settings) -> list[list[float]]:
    """The verdicts on steps with these losses: (skipped, in a row, spike, stop)."""
    watch = Watch(Guards(**settings), CPU)
    pairs = zip(losses, norms or [1.0] * len(losses), strict=True)
    return [watch.judge(torch.tensor(a), torch.tensor(b), torch.tensor(0.0)).tolist() for a, b in pairs]


@given(st.lists(st.sampled_from([1.0, float("nan"), float("inf")]), min_size=1, max_size=20))
def test_steps_without_a_finite_loss_are_skipped_and_counted_in_a_row(losses):
    in_a_row = 0
    for loss, (skipped, counted, _, _) in zip(losses, watched(losses), strict=True):
        in_a_row = 0 if loss == 1.0 else in_a_row + 1
        assert (skipped, counted) == (float(loss != 1.0), in_a_row)


def test_so_are_those_without_a_finite_gradient():
    assert [v[0] for v in watched([2.0] * 3, [1.0, float("inf"), float("nan")])] == [0, 1, 1]


def test_high_losses_in_a_row_make_a_spike_and_single_ones_do_not():
    draw = np.random.default_rng(1)
    calm = (4 + 0.1 * draw.standard_normal(100)).tolist()
    once = [9.0, 4.0] * 20
    verdicts = watched([*calm, *once, *[9.0] * 5, *calm], spike_steps=5)
    assert [n for n, v in enumerate(verdicts) if v[2]] == [144]


def test_a_loss_that_falls_is_no_spike_nor_are_the_first_steps():
    falling = [10 * 0.99**n for n in range(300)]
    assert not any(v[2] for v in watched([*[1.0] * (MEMORY - 30), *[50.0] * 20]))
    assert not any(v[2] for v in watched(falling))


def test_a_level_that_stays_high_is_the_new_course():
    verdicts = watched([*np.random.default_rng(1).normal(4, 0.1, 100).tolist(), *[9.0] * 300], spike_steps=5)
    assert sum(v[2] for v in verdicts) == 1


def test_verdicts_are_read_a_step_late_and_none_is_lost():
    readback = Readback(CPU)
    read = []
    for step in range(10):
        if step not in (3, 4):  # steps that are passed over make no verdict
            readback.put(step, torch.tensor([step % 2, step, 0, 0], dtype=torch.float64))
        read += readback.take(leave=1)
    assert [v.step for v in read] == [0, 1, 2, 5, 6, 7, 8]
    assert [v.skipped_in_a_row for v in [*read, *readback.take(leave=0)]] == [0, 1, 2, 5, 6, 7, 8, 9]


def train(run, tokens, settings, said=None):  # noqa: F811
    config = llama_config(settings, VOCABULARY)
    progress = Progress(message=(said if said is not None else []).append)
    return loop.train(settings, config, Edges(BEGIN, 2), open_data(settings, tokens), run, progress)


def with_bad_steps(monkeypatch, steps, change):
    """Change the loss of all passes of some steps."""
    make, factor, now = loop.make_pass, loop.learning_rate_factor, []

    def remember(schedule, step, of):
        now[:] = [step]
        return factor(schedule, step, of)

    def make_pass(*arguments):
        run = make(*arguments)
        return lambda batch: change(run(batch)) if now[0] in steps else run(batch)

    monkeypatch.setattr(loop, "learning_rate_factor", remember)
    monkeypatch.setattr(loop, "make_pass", make_pass)


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_a_skipped_step_changes_nothing_and_is_recorded(name, monkeypatch, tokens, tmp_path):  # noqa: F811
    """The last step is bad, so the weights must be those of a training without it, at the same learning rates."""
    long = recipe(
        10, optimizer={"name": name, "learning_rate": 1e-2}, checkpoint={"every_steps": 9, "keep_last": 9}
    )
    with_bad_steps(monkeypatch, {9}, lambda loss: loss * float("nan"))
    figures = train(tmp_path, tokens, long)
    before = checkpoint.load_model(tmp_path / "checkpoints", 9, llama_config(long, VOCABULARY))
    assert same(dict(before.named_parameters()), weights(tmp_path, long))
    assert figures["skipped_steps"] == 1
    last = Metrics.read(tmp_path)[-1]
    assert (last["step"], last["loss"], last["grad_norm"]) == (10, None, None)
    (batch,) = last["skipped"]
    assert (batch["step"], len(batch["sequences"])) == (10, 8)


def test_a_skipped_step_among_others_is_recorded_and_training_goes_on(monkeypatch, tokens, tmp_path):  # noqa: F811
    with_bad_steps(monkeypatch, {4, 6}, lambda loss: loss * float("inf"))
    assert train(tmp_path, tokens, recipe(12, log_every=5))["skipped_steps"] == 2
    lines = Metrics.read(tmp_path)
    assert [batch["step"] for line in lines for batch in line.get("skipped", ())] == [5, 7]
    assert lines[-1]["loss"] < lines[0]["loss"]


def test_a_skipped_step_that_a_checkpoint_is_made_at_is_known_after_a_kill(monkeypatch, tokens, tmp_path):  # noqa: F811
    class KilledError(Exception):
        pass

    save = checkpoint.Saver.save

    def save_and_die(saver, done, *state):
        save(saver, done, *state)
        saver.finish()
        raise KilledError

    with_bad_steps(monkeypatch, {2}, lambda loss: loss * float("nan"))
    settings = recipe(12, log_every=50, checkpoint={"every_steps": 3})
    with monkeypatch.context() as dying:
        dying.setattr(checkpoint.Saver, "save", save_and_die)
        with pytest.raises(KilledError):
            train(tmp_path, tokens, settings)
    assert train(tmp_path, tokens, settings)["skipped_steps"] == 1


def test_too_many_in_a_row_end_it_with_the_batch_and_keep_the_last_good_checkpoint(monkeypatch, tokens, tmp_path):  # noqa: F811
    with_bad_steps(monkeypatch, range(7, 99), lambda loss: loss * float("nan"))
    said = (
        r"of 3 steps in a row is no finite number, the last at step 10 with sequences \d+, .* of unknown documents"
    )
    with pytest.raises(OctavoError, match=said):
        train(tmp_path, tokens, recipe(30, log_every=50, guards={"skips_in_a_row": 3}))
    assert checkpoint_files.complete_steps(tmp_path / "checkpoints")[-1] >= 6
    batches = [batch["step"] for line in Metrics.read(tmp_path) for batch in line.get("skipped", ())]
    assert batches == [8, 9, 10, 11]  # a step more, as it is read a step late


def test_the_documents_of_a_bad_batch_are_named(small_run):
    from octavo.tokenization.index import open_documents
    from octavo.training.sequences import open_sequences

    sequences = open_sequences(small_run / "tokens", 128)
    documents = open_documents(small_run / "tokens")
    named = sequences.documents(np.array([0, 5]))
    expected = [documents[int(n)].identifier for n in documents.of_tokens(np.array([0, 128, 640, 768]))]
    assert named[0] == expected[0]
    assert set(expected) <= set(named)


RISEN = range(85, 90)
SPIKE = {
    "guards": {"spike_steps": 5, "rollbacks": 1},
    "checkpoint": {"every_steps": 20, "keep_last": 3},
    "log_every": 10,
}


def worse(loss):
    return loss * 3


def test_a_spike_takes_training_back_and_on_without_the_steps_that_led_to_it(monkeypatch, tokens, tmp_path):  # noqa: F811
    settings = recipe(110, **SPIKE)
    with_bad_steps(monkeypatch, RISEN, worse)
    said = []
    figures = train(tmp_path / "whole", tokens, settings, said)
    assert checkpoint_files.read_passed_over(tmp_path / "whole/checkpoints") == [range(80, 90)]
    assert figures["passed_over_steps"] == 10
    (passed,) = [line for line in Metrics.read(tmp_path / "whole") if line["step"] == 90]
    assert (passed["tokens_per_second"], passed["grad_norm"], passed["loss"]) == (None, None, None)
    assert "back to a checkpoint before it, and on without steps 81 to 90" in "".join(said)
    assert "goes on from step 80 of 110" in "".join(said)
    # Where it is stopped after the decision, the next call takes it up.
    (tmp_path / "again/checkpoints").mkdir(parents=True)
    checkpoint_files.pass_over(tmp_path / "again/checkpoints", range(80, 90))
    train(tmp_path / "again", tokens, settings)
    assert same(weights(tmp_path / "whole", settings), weights(tmp_path / "again", settings))


def test_a_step_that_is_passed_over_twice_counts_once(tokens, tmp_path):  # noqa: F811
    (tmp_path / "checkpoints").mkdir()
    for passed in (range(20, 30), range(25, 40)):
        checkpoint_files.pass_over(tmp_path / "checkpoints", passed)
    figures = train(tmp_path, tokens, recipe(50))
    assert figures["passed_over_steps"] == 20
    assert figures["tokens"] == 30 * 8 * 32


def test_without_rollbacks_a_spike_is_only_recorded(monkeypatch, tokens, tmp_path):  # noqa: F811
    settings = recipe(110, **SPIKE | {"guards": {"spike_steps": 5}})
    with_bad_steps(monkeypatch, RISEN, worse)
    said = []
    assert train(tmp_path, tokens, settings, said)["passed_over_steps"] == 0
    assert [line["spike"] for line in Metrics.read(tmp_path) if "spike" in line] == [90]
    assert "the loss rose 5 steps ago and stays high at step 90" in "".join(said)


def test_a_spike_older_than_all_checkpoints_is_only_recorded(monkeypatch, tokens, tmp_path):  # noqa: F811
    settings = recipe(110, **SPIKE | {"checkpoint": {"every_steps": 1, "keep_last": 1}})
    with_bad_steps(monkeypatch, RISEN, worse)
    assert train(tmp_path, tokens, settings)["passed_over_steps"] == 0


def test_held_out_texts_are_measured_at_the_set_steps(tokens, tmp_path):  # noqa: F811
    settings = recipe(10, log_every=100, evaluate_every_steps=4)
    config = llama_config(settings, VOCABULARY)
    loop.train(
        settings,
        config,
        Edges(BEGIN, 2),
        open_data(settings, tokens),
        tmp_path,
        Progress(),
        held_out=lambda model: {"la": 1.5},
    )
    assert [(line["step"], line["held_out"]) for line in Metrics.read(tmp_path)] == [
        (s, {"la": 1.5}) for s in (4, 8, 10)
    ]
