"""Stage pairs: which pairs a tune learns from, is stopped by and is measured on."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
from tokenizers import Tokenizer

from octavo.errors import InputError
from octavo.evaluation.task_files import is_tested
from octavo.progress import Progress
from octavo.road import run_road
from octavo.tokenization.entries import TASK_ENTRIES
from octavo.tuning.packing import Packed
from octavo.tuning.pairs import LeftOut
from octavo.tuning.preparing import prepare, read_parts, split
from octavo.tuning.registry import TASKS as ROAD
from octavo.tuning.tasks import Parts
from tests.conftest import quiet_reporter
from tests.tuning.small_tunes import DOCUMENTS, TASKS, rows, task_recipe, tune_recipe, write_base, write_pairs

COLUMNS = {"ocr": "gt", "translation": "tgt", "rag": "sources"}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module", params=TASKS)
def prepared(request, home, tmp_path_factory):
    """The recipe of a task, the run and the figures."""
    recipe, run = task_recipe(home, request.param), tmp_path_factory.mktemp(request.param)
    return recipe, run, prepare(recipe, run, Progress())


def lines(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def contents(run):
    return {str(p.relative_to(run)): p.read_bytes() for p in sorted(run.rglob("*")) if p.is_file()}


def spans(folder):
    """Each example of a folder's sequences: its id, its tokens, and which of them are learnt."""
    packed = Packed(folder)
    for number in range(len(packed)):
        [row] = packed.read(np.array([number]))
        starts = [*np.flatnonzero(row == 1), len(row)]
        pieces = [row[start + 1 : end] for start, end in pairwise(starts) if end - start > 1]
        yield from zip(packed.documents(np.array([number])), pieces, strict=True)


def test_parts_hold_whole_documents_and_none_is_in_two(prepared):
    recipe, run, figures = prepared
    parts = read_parts(recipe, run)[: len(Parts._fields)]
    docs = [{pair.doc for pair in part} for part in parts]
    assert all(docs)
    assert sum(map(len, docs)) == len(set.union(*docs)) == DOCUMENTS
    assert docs[2] == {f"d{n}" for n in range(DOCUMENTS) if is_tested(f"d{n}")}
    told = figures["pairs"]
    assert [told[name]["documents"] for name in Parts._fields] == [len(some) for some in docs]
    assert [told[name]["pairs"] for name in Parts._fields] == [len(part) for part in parts]


def test_pairs_are_read_back_as_they_were(prepared, home):
    recipe, run, _ = prepared
    task = ROAD[recipe.tuning.task]
    found = task.read(recipe, [home / f"{recipe.tuning.task}.jsonl"]).pairs
    apart = split(found, recipe.seed, recipe.tuning.held_out)
    kept = Parts(*(task.arranged(recipe, some, some is not apart.test) for some in apart))
    assert read_parts(recipe, run)[: len(kept)] == kept
    assert sum(map(len, kept)) == len(found) > 0


def test_every_training_pair_is_learnt_and_no_other(prepared):
    recipe, run, figures = prepared
    shown = list(spans(run / "pairs" / "given"))
    assert {name for name, _ in shown} == {pair.id for pair in read_parts(recipe, run).training}
    assert len(shown) == figures["sequences"]["given"]["examples"]
    for _, tokens in shown:
        learnt = tokens >= 0
        assert not learnt[0]
        assert tokens[-1] == 2  # the end
        assert np.array_equal(learnt, np.sort(learnt)), "the prompt stands before the answer"


def test_the_same_recipe_gives_the_same_bytes(prepared, tmp_path):
    recipe, run, _ = prepared
    prepare(recipe, tmp_path, Progress())
    assert contents(tmp_path) == contents(run)


def test_another_seed_holds_others_back_and_tests_on_the_same(prepared, tmp_path):
    recipe, run, _ = prepared
    other = recipe.model_copy(update={"seed": 7})
    prepare(other, tmp_path, Progress())
    old, new = read_parts(recipe, run), read_parts(other, tmp_path)
    assert {pair.doc for pair in old.held_out} != {pair.doc for pair in new.held_out}
    assert {pair.doc for pair in old.test} == {pair.doc for pair in new.test}


@pytest.mark.parametrize("task", ["ocr", "translation"])
def test_made_pairs_have_the_asked_share_of_the_tokens(task, home, tmp_path):
    """Over by one more pair at most; they are packed, and kept beside their sequences, each once."""
    recipe = task_recipe(home, task, made=0.3)
    figures = prepare(recipe, tmp_path, Progress())
    made = figures["sequences"]["made"]["tokens"]
    wanted = int(0.3 * recipe.training.tokens)
    shown = [(name, 1 + len(tokens)) for name, tokens in spans(tmp_path / "pairs" / "made")]
    pairs = [pair["id"] for pair in lines(tmp_path / "pairs" / "made" / "pairs.jsonl")]
    assert made == sum(size for _, size in shown)
    assert made - sum(size for name, size in shown if name == pairs[-1]) < wanted
    if task == "ocr":  # of translations there are only so many
        assert made >= wanted
    assert len(set(pairs)) == len(pairs) == figures["made"]
    assert set(pairs) == {name for name, _ in shown}


def test_none_are_made_where_none_are_asked_for(home, tmp_path):
    figures = prepare(task_recipe(home, "ocr", made=0, copies=0), tmp_path, Progress())
    assert (figures["made"], figures["copies"], list(figures["sequences"])) == (0, 0, ["given"])


def test_what_is_left_out_is_kept_with_the_reason(tmp_path):
    some = rows("ocr")[:32]
    some[3]["gt"] = "  "
    some[5]["gt"] = "Wholly other words, of which nothing was ever recognised anywhere on the page."
    some.append(some[7])
    some.append(some[8] | {"id": "dutch", "lang": "nl"})
    pairs = write_pairs(tmp_path / "pairs.jsonl", some)
    recipe = tune_recipe(
        write_base(tmp_path / "base"), "ocr", {"pairs": [str(pairs)]}, corpus={"languages": ["en"]}
    )
    figures = prepare(recipe, tmp_path / "run", Progress())
    left_out = {one.id: one for one in (LeftOut(**line) for line in lines(tmp_path / "run/pairs/left-out.jsonl"))}
    assert {name: one.reason for name, one in left_out.items()} == {
        "p3": "empty",
        "p5": "not the same text",
        "p7": "duplicate",
        "dutch": "in none of the recipe's languages",
    }
    assert left_out["p3"].evidence == "the printed side"
    assert figures["left_out"] == {
        "duplicate": 1, "empty": 1, "in none of the recipe's languages": 1, "not the same text": 1,
    }  # fmt: skip
    parts = read_parts(recipe, tmp_path / "run")
    assert sorted(pair.id for part in parts for pair in part) == sorted(
        f"p{n}" for n in range(32) if n not in (3, 5)
    )


def test_a_pair_without_a_place_to_cut_is_told(tmp_path):
    some = rows("ocr")[:32]
    training = next(row for row in some if not is_tested(row["doc"]))
    training |= {"ocr": "x" * 2000, "gt": "x" * 2000}
    pairs = write_pairs(tmp_path / "pairs.jsonl", some)
    recipe = tune_recipe(write_base(tmp_path / "base"), "ocr", {"pairs": [str(pairs)], "held_out": 0})
    figures = prepare(recipe, tmp_path / "run", Progress())
    assert figures["left_out"] == {"longer than the context": 1}


def test_nothing_to_learn_from_is_told_with_the_reasons(tmp_path):
    some = rows("ocr")[:32]
    for row in some:
        if not is_tested(row["doc"]):
            row["gt"] = ""
    pairs = write_pairs(tmp_path / "pairs.jsonl", some)
    recipe = tune_recipe(write_base(tmp_path / "base"), "ocr", {"pairs": [str(pairs)]})
    with pytest.raises(
        InputError, match=r"tuning.pairs: found no pair to learn from.*26 were left out \(empty 26\)"
    ):
        prepare(recipe, tmp_path / "run", Progress())


def test_entries_that_a_base_lacks_are_added_and_told(home, tmp_path):
    base = write_base(tmp_path / "base", reserved=False)
    said = []
    recipe = task_recipe(home, "ocr", base=str(base), documents=[])
    figures = prepare(recipe, tmp_path / "run", Progress(message=said.append))
    assert figures["added_entries"] == list(TASK_ENTRIES)
    assert said == [
        f"tuning: the base's tokenizer has no {', '.join(TASK_ENTRIES)}: they are added and learnt anew",
    ]
    own = Tokenizer.from_file(str(tmp_path / "run/tokenizer/tokenizer.json"))
    given = Tokenizer.from_file(str(base / "tokenizer.json"))
    assert own.get_vocab_size() == figures["vocab_size"] == given.get_vocab_size() + len(TASK_ENTRIES)
    assert {entry: own.token_to_id(entry) for entry in given.get_vocab()} == given.get_vocab()


@pytest.mark.parametrize("task", TASKS)
def test_a_missing_column_is_told_with_file_and_line_and_leaves_nothing(task, home, tmp_path):
    column, some = COLUMNS[task], rows(task)
    del some[4][column]
    broken = write_pairs(tmp_path / "broken.jsonl", some)
    recipe = task_recipe(home, task, pairs=[str(broken)])
    with pytest.raises(InputError, match=rf"broken.jsonl: line 5: {column}: found nothing, expected a"):
        run_road(recipe, tmp_path / "run", "release", quiet_reporter())
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("task", TASKS)
def test_pairs_in_parquet_are_those_in_json_lines(task, home, tmp_path):
    file = write_pairs(tmp_path / f"{task}.parquet", rows(task))
    recipe = task_recipe(home, task)
    read = ROAD[task].read
    assert read(recipe, [file]) == read(recipe, [home / f"{task}.jsonl"])


BROKEN = {
    "half a line": (lambda file: file.write_text('{"id": "p'), "line 1: found no JSON .*expected an object"),
    "a list": (lambda file: file.write_text("[1, 2]\n"), "line 1: found no JSON object, expected one"),
    "another column": (
        lambda file: write_pairs(file, [rows("ocr")[0] | {"ocr": 7}]),
        "line 1: ocr: found 7, expected a text",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_is_told_and_leaves_nothing(what, home, tmp_path):
    write, message = BROKEN[what]
    file = tmp_path / "broken.jsonl"
    write(file)
    with pytest.raises(InputError, match=rf"broken.jsonl: {message}"):
        run_road(task_recipe(home, "ocr", pairs=[str(file)]), tmp_path / "run", "release", quiet_reporter())
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("ending", [".parquet", ".jsonl.zst", ".txt"])
def test_a_file_of_another_kind_than_its_ending_says_is_told(ending, home, tmp_path):
    file = tmp_path / f"pairs{ending}"
    file.write_bytes(b"no such thing")
    with pytest.raises(InputError, match=rf"pairs{ending}: .*expected .*"):
        run_road(task_recipe(home, "ocr", pairs=[str(file)]), tmp_path / "run", "release", quiet_reporter())
    assert not (tmp_path / "run").exists()


def test_files_that_are_not_there_are_told(home, tmp_path):
    def walk(**tuning):
        run_road(task_recipe(home, "ocr", **tuning), tmp_path / "run", "release", quiet_reporter())

    with pytest.raises(InputError, match=r"tuning.pairs\[0\]: nowhere.jsonl: found no such file"):
        walk(pairs=["nowhere.jsonl"])
    with pytest.raises(InputError, match=r"tuning.documents\[0\]: nowhere: found no such file or folder"):
        walk(documents=["nowhere"])
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("ocr", "found no column lang, text, expected identifier, lang, text"),
        ("rag", "found no column lang, text, expected identifier, lang, text"),
        ("translation", "row 1: source: found nothing, expected a text"),
    ],
)
def test_documents_without_their_columns_are_told_and_leave_nothing(task, message, home, tmp_path):
    file = write_pairs(tmp_path / "documents.parquet", [{"identifier": "a", "words": "b"}])
    with pytest.raises(InputError, match=f"documents.parquet: {message}"):
        run_road(task_recipe(home, task, documents=[str(file)]), tmp_path / "run", "release", quiet_reporter())
    assert not (tmp_path / "run").exists()
