import tracemalloc

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.errors import InputError
from octavo.evaluation.held_out_text import Text, capped, digest, read_held_out

LENGTHS = st.lists(st.tuples(st.integers(0, 4), st.integers(1, 40_000)), min_size=1, max_size=12)


def texts_of(lengths):
    return [
        Text(f"{work}#{n}", str(work), "fr", None, None, "f", "", "é€x"[n % 3] * size)
        for n, (work, size) in enumerate(lengths)
    ]


def size(texts):
    return sum(len(text.text.encode()) for text in texts)


@given(LENGTHS, st.integers(1, 200_000))
def test_the_cap_is_reached_to_the_last_whole_character_of_each_work(lengths, most):
    texts = texts_of(lengths)
    taken = list(capped(texts, most))
    assert size(taken) <= most
    works = len({text.work for text in texts})
    assert size(taken) >= min(most, size(texts)) - 3 * works
    whole = {text.id: text.text for text in texts}
    assert all(whole[text.id].startswith(text.text) and text.text for text in taken)


@given(LENGTHS, st.integers(1, 200_000), st.randoms())
def test_which_works_are_taken_does_not_depend_on_the_order_of_works(lengths, most, random):
    texts = texts_of(lengths)
    works = sorted({text.work for text in texts})
    random.shuffle(works)
    shuffled = [text for work in works for text in texts if text.work == work]
    assert digest(capped(texts, most)) == digest(capped(shuffled, most))


def test_no_more_is_held_than_may_be_taken():
    def texts(works):
        return (
            Text(f"{n}#{part}", str(n), "fr", None, None, "f", "", "x" * 40_000) for part in "ab" for n in works
        )

    tracemalloc.start()
    taken = list(capped(texts(range(1_000)), 100_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size(taken) == 100_000
    assert peak < 8_000_000
    assert digest(capped(texts(reversed(range(1_000))), 100_000)) == digest(taken)


def test_of_long_works_each_gives_as_much_as_the_others():
    texts = texts_of([(0, 90_000), (1, 90_000), (2, 1_000)])
    taken = {work: size(t for t in capped(texts, 60_000) if t.work == work) for work in "012"}
    assert taken["2"] == 1_000
    assert abs(taken["0"] - taken["1"]) <= 3


def test_parquet_with_the_columns_of_common_corpus(tmp_path):
    rows = {
        "identifier": ["a", "b#1", "b#2", "c"],
        "collection": ["English-PD"] * 4,
        "date": ["1789", "17th century", None, "1850"],
        "language": ["English", "English", "English", "Polish"],
        "text": ["Once", "upon", "a time", "Litwo"],
    }
    pq.write_table(pa.table(rows), tmp_path / "x.parquet")
    texts = read_held_out(tmp_path / "x.parquet", 1000)
    assert [t.lang for t in texts] == ["en", "en", "en", "polish"]
    assert {t.work: t.century for t in texts if t.century} == {"a": 18, "b": 17, "c": 19}
    assert {t.source for t in texts} == {"x.parquet"}
    assert digest(read_held_out(tmp_path, 1000)) == digest(texts)


def test_identifiers_may_be_numbers(tmp_path):
    pq.write_table(
        pa.table({"identifier": [0, 7], "lang": ["la"] * 2, "text": ["arma", "virum"]}), tmp_path / "x.parquet"
    )
    assert {t.id for t in read_held_out(tmp_path / "x.parquet", 1000)} == {"0", "7"}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"body": ["x"], "lang": ["en"]}, "found no column 'text'"),
        ({"text": ["x"]}, "found no column 'lang' or 'language'"),
        ({"text": ["x", "y"], "lang": ["en", ""]}, "row 2: found no language"),
        ({"text": [" ", None], "lang": ["en", "fr"]}, "found no text in 1 Parquet files"),
        ({"text": ["x"], "lang": ["en"], "split": ["train"]}, "found no text in 1 Parquet files"),
        ({"text": [1], "lang": ["en"]}, "column 'text': found int64, expected text"),
        ({"text": ["x"], "lang": ["en"], "split": [True]}, "column 'split': found bool, expected text"),
        (
            {"text": ["x"], "lang": ["en"], "century": ["17th"]},
            "column 'century': found string, expected whole numbers",
        ),
    ],
)
def test_text_that_cannot_be_measured_is_refused(tmp_path, rows, message):
    pq.write_table(pa.table(rows), tmp_path / "x.parquet")
    with pytest.raises(InputError, match=message):
        read_held_out(tmp_path / "x.parquet", 1000)


def test_a_file_that_is_no_parquet_is_named(tmp_path):
    (tmp_path / "x.parquet").write_bytes(b"PAR1 cut short")
    with pytest.raises(InputError, match=r"x\.parquet: found a file that cannot be read"):
        read_held_out(tmp_path / "x.parquet", 1000)
