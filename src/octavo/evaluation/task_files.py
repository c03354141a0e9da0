"""The files of document tasks: JSON Lines, one item a line, each of a document of which others may be."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson
import zstandard
from blake3 import blake3

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
    return [item for line, row in _rows(file) if (item := _READ[task](_Row(file, line, row)))]


def is_tested(doc: str) -> bool:
    """Whether a document's items are for testing: a fifth are, by a hash; of the others examples may be taken."""
    return int.from_bytes(blake3(doc.encode()).digest(8)) % 5 == 0


class _Row(NamedTuple):
    file: Path
    line: int
    content: dict[str, Any]

    def text(self, column: str) -> str:
        """A text with something in it, in one line."""
        value = self.content.get(column)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(column, "a text that is not empty")
        return " ".join(value.split())

    def texts(self, column: str) -> list[str]:
        """A list of texts, each in one line."""
        value = self.content.get(column)
        if (
            not isinstance(value, list)
            or not all(isinstance(v, str) for v in value)
            or not any(map(str.strip, value))
        ):
            raise self.wrong(column, "a list of texts that are not all empty")
        return [" ".join(v.split()) for v in value]

    def wrong(self, column: str, expected: str) -> InputError:
        value = self.content.get(column)
        shown = orjson.dumps(value).decode() if column in self.content else "nothing"
        found = shown if len(shown) <= 60 else f"{shown[:57]}..."
        return InputError(f"{self.file}: line {self.line}: {column}: found {found}, expected {expected}")


def _rows(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with zstandard.open(file, "rb") if file.suffix == ".zst" else file.open("rb") as opened:
            for number, line in enumerate(io.BufferedReader(opened), 1):
                if line.strip():
                    row = orjson.loads(line)
                    if not isinstance(row, dict):
                        raise InputError(f"{file}: line {number}: found no JSON object, expected one")
                    yield number, row
    except orjson.JSONDecodeError as error:
        raise InputError(f"{file}: line {number}: found no JSON ({error}), expected an object") from None
    except (OSError, zstandard.ZstdError) as error:
        raise InputError(f"{file}: cannot be read ({error}), expected JSON Lines") from None


def _translation(row: _Row) -> Item | None:
    pair = row.text("src_lang"), row.text("tgt_lang")
    if pair[0] == pair[1]:
        raise row.wrong("tgt_lang", f"another language than src_lang ({pair[0]})")
    if not set(pair) <= LABELS.keys():
        return None
    group = "-".join(pair)
    return Item(TRANSLATION, group, row.text("id"), row.text("doc"), row.text("src"), "", (row.text("tgt"),))


def _ocr(row: _Row) -> Item | None:
    lang = row.text("lang")
    if lang not in LABELS:
        return None
    return Item(OCR, lang, row.text("id"), row.text("doc"), row.text("ocr"), "", (row.text("gt"),))


def _rag(row: _Row) -> Item | None:
    lang, sources, place = row.text("lang"), row.texts("sources"), row.content.get("gold_source")
    if type(place) is not int or not 0 <= place < len(sources) or not sources[place]:
        raise row.wrong("gold_source", f"the place of a text in sources, from 0 to {len(sources) - 1}")
    if lang not in LABELS:
        return None
    answers = tuple(answer for answer in row.texts("answers") if answer)
    return Item(RAG, lang, row.text("id"), row.text("doc"), sources[place], row.text("question"), answers)


_READ: Final[dict[str, Callable[[_Row], Item | None]]] = {TRANSLATION: _translation, OCR: _ocr, RAG: _rag}
