"""Token files, their indexes and trace indexes of others are refused where they lie about what is where in them.

They are mapped into memory and read there, so that a wrong place would end the interpreter and not the command.
"""

import contextlib
import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from octavo.arrow_file import open_arrow
from octavo.errors import InputError, OctavoError
from octavo.progress import Progress
from octavo.tokenization.encode import parse_tokenizer
from octavo.tokenization.index import SCHEMA, documents_of, open_rows
from octavo.tokenization.shards import open_shard, write_shard
from octavo.tracing.index.building import Entries, plan_parts
from octavo.tracing.index.reading import CONTENTS, DOCUMENTS, DOCUMENTS_SCHEMA, SUFFIXES, TEXT, WORDS, open_index
from octavo.tracing.index.suffixes import sort_suffixes
from octavo.tracing.index.text import classes, count_words, write_documents
from octavo.tracing.trace import trace

NAMES = [f"doc-{number}" for number in range(10)]
TEXTS = [f"The bridge of {name} was built in the year 174{n} by masons from Milan." for n, name in enumerate(NAMES)]
BYTES = Entries(np.arange(256, dtype=np.uint8), np.arange(257, dtype=np.int64))


def write_arrow(path, table):
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


def overwrite(path, before: bytes, after: bytes) -> None:
    content = path.read_bytes()
    assert content.count(before) >= 1
    path.write_bytes(content.replace(before, after, 1))


def int64(*numbers: int) -> bytes:
    return np.array(numbers, "<i8").tobytes()


@pytest.fixture
def shard(tmp_path):
    """A token file of ten documents, whose tokens are bytes."""
    path = tmp_path / "00000.ds"
    write_shard(path, iter([[np.frombuffer(text.encode(), np.uint8) for text in TEXTS]]), np.dtype("<u2"), "bytes")
    rows = [pa.array(NAMES, pa.large_string()), pa.array(range(10)), pa.array(range(10))]
    write_arrow(tmp_path / "00000.ds.documents.arrow", pa.table(rows, schema=SCHEMA))
    return path


@pytest.fixture
def index(tmp_path):
    """A trace index of ten documents, in one part."""
    home = tmp_path / "trace"
    part = home / "part-00000"
    part.mkdir(parents=True)
    texts = [text.encode() for text in TEXTS]
    bounds = np.cumsum([0, *map(len, texts)]).astype(np.int64)
    raw = np.frombuffer(b"".join(texts), np.uint8)
    text, starts = np.empty(len(raw) + len(texts), np.uint8), np.empty(len(raw) + 1, np.uint32)
    begins, end, words = write_documents(raw, bounds, classes(), text, 0, starts)
    text, starts = text[:end], starts[:words]
    text.tofile(part / TEXT)
    count_words(text, starts, classes(), 256).astype("<u4").tofile(part / WORDS)
    sort_suffixes(text, starts).astype("<u4").tofile(part / SUFFIXES)
    columns = [pa.array(begins), *[pa.array(NAMES, pa.large_string())] * (len(DOCUMENTS_SCHEMA) - 1)]
    write_arrow(part / DOCUMENTS, pa.table(columns, schema=DOCUMENTS_SCHEMA))
    one = {"name": "part-00000", "bytes": len(text), "words": words, "slots": 256, "documents": 10}
    (home / CONTENTS).write_text(json.dumps({"version": 1, "parts": [one]}))
    return home


def test_an_arrow_file_whose_texts_lie_outside_of_it_is_refused(shard):
    path = shard.with_name("00000.ds.documents.arrow")
    places = [5 * n for n in range(11)]
    for wrong in ([*places[:5], 2**40, *places[6:]], [*places[:5], -1, *places[6:]], [*places[:-1], 2**62]):
        whole = path.read_bytes()
        overwrite(path, int64(*places), int64(*wrong))
        with pytest.raises(InputError, match=r"documents.arrow: "):
            open_rows(open_shard(shard))
        path.write_bytes(whole)
    assert documents_of([open_shard(shard)]).named("doc-4")[0].row == 4


@pytest.mark.parametrize(
    ("column", "numbers"), [("row", [-1]), ("row", [2**62]), ("by_identifier", [10]), ("by_identifier", [-3])]
)
def test_rows_outside_of_the_table_are_refused(column, numbers, shard):
    columns = {"identifier": pa.array(NAMES, pa.large_string()), "row": range(10), "by_identifier": range(10)}
    columns[column] = [*list(columns[column])[:-1], *numbers]
    write_arrow(shard.with_name("00000.ds.documents.arrow"), pa.table(columns, schema=SCHEMA))
    with pytest.raises(InputError, match=f"{column}: found .* expected rows from 0"):
        documents_of([open_shard(shard)])


def test_a_row_without_a_number_is_refused(shard):
    columns = {"identifier": pa.array(NAMES, pa.large_string()), "row": [None] * 10, "by_identifier": range(10)}
    write_arrow(shard.with_name("00000.ds.documents.arrow"), pa.table(columns, schema=SCHEMA))
    with pytest.raises(InputError, match="row: found a row without a number"):
        documents_of([open_shard(shard)])


def test_ends_that_go_backwards_are_refused_before_texts_are_written_by_them(shard):
    ends = np.fromfile(shard.with_name("00000.ds.index"), "<u8")
    for wrong in (np.array([*ends[:3], 2**63, *ends[4:]], "<u8"), np.array([*ends[:3], 0, *ends[4:]], "<u8")):
        wrong.tofile(shard.with_name("00000.ds.index"))
        for work in (lambda: documents_of([open_shard(shard)]), lambda: planned(shard)):
            with pytest.raises(InputError, match="found ends that go backwards, expected them in order"):
                work()


def planned(shard):
    return list(plan_parts([open_shard(shard)], BYTES, 2**20, Progress()))


def test_a_token_that_no_entry_has_is_refused_before_its_text_is_looked_up(shard):
    tokens = np.fromfile(shard, "<u2")
    assert sum(part.bytes for slices in planned(shard) for part in slices)
    tokens[17] = 256
    tokens.tofile(shard)
    with pytest.raises(InputError, match=r"00000.ds: found id 256, expected ids under 256"):
        planned(shard)


def test_a_whole_trace_index_finds_a_passage(index):
    found = trace(open_index(index), "the year 1744 by masons from Milan")
    assert found.longest == 7


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "../trace/part-00000"},
        {"name": "/tmp"},
        {"slots": 0},
        {"slots": -1},
        {"bytes": 2**62},
        {"bytes": -1},
        {"words": 10**30},
        {"documents": 9},
    ],
)
def test_contents_that_the_files_do_not_have_are_refused(changes, index):
    contents = json.loads((index / CONTENTS).read_text())
    contents["parts"][0] |= changes
    (index / CONTENTS).write_text(json.dumps(contents))
    with pytest.raises(InputError):
        open_index(index)


@pytest.mark.parametrize("starts", [[5, 0], [0, 10**9], [-7, 3], [0, 0]])
def test_documents_out_of_order_are_refused(starts, index):
    path = index / "part-00000" / DOCUMENTS
    table = pa.ipc.open_file(str(path)).read_all()
    wrong = [*starts, *table.column("start").to_pylist()[2:]]
    write_arrow(path, table.set_column(0, DOCUMENTS_SCHEMA.field(0), [pa.array(wrong)]))
    with pytest.raises(InputError, match="start: found documents that are not in order"):
        open_index(index)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_suffixes_of_any_kind_neither_crash_nor_fail(index, data):
    words = open_index(index).words
    suffixes = data.draw(st.lists(st.integers(0, 2**32 - 1) | st.integers(0, 700), min_size=words, max_size=words))
    np.array(suffixes, "<u4").tofile(index / "part-00000" / SUFFIXES)
    np.array(data.draw(st.lists(st.integers(0, 2**32 - 1), min_size=256, max_size=256)), "<u4").tofile(
        index / "part-00000" / WORDS
    )
    trace(open_index(index), TEXTS[3] + " by masons from Milan. " + TEXTS[8])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_text_of_any_bytes_neither_crashes_nor_fails(index, data):
    size = (index / "part-00000" / TEXT).stat().st_size
    content = data.draw(st.binary(min_size=size, max_size=size))
    (index / "part-00000" / TEXT).write_bytes(content)
    trace(open_index(index), TEXTS[3] + content[:50].decode("utf-8", "replace"))


def test_a_column_whose_name_is_no_text_is_refused(shard):
    path = shard.with_name("00000.ds.documents.arrow")
    name = SCHEMA.names[0].encode()
    path.write_bytes(path.read_bytes().replace(name, b"\x80" * len(name)))
    with pytest.raises(InputError, match="expected an Arrow file"):
        open_arrow(path, SCHEMA)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_arrow_file_is_read_or_refused(shard, data):
    path = shard.with_name("00000.ds.documents.arrow")
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    damaged = shard.with_name("damaged.arrow")
    damaged.write_bytes(content)
    with contextlib.suppress(OctavoError):
        open_arrow(damaged, SCHEMA)


def test_an_entry_of_an_enormous_id_is_refused(small_run):
    file = small_run / "tokenizer" / "tokenizer.json"
    content = json.loads(file.read_text())
    entry = max(content["model"]["vocab"], key=content["model"]["vocab"].get)
    content["model"]["vocab"][entry] = 2**32 - 1
    with pytest.raises(InputError, match="found an entry of id 4,294,967,295, expected ids under"):
        parse_tokenizer(json.dumps(content), file)
