"""`octavo recall`: what of a run saw a document, against a scan of its whole training; and the recipe without it."""

from __future__ import annotations

import json
import shutil
from collections import Counter, defaultdict
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from octavo.cli.app import app
from octavo.errors import InputError
from octavo.lineage import StageRecord, hash_files, read_record, write_json, write_record
from octavo.recipe.file import dump, load
from octavo.road import run_road
from octavo.tokenization.index import open_documents
from octavo.tracing.finding import Wanted
from octavo.tracing.recall.recalling import recall
from octavo.tracing.recall.without import recipe_without, write_recipe
from octavo.training.checkpoint_files import complete_steps, path_of
from tests.conftest import quiet_reporter, small_recipe
from tests.tracing.recalling import answer, kept, ledger, scanned, steps_of


@pytest.fixture
def run(small_run, tmp_path) -> Path:
    """A copy of the small run that may be changed."""
    return Path(shutil.copytree(small_run, tmp_path / "runs" / "small"))


@pytest.fixture(scope="session")
def seen_by_scan(small_run) -> dict[str, set[int]]:
    return scanned(small_run)


def test_the_steps_of_each_document_are_those_of_a_scan(small_run, seen_by_scan):
    names = {row["identifier"] for row in ledger(small_run)}
    found = answer(small_run, *names)
    assert len(found["documents"]) == len(ledger(small_run))
    steps = defaultdict(list)
    for document in found["documents"]:
        steps[document["identifier"]] += steps_of(document["steps"])
    assert {name: set(own) for name, own in steps.items() if own} == seen_by_scan
    assert steps_of(found["steps"]) == list(range(1, load(small_run / "recipe.yaml").steps + 1))


def test_tokens_are_counted_as_often_as_they_were_read(small_run):
    """The documents together are all that training reads."""
    found = answer(small_run, *{row["identifier"] for row in ledger(small_run)})
    recipe, documents = load(small_run / "recipe.yaml"), open_documents(small_run / "tokens")
    assert found["tokens"]["in_files"] == documents.first_tokens[-1]
    tokens = recipe.steps * recipe.training.sequences_per_step * recipe.sequence_length
    assert found["tokens"]["read"] == tokens
    assert tokens * 0.95 < found["tokens"]["predicted"] < tokens  # what begins a text is not predicted


def test_what_was_held_out_or_removed_was_never_trained_on(small_run):
    held_out = next(row["identifier"] for row in kept(small_run, "identifier", "split") if row["split"] != "train")
    removed = next(row for row in ledger(small_run) if row["fate"] == "removed")
    found = answer(small_run, held_out, removed["identifier"])
    states = {document["identifier"]: document for document in found["documents"]}
    assert states[held_out]["state"] == "held out"
    assert states[removed["identifier"]]["state"] == "removed"
    assert states[removed["identifier"]]["rule"] == removed["rule"]
    assert (found["steps"], found["tokens"]["read"]) == ([], 0)
    assert not found["release"]["saw"]
    assert not any(checkpoint["saw"] for checkpoint in found["checkpoints"])
    assert found["evaluation"]["used"] >= 1


def test_checkpoints_and_releases_are_told_by_the_first_step_that_saw_the_document(run, seen_by_scan):
    late = max(seen_by_scan, key=lambda name: min(seen_by_scan[name]))
    first, steps = min(seen_by_scan[late]), load(run / "recipe.yaml").steps
    saved = sorted({1, first - 1, first, first + 1, steps})
    for folder in (path_of(run / "checkpoints", step) for step in complete_steps(run / "checkpoints")):
        shutil.rmtree(folder)
    for step in saved:
        path_of(run / "checkpoints", step).mkdir()
    (run / "checkpoints" / f"step-{first - 2:08d}.damaged").mkdir()
    found = answer(run, late)
    assert found["steps"][0][0] == first
    assert {one["step"]: one["saw"] for one in found["checkpoints"]} == {step: step >= first for step in saved}
    assert found["last_checkpoint_without"]["step"] == first - 1
    assert found["documents"][0]["checkpoints"] == sorted(step for step in saved if step >= first)
    assert found["release"]["saw"]
    for chosen in (first - 1, first):  # as training.patience may choose an earlier step than the last
        trained, released = read_record(run / "checkpoints"), read_record(run / "release")
        weights = {f"checkpoints/step-{chosen:08d}/a.distcp": next(iter(trained.outputs.values()))}
        write_record(run / "checkpoints", trained.model_copy(update={"outputs": weights}))
        write_record(run / "release", released.model_copy(update={"inputs": weights}))
        found = answer(run, late)
        assert (found["release"]["step"], found["release"]["saw"]) == (chosen, chosen >= first)
        assert found["documents"][0]["released"] == (chosen >= first)
    write_record(run / "checkpoints", trained.model_copy(update={"outputs": {}}))  # it was trained anew
    assert answer(run, late)["release"]["saw"] is None
    for step in (1, first - 1):
        path_of(run / "checkpoints", step).rmdir()
    assert answer(run, late)["last_checkpoint_without"] is None


def test_of_an_interrupted_training_only_the_steps_that_were_done_count(run, seen_by_scan):
    record = read_record(run / "checkpoints")
    record.done = False
    write_record(run / "checkpoints", record)
    for step in complete_steps(run / "checkpoints"):
        path_of(run / "checkpoints", step).rename(path_of(run / "checkpoints", step - 90))
    lines = (run / "metrics.jsonl").read_text().splitlines()
    (run / "metrics.jsonl").write_text("\n".join(line for line in lines if json.loads(line)["step"] <= 50) + "\n")
    done = max(50, *complete_steps(run / "checkpoints"))
    found = answer(run, *seen_by_scan)
    assert found["training"]["state"] == "interrupted"
    assert found["training"]["steps"] == done
    steps = {document["identifier"]: set(steps_of(document["steps"])) for document in found["documents"]}
    for name, own in seen_by_scan.items():
        assert steps[name] == {step for step in own if step <= done}


def test_steps_that_a_spike_undid_are_told_apart(run, seen_by_scan):
    write_json(run / "checkpoints" / "passed-over.json", [[10, 20], [40, 43]])
    undone = {*range(11, 21), *range(41, 44)}
    found = answer(run, *seen_by_scan)
    assert set(steps_of(found["passed_over_steps"])) == undone
    assert not undone & set(steps_of(found["steps"]))


def test_before_the_training_nothing_has_been_seen(run):
    shutil.rmtree(run / "checkpoints")
    shutil.rmtree(run / "tokens")
    found = answer(run, licence="CC0-1.0")
    assert found["training"]["state"] == "waiting"
    assert found["steps"] == []
    assert found["found"]["not trained on"] > 0


LICENCES = ("CC-BY-4.0", "CC-BY-3.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0", "MIT OR Apache-2.0", "CC0-1.0")
CREATORS = ("Shelley, Mary (1797-1851)", "Mary Shelley", "Percy Shelley", "Verne, Jules; Shelley, Mary", None)


@pytest.fixture(scope="module")
def library(small_run, tmp_path_factory) -> Path:
    """A curated run over documents of several licences and creators, in two files, with works in sections."""
    home = tmp_path_factory.mktemp("library")
    rows = kept(small_run, "text")[:60]
    for n, row in enumerate(rows):
        name = f"book-{n}" if n % 3 else f"work-{n % 2}#s{n:03d}"
        row |= {"identifier": name, "license": LICENCES[n % 6], "creator": CREATORS[n % 5]}
    for n in range(2):
        (home / "in").mkdir(exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows[n::2]), home / "in" / f"{n}.parquet")
    recipe = small_recipe(name="library", corpus={"sources": [{"path": str(home / "in")}]})
    run_road(recipe, home / "library", "curation", quiet_reporter())
    return home / "library"


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("CC-BY-4.0", {"CC-BY-4.0"}),
        ("CC-BY-*", {"CC-BY-4.0", "CC-BY-3.0"}),
        ("CC-BY-NC-*", {"CC-BY-NC-4.0"}),
        ("cc-By-*", {"CC-BY-4.0", "CC-BY-3.0"}),
        ("Apache-2.0", {"MIT OR Apache-2.0", "Apache-2.0 OR MIT"}),
        ("cc by 4.0", {"CC-BY-4.0"}),
        ("GPL-3.0-only", set()),
    ],
)
def test_all_documents_of_a_licence_are_found(library, licence, expected):
    found = answer(library, licence=licence)["documents"]
    names = Counter(row["identifier"] for row in ledger(library) if row["spdx"] in expected)
    assert Counter(document["identifier"] for document in found) == names
    assert bool(names) == bool(expected)
    if "NC" in licence:
        assert {(document["state"], document["rule"]) for document in found} == {("removed", "licence-not-open")}


def test_all_documents_of_a_creator_are_found_however_a_catalogue_writes_the_name(library):
    expected = {f"{'book' if n % 3 else 'work'}-{n if n % 3 else n % 2}" for n in range(60) if n % 5 in (0, 1, 3)}
    for name in ("Mary Shelley", "SHELLEY, Mary"):
        found = answer(library, creator=name)["documents"]
        assert {document["identifier"].partition("#")[0] for document in found} == expected
        assert {document["creator"] for document in found} == {CREATORS[n] for n in (0, 1, 3)}
        assert {document["state"] for document in found} >= {"not trained on", "removed"}
    assert answer(library, creator="Shelley")["documents"] == []


def test_a_work_stands_for_all_its_sections_and_a_section_for_itself(library):
    sections = {row["identifier"] for row in ledger(library) if row["identifier"].startswith("work-1#")}
    assert len(sections) > 5
    assert {document["identifier"] for document in answer(library, "work-1")["documents"]} == sections
    one = min(sections)
    assert [document["identifier"] for document in answer(library, one)["documents"]] == [one]


def test_a_passage_is_found_whatever_spaces_are_between_its_words(small_run):
    row = next(row for row in kept(small_run, "identifier", "text", "split") if row["split"] == "train")
    words = row["text"].split()[20:32]
    texts = {one["identifier"]: " ".join(one["text"].split()) for one in kept(small_run, "identifier", "text")}
    expected = {name for name, text in texts.items() if " ".join(words) in text}
    found = answer(small_run, text="\n  ".join(words) + "\u00a0")
    assert {one["identifier"] for one in found["documents"] if "text" in one["found_by"]} >= expected
    assert row["identifier"] in expected
    assert answer(small_run, text=" ".join(words) + " and no more of that")["documents"] == []


def test_a_passage_that_curation_has_changed_is_found_in_the_text_as_it_came(small_run):
    originals = pq.read_table(sorted((small_run / "corpus/originals").glob("*.parquet"))).to_pylist()
    texts = {" ".join(row["text"].split()) for row in kept(small_run, "text")}
    for row in originals:
        words = row["text"].split()
        cuts = (" ".join(words[n : n + 8]) for n in range(len(words)))
        gone = next((cut for cut in cuts if not any(cut in text for text in texts)), None)
        if gone:
            found = [
                one for one in answer(small_run, text=gone)["documents"] if one["identifier"] == row["identifier"]
            ]
            assert found[0]["found_by"] == ["text as it came"]
            break
    else:
        pytest.fail("no document was changed")


def test_several_things_that_are_asked_for_are_united(small_run, seen_by_scan):
    name = min(seen_by_scan)
    both = answer(small_run, name, text="harbour")
    apart = [answer(small_run, name), answer(small_run, text="harbour")]
    assert {d["identifier"] for d in both["documents"]} == {
        d["identifier"] for one in apart for d in one["documents"]
    }


def test_an_identifier_that_no_document_has_is_refused_with_the_nearest(small_run, seen_by_scan):
    name = min(seen_by_scan)
    with pytest.raises(InputError, match=f"no document has the identifier '{name}x'; the nearest .*{name}"):
        answer(small_run, name, f"{name}x")


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Wanted(), "expected at least one of --identifier, --creator, --licence and --text"),
        (Wanted(text=" \n"), "--text: found no words"),
        (Wanted(creator="?"), "--creator: found '\\?', expected a name"),
        (Wanted(licence="CC-BV-4.0"), "--licence: found 'CC-BV-4.0', expected an SPDX id"),
        (Wanted(licence="CC-BV-*"), "--licence: found 'CC-BV-\\*', expected an SPDX id"),
        (Wanted(licence="CC0-1.0-*"), "--licence: found 'CC0-1.0-\\*', expected an SPDX id"),
    ],
)
def test_what_asks_for_nothing_is_refused(small_run, wanted, said):
    with pytest.raises(InputError, match=said):
        recall(small_run, wanted)


def test_what_is_no_run_is_refused(small_run):
    with pytest.raises(InputError, match=r"found no recipe\.yaml in it, expected the directory of a run"):
        answer(small_run / "release", "a")


def test_a_recipe_or_token_files_that_the_training_did_not_read_are_refused(run, seen_by_scan):
    recipe = load(run / "recipe.yaml")
    (run / "recipe.yaml").write_text(dump(recipe.model_copy(update={"seed": 5})))
    with pytest.raises(InputError, match="seed: found 5, expected 1789, as the training began with"):
        answer(run, min(seen_by_scan))
    (run / "recipe.yaml").write_text(dump(recipe))
    shard = next((run / "tokens").glob("*.ds"))
    content = bytearray(shard.read_bytes())
    content[100] ^= 1
    shard.write_bytes(content)
    with pytest.raises(InputError, match=f"{shard.name}: found another content"):
        answer(run, min(seen_by_scan))


def begin_tune(run: Path, base: Path, released: bool = True) -> Path:
    """The files of a tune that began with a model, as far as they tell that."""
    recipe = small_recipe(name=run.name, tuning={"base": "moved/since", "task": "continued"})
    run.mkdir()
    (run / "recipe.yaml").write_text(dump(recipe))
    weights = sorted(path for path in base.rglob("*") if path.is_file())
    inputs = hash_files(weights, run)
    write_record(run / "checkpoints", StageRecord(stage="training", done=True, recipe={}, inputs=inputs))
    write_record(run / "release", StageRecord(stage="release", done=released, recipe={}, inputs={}))
    return run


def test_tunes_of_the_run_and_tunes_of_these_are_told(run, seen_by_scan):
    steps = load(run / "recipe.yaml").steps
    by_checkpoint = begin_tune(run.parent / "one", path_of(run / "checkpoints", steps))
    by_release = begin_tune(run.parent / "two", run / "release", released=False)
    begin_tune(run.parent / "two-again", by_release / "release")
    begin_tune(run.parent / "of-another", run / "evaluation")
    waiting = run.parent / "waiting"
    waiting.mkdir()
    (waiting / "recipe.yaml").write_text(
        dump(small_recipe(name="waiting", tuning={"base": str(run), "task": "continued"}))
    )
    (run.parent / "broken").mkdir()
    (run.parent / "broken" / "recipe.yaml").write_text("name: [")
    found = answer(run, min(seen_by_scan))
    tunes = {Path(tune["run"]).name: tune for tune in found["tunes"]}
    assert set(tunes) == {"one", "two", "two-again", "waiting"}
    assert all(tune["saw"] and tune["step"] == steps for tune in tunes.values())
    assert tunes["one"]["release"] == str(by_checkpoint / "release")
    assert tunes["two"]["release"] is None
    assert tunes["two-again"]["base"] == str(by_release)
    assert [Path(file).parent.name for file in found["unreadable_recipes"]] == ["broken"]


def test_the_recipe_that_is_written_leaves_the_documents_out(library, tmp_path):
    rows = kept(library, "identifier", "creator", "text", "spdx")
    row = next(row for row in rows if row["creator"] is None and row["identifier"].startswith("book"))
    passage = " ".join(row["text"].split()[5:25])
    wanted = Wanted(("work-1",), creator="Percy Shelley", licence="CC-BY-3.0", text=passage)
    recalled, file = recall(library, wanted), tmp_path / "without.yaml"
    write_recipe(recipe_without(recalled), file)
    written = load(file)
    assert written.name == "library-without"
    assert written.curation.opt_outs.creators == ["Percy Shelley"]
    assert written.curation.opt_outs.identifiers[0] == "work-1"
    assert row["identifier"] in written.curation.opt_outs.identifiers
    run_road(written, tmp_path / "run", "curation", quiet_reporter())
    before, gone = {row["identifier"] for row in rows}, {one.identifier for one in recalled.found}
    left = {row["identifier"] for row in kept(tmp_path / "run", "identifier")}
    assert before & gone
    assert left == before - gone


def invoke(*arguments: object):
    return CliRunner().invoke(app, ["recall", *map(str, arguments)])


def test_the_command_says_in_words_what_saw_the_documents(small_run, seen_by_scan, tmp_path):
    name, file = min(seen_by_scan), tmp_path / "without.yaml"
    said = invoke(small_run, "--identifier", name, "--write-recipe", file)
    assert said.exit_code == 0, said.output
    assert f"{name}  " in said.output
    assert f"{len(seen_by_scan[name])} (" in said.output
    assert f"octavo run {file} trains without them" in said.output
    assert load(file).curation.opt_outs.identifiers == [name]
    told = json.loads(invoke(small_run, "--identifier", name, "--json").output)
    assert set(steps_of(told["documents"][0]["steps"])) == seen_by_scan[name]


def test_the_command_names_some_documents_and_counts_the_others(small_run):
    documents = len(answer(small_run, licence="CC0-1.0")["documents"])
    assert f"and {documents - 20} more documents" in invoke(small_run, "--licence", "CC0-1.0").output


def test_that_nothing_matches_is_an_answer(small_run, tmp_path):
    file = tmp_path / "without.yaml"
    said = invoke(small_run, "--text", "words that stand in no document of it", "--write-recipe", file)
    assert said.exit_code == 0
    assert "No document of" in said.output
    assert not file.exists()


def test_a_file_that_is_there_is_not_overwritten(small_run, seen_by_scan, tmp_path):
    file = tmp_path / "without.yaml"
    file.write_text("mine")
    said = invoke(small_run, "--identifier", min(seen_by_scan), "--write-recipe", file)
    assert isinstance(said.exception, InputError)
    assert "is there already" in str(said.exception)
    assert file.read_text() == "mine"


def test_the_texts_of_the_corpus_are_searched_as_columns(small_run):
    """Each document with a word is found by it, and no other: against Arrow's own search."""
    texts = pq.read_table(sorted((small_run / "corpus/kept").glob("*.parquet")), columns=["identifier", "text"])
    word = "harbour"
    expected = texts.filter(pc.match_substring(texts["text"], word))["identifier"].to_pylist()
    found = [one for one in answer(small_run, text=word)["documents"] if "text" in one["found_by"]]
    assert sorted(one["identifier"] for one in found if one["state"] != "removed") == sorted(expected)
    assert expected
