"""The road: what is skipped, what goes on, what is redone and why, and what is refused."""

import errno
import json
import os
import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch

from octavo import stages
from octavo.energy import add_up, in_watt_hours
from octavo.errors import InputError
from octavo.lineage import STAGE_FILE, StageRecord, read_record, why_changed, write_atomically, write_record
from octavo.progress import Progress, StoppedError
from octavo.recipe.file import load
from octavo.road import finish_road, run_road, stage_states
from octavo.stages import trained_model
from octavo.training.metrics import Metrics
from tests.conftest import quiet_reporter, small_recipe

STAGES = tuple(stage for stage in stages.STAGES if stage.name != "pairs")
STAGE_NAMES = tuple(stage.name for stage in STAGES)


@pytest.fixture
def run(small_run, tmp_path):
    """A copy of the finished small run, to be changed at will; times of files are kept."""
    return Path(shutil.copytree(small_run, tmp_path / "small", copy_function=shutil.copy2))


def walk(run, until="trace", **changes):
    """The first that each stage says."""
    messages: list[str] = []
    run_road(small_recipe(**changes), run, until, quiet_reporter(messages))
    return {m.split(":")[0]: m for m in reversed(messages) if m.split(":")[0] in STAGE_NAMES}


def made_again(said):
    """The stages that were not done already, by what each said first."""
    return [name for name in STAGE_NAMES if said[name] != f"{name}: done already"]


def test_a_finished_run_is_left_alone(run):
    before = {
        p: p.stat().st_mtime_ns for p in run.rglob("*") if p.is_file() and p.name not in ("recipe.yaml", ".lock")
    }
    assert walk(run) == {name: f"{name}: done already" for name in STAGE_NAMES}
    assert {p: p.stat().st_mtime_ns for p in before} == before


def test_more_tokens_redo_the_training_and_what_follows_and_nothing_before(run):
    said = walk(run, training={"tokens": 12_000})
    assert made_again(said) == ["training", "evaluation", "release"]
    assert "training.tokens changed from 120000 to 12000" in said["training"]
    assert "input checkpoints/" in said["evaluation"]
    assert (run / "superseded/training-1/checkpoints/latest").exists()
    assert (run / "superseded/training-1/metrics.jsonl").exists()


def test_another_licence_of_the_weights_redoes_the_release_alone(run):
    said = walk(run, release={"license": "CC0-1.0"})
    assert made_again(said) == ["release"]
    assert 'release.license changed from "Apache-2.0" to "CC0-1.0"' in said["release"]
    assert "license: cc0-1.0" in (run / "release/README.md").read_text()


def test_a_source_that_gets_another_licence_is_judged_anew(small_run, tmp_path):
    there = pq.read_table(small_run / "corpus/kept", filters=[("lang", "=", "en")])
    pq.write_table(there.select(["identifier", "text", "language"]).slice(0, 8), tmp_path / "documents.parquet")

    def judged(**stated):
        sources = [{"path": str(tmp_path / "documents.parquet"), **stated}]
        said = walk(tmp_path / "run", "curation", corpus={"sources": sources, "languages": ["en"]})
        return said["curation"], set(pq.read_table(tmp_path / "run/corpus/ledger.parquet")["spdx"].to_pylist())

    with pytest.raises(InputError, match="licence-unknown: 8"):
        judged()
    assert judged(license="CC-BY-4.0")[1] == {"CC-BY-4.0"}
    said, licences = judged(license="CC0-1.0")
    assert "corpus.sources" in said
    assert licences == {"CC0-1.0"}
    assert judged(license="CC0-1.0")[0] == "curation: done already"


def test_after_a_change_that_leaves_the_same_documents_only_the_papers_are_made_again(run):
    said = walk(run, curation={"held_out": {"fraction": 0.08, "max_bytes": 999_999}})
    assert made_again(said) == ["curation", "release"]


def test_how_often_it_is_saved_is_no_reason_to_train_again(run):
    said = walk(run, training={"log_every": 5, "checkpoint": {"every_steps": 7, "keep_last": 3}})
    assert made_again(said) == ["release"]  # which has the recipe


def test_what_is_measured_counts_for_the_training_only_where_it_decides_when_that_ends():
    (training,) = (stage for stage in STAGES if stage.name == "training")

    def obeyed(max_bytes, **settings):
        recipe = small_recipe(training=settings, evaluation={"max_bytes": max_bytes})
        return training.sections(recipe.model_dump(mode="json"))

    assert obeyed(1_000) == obeyed(2_000)
    deciding = {"evaluate_every_steps": 3, "patience": 2}
    assert obeyed(1_000, **deciding) != obeyed(2_000, **deciding)


def test_a_field_that_an_earlier_version_did_not_know_redoes_a_stage_only_where_it_is_given(run):
    record = read_record(run / "checkpoints")
    del record.recipe["training"]["z_loss"]
    write_record(run / "checkpoints", record)
    assert walk(run, "training")["training"] == "training: done already"
    assert "training.z_loss" in walk(run, "training", training={"z_loss": 0.1})["training"]


def test_a_section_that_was_null_and_now_has_its_defaults_is_a_change():
    record = StageRecord(stage="training", recipe={"tuning": {"task": "continued", "sweep": None}}, inputs={})
    now = {"tuning": {"task": "continued", "sweep": {"points": 3}}}
    assert "tuning.sweep.points" in why_changed(record, now, {"tuning": {"sweep": {}}}, {})
    assert why_changed(record, {"tuning": {"task": "continued", "sweep": None, "new": 1}}, {}, {}) is None


def test_what_a_system_leaves_in_a_folder_redoes_nothing(run):
    (run / "tokens/.DS_Store").write_bytes(b"\0\0\0\1Bud1")
    (run / "corpus/kept/._part").write_bytes(b"\0")
    assert made_again(walk(run)) == []


def test_a_run_that_is_moved_holds_and_what_it_reads_elsewhere_counts_by_its_content(small_run, tmp_path):
    sets = tmp_path / "sets.jsonl"
    sets.write_text(json.dumps({"text": "Of all that was asked in the examination nothing is known any more."}))
    changes = {"curation": {"decontamination": {"sets": [str(sets)]}}}
    here, there = tmp_path / "run", tmp_path / "deep" / "er" / "run"
    walk(here, "curation", **changes)
    there.parent.mkdir(parents=True)
    here.rename(there)
    assert walk(there, "curation", **changes)["curation"] == "curation: done already"
    sets.write_text(json.dumps({"text": "Of all that was asked in another examination nothing is known any more."}))
    assert "sets.jsonl" in walk(there, "curation", **changes)["curation"]


@pytest.mark.parametrize(("file", "damage"), [("tokens", "is gone"), ("tokens", "is not as it was made")])
def test_an_output_that_is_gone_or_changed_is_made_again(run, file, damage):
    shard = next((run / file).glob("*.ds"))
    if damage == "is gone":
        shard.unlink()
    else:
        shard.write_bytes(b"\0" * shard.stat().st_size)
    assert damage in walk(run, until="tokenization")["tokenization"]
    assert made_again(walk(run)) == ["release"]  # which has the time that it took


def test_a_stage_that_was_stopped_goes_on(run, small_run):
    recipe = small_recipe(training={"tokens": 40_000})
    calls = iter([False] * 15 + [True] * 100)
    progress = Progress(stopping=lambda: next(calls))
    with pytest.raises(StoppedError):
        run_road(recipe, run, "training", quiet_reporter(progress=progress))
    assert {s["stage"]: s["state"] for s in stage_states(run)}["training"] == "interrupted"
    messages: list[str] = []
    run_road(recipe, run, "training", quiet_reporter(messages))
    assert "training: goes on where it stopped" in messages


def test_each_stage_reads_what_an_earlier_one_made(small_run):
    made = {}
    for stage in STAGES:
        record = read_record(small_run / stage.home)
        assert record.done
        assert record.outputs
        assert record.wall_seconds > 0
        for name, file in record.inputs.items():
            outside = name.startswith("..") or name == "recipe.yaml" or name.endswith(STAGE_FILE)
            if not outside:
                assert made[name].blake3 == file.blake3
        made |= record.outputs


def test_the_hashes_in_stage_json_are_those_of_the_files(small_run):
    from blake3 import blake3

    for stage in STAGES:
        for name, file in read_record(small_run / stage.home).outputs.items():
            assert blake3((small_run / name).read_bytes()).hexdigest() == file.blake3


def test_the_recipe_is_kept_complete_with_its_defaults(small_run):
    assert load(small_run / "recipe.yaml") == small_recipe()
    assert "rms_norm_eps: " in (small_run / "recipe.yaml").read_text()


def test_a_second_run_in_the_same_directory_is_refused_by_its_process(run):
    hold = "import fcntl,os,sys,time; f=open(sys.argv[1],'a+'); fcntl.flock(f,fcntl.LOCK_EX); f.truncate(0); f.write(str(os.getpid())); f.flush(); print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", hold, str(run / ".lock")], stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        with pytest.raises(InputError, match=f"another octavo .process {other.pid}. is at work"):
            walk(run)
        other.kill()
    walk(run)


def test_a_source_that_is_not_there_is_told_before_anything_is_made(tmp_path):
    with pytest.raises(InputError, match="found nothing there"):
        walk(tmp_path / "new", corpus={"sources": [{"path": str(tmp_path / "nowhere")}]})
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"rewriting": {"key_variable": "NO_SUCH_KEY"}},
            r"curation\.toxicity\.rewriting\.key_variable: found nothing in the environment variable NO_SUCH_KEY",
        ),
        ({"languages": ["en", "sv"]}, r"curation\.toxicity\.rewriting\.prompts: found none for 'sv'"),
        ({"classifier": "missing.safetensors"}, r"missing\.safetensors: not found, expected a classifier's file"),
        ({"second_opinion": {"model": "missing/folder"}}, r"curation\.toxicity\.second_opinion\.model: "),
    ],
    ids=["key", "prompt", "classifier", "second opinion"],
)
def test_what_the_weighing_lacks_is_told_before_anything_is_made(changes, said, tmp_path):
    toxicity = {
        "decisions": [{"action": "rewrite", "score": 2.0}],
        "rewriting": {"endpoint": "http://127.0.0.1:9/v1", "model": "m", **changes.pop("rewriting", {})},
    }
    given = small_recipe(
        corpus={"languages": changes.pop("languages", ["en"])}, curation={"toxicity": toxicity | changes}
    )
    with pytest.raises(InputError, match=said):
        run_road(given, tmp_path / "new", "curation", quiet_reporter())
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"evaluation": {"tasks": {"path": "nowhere"}}}, r"evaluation\.tasks\.path: "),
        (
            {"tokenizer": {"languages": {"xx": 1.0}}},
            r"tokenizer\.languages: found xx, expected languages of corpus",
        ),
        ({"release": {"license": "foo bar"}}, r"release\.license: found 'foo bar', expected an SPDX id"),
        ({"release": {"license": "Apache 2.0"}}, r"release\.license: found 'Apache 2\.0', expected Apache-2\.0"),
    ],
    ids=["tasks", "languages", "licence", "licence by its name"],
)
def test_what_only_a_late_stage_reads_is_told_before_anything_is_made(changes, said, tmp_path):
    with pytest.raises(InputError, match=said):
        walk(tmp_path / "new", **changes)
    assert not (tmp_path / "new").exists()


def test_an_evaluation_that_cannot_be_leaves_the_runs_recipe_as_it_was(run):
    before = (run / "recipe.yaml").read_bytes()
    with pytest.raises(InputError, match=r"evaluation\.tasks\.path"):
        finish_road(run, "evaluation", quiet_reporter(), ["evaluation.tasks.path=nowhere"])
    assert (run / "recipe.yaml").read_bytes() == before


def test_a_model_that_cannot_fit_is_told_before_anything_is_made(tmp_path):
    huge = {"hidden_size": 16384, "num_hidden_layers": 200, "intermediate_size": 65536, "num_attention_heads": 64}
    with pytest.raises(InputError, match=r"parameters need [\d.]+ GB to train"):
        walk(tmp_path / "new", model=huge)
    assert not (tmp_path / "new").exists()


def test_evaluation_and_release_of_a_trained_run_need_its_sources_no_more(tmp_path):
    documents = Path(shutil.copy(resources.files("octavo.corpus") / "starter.parquet", tmp_path))
    recipe = small_recipe(corpus={"sources": [{"path": str(documents)}]}, training={"tokens": 4096})
    run_road(recipe, tmp_path / "run", "training", quiet_reporter())
    documents.unlink()
    assert [s["state"] for s in stage_states(tmp_path / "run")][:2] == ["outdated", "done"]
    figures = finish_road(tmp_path / "run", "release", quiet_reporter())
    assert list(figures) == ["evaluation", "release"]
    assert (tmp_path / "run/release/model.safetensors").exists()


def test_a_run_that_is_not_trained_cannot_be_released(tmp_path):
    run_road(small_recipe(), tmp_path / "run", "curation", quiet_reporter())
    with pytest.raises(InputError, match="stage tokenization is not done, expected a trained run"):
        finish_road(tmp_path / "run", "release", quiet_reporter())


def test_a_file_that_a_stage_reads_and_that_is_gone_is_named(run):
    checkpoint = max((run / "checkpoints").glob("step-*"))
    shutil.rmtree(checkpoint)
    with pytest.raises(
        InputError, match=f"{checkpoint.name}.*: found no such file, expected it, as stage evaluation"
    ):
        finish_road(run, "release", quiet_reporter())


@pytest.mark.parametrize("name", ["recipe.yaml", "documents/letter.txt", "metrics.jsonl"])
def test_what_a_person_has_in_the_directory_is_not_taken_for_a_runs(name, tmp_path):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(InputError, match=rf"found {name.split('/')[0]}, which no octavo made"):
        run_road(small_recipe(), tmp_path, "training", quiet_reporter())
    assert [file.read_text() for file in tmp_path.rglob("*") if file.is_file()] == ["mine"]


def test_a_file_in_the_place_of_the_directory_is_told(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match=r"file: cannot be written to .*, expected a directory"):
        walk(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_given_tokenizer_has_no_entry_past_their_number(small_run, tmp_path):
    known = json.loads((small_run / "tokenizer/tokenizer.json").read_text())
    entries = known["model"]["vocab"]
    entries[max(entries, key=entries.get)] = 5000
    (tmp_path / "t.json").write_text(json.dumps(known))
    with pytest.raises(InputError, match=r"t\.json: found an entry of id 5000, expected ids under"):
        walk(tmp_path / "new", tokenizer={"path": str(tmp_path / "t.json")})
    assert not (tmp_path / "new").exists()


def test_what_the_next_run_would_do_again_is_outdated_and_says_why(run):
    assert {s["state"] for s in stage_states(run)} == {"done"}
    with (run / "tokenizer/tokenizer.json").open("a") as file:
        file.write("\n")
    states = {s["stage"]: (s["state"], s["reason"]) for s in stage_states(run)}
    assert states["curation"] == ("done", None)
    assert states["tokenization"] == ("outdated", "output tokenizer/tokenizer.json is not as it was made")
    assert states["training"] == ("outdated", "input tokenizer/tokenizer.json changed")


def test_of_a_changed_list_the_items_that_differ_are_told(run):
    said = walk(run, until="curation", corpus={"languages": ["en", "fr", "es", "de", "it", "nl", "la"]})
    assert 'corpus.languages lost "pt"' in said["curation"]


def test_the_country_of_the_provider_redoes_the_release_alone_and_gives_the_co2eq(run):
    assert "CO2eq" not in (run / "release/README.md").read_text()
    said = walk(run, provider={"country": "FRA"})
    assert made_again(said) == ["release"]
    energy = read_record(run / "checkpoints").energy
    grams = energy["joules"] / 3.6e6 * 56.039
    card = (run / "release/README.md").read_text()
    assert f"| training | {in_watt_hours(energy['joules'])} | {grams:.2f} g | 1 | {energy['method']} |" in card


def test_the_energy_of_each_stage_is_known_by_part_and_says_how(small_run):
    for stage in STAGES:
        energy = read_record(small_run / stage.home).energy
        assert energy["machines"] == 1
        assert energy["parts"]["memory"]["method"] == "estimated from its size"
        assert energy["joules"] == pytest.approx(sum(p["joules"] for p in energy["parts"].values()), abs=0.1)
        assert energy["joules"] > 0
        assert not list((small_run / stage.home).glob("energy-*"))  # it is in the record, and among no hashes


def test_the_model_card_has_the_energy_of_each_stage_before_it_and_their_sum(small_run):
    energies = {
        stage.name: read_record(small_run / stage.home).energy
        for stage in STAGES
        if stage.name not in ("release", "trace")
    }
    card = (small_run / "release/README.md").read_text()
    for name, energy in energies.items():
        assert f"| {name} | {in_watt_hours(energy['joules'])} | 1 | {energy['method']} |" in card
    total = add_up(energies.values())["joules"]
    assert total == pytest.approx(sum(e["joules"] for e in energies.values()), abs=0.5)
    assert f"| all of them | {in_watt_hours(total)} |" in card


def test_a_stage_that_is_skipped_keeps_its_energy_and_one_that_is_redone_begins_anew(run):
    before = {stage.name: read_record(run / stage.home).energy for stage in STAGES}
    walk(run, release={"license": "CC0-1.0"})
    after = {stage.name: read_record(run / stage.home).energy for stage in STAGES}
    assert {n: e for n, e in after.items() if n != "release"} == {n: e for n, e in before.items() if n != "release"}
    assert 0 < after["release"]["joules"] != before["release"]["joules"]


def test_the_energy_of_a_stopped_attempt_and_of_a_killed_one_is_counted_with_the_rest(run):
    recipe = small_recipe(training={"tokens": 40_000})
    calls = iter([False] * 15 + [True] * 100)
    with pytest.raises(StoppedError):
        run_road(recipe, run, "training", quiet_reporter(progress=Progress(stopping=lambda: next(calls))))
    stopped = read_record(run / "checkpoints").energy["joules"]
    assert stopped > 0
    # What a killed attempt left, and another machine that is no longer there.
    metered = {"processor": {"joules": 5e6, "method": "measured by RAPL"}}
    (run / "checkpoints/energy-1.json").write_text(json.dumps(metered))
    run_road(recipe, run, "training", quiet_reporter())
    energy = read_record(run / "checkpoints").energy
    assert energy["joules"] > stopped + 5e6
    assert energy["machines"] == 2
    assert "measured by RAPL" in energy["parts"]["processor"]["method"]
    assert [line["joules"] > stopped + 5e6 for line in Metrics.read(run)][-1]


def test_a_meter_of_the_machine_is_started_only_where_a_stage_is_at_work(run):
    code = (
        "import sys; from octavo.cli.app import main\n"
        "try: main()\n"
        "finally: print('codecarbon' in sys.modules, file=sys.stderr)"
    )
    for arguments in (["status", run], ["run", run / "recipe.yaml", "--out", run]):
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
        assert done.stderr.splitlines()[-1] == "False", done.stderr
        assert "Wh: processor" in done.stdout


def test_a_directory_that_is_no_run_has_no_state(tmp_path):
    with pytest.raises(InputError, match=r"found no recipe.yaml in it"):
        stage_states(tmp_path)


def test_a_record_that_was_cut_short_counts_as_none(run):
    (run / "release/stage.json").write_text('{"stage": "rel')
    assert read_record(run / "release") is None
    walk(run)
    assert read_record(run / "release").done


def test_a_record_is_written_whole_or_not_at_all(run):
    record = read_record(run / "release")
    write_record(run / "release", record)
    assert read_record(run / "release") == record
    assert not list((run / "release").glob("*.partial"))


def test_a_file_that_a_full_disk_cuts_short_leaves_nothing(tmp_path, monkeypatch):
    def full(number):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(tmp_path / "recipe.yaml", b"name: cut")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"curation": {"licences": {"allow": ["CC-BV-4.0"]}}}, "found 'CC-BV-4.0', which no licence has"),
        ({"provider": {"country": "XXX"}}, "provider.country: found 'XXX', expected an ISO 3166-1"),
        ({"corpus": {"sources": [{"path": "builtin:starter", "license": "Foo"}]}}, "license: found 'Foo'"),
        ({"tokenizer": {"vocab_size": 2048, "path": "nowhere.json"}}, "nowhere.json: no such tokenizer"),
    ],
)
def test_a_mistake_leaves_a_finished_run_as_it_was(run, changes, message):
    before = {p: p.stat().st_mtime_ns for p in run.rglob("*")}
    with pytest.raises(InputError, match=message):
        walk(run, **changes)
    assert {p: p.stat().st_mtime_ns for p in run.rglob("*")} == before


def given_recipe(given):
    """A recipe without documents, over the token files of another run."""
    data = [{"weights": {str(given / "tokens"): 1}}]
    return small_recipe(
        corpus={"sources": []},
        tokenizer={"path": str(given / "tokenizer/tokenizer.json")},
        training={"tokens": 5_000, "data": data},
        release={"formats": ["safetensors"], "prompts": {}},
    )


def test_token_files_are_trained_on_without_documents(small_run, tmp_path):
    """The road begins with the tokenizer; what cannot be measured or known is said, not made up."""
    messages: list[str] = []
    given = tmp_path / "given"
    for part in ("tokens", "tokenizer"):
        shutil.copytree(small_run / part, given / part)
    recipe, run = given_recipe(given), tmp_path / "run"
    figures = run_road(recipe, run, "trace", quiet_reporter(messages))
    assert list(figures) == ["tokenization", "training", "evaluation", "release", "trace"]
    folder = str(given / "tokens")
    tokens = figures["tokenization"]["folders"][folder]["tokens"]
    assert tokens == read_record(small_run / "tokens").figures["tokens"]
    assert figures["training"]["folders"][folder]["drawn"] == recipe.steps * 8
    assert "evaluation: a recipe without documents holds out none, so there is nothing to measure" in messages
    card = (run / "release/README.md").read_text()
    assert "Bits per byte were not measured, as no documents were held out." in card
    assert f"| {folder} | {tokens:,} |" in card
    assert "openly licensed" not in card
    hashed = read_record(run / "checkpoints").inputs
    assert {Path(name).name for name in hashed} >= {file.name for file in given.glob("tokens/*.ds*")}

    assert {state["state"] for state in stage_states(run)} == {"done"}
    messages.clear()
    run_road(recipe, run, "trace", quiet_reporter(messages))
    assert messages == [f"{name}: done already" for name in figures]
    # The same tokens under the run's own roof give the same weights.
    own = Path(shutil.copytree(small_run, tmp_path / "own", copy_function=shutil.copy2))
    walk(own, "training", training={"tokens": 5_000})
    weights = [trained_model(recipe, directory).state_dict() for directory in (run, own)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_changed_token_files_are_trained_on_again(small_run, tmp_path):
    given = tmp_path / "given"
    for part in ("tokens", "tokenizer"):
        shutil.copytree(small_run / part, given / part)
    run_road(given_recipe(given), tmp_path / "run", "training", quiet_reporter())
    shard = next((given / "tokens").glob("*.ds"))
    tokens = bytearray(shard.read_bytes())
    tokens[1000:1002] = tokens[1002:1004]
    shard.write_bytes(tokens)
    messages: list[str] = []
    run_road(given_recipe(given), tmp_path / "run", "training", quiet_reporter(messages))
    assert [m.split(",")[0] for m in messages if "again" in m] == ["tokenization: again", "training: again"]
    assert all("tokens/" in m and "changed" in m for m in messages if "again" in m)


@pytest.mark.parametrize(
    ("ending", "content", "said"),
    [
        ("", b"\1\0\2\0\3", "expected a multiple of 2"),
        (".index", bytes(8), "where its index ends"),
        ("", None, "found no token files"),
    ],
)
def test_token_files_that_cannot_be_are_refused_before_anything_is_made(ending, content, said, small_run, tmp_path):
    given = tmp_path / "given"
    for part in ("tokens", "tokenizer"):
        shutil.copytree(small_run / part, given / part)
    (shard,) = (given / "tokens").glob("*.ds")
    damaged = shard.with_name(shard.name + ending)
    damaged.unlink() if content is None else damaged.write_bytes(content)
    with pytest.raises(InputError, match=said):
        run_road(given_recipe(given), tmp_path / "run", "release", quiet_reporter())
    assert not (tmp_path / "run").exists()


def test_documents_can_be_held_out_beside_given_token_files(small_run, tmp_path):
    """Nothing of them is trained on where no stage draws from `corpus`."""
    run = Path(shutil.copytree(small_run, tmp_path / "run", copy_function=shutil.copy2))
    recipe = given_recipe(small_run).model_copy(update={"corpus": small_recipe().corpus})
    figures = run_road(recipe, run, "trace", quiet_reporter())
    assert list(figures["training"]["folders"]) == [str(small_run / "tokens")]
    assert set(figures["evaluation"]["languages"]) == {"de", "en", "es", "fr", "it", "la", "nl", "pt"}
    assert figures["trace"]["tokens"] == read_record(small_run / "trace").figures["tokens"]


def test_curation_without_documents_is_refused(small_run, tmp_path):
    with pytest.raises(InputError, match="found none, expected documents for stage curation"):
        run_road(given_recipe(small_run), tmp_path / "run", "curation", quiet_reporter())
