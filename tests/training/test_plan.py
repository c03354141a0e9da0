"""The plan of a run, against the published run and against itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from octavo.cli.app import app
from octavo.energy import co2eq_grams
from octavo.errors import InputError
from octavo.recipe.file import load
from octavo.tokenization.shards import open_shards
from octavo.training.plan import AI_ACT_FLOPS, Folder, Plan, hardware, in_words, plan_run, vocab_size_of
from octavo.training.throughput import GPUS, Hardware
from tests.conftest import small_recipe
from tests.distributed.processes import LENGTH, recipe, write_tokens
from tests.tuning.small_tunes import task_recipe

ROOT = Path(__file__).parents[2]
OCTAVO = Path(sys.executable).parent / "octavo"


@pytest.fixture(scope="module")
def published() -> Plan:
    """The published run, at the MFU that its 46 hours imply."""
    recipe = load(ROOT / "recipes/pleias-350m.yaml")
    return plan_run(recipe, vocab_size_of(recipe), GPUS["h100"], gpus=64, mfu=0.287)


def test_the_published_recipe_states_the_published_run():
    recipe = load(ROOT / "recipes/pleias-350m.yaml")
    assert recipe.steps == 518_000
    assert recipe.training.tokens == 518_000 * 1024 * 2048 == 1_086_324_736_000


def test_the_published_run_takes_the_published_parameters_flops_and_hours(published):
    assert published.parameters == 353_424_384
    assert published.hours == pytest.approx(46, rel=0.01)
    assert published.tokens / published.hours / 3600 / 64 == pytest.approx(102_499, rel=0.01)
    assert 6 * published.parameters * published.tokens == pytest.approx(2.3e21, rel=0.01)
    assert published.flops < AI_ACT_FLOPS


def test_its_published_co2eq_lies_between_that_of_countries_with_little_and_with_much(published):
    """0.5 t were published without country or method; it is 202 g/kWh for the energy that is reckoned here."""
    kilograms = published.figures()["co2eq_kg"]
    assert kilograms["FRA"] < 500 < kilograms["DEU"]
    assert published.kilowatt_hours == pytest.approx(64 * 46 * 0.7 * 1.2, rel=0.01)
    assert kilograms["FRA"] == pytest.approx(published.kilowatt_hours * co2eq_grams(3.6e6, "FRA") / 1000, rel=1e-3)


def test_its_disk_is_two_bytes_a_token_and_weights_with_two_moments(published):
    disk = published.figures()["disk_bytes"]
    assert disk["token_files"] == 2 * published.tokens
    assert disk["checkpoint"] == 12 * published.parameters
    assert disk["checkpoints"] == 2 * disk["checkpoint"]


def test_a_vocabulary_past_two_bytes_takes_four_a_token():
    plan = plan_run(small_recipe(), 128_000, GPUS["h100"], gpus=1, mfu=0.4)
    assert plan.token_file_bytes == 4 * plan.tokens


def test_the_largest_pass_that_fits_divides_a_gpus_share_and_the_next_does_not_fit():
    recipe = load(ROOT / "recipes/pleias-350m.yaml")
    small = Hardware("small", 1e12, 30_000_000_000, 300)
    plan = plan_run(recipe, 65_536, small, gpus=64, mfu=0.4)
    for layout in ("ddp", "fsdp"):
        most = plan.memory[layout].sequences_per_pass
        assert most in (1, 2, 4, 8)
        wider = recipe.model_copy(
            update={"training": recipe.training.model_copy(update={"sequences_per_pass": 2 * most})}
        )
        fits = plan_run(wider, 65_536, small, gpus=64, mfu=0.4).memory[layout].fits
        assert not fits


def test_fsdp_takes_less_of_the_state_on_each_gpu(published):
    ddp, fsdp = published.memory["ddp"].parts, published.memory["fsdp"].parts
    assert fsdp["optimizer"] == pytest.approx(ddp["optimizer"] / 64, rel=0.01)


def test_a_gpu_too_small_for_one_sequence_fits_none():
    tiny = Hardware("tiny", 1e12, 1_000_000, 300)
    memory = plan_run(small_recipe(), 2048, tiny, gpus=1, mfu=0.4).memory["alone"]
    assert (memory.fits, memory.sequences_per_pass) == (False, None)


def test_gpus_that_cannot_share_a_step_evenly_are_an_error():
    with pytest.raises(InputError, match=r"sequences_per_step: found 8, expected a multiple of the 3 GPUs"):
        plan_run(small_recipe(), 2048, GPUS["h100"], gpus=3, mfu=0.4)


def test_the_providers_country_comes_first():
    recipe = small_recipe(provider={"country": "PRT"})
    assert next(iter(plan_run(recipe, 2048, GPUS["a100"], gpus=2, mfu=0.4).co2eq_grams_per_kwh)) == "PRT"


def test_a_country_that_is_not_known_is_an_error():
    with pytest.raises(InputError, match=r"provider\.country: found 'XXX'"):
        plan_run(small_recipe(provider={"country": "XXX"}), 2048, GPUS["l40s"], gpus=1, mfu=0.4)


def test_this_machine_is_planned_by_its_own_products_and_memory():
    plan = plan_run(small_recipe(), 2048, hardware("cpu"), gpus=1, mfu=0.4)
    assert plan.memory["alone"].fits
    assert plan.kilowatt_hours is None
    assert "octavo measures it as it trains" in in_words(plan)


@pytest.mark.parametrize("gpu", ["h100", "h200", "a100", "l40s"])
def test_the_command_answers_in_words_and_as_json(gpu):
    command = ["plan", str(ROOT / "recipes/pleias-350m.yaml"), "--gpus", "64", "--gpu", gpu]
    words, answer = (CliRunner().invoke(app, [*command, *more]) for more in ([], ["--json"]))
    assert words.exit_code == answer.exit_code == 0
    figures = json.loads(answer.stdout)
    assert f"{figures['parameters']:,}" in words.stdout
    assert figures["assumed"]["pue"] == 1.2


def test_several_processors_are_no_gpus():
    command = [OCTAVO, "plan", ROOT / "recipes/pleias-350m.yaml", "--gpus", "64"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "octavo: --gpus 64: found --gpu cpu, expected a GPU\n"


def test_folders_of_token_files_are_counted_and_need_no_curation(tmp_path):
    """Of a folder that is not on this machine it is said that its size is not known."""
    write_tokens(tmp_path / "a")
    tokens, away = len(open_shards(tmp_path / "a")[0].tokens), "elsewhere/tokens"
    data = [{"weights": {str(tmp_path / "a"): 1, away: 3}}, {"first_step": 21, "weights": {str(tmp_path / "a"): 1}}]
    plan = plan_run(recipe(30, data=data), 64, GPUS["h100"], gpus=1, mfu=0.4)
    sequences = (tokens - 1) // LENGTH
    assert plan.folders[str(tmp_path / "a")] == Folder(tokens, sequences, 40 + 80)
    assert plan.figures()["folders"][str(tmp_path / "a")]["epochs"] == pytest.approx(120 / sequences)
    assert plan.folders[away] == Folder(None, None, 120)
    assert (plan.token_file_bytes, plan.curation_core_hours) == (0, 0)
    words = in_words(plan)
    assert "token files" not in words
    assert "curation" not in words
    assert f"{tmp_path}/a: {tokens:,} tokens, 120 sequences seen, {120 / sequences:.3g} epochs" in words
    assert f"{away}: size not known, 120 sequences seen" in words


def test_documents_are_planned_for_their_part_of_the_sequences(tmp_path):
    write_tokens(tmp_path / "a")
    plan = plan_run(recipe(30, data=[{"weights": {"corpus": 1, str(tmp_path / "a"): 2}}]), 64, GPUS["h100"], 1, 0.4)
    assert plan.folders["corpus"] == Folder(None, None, 80)
    assert plan.token_file_bytes == 2 * 80 * LENGTH
    by_size = [{"weights": {"corpus": None, str(tmp_path / "a"): None}}]
    plan = plan_run(recipe(30, data=by_size), 64, GPUS["h100"], 1, 0.4)
    assert plan.folders["corpus"] == Folder(None, None, None)
    assert plan.token_file_bytes == 2 * plan.tokens
    assert "corpus: size not known, how much is seen depends on sizes" in in_words(plan)


def test_a_tune_by_pairs_has_neither_token_files_nor_curation(tmp_path):
    plan = plan_run(task_recipe(tmp_path, "ocr"), 512, GPUS["h100"], gpus=1, mfu=0.4)
    assert plan.own_tokens == plan.token_file_bytes == plan.curation_core_hours == 0
    assert plan.tokens > 0
    assert "curation" not in in_words(plan)
