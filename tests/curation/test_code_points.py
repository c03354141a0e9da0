from __future__ import annotations

from itertools import pairwise

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from octavo.curation.code_points import POINTS, bytes_of, characters_of, point_at, point_before, table_of

TEXT = st.text(st.characters(codec="utf-8"))


@given(TEXT)
def test_code_points_are_read_one_after_the_other(text: str) -> None:
    data, (start, end) = bytes_of(pa.array([text], pa.large_string()))
    found, places, at = [], [], int(start)
    while at < end:
        places.append(at)
        point, at = point_at(data, at)
        found.append(point)
    assert found == [min(ord(c), POINTS - 1) for c in text]
    assert at == end
    assert [point_before(data, after) for after in [*places[1:], end] if after] == places


@given(st.lists(TEXT | st.none()), st.data())
def test_texts_lie_one_behind_the_other_whatever_part_of_an_array_they_are(
    texts: list[str | None], choice: st.DataObject
) -> None:
    first = choice.draw(st.integers(0, len(texts)))
    length = choice.draw(st.integers(0, len(texts) - first))
    data, offsets = bytes_of(pa.array(texts, pa.large_string()).slice(first, length))
    found = [data[a:b].tobytes().decode() for a, b in pairwise(offsets)]
    assert found == [text or "" for text in texts[first : first + length]]


def test_a_table_says_of_each_code_point_what_it_is() -> None:
    table = table_of({1: "aé", 2: characters_of(r"[\dé]")})
    assert [table[ord(c)] for c in "aé7x"] == [1, 3, 2, 0]
    assert table[ord("٣")] == 2
