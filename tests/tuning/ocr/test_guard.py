"""Edits are told word by word, and what goes too far is refused however sure a model is."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.tuning.ocr.edits import UNSURE, Edit, applied, proposed, settled
from octavo.tuning.ocr.guard import Limits, changes_number, judged, refusal

texts = st.text(st.sampled_from("abſ  \n."), max_size=60)


@given(texts, texts)
def test_edits_make_the_text_the_answer_but_for_the_kind_of_space(text, answer):
    edits = proposed(text, answer)
    if text.strip():
        assert applied(text, edits).split() == answer.split()
    assert all(a.end < b.start for a, b in pairwise(edits))
    assert all(edit.old == text[edit.start : edit.end] != edit.new for edit in edits)


@given(texts)
def test_a_text_that_is_copied_has_no_edit(text):
    assert proposed(text, text) == []
    assert proposed(text, " ".join(text.split())) == []


def test_an_edit_is_whole_words():
    assert proposed("Tbe cat\nfat on  the mat .", "The cat sat on the mat.") == [
        Edit(0, 3, "Tbe", "The"),
        Edit(8, 11, "fat", "sat"),
        Edit(20, 25, "mat .", "mat."),
    ]


def test_only_what_is_sure_enough_is_taken():
    text = "Tbe cat fat"
    edits = [Edit(0, 3, "Tbe", "The", gain=5.0), Edit(4, 7, "cat", "rat", gain=0.5), Edit(8, 11, "fat", "sat")]
    assert settled(text, edits, None).text == "The rat sat"
    found = settled(text, edits, 2.0)
    assert found.text == "The cat fat"
    assert found.taken == edits[:1]
    assert found.refused == [edits[1]._replace(refused=UNSURE), edits[2]._replace(refused=UNSURE)]


def test_what_is_refused_already_is_not_taken_however_sure():
    edit = Edit(0, 1, "a", "b", refused="changes a number", gain=99.0)
    assert settled("a", [edit], None) == ("a", [], [edit])
    assert settled("a", [edit], 0.0) == ("a", [], [edit])


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("Tbe", "The", ""),
        ("to-", "tomorrow", ""),
        ("a b c d", "abcd", ""),
        ("word " + "x" * 17, "word", "deletes too much"),
        ("word " + "x" * 15, "word", ""),
        ("word", "word" + "x" * 17, "adds too much"),
        ("a" * 41, "b" * 41, "changes too much at once"),
        ("a" * 40, "b" * 40, ""),
        ("to-\nday", "today", "joins lines"),
        ("caf�", "café", ""),
        ("cafe", "caf�", "writes what is no text"),
        ("cafe", "caf\x00", "writes what is no text"),
        ("1868", "1863", "changes a number"),
    ],
)
def test_each_limit_refuses_what_is_beyond_it(old, new, why):
    assert refusal(Edit(0, len(old), old, new), Limits()) == why


def test_limits_can_be_set():
    edit = Edit(0, 8, "a longer", "a")
    assert refusal(edit, Limits(deleted=6)) == "deletes too much"
    assert refusal(edit, Limits(deleted=7)) == ""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("wi1l", "will"),
        ("l8O4", "1804"),
        ("lSSO", "1880"),
        ("1n", "in"),
        ("p.312,", "p. 312,"),
        ("I9OO.", "1900,"),
        ("wi11", "will"),
        ("Haus1", "Haus"),
    ],
)
def test_reading_errors_at_digits_are_corrected(old, new):
    assert not changes_number(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("1868", "1863"),
        ("1868", "186"),
        ("186", "1868"),
        ("12 14", "14 12"),
        ("3", "E"),
        ("xii", "12"),
        ("l8", "28"),
        ("1868 wurde", "wurde"),
        ("Januar 1868.", "Januar."),
        ("Anno1868", "Anno"),
        ("1,5", "15"),
        ("3.50", "350"),
        ("18-20", "1820"),
        ("12 30", "1230"),
        ("1868", "18.68"),
    ],
)
def test_numbers_that_could_be_right_stay(old, new):
    assert changes_number(old, new)


def test_an_answer_that_is_another_text_is_refused_as_a_whole():
    text = "The cat sat on the mat."
    answer = "Whatever else was written there, nobody knew."
    (edit,) = judged(text, answer, proposed(text, answer), Limits())
    assert (edit.start, edit.end, edit.new) == (0, len(text), answer)
    assert edit.refused.startswith("not the same text: ")


def test_no_answer_is_another_text():
    (edit,) = judged("cat", "", proposed("cat", ""), Limits())
    assert edit.refused == "not the same text: 100% changed"
