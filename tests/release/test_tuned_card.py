"""The release of a tuned model: a card whose figures were measured, and what the commands must know."""

from __future__ import annotations

import json
import re
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
import yaml
from huggingface_hub import ModelCard
from transformers import AutoTokenizer

from octavo.energy import add_up
from octavo.evaluation.model_files import open_model
from octavo.evaluation.scoring import continuation_bits
from octavo.lineage import StageRecord, write_record
from octavo.progress import Progress
from octavo.recipe.file import dump
from octavo.recipe.schema import Recipe
from octavo.release.bundle import release
from octavo.release.model_card import model_card
from octavo.release.quantised_figures import read_quantised
from octavo.release.tuned_card import tuned_card
from octavo.stages import STAGES, figures_of, stages_of, trained_model
from octavo.tokenization.encode import load_tokenizer
from octavo.tuning.answers import format as answers
from octavo.tuning.ocr import format as ocr_format
from octavo.tuning.preparing import ANSWERS
from octavo.tuning.report.figures import ScoreRow
from octavo.tuning.report.samples import ordered
from octavo.tuning.report.writing import write_report
from octavo.tuning.translation import format as translation_format
from octavo.tuning.vocabulary import task_vocabulary
from tests.conftest import small_recipe
from tests.tuning.tunes import evaluation, pairs, training, tune_recipe, write_tune

TASKS = ("ocr", "translation", "rag")


def stages(task, **changes):
    energy = {"energy": add_up([])}
    found = {"pairs": pairs(task), "training": training(), "evaluation": {}}
    return {name: figures | changes.get(name, {}) | energy for name, figures in found.items()}


def card_of(small_run, task, better=True, **changes):
    config = trained_model(small_recipe(), small_run).config
    return tuned_card(tune_recipe(task), "alder", config, stages(task, **changes), *measured(task, better))


def measured(task, better=True):
    """Scores and samples, as the report has them."""
    found = evaluation(task, better)
    return [ScoreRow(**row) for row in found["scores"]], ordered(task, found["samples"])


@pytest.fixture(scope="module")
def released(small_run, tmp_path_factory):
    """A release as the stage writes it, of the small run's weights."""
    run = write_tune(tmp_path_factory.mktemp("tunes") / "ocr")
    (run / "tokenizer").mkdir()
    shutil.copy(small_run / "tokenizer/tokenizer.json", run / "tokenizer")
    answers = [
        {"id": f"p{n}", "group": lang, "bytes": 40, "prompt": [300 + n, 7], "answer": [400, 500 + n, 2]}
        for n, lang in enumerate(("fr", "de", "de"))
    ]
    pq.write_table(pa.Table.from_pylist(answers), run / "pairs" / ANSWERS)
    recipe, figures = tune_recipe(release={"formats": ["safetensors", "gguf-q8_0"]}), evaluation("ocr")
    (run / "evaluation/tuning.json").write_text(json.dumps(figures))
    write_report(recipe, run, run / "evaluation", figures)
    (run / "recipe.yaml").write_text(dump(recipe))
    homes = {stage.name: run / stage.home for stage in stages_of(recipe)[:-1]}
    for name, figures in stages("ocr").items():
        kept = {key: value for key, value in figures.items() if key != "energy"}
        write_record(homes[name], StageRecord(stage=name, done=True, recipe={}, inputs={}, figures=kept, energy={}))
    home = run / "release"
    found = release(recipe, run, trained_model(small_recipe(), small_run), homes, home, Progress())
    assert (found["formats"], found["samples"]) == (["safetensors", "gguf-q8_0"], {})
    return home


def test_the_release_says_what_the_commands_must_know(released):
    found = json.loads((released / "tuning.json").read_text())
    assert found == {"task": "ocr", "base": "alder", "settings": evaluation("ocr")["settings"]}


def test_what_the_quantised_file_loses_is_measured_on_held_out_answers(released, small_run):
    found = read_quantised(released)
    assert {lang: (text.passages, text.bytes) for lang, text in found.held_out.items()} == {
        "de": (2, 80),
        "fr": (1, 40),
    }
    speaker = open_model(small_run / "release")
    bits = continuation_bits(speaker.model, [[speaker.begin, 300, 7]], [[400, 500, 2]])[0]
    assert found.bits_per_byte["fr"] == pytest.approx(bits / 40, abs=1e-5)
    assert (found.repetition_penalty, found.texts) == (1.0, 3)
    told = (released / "README.md").read_text().partition("\n## GGUF files\n")[2].partition("\n## ")[0]
    assert "3 held-out answers (120 bytes)" in told
    assert f"| {found.files[0].same_tokens:,} of {found.tokens:,} |" in told
    assert "| German |" in told


def test_a_tuned_model_writes_without_a_repetition_penalty(released):
    assert json.loads((released / "generation_config.json").read_text())["repetition_penalty"] == 1.0


def test_the_report_lies_beside_the_model_where_the_card_points(released):
    links = set(re.findall(r"\]\((evaluation/[^)]*)\)", (released / "README.md").read_text()))
    assert links == {"evaluation/report.html", "evaluation/report.json"}
    assert all((released / link).read_bytes() == (released.parent / link).read_bytes() for link in links)


def test_the_metadata_is_what_the_hub_validates_and_names_the_base(released):
    card = ModelCard.load(released / "README.md")
    assert (card.data.base_model, card.data.license, card.data.language) == ("alder", "apache-2.0", ["de", "fr"])
    assert card.data.pipeline_tag == "text-generation"
    assert "ocr-correction" in card.data.tags


def test_the_results_of_the_card_are_those_that_were_measured(small_run, tmp_path):
    file = tmp_path / "README.md"
    file.write_text(card_of(small_run, "ocr"))
    results = ModelCard.load(file).data.eval_results
    assert {(one.metric_type, one.dataset_config): one.metric_value for one in results} == {
        ("_".join(row["metric"].split()).replace("-", "_"), row["group"] if row["by"] == "lang" else "all"): row[
            "value"
        ]
        for row in evaluation("ocr")["scores"]
        if row["system"] == "model"
        and (row["by"] == "all" or (row["by"], row["metric"]) == ("lang", "character error rate"))
    }


@pytest.mark.parametrize("task", TASKS)
def test_the_card_says_what_the_model_is_for_and_what_not(small_run, task):
    uses = card_of(small_run, task).partition("## Uses\n")[2].partition("\n## ")[0]
    assert {"ocr": "correct the errors of OCR", "translation": "translate documents", "rag": "answer questions"}[
        task
    ] in uses
    assert "- Anything but its one task: it is no chat model." in uses


def test_a_pair_of_languages_counts_as_two(small_run):
    metadata = yaml.safe_load(card_of(small_run, "translation").split("---")[1])
    assert metadata["language"] == ["de", "en", "fr", "la"]
    assert metadata["pipeline_tag"] == "translation"


@pytest.mark.parametrize("task", TASKS)
def test_the_prompt_of_the_card_is_the_one_that_was_learnt(released, small_run, task):
    file = small_run / "tokenizer/tokenizer.json"
    vocabulary = task_vocabulary(load_tokenizer(file), str(file))
    [code] = re.findall(r"```python\n(.*?)```", card_of(small_run, task), re.DOTALL)
    names = {"tokenizer": AutoTokenizer.from_pretrained(released), "torch": torch}
    prompt = code.partition("written =")[0].split("\n\n")[-1]
    exec(prompt, names)
    shown = names["inputs"]["input_ids"][0].tolist()
    match task:
        case "ocr":
            [expected] = ocr_format.prompts(vocabulary, [names["text"]])
        case "translation":
            [expected] = translation_format.prompts(vocabulary, [names["text"]], "en")
        case _:
            expected = answers.prompt(vocabulary, names["question"], names["sources"])
    assert shown == [vocabulary.begin, *expected]


def test_the_example_of_the_card_runs(released, capsys):
    [code] = re.findall(r"```python\n(.*?)```", (released / "README.md").read_text(), re.DOTALL)
    exec(code.replace('"tuned-ocr"', repr(str(released))).replace("max_new_tokens=256", "max_new_tokens=8"), {})
    assert capsys.readouterr().out


@pytest.mark.parametrize("task", TASKS)
def test_the_figures_stand_beside_those_of_the_baselines(small_run, task):
    card = card_of(small_run, task)
    metric, line = {
        "ocr": (
            "character error rate",
            "3.10% (2.94-3.26) | 5.20% (4.94-5.46) | 5.20% (4.94-5.46) | 3.41% (3.24-3.58)",
        ),
        "translation": ("chrF", "31.4 (29.8-33.0) | 14.2 (13.5-14.9) | 14.2 (13.5-14.9)"),
        "rag": ("F1", "41.2% (39.1-43.3) | 28.7% (27.3-30.1) | 28.7% (27.3-30.1)"),
    }[task]
    assert f"| {metric} | {line} |" in card
    assert "{{" not in card
    assert "octavo " + {"ocr": "correct", "translation": "translate", "rag": "ask"}[task] in card


def test_the_tables_are_whole(small_run):
    for task in TASKS:
        for table in re.findall(r"(?:^\|.*\n)+", card_of(small_run, task), re.MULTILINE):
            lines = table.splitlines()
            assert len(lines) > 2, table
            assert set(lines[1]) <= set("|-:"), table
            assert len({line.count("|") for line in lines}) == 1, table


def test_samples_are_good_ones_and_bad_ones(small_run):
    card = card_of(small_run, "ocr")
    best, worst = card.partition("### Where it did best")[2].split("### Where it did worst")
    assert "> Die Zeitung erſcheint täglich, Nummer 0." in best
    assert "> *Nothing.*" in worst


def test_a_model_that_is_of_no_use_is_called_so_in_its_card(small_run):
    assert "**The model is no better than doing nothing or a dictionary" not in card_of(small_run, "ocr")
    assert "**The model is no better than doing nothing" in card_of(small_run, "ocr", better=False)


def test_data_and_training_are_those_of_the_stages(small_run):
    card = card_of(small_run, "ocr")
    assert "| German | 2,450 | 270 | 612 |" in card
    assert "| CC-BY-4.0 | 6,000 |" in card
    assert "Left out: empty 3, sides swapped 11." in card
    assert "the weights of step 40 were taken" in card
    assert "up to 0.0003, the best of 2 tried" in card
    plain = card_of(small_run, "ocr", pairs={"licences": {}, "left_out": {}, "made": 0})
    assert "state no licences" in plain
    assert "Left out" not in plain
    assert "Besides" not in plain


def test_energy_is_that_of_the_stages(small_run):
    assert "## Energy" not in card_of(small_run, "ocr")
    known = figures_of(small_run, next(stage for stage in STAGES if stage.name == "training"))["energy"]
    figures = stages("ocr")
    figures["training"]["energy"] = known
    config = trained_model(small_recipe(), small_run).config
    recipe = tune_recipe(provider={"country": "FRA"})
    card = tuned_card(recipe, "alder", config, figures, *measured("ocr"))
    assert ("## Energy" in card) == bool(known["parts"])


def test_continued_pretraining_has_the_usual_card_with_its_base(small_run):
    tuning = {"base": str(small_run), "task": "continued"}
    recipe: Recipe = small_recipe(tuning=tuning)
    left_out = {"pairs", "release", "trace"}
    figures = {stage.name: figures_of(small_run, stage) for stage in STAGES if stage.name not in left_out}
    card = model_card(recipe, small_run.name, trained_model(small_recipe(), small_run).config, figures, {}, None)
    assert yaml.safe_load(card.split("---")[1])["base_model"] == small_run.name
    assert f"went on from that of {small_run.name}" in card
    assert yaml.safe_load(card.split("---")[1])["base_model_relation"] == "finetune"
    usual = model_card(small_recipe(), None, trained_model(small_recipe(), small_run).config, figures, {}, None)
    assert "base_model" not in usual
    assert "went on from" not in usual
