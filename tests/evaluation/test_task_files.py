import json

import pytest
import zstandard

from octavo.errors import InputError
from octavo.evaluation.task_files import Item, is_tested, read_items, task_files

TRANSLATION = {
    "id": "1",
    "doc": "d",
    "src_lang": "la",
    "tgt_lang": "en",
    "src": "Arma\nvirumque cano",
    "tgt": "I sing",
}
OCR = {"id": "2", "doc": "d", "lang": "de", "ocr": "Dcr Hund", "gt": "Der Hund"}
RAG = {
    "id": "3",
    "doc": "d",
    "lang": "fr",
    "question": "Qui ?",
    "answers": ["Anne", "", "la reine Anne"],
    "sources": ["Rien.", "Anne vint."],
    "gold_source": 1,
}


def written(home, task, *rows, ending=""):
    content = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
    file = home / f"{task}.jsonl{ending}"
    file.write_bytes(zstandard.compress(content) if ending else content)
    return file


@pytest.mark.parametrize("ending", ["", ".zst"])
def test_items_of_each_task(tmp_path, ending):
    assert read_items("translation", written(tmp_path, "translation", TRANSLATION, ending=ending)) == [
        Item("translation", "la-en", "1", "d", "Arma virumque cano", "", ("I sing",))
    ]
    assert read_items("ocr", written(tmp_path, "ocr", OCR, ending=ending)) == [
        Item("ocr", "de", "2", "d", "Dcr Hund", "", ("Der Hund",))
    ]
    assert read_items("rag", written(tmp_path, "rag", RAG, ending=ending)) == [
        Item("rag", "fr", "3", "d", "Anne vint.", "Qui ?", ("Anne", "la reine Anne"))
    ]


def test_languages_without_prompts_are_left_out(tmp_path):
    rows = [TRANSLATION | {"tgt_lang": "cs"}, TRANSLATION]
    assert len(read_items("translation", written(tmp_path, "translation", *rows))) == 1


@pytest.mark.parametrize(
    ("task", "row", "said"),
    [
        (
            "translation",
            {k: v for k, v in TRANSLATION.items() if k != "tgt"},
            "tgt: found nothing, expected a text",
        ),
        ("translation", TRANSLATION | {"doc": 7}, "doc: found 7, expected a text that is not empty"),
        ("translation", TRANSLATION | {"tgt_lang": "la"}, 'tgt_lang: found "la", expected another language'),
        ("ocr", OCR | {"gt": "  "}, 'gt: found "  ", expected a text that is not empty'),
        ("rag", RAG | {"answers": []}, "answers: found [], expected a list of texts that are not all empty"),
        ("rag", RAG | {"sources": "Anne"}, 'sources: found "Anne", expected a list'),
        (
            "rag",
            RAG | {"gold_source": 2},
            "gold_source: found 2, expected the place of a text in sources, from 0 to 1",
        ),
        ("rag", RAG | {"answers": ["", " "]}, 'answers: found [""," "], expected a list of texts'),
        ("rag", RAG | {"sources": ["Anne", ""]}, "gold_source: found 1, expected the place of a text"),
        ("rag", RAG | {"gold_source": True}, "gold_source: found true, expected the place"),
        ("ocr", [OCR], "found no JSON object, expected one"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, task, row, said):
    file = written(tmp_path, task, {"translation": TRANSLATION, "ocr": OCR, "rag": RAG}[task], row)
    with pytest.raises(InputError) as error:
        read_items(task, file)
    assert str(error.value).startswith(f"{file}: line 2: ")
    assert said in str(error.value)


def test_files_that_cannot_be_read(tmp_path):
    file = tmp_path / "ocr.jsonl"
    file.write_text('{"id": \n')
    with pytest.raises(InputError, match="line 1: found no JSON"):
        read_items("ocr", file)
    packed = tmp_path / "ocr.jsonl.zst"
    for content in (b"no archive", zstandard.compress(b'{"id": ')[:-2]):
        packed.write_bytes(content)
        with pytest.raises(InputError, match="cannot be read"):
            read_items("ocr", packed)


def test_the_folder(tmp_path):
    with pytest.raises(InputError, match=r"evaluation\.tasks\.path: .*none: not found, expected a folder"):
        task_files(tmp_path / "none")
    with pytest.raises(
        InputError, match=r"found no task file, expected translation\.jsonl, ocr\.jsonl, rag\.jsonl"
    ):
        task_files(tmp_path)
    (tmp_path / "ocr").mkdir()
    file = written(tmp_path / "ocr", "ocr", OCR, ending=".zst")
    assert task_files(tmp_path) == {"ocr": file}
    written(tmp_path, "ocr", OCR)
    with pytest.raises(InputError, match="expected one file of ocr"):
        task_files(tmp_path)


def test_a_fifth_of_the_documents_is_for_testing():
    tested = sum(is_tested(f"document {n}") for n in range(5000))
    assert 900 < tested < 1100
