"""Evaluation sets are kept out of the training text by their n-grams."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from octavo.curation.decontamination import overlap, read_sets
from octavo.curation.words import read_words
from octavo.errors import InputError
from octavo.recipe.curation import Decontamination

QUESTION = (
    "Which of the two rivers that meet below the old mill is the longer, and from which hill does it come down?"
)
OTHER = (
    "The miller had two daughters, of whom the elder kept the books and the younger kept the peace in the house."
)


def share(text: str, *sets: Path) -> float:
    settings = Decontamination(sets=[str(path) for path in sets])
    grams = read_sets(settings)
    assert grams is not None
    return float(overlap(read_words(pa.array([text])), grams, settings.ngram)[0])


def test_a_document_that_holds_a_question_is_found_whatever_its_punctuation_and_case(tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text(json.dumps({"id": 1, "question": {"text": [QUESTION]}}) + "\n")
    assert share(QUESTION, file) == 1
    assert share(QUESTION.upper().replace(",", " — "), file) > 0.5
    assert 0.1 < share(f"{OTHER} {QUESTION}", file) < 0.9
    assert share(OTHER, file) == 0
    assert share("", file) == 0


def test_sets_may_be_parquet_or_plain_text_and_short_texts_tell_nothing(tmp_path: Path) -> None:
    pq.write_table(pa.table({"q": [QUESTION, "Who?"], "n": [1, 2]}), tmp_path / "a.parquet")
    (tmp_path / "b.txt").write_text(OTHER)
    assert share(QUESTION, tmp_path / "a.parquet") == 1
    assert share(OTHER, tmp_path / "a.parquet", tmp_path / "b.txt") == 1
    assert share("Who?", tmp_path / "a.parquet") == 0


def test_without_sets_there_is_nothing_to_look_for() -> None:
    assert read_sets(Decontamination()) is None


def test_a_set_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text("{")
    for path in (tmp_path / "none.parquet", tmp_path / "bad.jsonl"):
        with pytest.raises(InputError, match=rf"decontamination\.sets\[0\]: {path}: cannot be read"):
            read_sets(Decontamination(sets=[str(path)]))
