import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from octavo.corpus.schema import content_hash
from octavo.curation.toxicity.scoring import SHIPPED
from octavo.errors import InputError
from octavo.evaluation.report import side_by_side
from octavo.evaluation.report.side_by_side import Wanted, evaluate_models
from octavo.modeling.hf import save_hf
from octavo.progress import Progress
from octavo.tokenization.shards import write_shard
from tests.evaluation.test_task_files import OCR, written
from tests.evaluation.writers import BEGIN, END, byte_tokenizer, untrained


def save(folder, seed, context=64):
    speaker = untrained(context, seed)
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
    for file in ("bits_per_byte.json", "adherence.json", "orthography.json", "repetition.json"):
        assert json.loads((wanted.out / "model" / file).read_bytes())["command"] == report["command"]


def test_another_seed_or_classifier_measures_again_what_hangs_on_it(wanted, tmp_path):
    quick = [
        "evaluation.continuations={max_tokens: 2, samples: 0}",
        "evaluation.writing={prompts: 1, max_tokens: 2}",
    ]
    one = replace(wanted, models=wanted.models[:1], bits_only=False)
    written, harm = one.out / "model" / "adherence.json", one.out / "model" / "toxicity.json"
    evaluate_models(replace(one, settings=[*quick, "seed=7"]), Progress())
    before = harm.read_bytes()
    evaluate_models(replace(one, settings=[*quick, "seed=77"]), Progress())
    assert json.loads(written.read_bytes())["settings"]["seed"] == 77
    assert harm.read_bytes() == before

    with safe_open(SHIPPED, "np") as shipped:
        save_file(load_file(SHIPPED), tmp_path / "other.safetensors", shipped.metadata() | {"note": "another file"})
    other = f"curation.toxicity.classifier={tmp_path / 'other.safetensors'}"
    evaluate_models(replace(one, settings=[*quick, "seed=77", other]), Progress())
    assert json.loads(harm.read_bytes())["classifier"] != json.loads(before)["classifier"]


def test_a_classifier_that_is_not_there_is_told_before_anything_is_measured(wanted, tmp_path):
    missing = f"curation.toxicity.classifier={tmp_path / 'none.safetensors'}"
    with pytest.raises(InputError, match=r"none\.safetensors"):
        evaluate_models(replace(wanted, bits_only=False, settings=[missing]), Progress())
    assert not wanted.out.exists()


def messages():
    """A progress that keeps what it is told."""
    told = []
    return told, Progress(message=told.append)


def test_a_report_of_an_earlier_evaluation_does_not_stay_beside_other_figures(wanted):
    wanted.out.mkdir()
    for name in ("report.html", "report.json"):
        (wanted.out / name).write_text("of earlier figures")
    told, progress = messages()
    evaluate_models(wanted, progress)
    assert not list(wanted.out.glob("report.*"))
    assert [line for line in told if "report.html" in line and "without --bits-only writes a report again" in line]


@pytest.mark.parametrize("damage", [lambda file: file.unlink(), lambda file: file.write_text("{}")])
def test_figures_that_are_gone_or_changed_are_measured_again(wanted, damage):
    answer = evaluate_models(wanted, Progress())
    file = wanted.out / "model" / "bits_per_byte.json"
    before = file.read_bytes()
    damage(file)
    assert evaluate_models(wanted, Progress()) == answer
    assert file.read_bytes() == before


def test_figures_of_another_text_do_not_stay_beside_those_of_this_one(wanted):
    one = replace(wanted, models=wanted.models[:1])
    evaluate_models(one, Progress())
    (wanted.out / "model" / "adherence.json").write_text("of the text before")
    told, progress = messages()
    evaluate_models(one, progress)
    assert (wanted.out / "model" / "adherence.json").exists()
    evaluate_models(replace(one, settings=["evaluation.max_bytes=100"]), progress)
    assert not (wanted.out / "model" / "adherence.json").exists()
    assert "adherence.json, which are not of this model, text and version" in "".join(told)


@pytest.fixture
def with_tasks(wanted, tmp_path):
    """One model, text in a language in which octavo makes no model write, and a task."""
    pq.write_table(pa.table({"lang": ["pl"], "text": ["Litwo"]}), tmp_path / "pl.parquet")
    (tmp_path / "tasks").mkdir()
    written(tmp_path / "tasks", "ocr", *(OCR | {"id": f"o{n}", "doc": f"d{n}"} for n in range(20)))
    model = save(tmp_path / "three" / "model", 3, 256)
    settings = [f"evaluation.tasks={{path: {tmp_path / 'tasks'}, shots: [0]}}"]
    return replace(wanted, models=[model], held_out=tmp_path / "pl.parquet", bits_only=False, settings=settings)


def test_tasks_are_measured_on_any_model(with_tasks, tmp_path):
    answer = evaluate_models(with_tasks, Progress())
    found = json.loads((with_tasks.out / "model" / "tasks.json").read_bytes())
    assert found["command"] == answer["command"]
    assert [row["task"] for row in found["tasks"]] == ["ocr"]
    assert found["tasks"][0]["n"] > 0
    assert answer["models"]["model"]["tasks"] == {"tasks": found["tasks"]}


def test_tasks_are_measured_again_where_their_items_changed_and_nothing_else_is(with_tasks, tmp_path, monkeypatch):
    evaluate_models(with_tasks, Progress())
    measured = []
    measure_one = side_by_side._measure_one
    monkeypatch.setattr(side_by_side, "_measure_one", lambda n, *rest: measured.append(n) or measure_one(n, *rest))
    evaluate_models(with_tasks, Progress())
    assert measured == []
    written(tmp_path / "tasks", "ocr", *(OCR | {"id": f"o{n}", "doc": f"e{n}"} for n in range(20)))
    evaluate_models(with_tasks, Progress())
    assert measured == ["tasks"]


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
    (run / "recipe.yaml").write_text("name: run\ncorpus: {sources: [{path: texts}]}\n")
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


def trained_on_tokens(run, text):
    """A run that was trained on a folder of token files alone, in which this text stands among others."""
    tokenizer = byte_tokenizer()
    folder = run / "given"
    for home in (folder, run / "tokenizer", run / "checkpoints"):
        home.mkdir(parents=True)
    tokenizer.save(str(run / "tokenizer" / "tokenizer.json"))
    documents = [[BEGIN, *tokenizer.encode(one).ids, END] for one in ("another text " * 9, f"head {text} tail")]
    arrays = [np.array(tokens, np.uint32) for tokens in documents]
    write_shard(folder / "a.ds", iter([arrays]), np.dtype(np.uint16), "tokenizer.json")
    stage = {"weights": {str(folder): 1.0}}
    recipe = {"name": "run", "tokenizer": {"path": "tokenizer.json"}, "training": {"data": [stage]}}
    (run / "recipe.yaml").write_text(json.dumps(recipe))
    return save(run / "release", 1), folder


def test_text_that_stands_in_given_token_files_is_refused(wanted, tmp_path):
    model, folder = trained_on_tokens(tmp_path / "run", "arma 3 " * 12)
    one = replace(wanted, models=[model])
    message = rf"on 1 of the 12 documents: la3 \(the same words, in the token files of {folder}\)"
    with pytest.raises(InputError, match=message):
        evaluate_models(one, Progress())
    assert not wanted.out.exists()


def test_text_that_stands_in_no_given_token_files_is_measured(wanted, tmp_path):
    model, _ = trained_on_tokens(tmp_path / "run", "arma 3 " * 8)
    told, progress = messages()
    evaluate_models(replace(wanted, models=[model]), progress)
    assert not [line for line in told if "token files" in line]


def test_given_token_files_that_are_gone_are_told_of(wanted, tmp_path):
    model, folder = trained_on_tokens(tmp_path / "run", "")
    folder.rename(tmp_path / "elsewhere")
    told, progress = messages()
    evaluate_models(replace(wanted, models=[model]), progress)
    assert any(f"was trained on the token files in {folder} too, in which held-out text cannot" in t for t in told)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"settings": ["evaluation.memorization.prompts=5"]},
            r'evaluation.memorization: found {"prompts": 5}, expected no such setting with --held-out',
        ),
        ({"settings": ["evaluation.compare=[runs/x]"]}, r"evaluation.compare: found \[\"runs/x\"\], expected no"),
        ({"settings": ["evaluation.writing.prompts=5"]}, "expected no such setting with --bits-only"),
        ({"settings": ["evaluation.tasks.path=nowhere"], "bits_only": False}, "nowhere"),
        ({"settings": ["evaluation.max_byte=5"]}, "unknown field; the nearest is max_bytes"),
        ({"settings": ["evaluation.max_bytes=0"]}, "found 0, expected greater than 0"),
    ],
)
def test_wrong_settings_are_refused(wanted, change, message):
    with pytest.raises(InputError, match=message):
        evaluate_models(replace(wanted, **change), Progress())
    assert not wanted.out.exists()
