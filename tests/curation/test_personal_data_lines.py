"""The lines that could hold personal data."""

from __future__ import annotations

import time

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.curation.personal_data_lines import suspect_lines

DATA = [
    "jane.roe@example.org",
    "jane (at) example.org",
    "jane[ ät ]example.org",
    "jane ( apenstaartje ) example.org",
    "tel. 12-34-56",
    "1   2   3   4   5   6",
    "030\u20111234\u20115678",
    "88.1.12.7",
    "2001:db8::1:7",
    "RSSMRA85T10A562S",
    "RSSMRAURTMLAXSNS",
    "(3 (at) b",
]
NONE = [
    "In 1914 und 1918, S. 123, und 5 (so oft) mal.",
    "12    345    6 and 1.2.3",
    "(a) (see p. 3) [!]",
    "Joh. 3:16, 12:30 and a: b:::: c",
    "SENATVS POPVLVSQVE ROMANVS",
]


def found(*texts: str | None) -> list[tuple[int, str]]:
    return [(line.text, line.words) for line in suspect_lines(pa.array(texts, pa.large_string()))]


@pytest.mark.parametrize("line", DATA)
def test_a_line_with_what_could_be_a_datum_is_found(line: str) -> None:
    assert found(f"eins\n{line}\nzwei") == [(0, f"{line}\n")]
    assert found(f"é: {line}") == [(0, f"é: {line}")]


@pytest.mark.parametrize("line", NONE)
def test_a_line_of_anything_else_is_not(line: str) -> None:
    assert found(f"{line}\n{line}") == []


def test_a_number_ends_with_its_line_and_with_its_text() -> None:
    assert found("123\n456", "123", "456", None, "") == []


@given(st.lists(st.lists(st.sampled_from(DATA + NONE + ["é", ""])).map("\n".join) | st.none(), max_size=5))
def test_lines_are_named_by_their_text_and_place(texts: list[str | None]) -> None:
    lines = suspect_lines(pa.array(texts, pa.large_string()))
    for line in lines:
        text = (texts[line.text] or "").encode()
        assert text[line.start : line.end].decode() == line.words
        assert text[: line.start].endswith(b"\n") or line.start == 0
        assert line.words.endswith("\n") or line.end == len(text)
    assert [(line.text, line.words.removesuffix("\n")) for line in lines] == [
        (place, line) for place, text in enumerate(texts) for line in (text or "").split("\n") if line in DATA
    ]


@pytest.mark.parametrize("piece", ["1", "1 ", "A1", "(a", "a:", "1.", "1\n", "@\n"])
def test_a_long_run_of_anything_takes_no_time(piece: str) -> None:
    found(piece)
    before = time.process_time()
    found(piece * 100_000)
    assert time.process_time() - before < 5  # in the square of the length it would be minutes
