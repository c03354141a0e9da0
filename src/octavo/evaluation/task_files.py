"""The files of document tasks: JSON Lines, one item a line, each of a document of which others may be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from blake3 import blake3

from octavo.corpus.rows import Row, read_rows
from octavo.errors import InputError
from octavo.evaluation.task_prompts import LABELS

TRANSLATION, OCR, RAG = "translation", "ocr", "rag"
TASKS: Final = (TRANSLATION, OCR, RAG)
_FIELD: Final = "evaluation.tasks.path"


class Item(NamedTuple):
    """Something to translate, to correct, or to answer."""

    task: str
    group: str
    """Its language, or the pair of languages as la-en."""
    id: str
    doc: str
    """The document that it is from: items of one are alike."""
    source: str
    """What is translated or corrected, or the passage with the answer."""
    question: str
    answers: tuple[str, ...]
    """The translation, the corrected text, or all answers that count as right."""


def task_files(folder: Path) -> dict[str, Path]:
    """The file of each task that the folder has; InputError where there is none, or two of one task."""
    if not folder.is_dir():
        raise InputError(f"{_FIELD}: {folder}: not found, expected a folder of task files")
    found: dict[str, Path] = {}
    for task in TASKS:
        files = sorted([*folder.rglob(f"{task}.jsonl"), *folder.rglob(f"{task}.jsonl.zst")])
        if len(files) > 1:
            raise InputError(f"{_FIELD}: {folder}: found {', '.join(map(str, files))}, expected one file of {task}")
        if files:
            found[task] = files[0]
    if not found:
        names = ", ".join(f"{task}.jsonl" for task in TASKS)
        raise InputError(f"{_FIELD}: {folder}: found no task file, expected {names} or some of them, or with .zst")
    return found


def read_items(task: str, file: Path) -> list[Item]:
    """The items of a file in the languages that octavo has prompts in.

    Raises InputError, with file, line and column, where something is missing or of another kind.
    """
    return [item for row in read_rows(file) if (item := _READ[task](row))]


def is_tested(doc: str) -> bool:
    """Whether a document's items are for testing: a fifth are, by a hash; of the others examples may be taken."""
    return int.from_bytes(blake3(doc.encode()).digest(8)) % 5 == 0


def _text(row: Row, column: str) -> str:
    """A text with something in it, in one line."""
    value = row.content.get(column)
    if not isinstance(value, str) or not value.strip():
        raise row.wrong(column, "a text that is not empty")
    return " ".join(value.split())


def _texts(row: Row, column: str) -> list[str]:
    """A list of texts, each in one line."""
    value = row.content.get(column)
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value) or not any(map(str.strip, value)):
        raise row.wrong(column, "a list of texts that are not all empty")
    return [" ".join(v.split()) for v in value]


def _translation(row: Row) -> Item | None:
    pair = _text(row, "src_lang"), _text(row, "tgt_lang")
    if pair[0] == pair[1]:
        raise row.wrong("tgt_lang", f"another language than src_lang ({pair[0]})")
    if not set(pair) <= LABELS.keys():
        return None
    group = "-".join(pair)
    return Item(
        TRANSLATION, group, _text(row, "id"), _text(row, "doc"), _text(row, "src"), "", (_text(row, "tgt"),)
    )


def _ocr(row: Row) -> Item | None:
    lang = _text(row, "lang")
    if lang not in LABELS:
        return None
    return Item(OCR, lang, _text(row, "id"), _text(row, "doc"), _text(row, "ocr"), "", (_text(row, "gt"),))


def _rag(row: Row) -> Item | None:
    lang, sources, place = _text(row, "lang"), _texts(row, "sources"), row.content.get("gold_source")
    if type(place) is not int or not 0 <= place < len(sources) or not sources[place]:
        raise row.wrong("gold_source", f"the place of a text in sources, from 0 to {len(sources) - 1}")
    if lang not in LABELS:
        return None
    answers = tuple(answer for answer in _texts(row, "answers") if answer)
    return Item(RAG, lang, _text(row, "id"), _text(row, "doc"), sources[place], _text(row, "question"), answers)


_READ: Final[dict[str, Callable[[Row], Item | None]]] = {TRANSLATION: _translation, OCR: _ocr, RAG: _rag}
