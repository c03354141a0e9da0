import json
import re
from pathlib import Path

import pytest

from octavo.errors import InputError
from octavo.evaluation.task_files import Item, is_tested, read_items, task_files
from octavo.evaluation.tasks import choose_items, measure_tasks, outside_files
from octavo.modeling.decoding import Decoding
from octavo.progress import Progress
from tests.conftest import small_recipe
from tests.evaluation.test_task_files import OCR, RAG, TRANSLATION, written
from tests.evaluation.writers import Scripted

COUNT = 60
GREEDY = Decoding(repetition_penalty=1.0)
REAL = Path(__file__).parents[2].parent / "shared" / "corpus" / "tasks"


def folder(home):
    """Three files of items that hold their answers in capitals or backwards."""
    words = [f"word{n} and more of {n}" for n in range(COUNT)]
    written(
        home,
        "translation",
        *(
            TRANSLATION | {"id": f"t{n}", "doc": f"d{n}", "src": word, "tgt": word[::-1]}
            for n, word in enumerate(words)
        ),
    )
    written(
        home,
        "ocr",
        *(OCR | {"id": f"o{n}", "doc": f"d{n}", "ocr": f"{w} x", "gt": f"{w} y"} for n, w in enumerate(words)),
    )
    written(
        home,
        "rag",
        *(
            RAG
            | {
                "id": f"r{n}",
                "doc": f"d{n}",
                "answers": [f"Le roi {n}"],
                "sources": [f"Le roi {n} vint ici."],
                "gold_source": 0,
            }
            for n in range(COUNT)
        ),
    )
    return home


def measured(home, lines, context=4096, **settings):
    recipe = small_recipe(evaluation={"tasks": {"path": str(folder(home)), **settings}})
    figures = measure_tasks(recipe, Scripted(lines, context), home, Progress())
    rows = {(row["task"], row["shots"]): row for row in figures["tasks"]}
    return rows, json.loads((home / "tasks.json").read_bytes())


def rightly(prompt, decoding):
    """Does each task, as a model would that has understood."""
    assert (decoding.temperature, decoding.repetition_penalty) == (0.0, 1.0)
    *_, source, last = prompt.split("\n")
    if last == "English:":
        return f" {source.removeprefix('Latine: ')[::-1]}\n\nLatine: alia"
    if last == "Korrigierter Text:":
        return f" {source.removeprefix('OCR-Text: ')[:-1]}y\nOCR-Text: "
    assert last == "Réponse:"
    passage = prompt.split("Passage: ")[-1].split("\n")[0]
    return f" {' '.join(passage.split()[:3])}\nQuestion: encore"


def test_a_model_that_does_the_tasks_has_the_best_figures(tmp_path):
    rows, _ = measured(tmp_path, rightly)
    assert set(rows) == {(task, shots) for task in ("translation", "ocr", "rag") for shots in (0, 3)}
    for shots in (0, 3):
        assert rows["translation", shots]["bleu"]["value"] == 100
        assert rows["translation", shots]["chrf"]["value"] == 100
        assert rows["translation", shots]["source_copied"]["chrf"]["value"] < 60
        ocr = rows["ocr", shots]
        assert ocr["error_rate"]["value"] == 0
        assert ocr["error_rate_before"]["value"] == ocr["gained"]["value"] > 0
        assert ocr["gained"]["low"] > 0
        assert rows["rag", shots]["exact_match"]["value"] == rows["rag", shots]["f1"]["value"] == 1
        assert rows["rag", shots]["passage_copied"]["exact_match"]["value"] == 0
        assert 0 < rows["rag", shots]["passage_copied"]["f1"]["value"] < 1


def test_a_model_that_does_nothing_has_the_figures_of_nothing(tmp_path):
    rows, _ = measured(tmp_path, lambda prompt, decoding: "\nno answer", shots=[0])
    assert rows["translation", 0]["chrf"]["value"] == 0
    assert rows["ocr", 0]["error_rate"]["value"] == 1
    assert rows["ocr", 0]["gained"]["value"] < 0
    assert rows["rag", 0]["f1"]["value"] == 0


def test_a_model_that_copies_has_the_figures_of_copying(tmp_path):
    def copying(prompt, decoding):
        return " " + prompt.split("\n")[-2].split(": ", 1)[1]

    rows, _ = measured(tmp_path, copying, shots=[0])
    assert rows["translation", 0]["chrf"] == rows["translation", 0]["source_copied"]["chrf"]
    assert rows["ocr", 0]["error_rate"] == rows["ocr", 0]["error_rate_before"]
    assert rows["ocr", 0]["gained"]["value"] == 0


def test_examples_are_of_other_documents_with_their_answers(tmp_path):
    _, content = measured(tmp_path, rightly)
    for one in content["answers"]:
        assert is_tested(one["doc"])
        *examples, asked = one["prompt"].split("\n\n")
        assert len(examples) == one["shots"]
        for example in examples:
            number = re.search(r"(?:word|roi )(\d+)", example)[1]
            assert not is_tested(f"d{number}")
            assert example.endswith(rightly(example.rpartition(":")[0] + ":", GREEDY).split("\n")[0])
        assert asked.endswith(":")
    first = [one["prompt"].split("\n\n")[:-1] for one in content["answers"] if one["shots"] == 3]
    assert len({tuple(examples) for examples in first}) == 3  # the same before each item of a group


def test_items_are_spread_over_documents_and_alike_for_all_shots():
    docs = [d for d in map(str, range(100)) if is_tested(d)][:3] + [
        d for d in map(str, range(100)) if not is_tested(d)
    ][:4]
    items = [Item("ocr", "de", f"{doc} {n}", doc, f"Text {n}", "", ("Text",)) for doc in docs for n in range(10)]
    asked, too_long = choose_items(Scripted(str), items, 6, [0, 2, 4], 1)
    assert sorted(one.item.doc for one in asked) == sorted(docs[:3] * 2)
    assert all(one.tokens.keys() == {0, 2, 4} for one in asked)
    assert too_long == 0
    again, _ = choose_items(Scripted(str), items[::-1], 6, [0, 2, 4], 1)
    assert asked == again
    assert choose_items(Scripted(str), items, 6, [0, 2, 4], 2)[0] != asked
    fewer, _ = choose_items(Scripted(str), items, 6, [0, 5], 1)
    assert all(one.tokens.keys() == {0} for one in fewer)  # there are examples of four documents only


def test_what_does_not_fit_is_passed_over_and_counted():
    doc = next(d for d in map(str, range(100)) if is_tested(d))
    items = [Item("ocr", "de", str(n), doc, "x" * n, "", ("x",)) for n in (10, 20, 200)]
    asked, too_long = choose_items(Scripted(str, context=128), items, 9, [0], 1)
    assert {one.item.id for one in asked} == {"10", "20"}
    assert too_long == 1


def test_the_same_again(tmp_path):
    assert measured(tmp_path, rightly) == measured(tmp_path, rightly)


def test_without_a_folder_nothing_is_measured(tmp_path):
    assert outside_files(small_recipe()) == []
    assert measure_tasks(small_recipe(), Scripted(rightly), tmp_path, Progress()) == {}
    assert not (tmp_path / "tasks.json").exists()


def test_what_is_wrong_is_said_before_the_work(tmp_path):
    home = folder(tmp_path)
    recipe = small_recipe(evaluation={"tasks": {"path": str(home)}})
    assert {file.name for file in outside_files(recipe)} == {"translation.jsonl", "ocr.jsonl", "rag.jsonl"}
    written(home, "ocr", OCR | {"gt": None})
    with pytest.raises(InputError, match=r"ocr\.jsonl: line 1: gt: found null"):
        outside_files(recipe)


@pytest.mark.shared
@pytest.mark.skipif(not REAL.is_dir(), reason="the real corpus is not beside the repository")
def test_real_task_files_can_be_read():
    files = task_files(REAL)
    assert {task: len(read_items(task, file)) > 5000 for task, file in files.items()} == dict.fromkeys(files, True)
