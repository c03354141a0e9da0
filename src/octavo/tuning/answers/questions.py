"""Questions with sources, as files have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from octavo.corpus.rows import Row, read_rows
from octavo.recipe.schema import LANGUAGES
from octavo.tuning.answers.format import Question


def read_questions(file: Path) -> list[Question]:
    """The questions of a JSON Lines (also .zst) or Parquet file.

    Its columns are id, doc, lang, question, sources (a list of texts), gold_source (the place of the one with the
    answer, from 0, or null) and answers (a list of texts, empty where there is none); answer_starts may be there.
    Line breaks are kept. Raises InputError, with file, line or row, and column, where one is missing or of another
    kind; what is empty or contradicts itself is for the checks.
    """
    return [_question(row) for row in read_rows(file)]


def _question(row: Row) -> Question:
    lang = row.one_of("lang", LANGUAGES)
    for column in ("id", "doc"):
        if not row.text(column).strip():
            raise row.wrong(column, "a text that is not empty")
    sources = _texts(row, "sources")
    answers = _texts(row, "answers") if row.content.get("answers") is not None else ()
    gold = row.content.get("gold_source")
    if gold is not None and (type(gold) is not int or not 0 <= gold < len(sources)):
        raise row.wrong("gold_source", f"null or the place of a source, from 0 to {len(sources) - 1}")
    if (gold is None) != (not answers):
        raise row.wrong("gold_source", "null" if not answers else "the place of the source that holds the answers")
    return Question(
        row.text("id"), row.text("doc"), lang, row.text("question"), sources, gold, answers, _starts(row, answers)
    )


def _texts(row: Row, column: str) -> tuple[str, ...]:
    value = row.content.get(column)
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise row.wrong(column, "a list of texts")
    return tuple(value)


def _starts(row: Row, answers: tuple[str, ...]) -> tuple[int | None, ...]:
    value: Any = row.content.get("answer_starts")
    if value is None:
        return (None,) * len(answers)
    if (
        not isinstance(value, list)
        or len(value) != len(answers)
        or any(type(s) not in (int, type(None)) for s in value)
    ):
        raise row.wrong("answer_starts", f"{len(answers)} whole numbers, one for each of answers")
    return tuple(value)
