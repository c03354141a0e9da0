"""Questions made of pairs and of documents, figures of answers, and questions asked of a library."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from octavo.curation.mentioned_names import key_of
from octavo.errors import InputError
from octavo.evaluation.speaker import Speaker
from octavo.modeling.decoding import Allowed, Decoding
from octavo.modeling.init import initialise
from octavo.modeling.llama import LlamaConfig
from octavo.progress import Progress
from octavo.tuning.answers import measures as measures
from octavo.tuning.answers.asking import NOTHING_FOUND, answer_from, ask
from octavo.tuning.answers.checks import check
from octavo.tuning.answers.cloze import WHICH, Cloze, cloze_questions
from octavo.tuning.answers.distractors import Making, with_distractors
from octavo.tuning.answers.format import Question, answer, read_answer
from octavo.tuning.answers.measures import (
    BEST_SENTENCE,
    FIRST_SOURCE,
    answer_all,
    best_sentences,
    first_sources,
    measure,
)
from octavo.tuning.answers.shown import NOT_HELD, NOT_VERBATIM, checked
from octavo.tuning.documents import Document
from octavo.tuning.retrieval.index import build_index
from octavo.tuning.retrieval.search import Passage
from octavo.tuning.retrieval.words import search_words
from octavo.tuning.scores import MODEL
from octavo.tuning.vocabulary import Vocabulary
from tests.tuning.translation.translators import VOCABULARY

SPEECH = "<|quote|>", "<|cited|>", "<|end_of_quote|>"


def said(words: str, number: str) -> list[int]:
    quote, cited, end = (VOCABULARY.entries[name] for name in SPEECH)
    return [quote, *VOCABULARY.encode([words])[0], cited, *VOCABULARY.encode([number])[0], end]


def pair(doc: int, part: int, lang: str = "en") -> Question:
    place = ("harbour", "castle", "market", "forest")[part]
    text = (
        f"The {place} of town {doc} was built in the year {1000 + 10 * doc + part}. It cost much and served long."
    )
    answer = str(1000 + 10 * doc + part)
    start = text.index(answer)
    return Question(
        f"{lang}{doc}.{part}",
        f"d{doc}",
        lang,
        f"When was the {place} of town {doc} built?",
        (text,),
        0,
        (answer,),
        (start,),
    )


PAIRS = [pair(doc, part) for doc in range(40) for part in range(4)]


class TestDistractors:
    def test_a_question_keeps_its_source_among_others_in_any_place(self) -> None:
        made = with_distractors(PAIRS, Making(unanswerable=0), 1)
        for before, after in zip(PAIRS, made, strict=True):
            assert after.gold is not None
            assert after.sources[after.gold] == before.sources[0]
            assert len(set(after.sources)) == 4
        assert {one.gold for one in made} == {0, 1, 2, 3}

    def test_questions_to_learn_from_have_any_number_of_sources(self) -> None:
        made = with_distractors(PAIRS, Making(fewest=1), 1)
        counts = Counter(len(one.sources) for one in made)
        assert set(counts) == {1, 2, 3, 4}
        assert min(counts.values()) > len(PAIRS) / 8
        assert any(one.gold is None for one in made if len(one.sources) == 1)

    def test_a_share_of_the_questions_loses_its_source(self) -> None:
        made = with_distractors(PAIRS, Making(unanswerable=0.25), 1)
        without = [one for one in made if one.gold is None]
        assert 25 <= len(without) <= 55
        for one in without:
            assert one.id.endswith("#without")
            assert len(one.sources) == 4
            assert not one.answers
            [before] = [p for p in PAIRS if p.id == one.id.removesuffix("#without")]
            assert not any(before.answers[0] in text for text in one.sources)

    def test_no_other_source_holds_a_right_answer(self) -> None:
        twin = pair(1, 0)._replace(
            id="twin", doc="other", sources=("Elsewhere, in Mille, too: 1010.",), answers=("1010",), starts=(26,)
        )
        made = with_distractors([*PAIRS, twin], Making(sources=200, fewest=200, unanswerable=0), 1)
        [one] = [one for one in made if one.id == "en1.0"]
        assert len(one.sources) == len(PAIRS)
        assert twin.sources[0] not in one.sources

    def test_the_share_from_the_own_document_is_as_told(self) -> None:
        own = with_distractors(PAIRS, Making(unanswerable=0, same_document=1), 1)
        assert all(f"town {one.doc[1:]} " in text for one in own for text in one.sources)
        others = with_distractors(PAIRS, Making(unanswerable=0, same_document=0), 1)
        near = sum(one.question.split()[3] in text for one in others for text in one.sources)
        assert near > 0.7 * 4 * len(others)  # BM25 finds the same building in other towns; by chance it is 0.25

    def test_languages_do_not_mix(self) -> None:
        mixed = [*PAIRS[:8], *(pair(doc, part, "de") for doc in range(2) for part in range(4))]
        named = [one._replace(sources=(f"{one.lang} {one.sources[0]}",), starts=(None,)) for one in mixed]
        made = with_distractors(named, Making(unanswerable=0), 1)
        assert {one.lang for one in made} == {"en", "de"}
        assert all(text.startswith(one.lang) for one in made for text in one.sources)

    def test_the_same_seed_gives_the_same_and_another_another(self) -> None:
        assert with_distractors(PAIRS, Making(), 1) == with_distractors(PAIRS, Making(), 1)
        assert with_distractors(PAIRS, Making(), 1) != with_distractors(PAIRS, Making(), 2)

    def test_a_lone_question_keeps_its_source(self) -> None:
        assert with_distractors(PAIRS[:1], Making(unanswerable=1), 1) == PAIRS[:1]


BOOK = "\n\n".join(
    f"In the spring of {1600 + n} the merchant Cornelius of {town} bought {n + 20} barrels of herring there. "
    f"The magistrate of the place ſent a meſſenger to complain about {thing} before winter began again. "
    * 1
    + "Nobody remembered afterwards what had been promised, and everything stayed as it always was. " * 6
    for n, (town, thing) in enumerate(
        [
            ("Haarlem", "crooked measures"),
            ("Bruges", "spoiled wares"),
            ("Lübeck", "stolen anchors"),
            ("Riga", "false coins"),
        ]
    )
)
DOCUMENTS = [
    Document(f"book#{n}", "book", "en", BOOK.replace("Cornelius", name))
    for n, name in enumerate(["Cornelius", "Adriaen", "Wouter"])
]


class TestCloze:
    def test_an_answer_stands_where_the_question_says_and_passes_the_checks(self) -> None:
        made = list(cloze_questions(DOCUMENTS, Cloze(), 3))
        assert len(made) >= 9
        for one in made:
            [text] = one.sources
            [words], [start] = one.answers, one.starts
            assert start is not None
            assert text[start : start + len(words)] == words
            assert any(which in one.question.casefold() for which in WHICH["en"].values())
            assert f" {key_of(words)} " not in f" {' '.join(search_words(one.question))} "
        assert check(made).left_out == []

    def test_names_numbers_and_phrases_are_asked_for(self) -> None:
        made = [one for seed in range(12) for one in cloze_questions(DOCUMENTS, Cloze(), seed)]
        asked = {kind for one in made for kind, which in WHICH["en"].items() if which in one.question.casefold()}
        assert asked == {"name", "number", "phrase"}

    def test_the_question_has_modern_letters_and_the_answer_those_of_the_source(self) -> None:
        text = (
            "Damals ging der Kayſer Maximilian nach der Veſte Geroldseck mit einem groſſen Heer und vielen Wagen."
        )
        made = [
            one for seed in range(20) for one in cloze_questions([Document("d", "d", "de", text)], Cloze(), seed)
        ]
        assert all("ſ" not in one.question for one in made)
        assert any("ſ" in one.answers[0] for one in made)

    def test_what_is_drawn_depends_on_seed_and_document_alone(self) -> None:
        assert list(cloze_questions(DOCUMENTS[1:], Cloze(), 3)) == [
            one for one in cloze_questions(DOCUMENTS, Cloze(), 3) if not one.id.startswith("book#0")
        ]
        assert list(cloze_questions(DOCUMENTS, Cloze(), 3)) != list(cloze_questions(DOCUMENTS, Cloze(), 4))


SOURCES = (
    "The harbour is old. It was built in 1010 by monks.",
    "Sheep graze on the hill. The castle was built in 1020 by a king.",
)
ASKED = Question("q", "d", "en", "When was the castle built?", SOURCES, 1, ("1020", "in 1020"), (49, 46))
REFUSED = ASKED._replace(id="r", question="Who sold the mill?", gold=None, answers=(), starts=())


def answered(vocabulary: Vocabulary, question: Question, tokens: Sequence[int]) -> measures.Answered:
    """What these tokens answer to a question that was shown as it is."""
    return measures.Answered(question, checked(read_answer(vocabulary, tokens), question.sources))


def figures(*answers: measures.Answered, group: str = "all") -> dict[str, float | None]:
    return {s.metric: s.estimate.value for s in measure({MODEL: answers}) if s.group == group}


class TestMeasures:
    def test_a_right_answer_and_a_right_refusal_score_full(self) -> None:
        found = figures(answered(VOCABULARY, ASKED, answer(VOCABULARY, ASKED)), answered(VOCABULARY, REFUSED, []))
        assert found == {
            "exact match": 1,
            "F1": 1,
            "citation precision": 1,
            "citation recall": 1,
            "verbatim answers": 1,
            "refusal rate, unanswerable": 1,
            "refusal rate, answerable": 0,
        }

    def test_how_far_a_model_is_ahead_is_told(self) -> None:
        right = [answered(VOCABULARY, ASKED, answer(VOCABULARY, ASKED)), answered(VOCABULARY, REFUSED, [])]
        scores = measure({MODEL: right, BEST_SENTENCE: best_sentences([ASKED, REFUSED])})
        [best] = [s for s in scores if (s.system, s.metric, s.by) == (BEST_SENTENCE, "F1", "all")]
        assert best.lead is not None
        assert best.estimate.value is not None
        assert best.lead.value == pytest.approx(1 - best.estimate.value, abs=1e-4)
        assert [s.metric for s in scores if s.lead] == ["F1"] * 2

    def test_a_wrong_source_costs_precision_and_recall(self) -> None:
        found = figures(answered(VOCABULARY, ASKED, said("1010", "1") + said("by a king", "2")))
        assert (found["citation precision"], found["citation recall"], found["F1"]) == (0, 0, 0)

    def test_every_quotation_of_an_unanswerable_question_is_wrong(self) -> None:
        found = figures(
            answered(VOCABULARY, REFUSED, said("monks", "1")),
            answered(VOCABULARY, ASKED, said("built in 1020", "2") + said("by monks", "1")),
        )
        assert found["citation precision"] == pytest.approx(1 / 3, abs=1e-4)
        assert (found["citation recall"], found["refusal rate, unanswerable"]) == (1, 0)

    def test_what_is_not_verbatim_is_not_shown(self) -> None:
        found = figures(answered(VOCABULARY, ASKED, said("1021", "2") + said("1020", "2") + said("1020", "7")))
        assert (found["verbatim answers"], found["exact match"]) == (1, 1)

    def test_a_refusal_is_no_right_answer_even_of_an_article(self) -> None:
        article = ASKED._replace(answers=("The",), starts=(25,))
        found = figures(answered(VOCABULARY, article, []))
        assert (found["exact match"], found["F1"], found["refusal rate, answerable"]) == (0, 0, 1)
        assert "citation precision" not in found

    def test_figures_are_by_language_too(self) -> None:
        german = ASKED._replace(lang="de")
        answers = (answered(VOCABULARY, ASKED, []), answered(VOCABULARY, german, answer(VOCABULARY, german)))
        assert figures(*answers, group="en")["exact match"] == 0
        assert figures(*answers, group="de")["exact match"] == 1
        assert figures(*answers)["exact match"] == 0.5

    def test_the_best_sentence_has_most_words_of_the_question(self) -> None:
        [best] = best_sentences([ASKED])
        assert best.shown.text == "The castle was built in 1020 by a king."
        assert best.shown.citations[0].source == 1
        [none] = best_sentences([ASKED._replace(question="?")])
        assert (none.shown.citations, bool(none.shown.why)) == ((), True)

    def test_the_first_source_is_quoted_whole(self) -> None:
        [first] = first_sources([ASKED])
        assert first.shown.text == SOURCES[0]

    def test_baselines_have_the_names_of_the_table(self) -> None:
        scores = measure({BEST_SENTENCE: best_sentences([ASKED]), FIRST_SOURCE: first_sources([ASKED])})
        assert {score.system for score in scores} == {"best sentence", "first source"}


@dataclass
class Stand:
    """A model's stand-in, that writes what a function makes of a prompt's text."""

    write: Callable[[str], list[int]]
    context: int = 2048
    longest: int = 0

    def say(
        self,
        prompts: Sequence[list[int]],
        ids: Sequence[str],
        decoding: Decoding,
        progress: Progress,
        note: str,
        allowed: Sequence[Allowed],
    ) -> list[list[int]]:
        assert len(prompts) == len(ids) == len(allowed)
        assert (decoding.temperature, decoding.repetition_penalty) == (0.0, 1.0)
        self.longest = max([self.longest, *(1 + len(prompt) + decoding.max_tokens for prompt in prompts)])
        return [self.write(VOCABULARY.decode(prompt)) for prompt in prompts]


def speaker(write: Callable[[str], list[int]], **more: Any) -> Speaker:
    return cast(Speaker, Stand(write, **more))


class TestAsking:
    @pytest.fixture
    def library(self, tmp_path: Path) -> Path:
        home = tmp_path / "library"
        home.mkdir()
        (home / "peace.txt").write_text("Der Krieg war lang.\n\nDer Friede ward zu\nOsnabruͤck geſchloſſen.")
        (home / "sheep.txt").write_text("Sheep graze on the hill.")
        return home

    def test_an_answer_tells_its_document_and_place(self, library: Path, tmp_path: Path) -> None:
        index = build_index(library, tmp_path / "index").index
        model = speaker(lambda text: said("zu Osnabruͤck geſchloſſen", "1"))
        found = ask(model, VOCABULARY, index, "Wo wurde der Friede geschlossen?")
        [quoted] = found.quotations
        assert (found.refused, found.why) == (False, "")
        assert found.text == quoted.text == "zu\nOsnabruͤck geſchloſſen"
        assert (library / "peace.txt").read_text()[quoted.start : quoted.end] == quoted.text
        assert (quoted.number, quoted.title, Path(quoted.file).name) == (1, "peace", "peace.txt")
        assert len(found.considered) == 1

    def test_invented_quotations_are_a_refusal_with_the_reason(self, library: Path, tmp_path: Path) -> None:
        index = build_index(library, tmp_path / "index").index
        found = ask(speaker(lambda text: said("zu Muͤnſter", "1")), VOCABULARY, index, "Wo war der Friede?")
        assert (found.text, found.quotations, found.refused, found.why) == ("", (), True, NOT_VERBATIM)
        assert ask(speaker(lambda text: []), VOCABULARY, index, "Wo war der Friede?").why == NOT_HELD

    def test_where_nothing_is_found_the_model_is_not_asked(self, library: Path, tmp_path: Path) -> None:
        def never(text: str) -> list[int]:
            raise AssertionError

        index = build_index(library, tmp_path / "index").index
        found = ask(speaker(never), VOCABULARY, index, "Quomodo?")
        assert (found.refused, found.why) == (True, NOTHING_FOUND)

    def test_the_model_is_shown_the_best_sentences_that_fit(self) -> None:
        texts = [f"It rained. Which town was number {n}? Nobody knows." for n in range(6)]
        passages = [Passage(text, "f", "d", None, None, 10, 60) for text in texts]
        asked: list[str] = []
        stand = Stand(lambda text: asked.append(text) or [], context=400)
        found = answer_from(cast(Speaker, stand), VOCABULARY, "Which town was number 4?", passages)
        assert list(found.considered) == passages
        assert "was number 4?" in asked[0].removeprefix("Which town was number 4?")
        assert "rained" not in asked[0]
        assert stand.longest <= 400

    def test_questions_that_cannot_be_asked_are_errors(self) -> None:
        passages = [Passage("text", "f", "d", None, None, 0, 4)]
        with pytest.raises(InputError, match="found nothing"):
            answer_from(speaker(lambda text: []), VOCABULARY, " ", passages)
        with pytest.raises(InputError, match="found 3000 characters"):
            answer_from(speaker(lambda text: []), VOCABULARY, "what? " * 500, passages)

    def test_a_model_that_learnt_nothing_shows_nothing_false(self) -> None:
        size = VOCABULARY.tokenizer.get_vocab_size()
        config = LlamaConfig(
            vocab_size=size,
            hidden_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=1,
            intermediate_size=64,
            max_position_embeddings=400,
            initializer_range=0.3,
        )
        model = Speaker(initialise(config, seed=1).eval(), VOCABULARY.tokenizer, VOCABULARY.begin, VOCABULARY.end)
        questions = [ASKED, REFUSED]
        scores = measure({MODEL: answer_all(model, VOCABULARY, questions, Progress())})
        assert all(s.estimate.value == 1 for s in scores if s.metric == "verbatim answers")
        assert any(s.metric == "refusal rate, answerable" for s in scores)
