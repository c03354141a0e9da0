"""Learning rates and initial weights that hold at other widths, seen in what a step changes: the coordinate check."""

import numpy as np
import pytest
import torch
from torch import nn

from octavo.modeling.init import initialise
from octavo.modeling.llama import Llama, LlamaConfig
from octavo.progress import Progress
from octavo.recipe.training import Optimizer
from octavo.tokenization.encode import load_tokenizer
from octavo.tokenization.entries import Edges
from octavo.training import checkpoint
from octavo.training.data import open_data
from octavo.training.loop import make_pass, train
from octavo.training.memory import llama_config
from octavo.training.nanotron.exporting import export
from octavo.training.optimizers import make_optimizers, step_unless
from octavo.training.schedule import learning_rate_factor
from tests.conftest import small_recipe

FOUND_AT, WIDTHS = 32, (32, 64, 128, 256)
TOKENS = torch.randint(0, 256, (4, 33), generator=torch.Generator().manual_seed(1))


def shape(width: int, tied: bool = True) -> LlamaConfig:
    """Heads of 16 and feed-forward layers of 2.5 times the width, whatever it is."""
    return LlamaConfig(256, width, 2, width // 16, width // 16, width * 5 // 2, 32, tie_word_embeddings=tied)


def coordinates(model: Llama) -> list[torch.Tensor]:
    """What comes out of each layer, and the logits."""
    seen = []
    hooks = [layer.register_forward_hook(lambda _m, _i, out: seen.append(out)) for layer in model.layers]
    with torch.no_grad():
        seen.append(model(TOKENS[:, :-1]))
    for hook in hooks:
        hook.remove()
    return seen


def changes(width: int, settings: Optimizer, tied: bool) -> torch.Tensor:
    """Root mean square by which four steps change each of them."""
    model = initialise(shape(width, tied), 1, settings.width)
    optimizers = make_optimizers(model, settings, torch.float32)
    before = coordinates(model)
    for _ in range(4):
        (model.loss(TOKENS[:, :-1], TOKENS[:, 1:]) / TOKENS.numel()).backward()
        step_unless(torch.zeros(()), optimizers)
    after = coordinates(model)
    return torch.stack([(new - old).square().mean().sqrt() for old, new in zip(before, after, strict=True)])


def growth(settings: Optimizer, tied: bool = True) -> tuple[float, float]:
    """By how much a change at any width is less or more than at the narrowest one; the extremes."""
    found = torch.stack([changes(width, settings, tied) for width in WIDTHS])
    ratios = found / found[0]
    return float(ratios.min()), float(ratios.max())


@pytest.mark.parametrize("name", ["adamw", "muon"])
@pytest.mark.parametrize("tied", [True, False])
def test_what_a_step_changes_is_alike_at_all_widths(name, tied):
    least, most = growth(Optimizer(name=name, learning_rate=1e-2, width=FOUND_AT), tied)
    assert 0.5 < least <= most < 1.5


@pytest.mark.parametrize(("name", "times"), [("adamw", 50), ("muon", 1.8)])
def test_without_it_wide_models_change_by_far_more(name, times):
    assert growth(Optimizer(name=name, learning_rate=1e-2))[1] > times


def test_at_the_width_where_they_were_found_nothing_changes():
    settings = Optimizer(name="muon", learning_rate=1e-2)
    plain = changes(32, settings, tied=True)
    assert torch.equal(changes(32, settings.model_copy(update={"width": 32}), tied=True), plain)


def test_initial_weights_keep_their_spectral_norm_and_embeddings_their_size():
    narrow, wide = (dict(initialise(shape(width), 1, FOUND_AT).named_parameters()) for width in (32, 256))
    for name, weights in wide.items():
        if name.startswith("layers.") and weights.dim() == 2:
            norms = [float(torch.linalg.matrix_norm(w.detach(), 2)) for w in (narrow[name], weights)]
            assert norms[1] == pytest.approx(norms[0], rel=0.1), name
    assert float(wide["embedding.weight"].detach().std()) == pytest.approx(0.02, rel=0.02)
    assert torch.equal(wide["norm.weight"], torch.full((256,), 1 / 8))
    assert torch.equal(wide["layers.0.attention_norm.weight"], torch.ones(256))


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_decay_a_step_is_the_same_for_all_matrices_at_any_width(name):
    settings = Optimizer(name=name, weight_decay=0.1, width=FOUND_AT)
    model = initialise(shape(256), 1, FOUND_AT)
    for optimizer in make_optimizers(model, settings):
        for group in optimizer.param_groups:
            expected = 0.1 * settings.learning_rate if group["params"][0].dim() == 2 else 0.0
            assert group["lr"] * group["weight_decay"] == pytest.approx(expected)


def test_a_training_scales_its_learning_rates_by_the_part(small_run, tmp_path):
    """Of two steps, in float32: the same weights as of a loop over these optimizers."""
    settings = {"name": "muon", "learning_rate": 1e-2, "width": 16}
    recipe = small_recipe(
        training={"tokens": 4_000, "optimizer": settings, "precision": "float32", "compile": False}
    )
    config = llama_config(recipe, load_tokenizer(small_run / "tokenizer/tokenizer.json").get_vocab_size())
    train(recipe, config, Edges(1, 2), open_data(recipe, small_run / "tokens"), tmp_path, Progress())
    trained = checkpoint.load_model(tmp_path / "checkpoints", recipe.steps, config)

    model = initialise(config, recipe.seed, 16)
    optimizers = make_optimizers(model, recipe.training.optimizer, torch.float32)
    begun = [[group["lr"] for group in optimizer.param_groups] for optimizer in optimizers]
    run = make_pass(model, Edges(1, 2), recipe.training, compiled=False)
    data, count = open_data(recipe, small_run / "tokens"), recipe.training.sequences_per_step
    for step in range(recipe.steps):
        rows = torch.from_numpy(data.read(data.at(np.arange(step * count, (step + 1) * count))))
        for start in range(0, count, recipe.training.sequences_per_pass):
            part = rows[start : start + recipe.training.sequences_per_pass]
            (run(part) / int((rows[:, 1:] != 1).sum())).backward()
        nn.utils.clip_grad_norm_(model.parameters(), recipe.training.optimizer.gradient_clip)
        factor = learning_rate_factor(recipe.training.schedule, step, recipe.steps)
        for optimizer, rates in zip(optimizers, begun, strict=True):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * factor
        step_unless(torch.zeros(()), optimizers)
    for left, right in zip(trained.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(left, right, rtol=1e-4, atol=1e-6)


def test_nanotron_is_told_what_it_does_not_scale():
    scaled, plain = (small_recipe(training={"optimizer": {"width": width}}) for width in (16, None))
    assert "from a hidden size of 16" in export(scaled, 2048)
    assert "hidden size" not in export(plain, 2048)
