"""Answers with sources as a task: what is read, made, shown and measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from octavo.evaluation.speaker import Speaker
from octavo.progress import Progress
from octavo.recipe.schema import Recipe
from octavo.tuning.answers.checks import Key, check
from octavo.tuning.answers.cloze import Cloze, cloze_questions
from octavo.tuning.answers.distractors import Making, with_distractors
from octavo.tuning.answers.fitting import fit
from octavo.tuning.answers.format import Question, example
from octavo.tuning.answers.measures import (
    BEST_SENTENCE,
    FIRST_SOURCE,
    Answered,
    answer_all,
    best_sentences,
    first_sources,
    measure,
)
from octavo.tuning.answers.narrowing import SENTENCES, answer_shown, fewer, to_learn
from octavo.tuning.answers.questions import read_questions
from octavo.tuning.documents import BYTES_A_TOKEN, check_documents, document_files, draw_documents, draw_stretches
from octavo.tuning.pairs import LeftOut, drawn, outside_languages
from octavo.tuning.scores import MODEL
from octavo.tuning.tasks import COPIED, Checked, Measured, Prepared, Task, Taught
from octavo.tuning.vocabulary import Vocabulary

TESTED: Final = 1000
"""Test questions, most."""
SAMPLES: Final = 16
TAUGHT: Final = Making(fewest=1)
"""Of what is learnt: copying from one source comes before choosing among four, and in use there is any number."""
AT_ONCE: Final = 2000
"""Made questions that are distractors to each other."""
COPIES_OF_A_DOCUMENT: Final = 8
"""Stretches to quote whole, most."""
OF_A_DOCUMENT: Final = 4000
"""Bytes of a document that its questions use, about."""


def _read(recipe: Recipe, files: Sequence[Path]) -> Checked:
    questions: list[Question] = []
    left_out: list[LeftOut] = []
    first: dict[Key, str] = {}
    for file in files:
        inside, outside = outside_languages(
            read_questions(file), recipe.corpus.languages, lambda question: [question.lang]
        )
        found = check(inside, first)
        questions += found.kept
        left_out += [*outside, *found.left_out]
    return Checked(questions, left_out)


def _made(
    recipe: Recipe, questions: Sequence[Question], tokens: int, left_out: list[LeftOut], progress: Progress
) -> Iterator[Question]:
    """Questions on sentences of open documents, in which words are left out."""
    assert recipe.tuning is not None
    files = document_files(recipe.tuning.documents)
    made = draw_documents(
        files,
        recipe.corpus.languages,
        recipe.seed,
        BYTES_A_TOKEN * tokens,
        OF_A_DOCUMENT,
        lambda document: cloze_questions([document], Cloze(), recipe.seed),
    )
    while some := [question for _, question in zip(range(AT_ONCE), made, strict=False)]:
        progress.check()
        yield from to_learn(with_distractors(some, TAUGHT, recipe.seed))


def _copies(recipe: Recipe, tokens: int) -> Iterator[Question]:
    """The only source is to be quoted as a whole, and its first words are the question."""
    assert recipe.tuning is not None
    files, size = document_files(recipe.tuning.documents), BYTES_A_TOKEN * tokens
    for one in draw_stretches(files, recipe.corpus.languages, recipe.seed, size, COPIES_OF_A_DOCUMENT, COPIED):
        words = one.text.split()
        asked = " ".join(words[: -(-len(words) // 3)])
        yield Question(one.id, one.doc, one.lang, asked, (one.text,), 0, (one.text,), (0,))


def _arranged(recipe: Recipe, questions: Sequence[Question], learnt: bool) -> list[Question]:
    """Some of the questions without the source that holds their answer.

    Tests keep the sources that they came with, if there were several. What is learnt from has sources of the other
    questions that are: those that it came with may be what a test is about.
    """
    if learnt:
        return to_learn(with_distractors(questions, TAUGHT, recipe.seed))
    made = with_distractors(questions, Making(), recipe.seed)
    return [
        new if new.gold is None or len(old.sources) == 1 else old for old, new in zip(questions, made, strict=True)
    ]


def _examples(vocabulary: Vocabulary, question: Question, length: int) -> Taught:
    found = fit(vocabulary, [fewer(vocabulary, question, length)], length, 0)
    return Taught([example(vocabulary, one) for one in found.questions], found.left_out)


def _measure(
    recipe: Recipe, speaker: Speaker, vocabulary: Vocabulary, parts: Prepared, progress: Progress
) -> Measured:
    tests: list[Question] = drawn(parts.test, TESTED, recipe.seed)
    answers = answer_all(speaker, vocabulary, tests, progress)
    scores = measure({MODEL: answers, BEST_SENTENCE: best_sentences(tests), FIRST_SOURCE: first_sources(tests)})
    samples = [_sample(one) for one in answers[:SAMPLES]]
    return Measured(scores, samples, {"sentences": SENTENCES, "answer_shown": answer_shown(tests)})


def _sample(one: Answered) -> dict[str, str]:
    """A question in words; the answer is empty where it was refused, and the right one where no source holds it."""
    question = one.question
    source = {} if question.gold is None else {"source": question.sources[question.gold]}
    return {
        "group": question.lang,
        "question": question.question,
        **source,
        "answer": one.shown.text,
        "truth": "" if question.gold is None else question.answers[0],
    }


TASK: Final = Task(
    kind=Question,
    parse=read_questions,
    check_documents=check_documents,
    read=_read,
    made=_made,
    copies=_copies,
    arranged=_arranged,
    examples=_examples,
    group=lambda question: str(question.lang),
    measure=_measure,
)
