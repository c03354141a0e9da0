"""Tables of four kinds are read alike, and what is wrong in them is told with its place."""

from __future__ import annotations

import csv
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from octavo.corpus.rows import read_rows
from octavo.errors import InputError

ROWS = [{"id": "a", "text": "one\n\ntwo"}, {"id": "b", "text": "zwölf"}]


def write(folder: Path, ending: str) -> Path:
    file = folder / f"rows{ending}"
    lines = b"\n".join(map(orjson.dumps, ROWS)) + b"\n"
    if ending == ".jsonl":
        file.write_bytes(lines)
    elif ending == ".jsonl.zst":
        file.write_bytes(zstandard.compress(lines))
    elif ending == ".parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), file)
    else:
        with file.open("w", newline="", encoding="utf-8-sig") as opened:
            writer = csv.DictWriter(opened, ["id", "text"])
            writer.writeheader()
            writer.writerows(ROWS)
    return file


@pytest.mark.parametrize("ending", [".jsonl", ".jsonl.zst", ".parquet", ".csv"])
def test_all_kinds_give_the_same_rows(tmp_path: Path, ending: str) -> None:
    rows = list(read_rows(write(tmp_path, ending)))
    assert [row.content for row in rows] == ROWS
    assert rows[1].text("text") == "zwölf"


@pytest.mark.parametrize("ending", [".jsonl.zst", ".parquet"])
def test_a_file_that_was_cut_short_is_told(tmp_path: Path, ending: str) -> None:
    file = write(tmp_path, ending)
    file.write_bytes(file.read_bytes()[:-5])
    with pytest.raises(InputError, match=r"rows.*cannot be read"):
        list(read_rows(file))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b'{"id": "a"}\nno\n', r"a.jsonl: line 2: found no JSON"),
        ("a.jsonl", b"[1]\n", r"a.jsonl: line 1: found no JSON object"),
        ("a.csv", b"id,text\na\n", r"a.csv: line 2: found another number of fields than columns, expected 2"),
        ("a.csv", b"id,text\na,\xff\n", r"a.csv: after line \d: cannot be read"),
        ("a.tsv", b"", r"a.tsv: found .tsv, expected .jsonl"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(InputError, match=message):
        list(read_rows(file))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not found, expected a file"):
        read_rows(tmp_path / "none.jsonl")


def test_columns_of_another_kind_are_told(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(b'{"id": 7, "lang": "xx", "empty": null}\n')
    (row,) = read_rows(file)
    with pytest.raises(InputError, match=r"line 1: id: found 7, expected a text"):
        row.text("id")
    with pytest.raises(InputError, match=r"line 1: doc: found nothing, expected a text"):
        row.text("doc")
    with pytest.raises(InputError, match=r'line 1: lang: found "xx", expected one of en, fr'):
        row.one_of("lang", ("en", "fr"))
    assert row.text("empty") == ""
