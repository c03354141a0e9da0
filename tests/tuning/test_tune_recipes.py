"""The recipes of tunes, and what the commands say of one."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from octavo.cli.app import app
from octavo.evaluation.model_files import open_model
from octavo.recipe.file import dump, load
from octavo.summary import print_summary
from tests.tuning import tunes
from tests.tuning.small_tunes import write_base

RECIPES = Path(__file__).parents[2] / "recipes"
TASKS = {
    "tune-ocr": "ocr",
    "tune-translation": "translation",
    "tune-answers": "rag",
    "continue-pretraining": "continued",
}


def section(block: str) -> str:
    """The field that a block of a recipe begins with."""
    return next(line for line in block.splitlines() if not line.startswith("#")).partition(":")[0]


@pytest.mark.parametrize("name", TASKS)
def test_a_recipe_explains_each_field_of_its_sections_and_leaves_the_model_to_the_base(name):
    file = RECIPES / f"{name}.yaml"
    recipe = load(file)
    assert recipe.tuning is not None
    assert (recipe.tuning.task, recipe.model.model_fields_set) == (TASKS[name], set())
    head, *blocks = file.read_text(encoding="utf-8").rstrip().split("\n\n")
    assert head.startswith("# ")
    of_recipe = {section(block): block for block in dump(recipe, comments=True).rstrip().split("\n\n")}
    assert blocks == [of_recipe[section(block)] for block in blocks]
    page = next(word for word in head.split() if word.startswith("docs/"))
    assert (RECIPES.parent / page.rstrip(".")).is_file()


def test_a_plan_of_a_tune_is_of_its_bases_shape(tmp_path):
    base = write_base(tmp_path / "base")
    settings = ["--set", f"tuning.base={base}", "--set", "training.sequence_length=null"]
    command = ["plan", str(RECIPES / "tune-translation.yaml"), *settings, "--json"]
    planned = CliRunner().invoke(app, command)
    assert planned.exit_code == 0, planned.output
    parameters = sum(parameter.numel() for parameter in open_model(base).model.parameters())
    assert json.loads(planned.stdout)["parameters"] == parameters


def test_of_a_tune_that_is_released_again_the_command_to_try_is_that_of_its_task(capsys):
    release = {"formats": ["safetensors"], "samples": {}, "wall_seconds": 1.0, "energy": {}}
    evaluation = tunes.evaluation("ocr") | {"wall_seconds": 1.0, "energy": {}}
    print_summary(Path("runs/ocr"), {"evaluation": evaluation, "release": release})
    assert "octavo correct runs/ocr FILE" in capsys.readouterr().out
