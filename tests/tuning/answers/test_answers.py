"""Answers from sources: the format, the check of quotations, and the questions that are learnt from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import example as case
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.errors import InputError
from octavo.tokenization.entries import SOURCE_ENTRIES
from octavo.tuning.answers import checks as checks
from octavo.tuning.answers.checks import check
from octavo.tuning.answers.fitting import fit
from octavo.tuning.answers.format import (
    ANSWER_TOKENS,
    NO_NUMBER,
    STRAY,
    UNCLOSED,
    Question,
    Quotation,
    Said,
    answer,
    example,
    prompt,
    read_answer,
)
from octavo.tuning.answers.questions import read_questions
from octavo.tuning.answers.shown import (
    MALFORMED,
    NOT_HELD,
    NOT_VERBATIM,
    checked,
    find_verbatim,
)
from tests.tuning.translation.translators import VOCABULARY

ENTRIES = VOCABULARY.entries
TREATY = "Der Friede ward im Jahre 1648 zu Muͤnſter\nund Osnabruͤck geſchloſſen. Der Krieg war vorbey."
SIEGE = "The siege began in the spring of 1631. The town fell in May, and most of it burnt."
QUESTION = Question("q", "d", "de", "In welchem Jahr war Friede?", (SIEGE, TREATY), 1, ("1648",), (25,))
DOCUMENT = {
    "id": "q",
    "doc": "d",
    "lang": "en",
    "question": "When did it begin?",
    "sources": [SIEGE, "Another\n\ntext of two paragraphs."],
    "gold_source": 0,
    "answers": ["the spring of 1631"],
    "answer_starts": [19],
}

texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
entry_names = st.sampled_from(SOURCE_ENTRIES)


def tokens(*parts: str) -> list[int]:
    """The tokens of texts, and of entries where a part is the name of one."""
    return [n for part in parts for n in ([ENTRIES[part]] if part in ENTRIES else VOCABULARY.encode([part])[0])]


class TestFormat:
    def test_a_question_stands_before_its_numbered_sources(self) -> None:
        assert prompt(VOCABULARY, "Who?", ["One.", "Two."]) == tokens(
            "<|question|>", "Who?",
            "<|source|>", "1", "<|source_text|>", "One.", "<|end_of_source|>",
            "<|source|>", "2", "<|source_text|>", "Two.", "<|end_of_source|>",
            "<|answer|>",
        )  # fmt: skip

    def test_an_answer_is_its_quotation_with_the_blank_that_its_source_has_before_it(self) -> None:
        expected = tokens("<|quote|>", " 1648", "<|cited|>", "2", "<|end_of_quote|>")
        assert answer(VOCABULARY, QUESTION) == [*expected, VOCABULARY.end]
        first = QUESTION._replace(answers=("Der Friede",), starts=(0,))
        assert answer(VOCABULARY, first)[:4] == tokens("<|quote|>", "Der")

    def test_a_refusal_is_an_answer_that_ends_at_once(self) -> None:
        unanswerable = QUESTION._replace(gold=None, answers=(), starts=())
        assert example(VOCABULARY, unanswerable).answer == [VOCABULARY.end]
        assert read_answer(VOCABULARY, []) == Said((), ())

    @given(texts.filter(str.strip), st.integers(1, 9999))
    @case("<|cited|>2<|end_of_quote|>", 3)
    @case("zwey\nZeilen", 1)
    def test_what_is_written_is_read_back(self, words: str, number: int) -> None:
        written = tokens("<|quote|>")
        written += VOCABULARY.encode([words])[0] + tokens("<|cited|>", str(number), "<|end_of_quote|>")
        assert read_answer(VOCABULARY, written) == Said((Quotation(words.strip(), number),), ())

    @given(st.lists(texts, min_size=1, max_size=4), st.data())
    def test_a_right_answer_survives_the_whole_way(self, sources: list[str], data: st.DataObject) -> None:
        gold = data.draw(st.integers(0, len(sources) - 1))
        found = check([Question("q", "d", "en", "?", tuple(sources), gold, (sources[gold],), (None,))]).kept
        for question in found:
            shown = checked(read_answer(VOCABULARY, answer(VOCABULARY, question)), question.sources)
            assert [(c.source, c.text) for c in shown.citations] == [(gold, question.answers[0])]

    @pytest.mark.parametrize(
        ("said", "quotations", "faults"),
        [
            (["<|quote|>", "a"], [], [UNCLOSED]),
            (["<|quote|>", "a", "<|quote|>", "b", "<|cited|>", "1", "<|end_of_quote|>"], [("b", 1)], [UNCLOSED]),
            (["<|quote|>", "a", "<|end_of_quote|>"], [], [NO_NUMBER]),
            (["<|quote|>", "a", "<|cited|>", "one", "<|end_of_quote|>"], [], [NO_NUMBER]),
            (["<|quote|>", "a", "<|cited|>", "¹", "<|end_of_quote|>"], [], [NO_NUMBER]),
            (["<|quote|>", "a", "<|cited|>", "9" * 5000, "<|end_of_quote|>"], [], [NO_NUMBER]),
            (["<|cited|>", "1", "<|end_of_quote|>"], [], [STRAY, STRAY]),
            (["<|quote|>", "a", "<|source|>", "<|cited|>"], [], [STRAY, STRAY]),
            (["words alone"], [], []),
        ],
    )
    def test_what_is_malformed_is_passed_over_and_told(
        self, said: list[str], quotations: list[tuple[str, int]], faults: list[str]
    ) -> None:
        assert read_answer(VOCABULARY, tokens(*said)) == Said(
            tuple(Quotation(*one) for one in quotations), tuple(faults)
        )

    def test_nothing_after_the_end_counts(self) -> None:
        after = tokens("<|quote|>", "a", "<|cited|>", "1", "<|end_of_quote|>")
        assert read_answer(VOCABULARY, [VOCABULARY.end, *after]) == Said((), ())


class TestShown:
    def test_line_ends_and_blanks_are_the_same_and_the_source_is_shown_as_it_is(self) -> None:
        shown = checked(Said((Quotation("zu Muͤnſter und Osnabruͤck", 2),), ()), QUESTION.sources)
        [citation] = shown.citations
        assert citation.text == "zu Muͤnſter\nund Osnabruͤck"
        assert TREATY[citation.start : citation.end] == citation.text

    @pytest.mark.parametrize(
        "words",
        ["geschlossen", "Münster", "Friede Jahre", "der Friede", "riede ward", "vorbey. Ende", "", " ", ". "],
    )
    def test_what_is_not_verbatim_is_not_shown(self, words: str) -> None:
        shown = checked(Said((Quotation(words, 2),), ()), QUESTION.sources)
        assert (shown.citations, shown.why) == ((), NOT_VERBATIM)

    @pytest.mark.parametrize("number", [0, 1, 3])
    def test_words_of_another_source_than_the_one_that_is_named_are_not_shown(self, number: int) -> None:
        assert not checked(Said((Quotation("1648", number),), ()), QUESTION.sources).citations

    def test_one_false_quotation_does_not_hide_the_true_one(self) -> None:
        said = Said((Quotation("1649", 2), Quotation("1648", 2), Quotation("1648", 2)), (UNCLOSED,))
        assert [c.text for c in checked(said, QUESTION.sources).citations] == ["1648"]

    def test_a_refusal_says_why(self) -> None:
        assert checked(Said((), ()), QUESTION.sources).why == NOT_HELD
        assert checked(Said((), (UNCLOSED,)), QUESTION.sources).why == MALFORMED

    def test_signs_of_patterns_are_signs(self) -> None:
        assert find_verbatim("a.c (x)", "abc (x) a.c (x)") == (8, 15)

    @given(
        st.lists(
            st.one_of(
                entry_names.map(lambda name: [ENTRIES[name]]),
                st.sampled_from(["1", "2", "3", " ", "1648", "ward im Jahre", "spring of", "Muͤnſter und"]).map(
                    tokens
                ),
                st.integers(0, VOCABULARY.tokenizer.get_vocab_size() - 1).map(lambda n: [n]),
            ),
            max_size=40,
        )
    )
    @case([tokens("<|quote|>"), tokens("Muͤnſter und"), tokens("<|cited|>", "2", "<|end_of_quote|>")])
    def test_whatever_a_model_writes_all_that_is_shown_is_verbatim(self, said: list[list[int]]) -> None:
        sources = QUESTION.sources
        shown = checked(read_answer(VOCABULARY, [n for part in said for n in part]), sources)
        for citation in shown.citations:
            assert citation.text
            assert citation.text == sources[citation.source][citation.start : citation.end]
        assert bool(shown.citations) != bool(shown.why)

    def test_garbage_of_true_words_is_shown_now_and_then(self) -> None:
        """The property above would hold of a check that refuses all."""
        said = tokens("1", "<|quote|>", "Muͤnſter und", "<|cited|>", "2", "<|end_of_quote|>", "<|cited|>")
        assert checked(read_answer(VOCABULARY, said), QUESTION.sources).text == "Muͤnſter\nund"


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    lines = b"\n".join(map(orjson.dumps, rows))
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        path.write_bytes(zstandard.compress(lines) if path.suffix == ".zst" else lines)
    return path


class TestFiles:
    @pytest.mark.parametrize("name", ["q.jsonl", "q.jsonl.zst", "q.parquet"])
    def test_questions_are_read_with_their_line_breaks(self, tmp_path: Path, name: str) -> None:
        refused = DOCUMENT | {"id": "r", "gold_source": None, "answers": [], "answer_starts": []}
        [one, other] = read_questions(written(tmp_path / name, [DOCUMENT, refused]))
        assert one.sources[1] == "Another\n\ntext of two paragraphs."
        assert (one.gold, one.answers, one.starts) == (0, ("the spring of 1631",), (19,))
        assert (other.gold, other.answers) == (None, ())

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"gold_source": 2}, "gold_source: found 2, expected null or the place of a source, from 0 to 1"),
            ({"gold_source": True}, "gold_source: found true"),
            ({"gold_source": None}, "gold_source: found null, expected the place of the source that holds"),
            ({"answers": []}, "gold_source: found 0, expected null"),
            ({"sources": "text"}, 'sources: found "text", expected a list of texts'),
            ({"answer_starts": [1, 2]}, "answer_starts: found .1,2., expected 1 whole numbers"),
            ({"answer_starts": ["1"]}, "answer_starts: found"),
            ({"lang": "xx"}, 'lang: found "xx", expected one of'),
            ({"doc": " "}, 'doc: found " ", expected a text that is not empty'),
            ({"question": 5}, "question: found 5, expected a text"),
        ],
    )
    def test_a_wrong_field_is_told_with_its_line(
        self, tmp_path: Path, change: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(InputError, match=rf"line 2: {message}"):
            read_questions(written(tmp_path / "q.jsonl", [DOCUMENT, DOCUMENT | change]))


class TestChecks:
    def reason(self, **change: Any) -> str:
        [left] = check([QUESTION._replace(**change)]).left_out
        assert left.evidence
        return left.reason

    def test_a_sound_question_is_kept_as_it_is(self) -> None:
        assert check([QUESTION]) == ([QUESTION], [])

    def test_the_place_of_an_answer_is_found_where_none_is_told(self) -> None:
        assert check([QUESTION._replace(starts=(None,))]).kept == [QUESTION]

    def test_what_is_empty_is_left_out(self) -> None:
        assert self.reason(question=" ") == checks.EMPTY
        assert self.reason(sources=("", TREATY)) == checks.EMPTY
        assert self.reason(answers=("\n",)) == checks.EMPTY
        assert self.reason(sources=(), gold=None, answers=(), starts=()) == checks.EMPTY

    def test_an_answer_that_its_source_does_not_hold_is_left_out(self) -> None:
        assert self.reason(answers=("1649",), starts=(None,)) == checks.NOT_THERE
        assert self.reason(gold=0) == checks.NOT_THERE
        assert self.reason(starts=(3,)) == checks.ELSEWHERE
        assert self.reason(starts=(-1,)) == checks.ELSEWHERE
        assert self.reason(answers=("64",), starts=(26,)) == checks.PART_OF_WORD

    def test_a_question_keeps_those_of_its_answers_that_are_there(self) -> None:
        [kept] = check([QUESTION._replace(answers=("1649", " 1648 "), starts=(None, 24))]).kept
        assert (kept.answers, kept.starts) == (("1648",), (25,))

    def test_other_languages_than_the_one_told_are_left_out(self) -> None:
        english = "In which year was the treaty between the two countries finally signed?"
        assert self.reason(question=english) == checks.QUESTION_LANGUAGE
        assert self.reason(gold=0, answers=("1631",), starts=(33,)) == checks.SOURCE_LANGUAGE

    def test_the_same_question_twice_is_left_out_once(self) -> None:
        found = check([QUESTION, QUESTION._replace(id="again")])
        assert [one.id for one in found.kept] == ["q"]
        assert [(one.id, one.reason) for one in found.left_out] == [("again", checks.DUPLICATE)]


LONG = "\n\n".join(
    f"Chapter {n}. It tells of the number {n * n} and of little else. So it ends." for n in range(40)
)


SHARED = Path(__file__).parents[4] / "shared" / "corpus" / "tasks" / "rag" / "rag.jsonl.zst"


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="the shared corpus is not here")
def test_right_answers_to_real_questions_are_read_back_and_shown() -> None:
    questions = read_questions(SHARED)[::90]
    found = check(questions)
    assert len(found.kept) > 0.98 * len(questions)
    for question in found.kept:
        shown = checked(read_answer(VOCABULARY, answer(VOCABULARY, question)), question.sources)
        assert [(one.source, one.text) for one in shown.citations] == [(question.gold, question.answers[0])]


class TestFitting:
    def test_what_fits_stays_as_it_is(self) -> None:
        assert fit(VOCABULARY, [QUESTION], 1024, 1) == ([QUESTION], 0, [])

    @settings(max_examples=25)
    @given(st.integers(0, 39), st.integers(0, 1000), st.integers(330, 3000))
    def test_a_cut_keeps_the_answer_within_the_context(self, chapter: int, seed: int, context: int) -> None:
        words = f"number {chapter * chapter}"
        start = LONG.index(words + " and")
        question = Question("q", "d", "en", "Which number?", (LONG, "Short.", LONG), 0, (words,), (start,))
        [found], cut, left_out = fit(VOCABULARY, [question], context, seed)
        assert (cut, left_out) == (1, [])
        assert found.sources[1] == "Short."
        assert all(cut_text in whole for cut_text, whole in zip(found.sources, question.sources, strict=True))
        [at] = found.starts
        assert at is not None
        assert found.sources[0][at : at + len(words)] == words
        assert 1 + len(prompt(VOCABULARY, found.question, found.sources)) + ANSWER_TOKENS <= context

    def test_the_place_of_the_answer_in_a_cut_differs(self) -> None:
        start = LONG.index("number 400")
        questions = [Question(str(n), "d", "en", "?", (LONG,), 0, ("number 400",), (start,)) for n in range(20)]
        starts = {one.starts for one in fit(VOCABULARY, questions, 600, 1).questions}
        assert len(starts) >= 3
        assert fit(VOCABULARY, questions, 600, 1) == fit(VOCABULARY, questions, 600, 1)

    def test_what_no_cut_makes_fit_is_left_out(self) -> None:
        long_question = QUESTION._replace(question="Wann? " * 400)
        long_answer = QUESTION._replace(answers=(TREATY,), starts=(0,))
        found = fit(VOCABULARY, [long_question, long_answer], 1024, 1)
        assert [one.reason for one in found.left_out] == ["longer than the context"] * 2
        assert not found.questions
