import json

import pytest
import torch

from octavo.errors import InputError
from octavo.modeling.attention import document_mask, document_starts
from octavo.modeling.init import initialise
from octavo.modeling.loss import IGNORE
from octavo.progress import Progress, StoppedError
from octavo.tokenization.encode import load_tokenizer
from octavo.tokenization.entries import Edges
from octavo.training import checkpoint, checkpoint_files
from octavo.training.data import open_data
from octavo.training.loop import train
from octavo.training.memory import check_fits, estimate, llama_config
from octavo.training.metrics import Metrics
from octavo.training.optimizers import make_optimizers
from octavo.training.sequences import split_targets
from tests.conftest import small_recipe


def train_small(small_run, run, **changes):
    recipe = small_recipe(**changes)
    vocab = load_tokenizer(small_run / "tokenizer/tokenizer.json").get_vocab_size()
    train(
        recipe, llama_config(recipe, vocab), Edges(1, 2), open_data(recipe, small_run / "tokens"), run, Progress()
    )
    return checkpoint.load_model(run / "checkpoints", recipe.steps, llama_config(recipe, vocab))


def weights(model):
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def test_the_small_model_learns(small_run):
    lines = Metrics.read(small_run)
    assert lines[0]["loss"] > lines[-1]["loss"] + 0.3
    assert all(
        set(line) == {"step", "tokens", "loss", "lr", "grad_norm", "tokens_per_second", "mfu", "joules"}
        for line in lines
    )


def test_the_same_recipe_gives_the_same_bytes(small_run, tmp_path):
    short = {"training": {"tokens": 12_000}}
    first, second = (weights(train_small(small_run, tmp_path / n, **short)) for n in "ab")
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_another_seed_gives_other_weights(small_run, tmp_path):
    short = {"training": {"tokens": 5_000}}
    first = weights(train_small(small_run, tmp_path / "a", **short))
    second = weights(train_small(small_run, tmp_path / "b", seed=2, **short))
    assert any(not torch.equal(first[name], second[name]) for name in first)


def test_how_a_step_is_cut_into_passes_does_not_change_what_is_learnt(small_run, tmp_path):
    """Gradient accumulation: up to the order in which floats are added."""
    first, second = (
        weights(
            train_small(
                small_run,
                tmp_path / str(size),
                training={"tokens": 5_000, "sequences_per_pass": size, "precision": "float32"},
            )
        )
        for size in (2, 8)
    )
    for name in first:
        torch.testing.assert_close(first[name], second[name], rtol=1e-3, atol=1e-4)


def test_saving_more_often_or_logging_less_changes_nothing(small_run, tmp_path):
    first = weights(train_small(small_run, tmp_path / "a", training={"tokens": 12_000}))
    changed = {"tokens": 12_000, "log_every": 3, "checkpoint": {"every_steps": 3, "keep_last": 1}}
    second = weights(train_small(small_run, tmp_path / "b", training=changed))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_only_the_last_checkpoints_stay_and_latest_names_the_newest(small_run):
    home = small_run / "checkpoints"
    steps = small_recipe().steps
    assert checkpoint_files.complete_steps(home) == [100, steps]
    assert (home / "latest").read_text().strip() == f"step-{steps:08d}"


def test_a_position_sees_only_its_own_document_and_what_came_before():
    tokens = torch.tensor([[7, 8, 1, 5, 6, 1, 9]])
    mask = document_mask(document_starts(tokens, begin=1))[0, 0]
    documents = [0, 0, 1, 1, 1, 2, 2]
    for i in range(7):
        for j in range(7):
            assert bool(mask[i, j]) == (j <= i and documents[i] == documents[j])


def test_a_document_is_predicted_alike_alone_and_packed_behind_another():
    """Leakage between documents would show here; rotary positions are relative, so the offset does not matter."""
    recipe = small_recipe()
    model = initialise(llama_config(recipe, 64), seed=1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.2, generator=torch.Generator().manual_seed(3))
        document = torch.tensor([1, 9, 10, 11, 12, 13])
        packed = torch.cat((torch.tensor([1, 40, 41, 42, 2]), document))[None]
        alone = model(document[None])[0]
        behind = model(packed, document_starts(packed, 1))[0, 5:]
    torch.testing.assert_close(alone, behind, rtol=1e-4, atol=1e-4)


def test_the_loss_is_cross_entropy_over_the_positions_that_count():
    model = initialise(llama_config(small_recipe(), 64), seed=1)
    tokens = torch.randint(3, 64, (2, 20))
    targets = torch.randint(3, 64, (2, 20))
    targets[0, :7] = IGNORE
    logits = model(tokens)
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum")
    torch.testing.assert_close(model.loss(tokens, targets), expected)


@pytest.mark.parametrize("optimizer", [{"name": "adamw"}, {"name": "muon"}, {"name": "muon", "width": 16}])
def test_a_training_that_was_stopped_ends_in_the_weights_and_losses_of_an_unbroken_one(
    small_run, tmp_path, optimizer
):
    changes = {"training": {"tokens": 12_000, "optimizer": {"learning_rate": 1e-2, **optimizer}}}
    whole = weights(train_small(small_run, tmp_path / "whole", **changes))
    recipe = small_recipe(**changes)
    vocab = load_tokenizer(small_run / "tokenizer/tokenizer.json").get_vocab_size()
    asked = iter([False] * 7 + [True] * 3)
    with pytest.raises(StoppedError):
        train(
            recipe,
            llama_config(recipe, vocab),
            Edges(1, 2),
            open_data(recipe, small_run / "tokens"),
            tmp_path / "broken",
            Progress(stopping=lambda: next(asked)),
        )
    broken = weights(train_small(small_run, tmp_path / "broken", **changes))
    assert all(torch.equal(whole[n], broken[n]) for n in whole)
    logged = [
        [(line["step"], line["loss"], line["grad_norm"]) for line in Metrics.read(tmp_path / run)]
        for run in ("whole", "broken")
    ]
    assert logged[0] == logged[1]


def test_muon_takes_the_layers_matrices_and_adamw_the_rest():
    recipe = small_recipe(training={"optimizer": {"name": "muon"}})
    model = initialise(llama_config(recipe, 64), seed=1)
    adamw, muon = make_optimizers(model, recipe.training.optimizer)
    matrices = {id(p) for group in muon.param_groups for p in group["params"]}
    rest = {id(p) for group in adamw.param_groups for p in group["params"]}
    assert matrices == {id(p) for p in model.layers.parameters() if p.dim() == 2}
    assert matrices | rest == {id(p) for p in model.parameters()}
    assert not matrices & rest


def test_norms_do_not_decay():
    model = initialise(llama_config(small_recipe(), 64), seed=1)
    (adamw,) = make_optimizers(model, small_recipe().training.optimizer)
    decaying, free = adamw.param_groups
    assert decaying["weight_decay"] > 0
    assert free["weight_decay"] == 0
    assert sum(p.numel() for p in decaying["params"] + free["params"]) == model.config.parameters
    assert all(p.dim() == 1 for p in free["params"])


def test_a_record_that_a_kill_cut_short_is_taken_back_to_the_checkpoint(tmp_path):
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps({"step": s}) + "\n" for s in (10, 20, 30)) + '{"st')
    metrics = Metrics(tmp_path, first_step=20, message=print)
    metrics.log({"step": 30, "loss": 1.0})
    metrics.close()
    assert [line["step"] for line in Metrics.read(tmp_path)] == [10, 20, 30]
    assert Metrics.read(tmp_path)[-1]["loss"] == 1.0


def test_the_record_is_written_for_tensorboard_too(small_run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(small_run / "tensorboard"))
    events.Reload()
    assert [e.step for e in events.Scalars("loss")] == [line["step"] for line in Metrics.read(small_run)]


def test_a_model_that_does_not_fit_is_refused_with_the_numbers():
    recipe = small_recipe(
        model={
            "hidden_size": 16384,
            "num_hidden_layers": 100,
            "intermediate_size": 65536,
            "num_attention_heads": 64,
        }
    )
    with pytest.raises(InputError, match=r"parameters need [\d.]+ GB to train .*found [\d.]+ GB free"):
        check_fits(recipe, 65536, torch.device("cpu"))


def test_the_estimate_counts_weights_gradients_and_moments():
    recipe = small_recipe()
    config = llama_config(recipe, 2048)
    parts = estimate(recipe, config)
    assert parts["weights"] + parts["gradients"] + parts["optimizer"] == 16 * config.parameters


def falling(*means):
    """Measurements that a training finds one after the other."""
    found = iter(means)
    return lambda model: {"la": next(found)}


def test_training_ends_when_held_out_texts_become_no_likelier_and_the_best_weights_are_taken(small_run, tmp_path):
    recipe = small_recipe(training={"tokens": 20_000, "evaluate_every_steps": 3, "patience": 2})
    tokenizer = load_tokenizer(small_run / "tokenizer/tokenizer.json")
    config = llama_config(recipe, tokenizer.get_vocab_size())
    data = open_data(recipe, small_run / "tokens")
    assert recipe.steps > 15
    measure = falling(3.0, 2.0, 2.5, 2.0, 1.0)
    figures = train(recipe, config, Edges(1, 2), data, tmp_path, Progress(), held_out=measure)
    assert (figures["steps"], figures["chosen_step"]) == (12, 6)
    assert checkpoint_files.complete_steps(tmp_path / "checkpoints") == [6, 12]
    again = train(recipe, config, Edges(1, 2), data, tmp_path, Progress(), held_out=measure)
    assert again == figures, "nothing more is trained"


def test_a_stopped_training_knows_its_best_measurement_again(small_run, tmp_path):
    recipe = small_recipe(training={"tokens": 20_000, "evaluate_every_steps": 3, "patience": 2})
    tokenizer = load_tokenizer(small_run / "tokenizer/tokenizer.json")
    config = llama_config(recipe, tokenizer.get_vocab_size())
    data = open_data(recipe, small_run / "tokens")
    asked = iter([False] * 9 + [True] * 3)
    progress = Progress(stopping=lambda: next(asked))
    measure = falling(3.0, 2.0, 2.5, 2.0, 1.0)
    with pytest.raises(StoppedError):
        train(recipe, config, Edges(1, 2), data, tmp_path, progress, held_out=measure)
    figures = train(recipe, config, Edges(1, 2), data, tmp_path, Progress(), held_out=measure)
    assert (figures["steps"], figures["chosen_step"]) == (12, 6)


def test_patience_needs_measurements():
    with pytest.raises(InputError, match="evaluate_every_steps: found null, expected a number of steps"):
        small_recipe(training={"patience": 2})


def test_an_end_that_also_begins_texts_is_learnt_as_an_end():
    rows = torch.tensor([[5, 1, 1, 6, 7, 1, 1, 8], [1, 6, 1, 7, 8, 1, 9, 9]])
    both, apart = (split_targets(rows, edges)[1].tolist() for edges in (Edges(1, 1), Edges(1, 2)))
    assert both == [[1, IGNORE, 6, 7, 1, IGNORE, 8], [6, 1, 7, 8, 1, 9, 9]]
    assert apart == [[IGNORE, IGNORE, 6, 7, IGNORE, IGNORE, 8], [6, IGNORE, 7, 8, IGNORE, 9, 9]]


def test_what_is_read_and_not_learnt_stands_as_its_complement():
    rows = torch.tensor([[1, ~5, ~6, 7, 8, 1, ~1, ~1]])
    tokens, targets = split_targets(rows, Edges(1, 2))
    assert tokens.tolist() == [[1, 5, 6, 7, 8, 1, 1]]
    assert targets.tolist() == [[IGNORE, IGNORE, 7, 8, IGNORE, IGNORE, IGNORE]]
