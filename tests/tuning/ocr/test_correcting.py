"""Whatever a model writes, the joined text is the source but for the edits that are told."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.progress import Progress
from octavo.tuning.ocr.correcting import AT_A_SEAM, Guard, correct, joined, propose
from octavo.tuning.ocr.edits import Edit, applied, settled
from octavo.tuning.ocr.format import Window
from octavo.tuning.ocr.guard import Limits
from tests.tuning.ocr.stand_ins import VOCABULARY, Writer, prose, scanned

UNBOUND = Limits(10**6, 10**6, 10**6, 1.0)
"""Refuses nothing for its size, so that seams are tested with what would be refused else."""
texts = st.text(st.sampled_from("abcſ  \n.1"), max_size=400)


def edits_of(writer, texts, limits=UNBOUND):
    return propose(writer, VOCABULARY, texts, limits, Progress())


def covers(text, edits):
    """Every character of the text is in an edit or stays, once and in order."""
    assert all(a.end <= b.start for a, b in pairwise(edits))
    assert all(
        0 <= edit.start <= edit.end <= len(text) and text[edit.start : edit.end] == edit.old for edit in edits
    )


@given(texts)
@settings(max_examples=60)
def test_a_model_that_copies_changes_no_byte(text):
    assert edits_of(Writer(lambda asked: asked, context=64), [text]) == [[]]
    assert correct(Writer(lambda asked: asked, 64), VOCABULARY, [text], Guard(), Progress()) == [(text, [], [])]


@given(texts, st.integers(0, 10**6))
@settings(max_examples=60)
def test_with_a_model_that_writes_nonsense_the_source_is_covered(text, seed):
    lot = random.Random(seed)
    nonsense = Writer(lambda asked: [lot.randrange(600) for _ in range(lot.randrange(120))], context=64)
    (edits,) = edits_of(nonsense, [text])
    taken = [edit for edit in edits if not edit.refused]
    covers(text, taken)
    assert settled(text, edits, None).text == applied(text, taken)


@pytest.mark.parametrize(
    "answer",
    [
        lambda asked: "",
        lambda asked: "\ufffd",
        lambda asked: [299] * 500,
        lambda asked: asked[::-1],
        lambda asked: "something else entirely, again and again. " * 5,
    ],
)
def test_nonsense_changes_nothing_within_the_limits(answer):
    text = prose(3, 30)
    (found,) = correct(Writer(answer), VOCABULARY, [text], Guard(), Progress())
    assert found.text == text
    assert found.taken == []
    assert found.refused


def test_a_model_that_writes_on_adds_little_at_the_end_alone():
    text = prose(4, 40)
    (found,) = correct(Writer(lambda asked: f"{asked} and so on"), VOCABULARY, [text], Guard(), Progress())
    assert found.text == f"{text} and so on"


def test_a_model_that_is_right_corrects_all_of_a_long_text():
    printed = prose(5, 60)
    recognised = scanned(printed, 5, 0.3).replace(". ", ".\n\n")
    right = dict(zip(recognised.split(), printed.split(), strict=True))
    words = Writer(lambda asked: " ".join(right[word] for word in asked.split()))
    (found,) = correct(words, VOCABULARY, [recognised], Guard(), Progress())
    assert found.text.split() == printed.split()
    assert found.text.count("\n\n") == recognised.count("\n\n")
    assert len(words.asked) > 10
    assert all(recognised[edit.start : edit.end] == edit.old for edit in found.taken)
    assert applied(recognised, found.taken) == found.text


def test_windows_of_all_texts_are_answered_and_go_back_to_their_own():
    asked = [prose(n, n % 7) for n in range(20)]
    upper = Writer(lambda text: text.replace("The", "THE"))
    found = correct(upper, VOCABULARY, asked, Guard(), Progress())
    assert [one.text for one in found] == [text.replace("The", "THE") for text in asked]


def test_an_answer_without_end_is_cut():
    endless = Writer(lambda asked: [300] * 10**5)
    propose(endless, VOCABULARY, [prose(1, 10)], Limits(), Progress())
    assert endless.asked


def test_what_has_no_letter_is_not_asked():
    writer = Writer(lambda asked: "x")
    assert [one.text for one in correct(writer, VOCABULARY, ["", " \n", "1868 — 3"], Guard(), Progress())] == [
        "",
        " \n",
        "1868 — 3",
    ]
    assert writer.asked == []


def test_a_seam_lies_between_edits():
    windows = [Window(0, 20), Window(10, 30)]
    first, second = [Edit(13, 16, "x", "a")], [Edit(4, 7, "x", "b")]  # 14 to 17 of the text
    found = joined(windows, [first, second])
    assert len([edit for edit in found if not edit.refused]) == 1
    assert [edit.new for edit in joined(windows, [first, [Edit(7, 9, "x", "b")]])] == ["a", "b"]


def test_where_edits_leave_no_place_for_a_seam_those_that_it_cuts_are_refused():
    windows = [Window(0, 20), Window(10, 30)]
    found = joined(windows, [[Edit(5, 20, "x", "a")], [Edit(0, 15, "x", "b")]])
    taken = [edit for edit in found if not edit.refused]
    assert len(taken) <= 1
    assert {edit.refused for edit in found} <= {"", AT_A_SEAM}


@given(st.data())
def test_joined_edits_never_touch_twice(data):
    starts = sorted(data.draw(st.sets(st.integers(0, 60), min_size=1, max_size=6)))
    windows = [Window(start, start + 25) for start in starts]

    def some(window):
        bounds = sorted(data.draw(st.sets(st.integers(0, 25), max_size=8)))
        return [Edit(a, b, "", "") for a, b in zip(bounds[::2], bounds[1::2], strict=False)]

    found = [edit for edit in joined(windows, [some(window) for window in windows]) if not edit.refused]
    assert all(a.end <= b.start for a, b in pairwise(found))
