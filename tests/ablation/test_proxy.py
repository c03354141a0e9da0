"""The recipe made small: what a proxy keeps of it, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.ablation import proxy
from octavo.ablation.proxy import read_proxy, small
from octavo.errors import InputError
from octavo.recipe.file import dump
from octavo.recipe.schema import Recipe
from octavo.starters import STARTERS
from tests.conftest import SMALL, small_recipe


@st.composite
def shapes(draw):
    """Models of any size that can be."""
    head = 2 * draw(st.integers(1, 150))
    keys = draw(st.integers(1, 8))
    heads = keys * draw(st.integers(1, 8))
    return {
        "hidden_size": head * heads,
        "num_attention_heads": heads,
        "num_key_value_heads": keys,
        "num_hidden_layers": draw(st.integers(1, 40)),
        "intermediate_size": draw(st.integers(1, 20_000)),
        "max_position_embeddings": draw(st.integers(2, 8192)),
    }


@st.composite
def trainings(draw):
    sequences = draw(st.integers(1, 12)) * (passed := draw(st.integers(1, 32)))
    return {
        "tokens": draw(st.integers(4_000_000, 10**10)),
        "sequences_per_step": sequences,
        "sequences_per_pass": passed,
        "schedule": {"warmup_steps": draw(st.integers(0, 5000))},
    }


@given(shapes(), trainings())
def test_of_any_model_there_is_a_valid_proxy_that_is_its_own(model, training):
    recipe = small_recipe(model=model, training=training)
    made = small(recipe)
    assert Recipe.model_validate(made.model_dump()) == made
    assert small(made) == made
    assert made.model.num_hidden_layers <= proxy.LAYERS
    assert made.model.hidden_size <= max(proxy.HIDDEN, model["hidden_size"] // model["num_attention_heads"])
    assert made.training.tokens <= proxy.TOKENS
    assert made.model.hidden_size % made.model.num_attention_heads == 0


def test_all_that_decides_on_texts_and_how_the_model_learns_stays():
    recipe = STARTERS["common-corpus"]()
    made = small(recipe)
    for name in ("name", "seed", "corpus", "curation"):
        assert getattr(made, name) == getattr(recipe, name)
    assert made.training.optimizer == recipe.training.optimizer
    assert made.model.hidden_size / made.model.num_attention_heads == 64
    assert made.model.intermediate_size / made.model.hidden_size == 2.5
    assert made.tokenizer.superwords == recipe.tokenizer.superwords


def test_a_small_recipe_is_its_own_proxy_but_for_what_would_end_a_training_early():
    recipe = small_recipe(training={"evaluate_every_steps": 5, "patience": 2})
    made = small(recipe)
    assert (made.model, made.tokenizer) == (recipe.model, recipe.tokenizer)
    assert (made.training.patience, made.training.evaluate_every_steps) == (None, None)
    assert made.training.tokens == recipe.training.tokens


def test_settings_are_of_the_proxy(tmp_path):
    (tmp_path / "recipe.yaml").write_text(dump(STARTERS["common-corpus"]()))
    made = read_proxy(tmp_path / "recipe.yaml", ["training.tokens=3_000_000", "model.num_hidden_layers=9"])
    assert (made.training.tokens, made.model.num_hidden_layers) == (3_000_000, 9)
    with pytest.raises(InputError, match=r"--set model.num_hidden_layers=x: model.num_hidden_layers: found \"x\""):
        read_proxy(tmp_path / "recipe.yaml", ["model.num_hidden_layers=x"])


def test_a_tune_and_token_files_are_refused(tmp_path):
    file = tmp_path / "recipe.yaml"
    tune = small_recipe(tuning={"base": "runs/base", "task": "continued"})
    file.write_text(dump(tune))
    with pytest.raises(InputError, match=f"{file}: tuning: found a tune"):
        read_proxy(file)
    weights = {"corpus": 1.0, "elsewhere": 1.0}
    mixed = {"tokenizer": {"path": "t.json"}, "training": {**SMALL["training"], "data": [{"weights": weights}]}}
    file.write_text(dump(small_recipe(**mixed)))
    with pytest.raises(InputError, match=f"{file}: training.data: found folders of token files"):
        read_proxy(file)


def test_no_setting_makes_a_proxy_of_what_is_refused_nor_ends_it_early(tmp_path):
    file = tmp_path / "recipe.yaml"
    file.write_text(dump(small_recipe()))
    for settings, found in (
        (["tuning={base: runs/base, task: continued}"], "tuning: found a tune"),
        (
            ["tokenizer.path=t.json", "training.data=[{weights: {corpus: 1, elsewhere: 1}}]"],
            "training.data: found f",
        ),
        (["training.evaluate_every_steps=5", "training.patience=2"], "training.patience: found 2, expected null"),
    ):
        with pytest.raises(InputError, match=f"{file}: {found}"):
            read_proxy(file, settings)


def test_proxies_are_curated_by_this_machine_s_cores(tmp_path):
    curation = small(small_recipe(curation={"engine": "ray", "ray": "head:6379"})).curation
    assert (curation.engine, curation.ray) == ("native", None)
