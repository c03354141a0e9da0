import json
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from octavo.corpus.schema import content_hash
from octavo.errors import InputError
from octavo.evaluation import side_by_side
from octavo.evaluation.side_by_side import Wanted, evaluate_models
from octavo.modeling.hf import save_hf
from octavo.progress import Progress
from tests.evaluation.writers import BEGIN, END, untrained


def save(folder, seed):
    speaker = untrained(64, seed)
    save_hf(speaker.model, folder, BEGIN, END, torch.float32)
    speaker.tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture
def wanted(tmp_path):
    """Two models of one name, and text in a language that octavo knows and one that it does not."""
    rows = {
        "identifier": [f"{lang}{n}" for lang in ("la", "pl") for n in range(6)],
        "lang": ["la"] * 6 + ["pl"] * 6,
        "text": [f"{word} {n} " * (9 + n) for word in ("arma", "Litwo") for n in range(6)],
    }
    pq.write_table(pa.table(rows), tmp_path / "text.parquet")
    models = [save(tmp_path / "one" / "model", 1), save(tmp_path / "two" / "model", 2)]
    return Wanted(models, tmp_path / "text.parquet", tmp_path / "out", False, True, None)


def test_models_stand_side_by_side_on_the_same_text(wanted):
    answer = evaluate_models(wanted, Progress())
    assert list(answer["models"]) == ["model", "model-2"]
    assert answer == json.loads((wanted.out / "side_by_side.json").read_bytes())
    found = {name: json.loads((wanted.out / name / "bits_per_byte.json").read_bytes()) for name in answer["models"]}
    assert found["model"]["text"] == found["model-2"]["text"]
    for lang in ("la", "pl"):
        one, two = (found[name]["languages"][lang]["bits_per_byte"]["model"] for name in found)
        assert answer["differences"]["model-2"][lang]["value"] == pytest.approx(two - one, abs=2e-4)


def test_nothing_is_written_into_the_directory_of_a_model(wanted, monkeypatch):
    before = sorted(wanted.models[0].rglob("*"))
    for out in (wanted.models[0], wanted.models[0] / "evaluation", wanted.models[0].parent):
        with pytest.raises(InputError, match="directory"):
            evaluate_models(replace(wanted, out=out), Progress())
    monkeypatch.chdir(wanted.models[0])
    with pytest.raises(InputError, match="directory"):
        evaluate_models(replace(wanted, out=None), Progress())
    assert sorted(wanted.models[0].rglob("*")) == before


def test_what_is_measured_is_not_measured_again_but_by_other_settings_it_is(wanted, monkeypatch):
    first = evaluate_models(wanted, Progress())
    opened = []
    open_model = side_by_side.open_model
    monkeypatch.setattr(side_by_side, "open_model", lambda model: opened.append(model) or open_model(model))
    assert evaluate_models(wanted, Progress()) == first
    assert opened == []
    evaluate_models(replace(wanted, settings=["evaluation.max_bytes=100"]), Progress())
    assert opened == list(wanted.models)


def test_what_a_model_writes_is_measured_in_the_languages_that_octavo_knows(wanted, monkeypatch):
    quick = [
        "evaluation.continuations={max_tokens: 2, samples: 0}",
        "evaluation.writing={prompts: 1, max_tokens: 2}",
    ]
    one = replace(wanted, models=wanted.models[:1], bits_only=False, settings=quick)
    found = evaluate_models(one, Progress())["models"]["model"]
    assert found["harm"]["prompts"]["languages"] == ["la"]
    files = {file.name for file in (wanted.out / "model").iterdir()}
    assert {"bits_per_byte.json", "toxicity.json", "adherence.json", "repetition.json"} <= files
    report = json.loads((wanted.out / "report.json").read_bytes())
    assert [model["name"] for model in report["models"]] == ["model"]
    assert report["command"].startswith("octavo evaluate ")


def test_nothing_is_written_into_a_model(wanted, monkeypatch, tmp_path):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    before = sorted((tmp_path / "one").rglob("*"))
    evaluate_models(replace(wanted, models=wanted.models[:1], out=None), Progress())
    assert sorted((tmp_path / "one").rglob("*")) == before
    assert (tmp_path / "here/evaluation-model/side_by_side.json").exists()


def trained_on(run, rows):
    """A run whose release the first model is, by its training documents and what they were before they were mended."""
    (run / "corpus" / "kept").mkdir(parents=True)
    (run / "recipe.yaml").write_text("name: run\n")
    kept = [
        {"identifier": name, "split": split, "content_hash": content_hash(text)} for name, split, text, _ in rows
    ]
    ledger = [{"identifier": name, "content_hash_in": content_hash(came)} for name, _, _, came in rows]
    pq.write_table(pa.Table.from_pylist(kept), run / "corpus/kept/0.parquet")
    pq.write_table(pa.Table.from_pylist(ledger), run / "corpus/ledger.parquet")
    return save(run / "release", 1)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("x", "train", "arma 3 " * 12, "old"), r"la3 \(the same text, BLAKE3 [0-9a-f]{64}, as x\)"),
        (("x", "train", "mended", "arma 3 " * 12), r"la3 \(the same text, BLAKE3 [0-9a-f]{64}, as x\)"),
        (("la2#7", "train", "another part", "old"), r"la2 \(the same work, as la2#7\)"),
    ],
)
def test_text_that_was_trained_on_is_refused_unless_it_is_allowed(wanted, tmp_path, row, message):
    model = trained_on(tmp_path / "run", [("other", "train", "a", "b"), row])
    both = replace(wanted, models=[wanted.models[1], model])
    with pytest.raises(InputError, match=f"trained on 1 of the 12 documents: {message}"):
        evaluate_models(both, Progress())
    assert not wanted.out.exists()
    assert evaluate_models(replace(both, allow_overlap=True), Progress())["models"].keys() == {"model", "run"}


def test_what_a_run_held_out_was_not_trained_on(wanted, tmp_path):
    model = trained_on(
        tmp_path / "run", [("la3", "held-out", "arma 3 " * 12, "arma 3 " * 12), ("z", "train", "a", "b")]
    )
    assert evaluate_models(replace(wanted, models=[model]), Progress())["models"].keys() == {"run"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"settings": ["evaluation.max_byte=5"]}, "unknown field; the nearest is max_bytes"),
        ({"settings": ["evaluation.max_bytes=0"]}, "found 0, expected greater than 0"),
    ],
)
def test_wrong_settings_are_refused(wanted, change, message):
    with pytest.raises(InputError, match=message):
        evaluate_models(replace(wanted, **change), Progress())
    assert not wanted.out.exists()
