"""`octavo recall` where there is no corpus: of a tune's pairs, and of token files that are given."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from typer.testing import CliRunner

from octavo.cli.app import app
from octavo.errors import InputError
from octavo.recipe.file import load
from octavo.road import run_road
from octavo.tracing.finding import Wanted
from octavo.tracing.recall.recalling import recall
from octavo.tracing.recall.without import recipe_without
from tests.conftest import quiet_reporter, small_recipe
from tests.tracing.recalling import answer, scanned, steps_of
from tests.tuning.small_tunes import task_recipe


@pytest.fixture(scope="module")
def tune(tmp_path_factory) -> Path:
    """A finished training on pairs for translation, both ways and on word-by-word translations."""
    home = tmp_path_factory.mktemp("tune")
    run = home / "runs" / "translation"
    run_road(task_recipe(home, "translation"), run, "training", quiet_reporter())
    return run


def test_of_a_tune_the_steps_of_each_pair_are_those_of_a_scan(tune):
    from octavo.tuning.teaching import open_examples

    recipe = load(tune / "recipe.yaml")
    data, size = open_examples(recipe, tune), recipe.training.sequences_per_step
    seen = defaultdict(set)
    for step in range(recipe.steps):
        for pair in data.documents(data.at(np.arange(step * size, (step + 1) * size))):
            seen[pair].add(step + 1)
    rows = [json.loads(line) for line in (tune / "pairs/training.jsonl").read_text().splitlines()]
    document = rows[0]["doc"]
    found = answer(tune, document)
    own = {row["id"] for row in rows if row["doc"] == document}
    given = {one["identifier"]: one for one in found["documents"] if one["file"] == "pairs/training.jsonl"}
    assert set(given) == own
    assert any(seen[name] for name in own)
    for name, one in given.items():
        assert set(steps_of(one["steps"])) == seen[name]
        assert one["tokens"]["predicted"] < one["tokens"]["read"] or not one["steps"]


def test_of_a_tune_a_pair_is_found_with_its_other_direction(tune):
    rows = [json.loads(line) for line in (tune / "pairs/training.jsonl").read_text().splitlines()]
    pair = next(row["id"] for row in rows if "-de-" not in row["id"] and "-en-" not in row["id"])
    found = {one["identifier"] for one in answer(tune, pair)["documents"]}
    assert {pair, f"{pair}-en-de"} <= found or {pair, f"{pair}-de-en"} <= found


def test_of_a_tune_held_out_and_tested_pairs_are_told_apart(tune):
    for file, state in (("held-out", "held out"), ("test", "for testing")):
        document = json.loads((tune / "pairs" / f"{file}.jsonl").read_text().splitlines()[0])["doc"]
        found = answer(tune, document)
        assert found["found"][state] == len(found["documents"])
        assert found["steps"] == []


@pytest.mark.parametrize("wanted", [Wanted(creator="Mary Shelley"), Wanted(licence="MIT"), Wanted(text="The sea")])
def test_of_a_tune_only_identifiers_can_be_asked_for(tune, wanted):
    with pytest.raises(InputError, match="names of their documents; expected --identifier"):
        recall(tune, wanted)


def test_of_a_tune_an_unknown_pair_is_refused_and_no_recipe_is_written(tune):
    pair = json.loads((tune / "pairs/training.jsonl").read_text().splitlines()[0])["id"]
    with pytest.raises(InputError, match="no document has the identifier 'p-none'"):
        answer(tune, "p-none")
    with pytest.raises(InputError, match=r"take them out of the files of tuning\.pairs"):
        recipe_without(recall(tune, Wanted((pair,))))


@pytest.fixture(scope="module")
def on_given(small_run, tmp_path_factory) -> Path:
    """A training on the small run's token files, given as a folder, without documents of its own."""
    home = tmp_path_factory.mktemp("given")
    shutil.copytree(small_run / "tokens", home / "tokens")
    recipe = small_recipe(
        name="given",
        corpus={"sources": []},
        tokenizer={"path": str(small_run / "tokenizer/tokenizer.json")},
        training={"data": [{"weights": {str(home / "tokens"): 1}}], "tokens": 40_000},
    )
    run_road(recipe, home / "runs" / "given", "training", quiet_reporter())
    return home / "runs" / "given"


def test_of_given_token_files_documents_are_found_by_their_own_index(on_given):
    seen = scanned(on_given)
    found = answer(on_given, *seen)
    assert {one["identifier"]: set(steps_of(one["steps"])) for one in found["documents"]} == seen
    assert all(one["in_given_files"] for one in found["documents"])
    assert not found["tokenizer"]["trained_by_run"]
    with pytest.raises(InputError, match=r"is in token files that training\.data names"):
        recipe_without(recall(on_given, Wanted((min(seen),))))
    with pytest.raises(InputError, match="no document has the identifier 'none'"):
        answer(on_given, "none")
    with pytest.raises(
        InputError, match=r"--licence: .*indices have no more than identifiers; expected --identifier"
    ):
        answer(on_given, licence="CC0-1.0")


def test_given_token_files_that_do_not_tell_their_documents_are_refused(on_given, tmp_path):
    run = Path(shutil.copytree(on_given.parent.parent, tmp_path / "home")) / "runs" / "given"
    text = (run / "recipe.yaml").read_text().replace(str(on_given.parent.parent), str(tmp_path / "home"))
    (run / "recipe.yaml").write_text(text)
    for index in (tmp_path / "home" / "tokens").glob("*.documents.arrow"):
        index.unlink()
    shutil.rmtree(run / "checkpoints")
    with pytest.raises(InputError, match="found no index of its documents"):
        answer(run, "a")


def test_of_given_token_files_beside_an_own_corpus_what_their_index_lacks_is_not_denied(small_run, tmp_path):
    """They may hold works of a creator whom the own corpus does not know."""
    run, given = tmp_path / "run", tmp_path / "given"
    shutil.copytree(small_run, run, ignore=shutil.ignore_patterns("checkpoints", "release", "evaluation"))
    shutil.copytree(small_run / "tokens", given)
    file = run / "recipe.yaml"
    written = yaml.safe_load(file.read_text())
    written["training"]["data"] = [{"weights": {"corpus": 1, str(given): 1}}]
    written["tokenizer"]["path"] = str(small_run / "tokenizer/tokenizer.json")
    file.write_text(yaml.safe_dump(written))
    for asked in ({"creator": "Somebody Else"}, {"licence": "MIT"}, {"text": "words that are in no document"}):
        assert answer(run, **asked)["untold_folders"] == [str(given)]
        option, value = next(iter(asked.items()))
        said = CliRunner().invoke(app, ["recall", str(run), f"--{option}", value])
        assert said.exit_code == 0
        assert "No document of" in said.output
        assert f"{given} does not tell this of its documents" in said.output
    known = pq.read_table(next((small_run / "corpus/kept").glob("*.parquet")))["identifier"][0].as_py()
    assert answer(run, known)["untold_folders"] == []
    said = CliRunner().invoke(app, ["recall", str(run), "--licence", "CC0-1.0"])
    assert "it has not seen them" not in said.output
    assert "look at what may have, above" in said.output
