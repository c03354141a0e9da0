"""Pairs of any task."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from octavo.tuning.pairs import with_own_ids
from tests.tuning.ocr.stand_ins import pairs

PAIR = pairs(1, 0)[0]


def test_pairs_with_one_id_get_one_each():
    named = [PAIR._replace(id=name) for name in ("1", "2", "1", "1", "1-2")]
    assert [pair.id for pair in with_own_ids(named)] == ["1", "2", "1-2", "1-3", "1-2-2"]


@given(st.lists(st.from_regex(r"[12](-[23])?", fullmatch=True)))
def test_no_two_pairs_have_one_id_and_nothing_else_changes(names):
    named = [PAIR._replace(id=name) for name in names]
    found = with_own_ids(named)
    assert len({pair.id for pair in found}) == len(names)
    assert [pair._replace(id="") for pair in found] == [pair._replace(id="") for pair in named]
