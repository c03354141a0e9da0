"""Where documents lie: local files here; s3:// and hf:// are in test_importing.py."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from octavo.corpus.locations import expand, format_of
from octavo.errors import InputError


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of sources, from within which the tests look at it."""
    for name in ("b.txt", "a.jsonl.gz", "deep/er/c.parquet", "deep/d.TXT", "notes.doc", "deep/scan.djvu"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("Arma virumque cano")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(path: str) -> list[str]:
    return [location.name for location in expand(path)[0]]


@pytest.mark.parametrize(
    ("name", "reader"),
    [
        ("a.parquet", "parquet"),
        ("a.jsonl", "jsonl"),
        ("a.jsonl.gz", "jsonl"),
        ("a.jsonl.zst", "jsonl"),
        ("a.b.TXT", "plain_text"),
        ("a.gz", None),
        ("a.json", None),
        ("parquet", None),
    ],
)
def test_a_files_ending_chooses_its_reader(name: str, reader: str | None) -> None:
    assert format_of(name) == reader


def test_a_file_is_itself(library: Path) -> None:
    (location,), skipped = expand(str(library / "b.txt"))
    assert (location.name, location.format, location.local) == (
        str(library / "b.txt"),
        "plain_text",
        library / "b.txt",
    )
    assert skipped == []


def test_a_folder_is_all_its_files_in_order_and_lists_those_that_no_reader_takes(library: Path) -> None:
    for path in (str(library), f"{library}/"):
        found, skipped = expand(path)
        assert [location.name for location in found] == [
            str(library / name) for name in ("a.jsonl.gz", "b.txt", "deep/d.TXT", "deep/er/c.parquet")
        ]
        assert skipped == [str(library / "deep/scan.djvu"), str(library / "notes.doc")]


@pytest.mark.parametrize(
    ("pattern", "matching"),
    [
        ("*.txt", ["b.txt"]),
        ("[ab].*", ["a.jsonl.gz", "b.txt"]),
        ("?.txt", ["b.txt"]),
        ("d*/*/c.parquet", ["deep/er/c.parquet"]),
        ("deep/*", ["deep/d.TXT", "deep/er/c.parquet"]),
    ],
)
def test_a_glob_is_the_files_that_match(library: Path, pattern: str, matching: list[str]) -> None:
    assert names(pattern) == matching
    assert names(f"{library}/{pattern}") == [f"{library}/{name}" for name in matching]


def test_a_file_or_folder_whose_name_holds_a_bracket_is_itself(tmp_path: Path) -> None:
    (tmp_path / "poems [1890]").mkdir()
    (tmp_path / "poems [1890]" / "a*.txt").write_text("Arma")
    assert names(f"{tmp_path}/poems [1890]") == [f"{tmp_path}/poems [1890]/a*.txt"]
    assert names(f"{tmp_path}/poems [1890]/a*.txt") == [f"{tmp_path}/poems [1890]/a*.txt"]


def test_a_name_that_is_not_utf8_is_shown_with_its_bytes(tmp_path: Path) -> None:
    for name in (b"Br\xfccke.txt", b"Br\xfccke.djvu"):
        (tmp_path / os.fsdecode(name)).write_text("Arma")
    (location,), skipped = expand(str(tmp_path))
    assert location.name == f"{tmp_path}/Br\\xfccke.txt"
    assert skipped == [f"{tmp_path}/Br\\xfccke.djvu"]
    assert location.local is None
    with pytest.raises(InputError, match=r"Br\\xfccke.txt: found a name that is not UTF-8, expected one that is"):
        expand(os.fsdecode(bytes(tmp_path) + b"/Br\xfccke.txt"))


@pytest.mark.parametrize("path", ["none.txt", "none", "empty", "*.jsonl", "none/*.txt"])
def test_nothing_there_is_said(library: Path, path: str) -> None:
    with pytest.raises(InputError) as caught:
        expand(path)
    assert str(caught.value).startswith(f"{path}: found nothing there, expected a file")


def test_files_that_no_reader_takes_are_not_enough(library: Path) -> None:
    with pytest.raises(
        InputError, match=r"notes.doc: found 1 files, none of which can be read; expected .*\.parquet"
    ):
        expand("notes.doc")


def test_the_starter_corpus_is_built_in_and_no_other_is() -> None:
    (location,), skipped = expand("builtin:starter")
    assert (location.name, location.format, skipped) == ("builtin:starter", "parquet", [])
    with pytest.raises(InputError, match="builtin:other: found no such built-in corpus, expected builtin:starter"):
        expand("builtin:other")


def test_a_scheme_that_nobody_knows_is_refused() -> None:
    with pytest.raises(InputError, match="gopher://host/books: cannot be opened"):
        expand("gopher://host/books")
