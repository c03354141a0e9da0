"""Documents that pairs are made from: read as curation leaves them, and refused in words where they are of another kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from octavo.errors import InputError
from octavo.tuning.documents import check_documents, draw_documents

ROWS = {"identifier": ["a#s001", None, "b"], "lang": ["en"] * 3, "text": ["one", "two", "three"]}


def written(folder: Path, **columns: Any) -> Path:
    file = folder / "documents.parquet"
    pq.write_table(pa.table(ROWS | columns), file)
    return file


def drawn(file: Path) -> list[tuple[str, str]]:
    check_documents([str(file)])
    found = draw_documents([file], ["en"], 1, 10**6, 10**6, lambda one: [(one.id, one.doc)])
    return sorted(found)


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_a_document_without_a_name_is_passed_over_whatever_kind_of_text_it_is(tmp_path: Path, kind: Any) -> None:
    columns = {name: pa.array(values).cast(kind) for name, values in ROWS.items()}
    assert drawn(written(tmp_path, **columns)) == [("a#s001", "a"), ("b", "b")]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("identifier", [1, 2, 3]),
        ("text", [["a"], ["b"], ["c"]]),
        ("text", [b"a", b"b", b"c"]),
        ("split", [["train"]] * 3),
    ],
)
def test_a_column_of_another_kind_is_named(tmp_path: Path, name: str, values: list[Any]) -> None:
    with pytest.raises(InputError, match=rf"documents\.parquet: column '{name}': found .*, expected text"):
        drawn(written(tmp_path, **{name: values}))
