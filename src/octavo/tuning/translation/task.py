"""Translation as a task: what is read, made, shown and measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from blake3 import blake3

from octavo.evaluation.speaker import Speaker
from octavo.progress import Progress
from octavo.recipe.schema import Recipe
from octavo.tuning.documents import BYTES_A_TOKEN, document_files, draw_stretches
from octavo.tuning.pairs import LeftOut, drawn, outside_languages
from octavo.tuning.tasks import COPIED, Checked, Measured, Prepared, Task, Taught
from octavo.tuning.translation.checks import check_pairs
from octavo.tuning.translation.format import examples
from octavo.tuning.translation.measures import measure, translate_pairs
from octavo.tuning.translation.neighbours import with_neighbours
from octavo.tuning.translation.pairs import TranslationPair, in_both_directions, read_pairs
from octavo.tuning.translation.parallel_documents import read_texts
from octavo.tuning.translation.parallel_lexicon import learn_lexicons
from octavo.tuning.translation.parallel_table import read_table
from octavo.tuning.translation.parallel_texts import make_pairs
from octavo.tuning.translation.word_pairs import word_pairs
from octavo.tuning.vocabulary import Vocabulary

TESTED: Final = 1000
"""Test pairs, most."""
SAMPLES: Final = 16
OF_A_DOCUMENT: Final = 8
"""Stretches to copy, most."""
LEVEL: Final = "paragraph"
"""What pairs are made of two documents by."""


def _read(recipe: Recipe, files: Sequence[Path]) -> Checked:
    assert recipe.tuning is not None
    pairs: list[TranslationPair] = []
    left_out: list[LeftOut] = []
    first: dict[tuple[str, str, str, str], str] = {}
    for file in files:
        inside, outside = outside_languages(
            read_pairs(file), recipe.corpus.languages, lambda pair: [pair.src_lang, pair.tgt_lang]
        )
        found = check_pairs(inside, file, first)
        pairs += found.kept
        left_out += [*outside, *found.left_out]
    return Checked(in_both_directions(pairs) if recipe.tuning.both_directions else pairs, left_out)


def _made(
    recipe: Recipe, pairs: Sequence[TranslationPair], tokens: int, left_out: list[LeftOut], progress: Progress
) -> Iterator[TranslationPair]:
    """Pairs of documents that tables name as translations of one another, and then of the texts in the folders.

    The folders may also hold the documents that the tables name.
    """
    assert recipe.tuning is not None
    tables, documents = _tables_and_documents(recipe)
    for file in tables:
        table = read_table(file)
        texts = read_texts(table, file.parent, documents)
        found = make_pairs(table, texts, LEVEL, progress, pairs)
        left_out += found.left_out
        made = with_neighbours(in_both_directions(found.pairs) if recipe.tuning.both_directions else found.pairs)
        yield from sorted(made, key=lambda pair: blake3(f"{recipe.seed} {pair.id}".encode()).digest())
    yield from word_pairs(documents, pairs, recipe.seed, tokens)


def _check_documents(names: Sequence[str]) -> None:
    for file in map(Path, names):
        if not file.is_dir():
            read_table(file)


def _tables_and_documents(recipe: Recipe) -> tuple[list[Path], list[Path]]:
    """The tables of parallel documents, and the Parquet files of folders."""
    assert recipe.tuning is not None
    names = [Path(name) for name in recipe.tuning.documents]
    folders = [str(name) for name in names if name.is_dir()]
    return [name for name in names if not name.is_dir()], document_files(folders)


def _copies(recipe: Recipe, tokens: int) -> Iterator[TranslationPair]:
    """Texts that are translated into their own language, as in Currey et al. (2017)."""
    _, documents = _tables_and_documents(recipe)
    size = BYTES_A_TOKEN * tokens
    for one in draw_stretches(documents, recipe.corpus.languages, recipe.seed, size, OF_A_DOCUMENT, COPIED):
        yield TranslationPair(one.id, one.doc, one.lang, one.lang, one.text, one.text)


def _arranged(recipe: Recipe, pairs: Sequence[TranslationPair], learnt: bool) -> list[TranslationPair]:
    return with_neighbours(pairs) if learnt else list(pairs)


def _examples(vocabulary: Vocabulary, pair: TranslationPair, length: int) -> Taught:
    found = examples(vocabulary, pair, length)
    why = [LeftOut(pair.id, "longer than the context", f"no place to cut it for {length:,} tokens")]
    return Taught(found, [] if found else why)


def _measure(
    recipe: Recipe, speaker: Speaker, vocabulary: Vocabulary, parts: Prepared, progress: Progress
) -> Measured:
    training: list[TranslationPair] = parts.training
    tests: list[TranslationPair] = drawn(parts.test, TESTED, recipe.seed)
    learnt: list[TranslationPair] = [*training, *parts.made]
    knows = any(pair.before for pair in learnt)
    answers = translate_pairs(speaker, vocabulary, tests, progress, knows)
    scores = measure(tests, answers, learn_lexicons(training))
    samples = [
        {"group": pair.languages, "source": pair.source, "answer": answer.text, "truth": pair.target}
        for pair, answer in zip(tests[:SAMPLES], answers, strict=False)
    ]
    languages = Counter(pair.languages for pair in learnt)
    return Measured(scores, samples, {"pairs": dict(sorted(languages.items())), "knows_neighbours": knows})


TASK: Final = Task(
    kind=TranslationPair,
    parse=read_pairs,
    check_documents=_check_documents,
    read=_read,
    made=_made,
    copies=_copies,
    arranged=_arranged,
    examples=_examples,
    group=lambda pair: str(pair.languages),
    measure=_measure,
)
