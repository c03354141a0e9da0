"""The corpus that the package ships, against the texts that it is built from."""

from __future__ import annotations

import importlib.util
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from octavo.corpus.locations import expand
from octavo.corpus.schema import SOURCE_SCHEMA
from octavo.curation.language import identify
from octavo.recipe.schema import LANGUAGES

BUILD = Path(__file__).parent.parent / "starter" / "build.py"


@pytest.fixture(scope="module")
def table() -> pa.Table:
    (location,), _ = expand("builtin:starter")
    return pq.read_table(location.path)


@pytest.fixture(scope="module")
def documents(table: pa.Table) -> list[dict[str, Any]]:
    return [d for d in table.to_pylist() if not is_fault(d)]


@pytest.fixture(scope="module")
def faults(table: pa.Table) -> list[dict[str, Any]]:
    return [d for d in table.to_pylist() if is_fault(d)]


def is_fault(document: dict[str, Any]) -> bool:
    return "deliberate fault" in document["collection"]


def lang_of(document: dict[str, Any]) -> str:
    return str(document["identifier"].split("/")[1])


@pytest.fixture(scope="module")
def build() -> ModuleType:
    specification = importlib.util.spec_from_file_location("starter_build", BUILD)
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_shipped_file_is_what_the_texts_make(table: pa.Table, build: ModuleType) -> None:
    assert table.equals(build.build())


def test_it_has_common_corpus_columns(table: pa.Table) -> None:
    assert set(table.column_names) <= set(SOURCE_SCHEMA.names)
    assert len(set(table.column("identifier").to_pylist())) == table.num_rows


@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_language_has_30_kilobytes_apart_from_faults(documents: list[dict[str, Any]], lang: str) -> None:
    assert sum(len(d["text"].encode()) for d in documents if lang_of(d) == lang) >= 30_000


@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_language_is_told_from_the_text(documents: list[dict[str, Any]], lang: str) -> None:
    texts = [d["text"] for d in documents if lang_of(d) == lang]
    assert Counter(identify(pa.array(texts)).field("lang").to_pylist()) == {lang: len(texts)}


def test_it_has_at_least_24_deliberate_faults_each_named(faults: list[dict[str, Any]]) -> None:
    named = [d["collection"].partition("deliberate fault: ")[2] for d in faults]
    assert len(named) >= 24
    assert all(named)


def test_no_text_hides_how_it_was_made(table: pa.Table) -> None:
    assert set(table.column("creator").to_pylist()) == {"The octavo authors, written with a large language model"}


def test_every_text_is_cc0_but_for_the_faults_that_are_about_licences(
    documents: list[dict[str, Any]], faults: list[dict[str, Any]]
) -> None:
    assert {d["license"] for d in documents} == {"CC0-1.0"}
    other = [d for d in faults if d["license"] != "CC0-1.0"]
    assert {d["collection"].rpartition(": ")[2] for d in other} == {
        "non-commercial licence",
        "no-derivatives licence",
        "missing licence",
        "all rights reserved",
        "unknown licence",
    }


@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_language_has_a_text_with_long_s(documents: list[dict[str, Any]], lang: str) -> None:
    assert any("ſ" in d["text"] for d in documents if lang_of(d) == lang)


def test_the_texts_are_sound(documents: list[dict[str, Any]]) -> None:
    for document in documents:
        assert document["title"]
        assert document["word_count"] == len(document["text"].split())
        assert "\ufffd" not in document["text"]
        assert all(c == "\n" or c.isprintable() for c in document["text"])
    texts = [d["text"] for d in documents]
    assert len(set(texts)) == len(texts)
