import json

import pytest

from octavo.evaluation.openings import read_documents
from octavo.evaluation.writing import measure_writing
from octavo.progress import Progress
from tests.conftest import small_recipe
from tests.evaluation.writers import untrained


def test_a_run_has_what_its_model_wrote(small_run):
    home = small_run / "evaluation"
    for name in ("adherence", "orthography", "repetition"):
        found = json.loads((home / f"{name}.json").read_bytes())
        assert found["command"] == "octavo evaluate RUN"
        assert found["settings"]["seed"] == small_recipe().seed
        if name != "orthography":
            assert found["continuations"]
    assert (home / "repetition.svg").read_text().startswith("<svg")


def test_prompts_are_of_held_out_works_alone(small_run):
    held_out = {d.id for d in read_documents(small_run / "corpus" / "kept", small_recipe().corpus.languages)}
    said = json.loads((small_run / "evaluation" / "adherence.json").read_bytes())["continuations"]
    assert {s["id"] for s in said if s["prompts"] != "own"} <= held_out
    assert any(s["prompts"] != "own" for s in said)


def test_the_stage_keeps_the_figures_in_short(small_run):
    figures = json.loads((small_run / "evaluation" / "stage.json").read_bytes())["figures"]["writing"]
    assert {row["lang"] for row in figures["adherence"]} == {"all"}
    assert len(json.dumps(figures)) < 40_000


@pytest.mark.parametrize("context", [8, 40])
def test_a_model_of_a_small_context_has_what_fits_into_it(tmp_path, context):
    recipe = small_recipe(corpus={"languages": ["en"]})
    found = measure_writing(recipe, untrained(context), [], tmp_path, Progress())
    assert all(row["kept"] == row["left"] == 0 for row in found["adherence"])
    assert found["repetition"] == []  # none of our own is so short
    assert not (tmp_path / "repetition.svg").exists()


def test_without_documents_prompts_of_our_own_are_left(tmp_path):
    recipe = small_recipe(corpus={"languages": ["en", "la"]})
    found = measure_writing(recipe, untrained(96), [], tmp_path, Progress())
    assert {row["prompts"] for row in found["adherence"]} == {"own"}
    assert found["orthography"] == []
    assert found["repetition"][0]["temperature"] == 0.0
