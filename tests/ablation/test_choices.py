"""What can be left out of a recipe, and what a variant then sets otherwise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.ablation.choices import ALL_RULES, BASELINE, CHOICES, REFUSED, RULES, variants, with_fields
from octavo.errors import InputError
from octavo.recipe.schema import Recipe
from tests.conftest import small_recipe

RICH = {
    "curation": {
        "decontamination": {"sets": ["questions.jsonl"]},
        "mixture": {"languages": {"en": 0.5, "others": 0.5}},
        "opt_outs": {"collections": ["reserved"]},
    }
}
"""Of all families there is something."""


def flat(data: dict, prefix: str = "") -> dict:
    found = {}
    for name, value in data.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return found


def changed(recipe: Recipe, other: Recipe) -> set[str]:
    before, after = flat(recipe.model_dump(mode="json")), flat(other.model_dump(mode="json"))
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


def test_all_that_a_recipe_has_is_tried_and_what_it_lacks_is_named():
    found, missing = variants(small_recipe(), None)
    assert found[0].name == BASELINE
    assert missing == ["decontamination", "mixture"]
    assert {one.name for one in found} | set(missing) == {BASELINE, *CHOICES}
    found, missing = variants(small_recipe(**RICH), None)
    assert missing == []
    assert {one.name for one in found} == {BASELINE, *CHOICES}


@pytest.mark.parametrize("name", [name for name, choice in CHOICES.items() if choice.kind == "curation"])
def test_a_rule_is_left_out_by_its_own_fields_and_all_else_stays(name):
    recipe = small_recipe(**RICH)
    [baseline, variant], _ = variants(recipe, [name])
    assert baseline.recipe == recipe
    found = changed(recipe, variant.recipe)
    assert found
    assert all(any(one.startswith(field) for field in variant.change.fields) for one in found)
    assert variant.recipe.curation.licences == recipe.curation.licences
    assert variant.recipe.curation.opt_outs == recipe.curation.opt_outs
    assert variant.recipe.curation.held_out == recipe.curation.held_out


def test_without_any_rule_each_of_them_is_off():
    _, none = variants(small_recipe(**RICH), ["none"])[0]
    for name in RULES:
        assert variants(none.recipe, None)[1].count(name) == 1
    assert with_fields(none.recipe, ALL_RULES) == none.recipe


def test_the_optimizer_is_the_other_one_with_a_rate_of_its_own():
    for own, other in (("adamw", "muon"), ("muon", "adamw")):
        recipe = small_recipe(training={"optimizer": {"name": own, "learning_rate": 0.7}})
        [_, variant], _ = variants(recipe, ["optimizer"])
        assert variant.recipe.training.optimizer.name == other
        assert variant.recipe.training.optimizer.learning_rate < 0.01
        assert variant.recipe.training.optimizer.width is None
    scaled = small_recipe(training={"optimizer": {"learning_rate": 0.7, "width": 64}})
    [_, variant], _ = variants(scaled, ["optimizer"])
    assert variant.recipe.training.optimizer.width == 256


def test_entries_over_several_words_are_taken_away_or_given():
    with_some = small_recipe(tokenizer={"superwords": 0.3})
    assert variants(with_some, ["superwords"])[0][1].recipe.tokenizer.superwords == 0
    without = small_recipe(tokenizer={"superwords": 0.0})
    assert variants(without, ["superwords"])[0][1].recipe.tokenizer.superwords == 0.5


def test_of_a_given_tokenizer_nothing_is_chosen():
    recipe = small_recipe(tokenizer={"path": "tokenizer.json"})
    assert {"superwords", "vocabulary"} <= set(variants(recipe, None)[1])


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["qualty"], "--rules: found 'qualty', expected some of repair, "),
        ([""], "--rules: found '', expected some of repair, "),
        (["quality", "mixture"], "--rules: found mixture, of which the recipe has nothing"),
        *(([name], f"--rules: found {name}, which no variant leaves out: ") for name in REFUSED),
    ],
)
def test_a_name_that_cannot_be_left_out_is_refused(names, message):
    with pytest.raises(InputError, match=f"^{message.replace('[', '.')}"):
        variants(small_recipe(), names)


@given(st.lists(st.sampled_from([name for name in CHOICES if name not in ("decontamination", "mixture")])))
def test_each_wanted_choice_is_tried_once_in_the_order_given(names):
    found, missing = variants(small_recipe(), names)
    assert [one.name for one in found] == [BASELINE, *dict.fromkeys(names)]
    assert missing == []
