"""The readers: Parquet, JSON Lines and plain text, as a source's files come."""

from __future__ import annotations

import datetime
import gzip
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from octavo.corpus.locations import expand
from octavo.corpus.readers import jsonl
from octavo.corpus.readers.reading import Unreadable, reader_for
from octavo.corpus.schema import SOURCE_SCHEMA
from octavo.errors import InputError
from octavo.recipe.schema import Source


def read(path: Path, columns: dict[str, str] | None = None) -> tuple[list[dict[str, Any]], list[Unreadable]]:
    """The documents of a file, without their null columns, and what was set aside."""
    (location,), _ = expand(str(path))
    documents: list[dict[str, Any]] = []
    aside = []
    for piece in reader_for(location)(location, Source(path=str(path), columns=columns or {})):
        if isinstance(piece, Unreadable):
            aside.append(piece)
        else:
            assert piece.schema == SOURCE_SCHEMA
            documents += [{k: v for k, v in row.items() if v is not None} for row in piece.to_pylist()]
    return documents, aside


def places(aside: list[Unreadable], path: Path) -> list[str]:
    return [piece.where.removeprefix(str(path)).lstrip(":") for piece in aside]


@pytest.fixture
def parquet(tmp_path: Path) -> Callable[..., Path]:
    def write(**columns: Any) -> Path:
        path = tmp_path / "books.parquet"
        pq.write_table(pa.table(columns), path)
        return path

    return write


def not_utf8(values: list[bytes]) -> pa.Array:
    """Bytes that claim to be text, as some writers leave them."""
    offsets = [0]
    for value in values:
        offsets.append(offsets[-1] + len(value))
    buffers = [None, pa.py_buffer(pa.array(offsets, pa.int32()).buffers()[1]), pa.py_buffer(b"".join(values))]
    return pa.Array.from_buffers(pa.string(), len(values), buffers)


LISTS: list[tuple[Any, str | None]] = [
    (["Orme, Jane (1870-1900)", "Zweig, Anna"], "Orme, Jane (1870-1900); Zweig, Anna"),
    ([{"name": "Orme, Jane"}, {"name": None}, None], 'Orme, Jane; {"name": null}'),
    ({"name": "Orme, Jane"}, "Orme, Jane"),
    ({"called": "Jane"}, '{"called": "Jane"}'),
    (["CC-BY-4.0"], "CC-BY-4.0"),
    ([], None),
]
"""Creators or licences as a source may have them, and as they come in."""


class TestParquet:
    def test_common_corpus_columns_come_in_as_they_are(self, parquet: Callable[..., Path]) -> None:
        row = {"identifier": "b1", "license": "CC0-1.0", "creator": "Ada", "word_count": 2, "text": "Arma virumque"}
        documents, aside = read(parquet(**{name: [value] for name, value in row.items()}, colour=["red"]))
        assert documents == [row]
        assert aside == []

    def test_columns_are_mapped_by_the_recipe(self, parquet: Callable[..., Path]) -> None:
        path = parquet(body=["Arma virumque"], key=["b1"])
        assert read(path, {"text": "body", "identifier": "key"})[0] == [
            {"identifier": "b1", "text": "Arma virumque"}
        ]

    def test_one_column_may_serve_twice(self, parquet: Callable[..., Path]) -> None:
        path = parquet(body=["Arma"])
        assert read(path, {"text": "body", "title": "body"})[0] == [{"title": "Arma", "text": "Arma"}]

    def test_a_missing_text_column_is_named_with_the_nearest(self, parquet: Callable[..., Path]) -> None:
        with pytest.raises(
            InputError, match=r"books.parquet: found no column 'text' \(it has id, texts\).*{text: texts}"
        ):
            read(parquet(id=["1"], texts=["Arma"]))

    def test_a_mapped_column_that_is_not_there_is_named(self, parquet: Callable[..., Path]) -> None:
        with pytest.raises(InputError, match=r"found no column 'titel'.*columns: {title: title}"):
            read(parquet(text=["Arma"], title=["Aeneis"]), {"title": "titel"})

    def test_a_file_cut_short_is_refused_by_name(self, parquet: Callable[..., Path]) -> None:
        path = parquet(text=["Arma virumque cano"] * 100)
        path.write_bytes(path.read_bytes()[:-20])
        with pytest.raises(InputError, match=r"books.parquet: found a file that cannot be read .*expected Parquet"):
            read(path)

    @pytest.mark.parametrize("content", [b"", b"text", b"Arma virumque cano, Troiae qui primus ab oris"])
    def test_text_named_parquet_is_refused_by_name(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "books.parquet"
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"books.parquet: found a file that cannot be read .*expected Parquet"):
            read(path)

    @pytest.mark.parametrize("name", ["text", "title"])
    def test_a_value_that_is_not_utf8_is_refused_with_its_row_and_column(
        self, parquet: Callable[..., Path], name: str
    ) -> None:
        columns: dict[str, Any] = {"text": ["a", "b", "c"], name: not_utf8([b"a", b"caf\xc3\xa9", b"caf\xe9"])}
        with pytest.raises(InputError, match=f"books.parquet: row 3: {name}: found bytes that are not UTF-8"):
            read(parquet(**columns))

    def test_bytes_that_are_utf8_are_text(self, parquet: Callable[..., Path]) -> None:
        assert read(parquet(text=[b"caf\xc3\xa9"]))[0] == [{"text": "café"}]

    def test_columns_of_other_types_become_text(self, parquet: Callable[..., Path]) -> None:
        path = parquet(
            text=pa.array(["Arma"]).dictionary_encode(),
            identifier=[7],
            date=[datetime.date(1850, 1, 31)],
            title=[["Aeneis", "I"]],
            creator=[7],
            language=[Decimal("1.5")],
            collection=[True],
        )
        assert read(path)[0] == [
            {
                "identifier": "7",
                "collection": "true",
                "date": "1850-01-31",
                "title": '["Aeneis", "I"]',
                "creator": "7",
                "language": "1.5",
                "text": "Arma",
            }
        ]

    @pytest.mark.parametrize(("values", "text"), LISTS)
    def test_of_several_creators_and_licences_every_one_counts(
        self, parquet: Callable[..., Path], values: Any, text: str | None
    ) -> None:
        (document,), _ = read(parquet(text=["Arma"], creator=[values], license=[values]))
        assert (document.get("creator"), document.get("license")) == (text, text)

    @pytest.mark.parametrize(
        ("column", "count"),
        [
            (pa.array([12], pa.int16()), 12),
            (pa.array([12.0]), 12),
            (pa.array(["twelve"]), None),
            (pa.array([float("nan")]), None),
            (pa.array([float("inf")]), None),
            (pa.array([2**63], pa.uint64()), None),
        ],
    )
    def test_a_count_that_is_none_is_left_out(
        self, parquet: Callable[..., Path], column: pa.Array, count: int | None
    ) -> None:
        documents, _ = read(parquet(text=["Arma"], word_count=column))
        assert documents[0].get("word_count") == count

    def test_row_groups_of_any_size_keep_their_order(self, tmp_path: Path) -> None:
        path = tmp_path / "books.parquet"
        texts = [f"text {n}" for n in range(3000)]
        pq.write_table(pa.table({"text": texts}), path, row_group_size=1100)
        assert [d["text"] for d in read(path)[0]] == texts


GOOD = st.fixed_dictionaries(
    {"text": st.text(max_size=30)},
    optional={
        "title": st.text(max_size=5) | st.none() | st.integers() | st.lists(st.integers(), max_size=2),
        "word_count": st.integers() | st.floats() | st.text(max_size=3),
        "other": st.integers() | st.dictionaries(st.text(max_size=3), st.booleans(), max_size=2),
    },
).map(
    lambda row: (
        json.dumps(row, ensure_ascii=False, allow_nan=False, default=str).encode("utf-8", "surrogatepass")
        if not any(isinstance(v, float) and v - v != 0 for v in row.values())
        else b'{"text": "finite"}'
    )
)
BAD = st.sampled_from(
    [
        b"not JSON",
        b"{",
        b'{"text": "cut sho',
        b'{"text": 12}',
        b'{"text": null}',
        b'{"text": ["a"]}',
        b'{"title": "no text"}',
        b'{"text": "caf\xe9"}',
        b'{"text": "\\ud800"}',
        b'"text"',
        b"null",
        b"[]",
        b"12",
        b'{"text": "a"} {"text": "b"}',
    ]
)
BLANK = st.sampled_from([b"", b"  ", b"\t"])


class TestJsonLines:
    @pytest.fixture
    def lines(self, tmp_path: Path) -> Callable[[bytes], Path]:
        def write(content: bytes) -> Path:
            path = tmp_path / "books.jsonl"
            path.write_bytes(content)
            return path

        return write

    @pytest.mark.parametrize(
        ("name", "pack"),
        [
            ("a.jsonl", bytes),
            ("a.jsonl.gz", gzip.compress),
            ("a.JSONL.GZ", gzip.compress),
            ("a.jsonl.gz", lambda content: gzip.compress(content[:30]) + gzip.compress(content[30:])),
            ("a.jsonl.zst", zstandard.compress),
        ],
    )
    def test_it_is_read_plain_or_compressed(
        self, tmp_path: Path, name: str, pack: Callable[[bytes], bytes]
    ) -> None:
        path = tmp_path / name
        path.write_bytes(pack(b'{"text": "Arma virumque"}\n{"text": "cano", "identifier": "b2"}\n'))
        assert read(path) == ([{"text": "Arma virumque"}, {"identifier": "b2", "text": "cano"}], [])

    @pytest.mark.parametrize(("name", "pack"), [("a.jsonl.gz", gzip.compress), ("a.jsonl.zst", zstandard.compress)])
    def test_a_compressed_file_cut_short_is_refused_by_name(
        self, tmp_path: Path, name: str, pack: Callable[[bytes], bytes]
    ) -> None:
        path = tmp_path / name
        path.write_bytes(pack(b'{"text": "Arma virumque"}\n' * 1000)[:-4])
        with pytest.raises(InputError, match=rf"{name}: found a file that cannot be read .*expected JSON Lines"):
            read(path)

    def test_text_named_gz_is_refused_by_name(self, tmp_path: Path) -> None:
        path = tmp_path / "a.jsonl.gz"
        path.write_bytes(b'{"text": "Arma"}\n')
        with pytest.raises(InputError, match=r"a.jsonl.gz: found a file that cannot be read"):
            read(path)

    def test_fields_are_mapped_by_the_recipe(self, lines: Callable[[bytes], Path]) -> None:
        path = lines(b'{"body": "Arma", "n": 3}\n{"body": "virumque", "n": "four"}\n')
        columns = {"text": "body", "title": "body", "word_count": "n"}
        assert read(path, columns)[0] == [
            {"title": "Arma", "text": "Arma", "word_count": 3},
            {"title": "virumque", "text": "virumque"},
        ]

    @pytest.mark.parametrize(("values", "text"), LISTS)
    def test_of_several_creators_and_licences_every_one_counts(
        self, lines: Callable[[bytes], Path], values: Any, text: str | None
    ) -> None:
        path = lines(json.dumps({"text": "Arma", "creator": values, "license": values}).encode())
        (document,), _ = read(path)
        assert (document.get("creator"), document.get("license")) == (text, text)

    @pytest.mark.parametrize(
        "content",
        [
            b'{"text": "Arma"}\n{"text": "cano"}\n',
            b'{"text": "Arma"}\n{"text": "cano"}',
            b'{"text": "Arma"}\r\n{"text": "cano"}\r\n',
            b'\n\n{"text": "Arma"}\n  \r\n{"text": "cano"}\n\n',
            b'\xef\xbb\xbf{"text": "Arma"}\n{"text": "cano"}\n',
        ],
        ids=["plain", "no final newline", "CRLF", "blank lines", "byte-order mark"],
    )
    def test_line_ends_are_taken_as_they_come(self, lines: Callable[[bytes], Path], content: bytes) -> None:
        assert read(lines(content)) == ([{"text": "Arma"}, {"text": "cano"}], [])

    def test_an_empty_file_has_no_document(self, lines: Callable[[bytes], Path]) -> None:
        assert read(lines(b"")) == ([], [])

    def test_a_byte_order_mark_is_no_fault_of_the_first_line(self, lines: Callable[[bytes], Path]) -> None:
        path = lines(b'\xef\xbb\xbf{"text": "Arma"}\n{"text": 3}\n')
        documents, aside = read(path)
        assert documents == [{"text": "Arma"}]
        assert places(aside, path) == ["2"]

    def test_a_bad_line_is_set_aside_whole_with_its_number_and_the_reason(
        self, lines: Callable[[bytes], Path]
    ) -> None:
        path = lines(b'{"text": "Arma"}\n\nnot JSON\n{"text": 3}\n["a"]\n{"text": "cano"}\n')
        documents, aside = read(path)
        assert [d["text"] for d in documents] == ["Arma", "cano"]
        assert places(aside, path) == ["3", "4", "5"]
        assert [piece.content for piece in aside] == [b"not JSON", b'{"text": 3}', b'["a"]']
        assert aside[0].reason.startswith("not JSON: ")
        assert aside[1].reason == "found no text in 'text'"
        assert aside[2].reason == "JSON, but no object"

    @pytest.mark.parametrize("column", ["title", "creator"])
    def test_a_field_nested_too_deeply_is_no_document(self, lines: Callable[[bytes], Path], column: str) -> None:
        deep = b"[" * 1000 + b"]" * 1000
        path = lines(b'{"text": "Arma"}\n{"text": "cano", "%s": %s}\n' % (column.encode(), deep))
        documents, (piece,) = read(path)
        assert [d["text"] for d in documents] == ["Arma"]
        assert piece.reason == "JSON nested too deeply"

    def test_a_line_over_the_limit_is_set_aside_and_the_rest_goes_on(
        self, lines: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(jsonl, "BLOCK_BYTES", 16)
        monkeypatch.setattr(jsonl, "LINE_BYTES", 64)
        long = b'{"text": "' + b"a" * 500 + b'"}\n'
        path = lines(b'{"text": "Arma"}\n' + long + b'{"text": "virumque"}\n{"text": 3}\n{"text": "cano"}\n' + long)
        documents, aside = read(path)
        assert [d["text"] for d in documents] == ["Arma", "virumque", "cano"]
        assert places(aside, path) == ["2", "4", "6"]
        assert aside[0].reason == "a line of over 64 bytes"
        assert long.startswith(aside[0].content)

    @given(
        st.lists(GOOD | BAD | BLANK, max_size=12),
        st.sampled_from([b"\n", b"\r\n"]),
        st.booleans(),
        st.integers(1, 64),
    )
    def test_every_good_line_comes_out_once_and_every_bad_one_is_set_aside(
        self, tmp_path_factory: pytest.TempPathFactory, content: list[bytes], end: bytes, ends: bool, block: int
    ) -> None:
        path = tmp_path_factory.getbasetemp() / "mixture.jsonl"
        path.write_bytes(end.join(content) + (end if ends else b""))
        good, bad = [], []
        for number, line in enumerate(content, 1):
            text = self.text_of(line)
            if text is not None:
                good.append(text)
            elif line.strip():
                bad.append(str(number))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(jsonl, "BLOCK_BYTES", block)
            documents, aside = read(path)
        assert [d["text"] for d in documents] == good
        assert places(aside, path) == bad

    def text_of(self, line: bytes) -> str | None:
        try:
            value = json.loads(line)
        except ValueError:
            return None
        text = value.get("text") if isinstance(value, dict) else None
        return text if isinstance(text, str) and not any("\ud800" <= c <= "\udfff" for c in text) else None


class TestPlainText:
    def test_a_file_is_a_document_named_by_the_file(self, tmp_path: Path) -> None:
        path = tmp_path / "de_bello_gallico.txt"
        path.write_text("Gallia eſt omnis diviſa\n", encoding="utf-8")
        assert read(path)[0] == [
            {"identifier": str(path), "title": "de bello gallico", "text": "Gallia eſt omnis diviſa\n"}
        ]

    def test_a_byte_order_mark_is_dropped(self, tmp_path: Path) -> None:
        path = tmp_path / "a.txt"
        path.write_bytes(b"\xef\xbb\xbfGallia")
        assert read(path)[0][0]["text"] == "Gallia"

    def test_line_ends_stay_as_they_are(self, tmp_path: Path) -> None:
        path = tmp_path / "a.txt"
        path.write_bytes(b"Gallia\r\nest\r")
        assert read(path)[0][0]["text"] == "Gallia\r\nest\r"

    def test_another_encoding_is_set_aside_with_the_offset(self, tmp_path: Path) -> None:
        path = tmp_path / "a.txt"
        path.write_bytes("un café".encode("latin-1"))
        documents, aside = read(path)
        assert documents == []
        assert aside == [Unreadable(str(path), "not UTF-8: byte 0xe9 at offset 6", b"un caf\xe9")]
