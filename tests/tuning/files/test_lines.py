"""Lines of print as running text, and a corrected text as lines and words again."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from octavo.tuning.files.boxes import Box, around, shares
from octavo.tuning.files.character_owners import owners
from octavo.tuning.files.line_cuts import Line, NewWord, lines_of, running_text, words_of

WORDS = st.text("abAB-¬,1", min_size=1, max_size=5)
TEXTS = st.lists(WORDS, max_size=8).map(" ".join)
LINES = st.lists(st.builds(Line, st.lists(WORDS, max_size=4).map(" ".join)), min_size=1, max_size=5)


def lines(*texts: str) -> list[Line]:
    return [Line(text) for text in texts]


def texts(found: list[Line]) -> list[str]:
    return [line.text for line in found]


class TestRunningText:
    def test_lines_are_joined_and_divided_words_made_whole(self) -> None:
        assert running_text(lines("Der Men-", "", "ſch iſt gut.", "Orgel-", "Pfeiffen")) == (
            "Der Menſch iſt gut. Orgel-Pfeiffen"
        )

    def test_a_word_that_the_file_calls_divided_is_whole(self) -> None:
        assert running_text([Line("Der Men", divided=True), Line("ſch")]) == "Der Menſch"


class TestLines:
    @pytest.mark.parametrize(
        ("old", "new", "expected"),
        [
            (["Der Men-", "ſch ift gut"], "Der Menſch iſt gut", ["Der Men-", "ſch iſt gut"]),
            (["Der Mcn-", "ſchen find"], "Der Menſchen ſind", ["Der Men-", "ſchen ſind"]),
            (["in der", "Stadt"], "inder Stadt", ["inder", "Stadt"]),
            (["in d", "er Stadt"], "in der Stadt", ["in", "der Stadt"]),
            (["ha-", "ben"], "ha ben", ["ha", "ben"]),
            (["Orgel-", "Pfeiffen"], "Orgelpfeiffen", ["Orgel-", "pfeiffen"]),
            (["ha-", "ben"], "ha’1ben", ["ha’1ben", ""]),
            (["a b", "c d"], "", ["", ""]),
            (["a", "", "c"], "a x c", ["a", "", "x c"]),
        ],
    )
    def test_a_correction_stays_in_its_line(self, old: list[str], new: str, expected: list[str]) -> None:
        assert texts(lines_of(lines(*old), new)) == expected

    def test_a_divided_word_stays_divided_or_is_no_longer_called_so(self) -> None:
        old = [Line("der Mcn", divided=True), Line("ſch")]
        assert lines_of(old, "der Menſch") == [Line("der Men", divided=True), Line("ſch")]
        assert lines_of(old, "der Men ſch") == [Line("der Men"), Line("ſch")]

    @given(LINES)
    def test_where_nothing_is_corrected_lines_are_as_they_were(self, old: list[Line]) -> None:
        assert texts(lines_of(old, running_text(old))) == texts(old)

    @given(LINES, TEXTS)
    @example(lines("a -", "b"), "a- b")
    @settings(max_examples=150)
    def test_the_lines_read_as_the_corrected_text(self, old: list[Line], new: str) -> None:
        if running_text(old):
            assert running_text(lines_of(old, new)) == new


class TestWords:
    @pytest.mark.parametrize(
        ("old", "new", "expected"),
        [
            (["Tbe", "cat"], "The cat", [("The", (0,)), ("cat", (1,))]),
            (["Thecat", "sat"], "The cat sat", [("The", (0,)), ("cat", (0,)), ("sat", (1,))]),
            (["Th", "e", "cat"], "The cat", [("The", (0, 1)), ("cat", (2,))]),
            (["th", "ecat"], "the cat", [("the", (0,)), ("cat", (1,))]),
            (["a", ".,", "b"], "a b", [("a", (0,)), ("b", (2,))]),
            (["a line of words"], "a lime of words", [("a lime of words", (0,))]),
        ],
    )
    def test_words_take_the_places_of_those_that_they_stand_for(
        self, old: list[str], new: str, expected: list[tuple[str, tuple[int, ...]]]
    ) -> None:
        assert words_of(old, new) == [NewWord(*word) for word in expected]

    @given(st.lists(WORDS, min_size=1, max_size=6), TEXTS)
    def test_all_words_are_there_in_order_and_no_place_is_taken_by_two_groups(
        self, old: list[str], new: str
    ) -> None:
        words = words_of(old, new)
        assert " ".join(word.text for word in words) == new
        groups = list(dict.fromkeys(word.places for word in words))
        flat = [place for places in groups for place in places]
        assert flat == sorted(set(flat))


class TestOwners:
    @given(st.text("ab c", min_size=1, max_size=30), st.text("ab c", max_size=30))
    def test_each_character_stands_for_one_and_the_order_is_kept(self, old: str, new: str) -> None:
        places = owners(old, new)
        assert len(places) == len(new)
        assert places == sorted(places)
        assert all(0 <= place < len(old) for place in places)

    def test_what_is_inserted_belongs_to_the_word_that_it_stands_at(self) -> None:
        assert owners("in er", "in der") == [0, 1, 2, 3, 3, 4]
        assert owners("un ein", "und ein") == [0, 1, 1, 2, 3, 4, 5]


class TestBoxes:
    def test_a_box_is_shared_by_characters_and_the_spaces_between(self) -> None:
        assert shares(Box(100, 5, 170, 20), [3, 3]) == [Box(100, 5, 130, 20), Box(140, 5, 170, 20)]

    def test_a_box_is_around_all_or_unknown(self) -> None:
        assert around([Box(0, 5, 10, 20), Box(12, 4, 30, 18)]) == Box(0, 4, 30, 20)
        assert around([Box(0, 0, 1, 1), None]) is None
