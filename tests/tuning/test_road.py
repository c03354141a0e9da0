"""A tune walks the road from pairs to release, and can be broken off, repeated and changed as any run."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from octavo.audit.audit import audit
from octavo.errors import InputError
from octavo.lineage import read_record
from octavo.progress import Progress
from octavo.recipe.file import validate
from octavo.recipe.schema import Recipe
from octavo.road import run_road, stage_states
from octavo.stages import trained_model
from octavo.training.metrics import Metrics
from octavo.tuning.base_model import with_base
from octavo.tuning.scores import MODEL
from octavo.tuning.teaching import held_out_answers
from tests.audit.forging import change_json, copy_run, cover_up
from tests.conftest import SMALL, quiet_reporter
from tests.distributed.processes import SERVER, same
from tests.tuning.small_tunes import CONTEXT, TASKS, rows, task_recipe, write_pairs

STAGES = ["pairs", "training", "evaluation", "release"]
DONE = [f"{name}: done already" for name in STAGES]
BASELINES = {
    "ocr": {"do nothing", "dictionary", "model without guard"},
    "translation": {"copy the source", "word by word"},
    "rag": {"best sentence", "first source"},
}


def walk(recipe: Recipe, run: Path, until: str = "release") -> list[str]:
    """What the road said."""
    said: list[str] = []
    run_road(recipe, run, until, quiet_reporter(said))
    return said


def weights(recipe: Recipe, run: Path) -> dict[str, torch.Tensor]:
    return dict(trained_model(recipe, run).named_parameters())


def with_pairs_of(run: Path, other: Path) -> Path:
    """A run that begins with what another made of its pairs."""
    for name in ("pairs", "tokenizer"):
        shutil.copytree(run / name, other / name)
    return other


@pytest.mark.parametrize("task", TASKS)
def test_a_handful_of_pairs_goes_all_the_way_to_a_release(task, tuned):
    run = tuned(task)
    assert [(state["stage"], state["state"]) for state in stage_states(run)] == [(name, "done") for name in STAGES]
    measured = json.loads((run / "evaluation/tuning.json").read_bytes())
    assert {row["system"] for row in measured["scores"]} == {MODEL, *BASELINES[task]}
    assert measured["samples"]
    released = json.loads((run / "release/tuning.json").read_bytes())
    assert released == {"task": task, "base": "base", "settings": measured["settings"]}
    assert (run / "evaluation/report.html").is_file()
    assert (run / "release/README.md").is_file()
    assert "superseded" not in {path.name for path in run.iterdir()}


@pytest.mark.parametrize("task", TASKS)
def test_the_release_has_the_weights_of_the_training_and_they_are_not_the_bases(task, tuned, tuning_home):
    run = tuned(task)
    released = load_file(run / "release/model.safetensors")
    trained = {
        name: value.bfloat16()
        for name, value in trained_model(task_recipe(tuning_home, task), run).state_dict().items()
    }
    begun = load_file(tuning_home / "base/model.safetensors")
    assert released.keys() == begun.keys()
    norm = trained["norm.weight"]
    assert torch.equal(released["model.norm.weight"], norm)
    assert not torch.equal(released["model.norm.weight"], begun["model.norm.weight"].bfloat16())
    losses = [line["loss"] for line in Metrics.read(run)]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("task", TASKS)
def test_a_second_call_does_nothing_and_says_so(task, tuned, tuning_home):
    assert walk(task_recipe(tuning_home, task), tuned(task)) == DONE


def failing(run: Path) -> list[str]:
    """The files that an audit's claims failed of."""
    return [claim.file for claim in audit(run, False, Progress()) if claim.outcome == "failed"]


@pytest.mark.parametrize("task", TASKS)
def test_every_claim_of_a_tune_holds(task, tuned):
    claims = audit(tuned(task), False, Progress())
    assert [claim for claim in claims if claim.outcome == "failed"] == []
    held = {claim.file for claim in claims if claim.outcome == "held"}
    assert {"evaluation/report.json", "lineage/pairs.json", "lineage/training.json"} <= held


def better(content: dict) -> None:
    content["scores"][0]["value"] = 0.99


def another_sample(content: dict) -> None:
    content["samples"][0]["texts"] = dict.fromkeys(content["samples"][0]["texts"], "Forged.")


def fewer_left_out(content: dict) -> None:
    content["pairs"]["left_out"] = {"too long": 1}


def cheaper(content: dict) -> None:
    content["training"]["tokens"] = 1


@pytest.mark.parametrize("forge", [better, another_sample, fewer_left_out, cheaper])
def test_a_report_of_a_tune_that_is_forged_is_found_out(forge, tuned, tmp_path):
    run = copy_run(tuned("ocr"), tmp_path / "run")
    change_json(run / "evaluation/report.json", forge)
    cover_up(run)
    assert "evaluation/report.json" in failing(run)


@pytest.mark.parametrize(
    ("stage", "field", "value"),
    [
        ("pairs", "made", 10**6),
        ("pairs", "pairs", {"training": {"pairs": 10**6}}),
        ("pairs", "licences", {"CC0-1.0": 10**6}),
        ("pairs", "left_out", {"too long": 10**6}),
        ("checkpoints", "epochs", 0.001),
        ("checkpoints", "learning_rate", 1.0),
    ],
)
def test_figures_of_a_tune_that_are_forged_are_found_out(stage, field, value, tuned, tmp_path):
    run = copy_run(tuned("ocr"), tmp_path / "run")
    forged = {field: value}
    change_json(run / stage / "stage.json", lambda record: record["figures"].update(forged))
    if stage == "pairs":
        change_json(run / "pairs/report.json", lambda report: report.update(forged))
    cover_up(run)
    record = {"pairs": "pairs", "checkpoints": "training"}[stage]
    assert f"lineage/{record}.json" in failing(run)


def test_another_share_of_made_pairs_redoes_all_and_keeps_what_was_there(tuned, tuning_home, tmp_path):
    run = shutil.copytree(tuned("rag"), tmp_path / "run")
    before = {name: (run / name).read_bytes() for name in ("pairs/given/sequences.npy", "metrics.jsonl")}
    recipe = task_recipe(tuning_home, "rag", made=0.9)
    said = walk(recipe, run, "training")
    assert [line for line in said if "again" in line] == [
        f"pairs: again, because tuning.made changed from 0.5 to 0.9; what was there is kept in {run}/superseded/pairs-1",
        f"training: again, because tuning.made changed from 0.5 to 0.9; what was there is kept in {run}/superseded/training-1",
    ]
    assert (run / "superseded/pairs-1/pairs/given/sequences.npy").read_bytes() == before[
        "pairs/given/sequences.npy"
    ]
    assert (run / "superseded/training-1/metrics.jsonl").read_bytes() == before["metrics.jsonl"]
    assert (run / "superseded/pairs-1/tokenizer/tokenizer.json").is_file()
    states = {state["stage"]: state["state"] for state in stage_states(run)}
    assert states == {"pairs": "done", "training": "done", "evaluation": "outdated", "release": "outdated"}
    assert walk(recipe, run, "training") == DONE[:2]


def test_other_pairs_in_the_file_redo_all(tuning_home, tmp_path):
    pairs = write_pairs(tmp_path / "rag.jsonl", rows("rag"))
    recipe = task_recipe(tuning_home, "rag", pairs=[str(pairs)], made=0)
    walk(recipe, tmp_path / "run", "pairs")
    write_pairs(pairs, rows("rag")[:-1])
    [state, *_] = stage_states(tmp_path / "run")
    assert state["state"] == "outdated"
    assert "rag.jsonl" in state["reason"]
    [said] = walk(recipe, tmp_path / "run", "pairs")
    assert said.startswith("pairs: again, because ")


def _walk_slowly(recipe: str, run: Path) -> None:
    from octavo.progress import Progress

    slow = Progress(stopping=lambda: bool(time.sleep(0.05)))
    torch.set_num_threads(1)
    run_road(Recipe.model_validate_json(recipe), run, "training", quiet_reporter(progress=slow))


def test_killed_in_training_it_ends_in_the_same_weights(tuned, tuning_home, tmp_path):
    recipe, whole = task_recipe(tuning_home, "translation"), tuned("translation")
    run = with_pairs_of(whole, tmp_path / "run")
    process = SERVER.Process(target=_walk_slowly, args=(recipe.model_dump_json(), run))
    process.start()
    metrics = run / "metrics.jsonl"
    while not (metrics.exists() and metrics.read_text().count("\n") >= 5):
        assert process.is_alive()
        time.sleep(0.01)
    process.kill()
    process.join()
    assert [state["state"] for state in stage_states(run)][:2] == ["done", "interrupted"]
    said = walk(recipe, run, "training")
    assert said[:2] == ["pairs: done already", "training: goes on where it stopped"]
    assert said[-1].startswith("training: goes on from step ")
    assert same(weights(recipe, run), weights(recipe, whole))
    assert [line["loss"] for line in Metrics.read(run)] == [line["loss"] for line in Metrics.read(whole)]


def test_it_stops_where_held_out_answers_become_no_likelier_and_takes_the_best_weights(
    tuned, tuning_home, tmp_path
):
    settings = {
        "tokens": 20 * 4 * CONTEXT,
        "evaluate_every_steps": 1,
        "patience": 2,
        "optimizer": {"learning_rate": 1.0},
        "schedule": {"warmup_steps": 20},  # soon it is too much
    }
    recipe = task_recipe(tuning_home, "translation", settings)
    run = with_pairs_of(tuned("translation"), tmp_path / "run")
    walk(recipe, run, "training")
    figures = read_record(run / "checkpoints").figures
    held_out = {line["step"]: line["held_out"] for line in Metrics.read(run)}
    means = {step: sum(bits.values()) / len(bits) for step, bits in held_out.items()}
    best = min(means, key=lambda step: (means[step], step))
    assert figures["chosen_step"] == best
    assert figures["steps"] == max(means) == best + 2 < recipe.steps
    found = held_out_answers(recipe, run, 1)(trained_model(recipe, run))
    assert found == pytest.approx(held_out[best], abs=2e-4)


def test_patience_without_held_out_pairs_is_told(tuning_home, tmp_path):
    recipe = task_recipe(tuning_home, "translation", {"evaluate_every_steps": 1, "patience": 2}, held_out=0, made=0)
    with pytest.raises(InputError, match=r"training.patience: found nothing held out"):
        walk(recipe, tmp_path / "run", "training")


def test_few_pairs_to_correct_are_measured_without_a_dictionary(tuning_home, tmp_path):
    """There are too few to learn confusions from; and with none held out, the model is never sure enough."""
    few = write_pairs(tmp_path / "few.jsonl", rows("ocr")[:16])
    recipe = task_recipe(tuning_home, "ocr", {"tokens": 2048}, pairs=[str(few)], documents=[], held_out=0)
    walk(recipe, tmp_path / "run", "evaluation")
    measured = json.loads((tmp_path / "run/evaluation/tuning.json").read_bytes())
    assert {row["system"] for row in measured["scores"]} == {MODEL, "model without guard", "do nothing"}
    assert all(one["answer"] == one["source"] for one in measured["samples"])


def test_pretraining_is_continued_on_new_documents_and_old_tokens(small_run, tmp_path):
    """From a run, whose shape, tokenizer and weights it has; its rate rises again from nothing."""
    data = {
        "name": "continued",
        "corpus": {"sources": [{"path": "builtin:starter", "documents": 60}]},
        "curation": SMALL["curation"],
        "tuning": {"base": str(small_run), "task": "continued"},
        "training": SMALL["training"]
        | {"tokens": 10_240, "log_every": 1, "schedule": {"warmup_steps": 4}}
        | {"data": [{"weights": {"corpus": 0.75, str(small_run / "tokens"): 0.25}}]},
    }
    recipe = with_base(validate(data, {}, "recipe.yaml"))
    walk(recipe, tmp_path, "training")
    assert [state["stage"] for state in stage_states(tmp_path)][:4] == [
        "corpus", "curation", "tokenization", "training",
    ]  # fmt: skip
    assert (tmp_path / "tokenizer/tokenizer.json").read_bytes() == (
        small_run / "tokenizer/tokenizer.json"
    ).read_bytes()
    figures = read_record(tmp_path / "checkpoints").figures
    assert figures["folders"]["corpus"]["drawn"] == 3 * figures["folders"][str(small_run / "tokens")]["drawn"] == 60
    lines = Metrics.read(tmp_path)
    assert [line["lr"] for line in lines[:4]] == pytest.approx([2.5e-3, 5e-3, 7.5e-3, 1e-2])
    drawn = Metrics.read(small_run)[0]["loss"]
    assert lines[0]["loss"] < drawn - 0.3, "it begins with what the base has learnt"
