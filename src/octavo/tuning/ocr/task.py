"""OCR correction as a task: what is read, made, shown and measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, count, islice
from pathlib import Path
from typing import Any, Final

from octavo.evaluation.speaker import Speaker
from octavo.progress import Progress
from octavo.recipe.schema import Recipe
from octavo.tuning.documents import check_documents, document_files, draw_stretches
from octavo.tuning.ocr.correcting import propose
from octavo.tuning.ocr.dictionary import Dictionary, dictionaries
from octavo.tuning.ocr.edits import Correction, settled
from octavo.tuning.ocr.format import examples, room_of
from octavo.tuning.ocr.guard import Limits
from octavo.tuning.ocr.margin import RATES, Fit, Tried, clean_copies, fit_margins, margin_of
from octavo.tuning.ocr.measures import baselines, measure
from octavo.tuning.ocr.noise import made_pairs
from octavo.tuning.ocr.noise_learning import is_enough, learn
from octavo.tuning.ocr.noise_table import Noise
from octavo.tuning.ocr.pairs import OcrPair, check, read_pairs
from octavo.tuning.pairs import LeftOut, drawn, outside_languages
from octavo.tuning.scores import MODEL, UNGUARDED
from octavo.tuning.tasks import COPIED, Checked, Measured, Prepared, Task, Taught
from octavo.tuning.vocabulary import Vocabulary

FITTED: Final = 300
"""Held-out pairs to which the margins are fitted, most, and as many clean ones."""
TESTED: Final = 1500
"""Test pairs, most."""
SAMPLES: Final = 16
NEVER: Final = 1e6
"""The margin, in bits, where a model should change nothing; JSON knows no infinity."""
SHORTEST, LONGEST = 60, 1500
"""Characters of a made pair: lines and paragraphs."""
LEARNT_FROM: Final = 20_000
"""Pairs that the noise is learnt from, most: a library may have a million, and each is aligned."""
OF_A_DOCUMENT: Final = 4
"""Made pairs, most."""


def _read(recipe: Recipe, files: Sequence[Path]) -> Checked:
    pairs: list[OcrPair] = []
    left_out: list[LeftOut] = []
    first: dict[tuple[str, str, str], str] = {}
    for file in files:
        inside, outside = outside_languages(read_pairs(file), recipe.corpus.languages, lambda pair: [pair.lang])
        found = check(inside, str(file), first)
        pairs += found.pairs
        left_out += [*outside, *found.left_out]
    return Checked(pairs, left_out)


def _made(
    recipe: Recipe, pairs: Sequence[OcrPair], tokens: int, left_out: list[LeftOut], progress: Progress
) -> Iterator[OcrPair]:
    """Noisy copies, with the noise of the pairs: of their own printed sides, and of stretches of open documents.

    They have as many characters as tokens are wanted, which is twice of what these need: some may be of no use.
    """
    assert recipe.tuning is not None
    if not recipe.tuning.documents and not is_enough(pairs):
        return  # nobody asked for noise
    printed = chain.from_iterable(_again(pairs, time) for time in count(1))
    both = _alternately(printed, _clean(recipe, tokens, (SHORTEST, LONGEST)))
    size = 0
    for number, pair in enumerate(made_pairs(_noise(pairs, recipe.seed), both, recipe.seed)):
        if number % 1000 == 0:
            progress.check()
        yield pair
        size += len(pair.target)
        if size >= tokens:
            break


def _noise(pairs: Sequence[OcrPair], seed: int) -> Noise:
    return learn(drawn(pairs, LEARNT_FROM, seed))


def _again(pairs: Sequence[OcrPair], time: int) -> Iterator[OcrPair]:
    """The printed sides, each time in other documents, which are as bad as others are."""
    return (pair._replace(id=f"{pair.id}-again-{time}", doc=f"{pair.doc}-again-{time}") for pair in pairs)


def _alternately(pairs: Iterator[OcrPair], others: Iterator[OcrPair]) -> Iterator[OcrPair]:
    """One of each in turn, as long as there are pairs."""
    for pair in pairs:
        yield pair
        yield from islice(others, 1)


def _copies(recipe: Recipe, tokens: int) -> Iterator[OcrPair]:
    return _clean(recipe, tokens, COPIED)


def _clean(recipe: Recipe, tokens: int, lengths: tuple[int, int]) -> Iterator[OcrPair]:
    """Stretches in which nothing is to be corrected; spelt on both sides, they have two tokens a character."""
    assert recipe.tuning is not None
    files = document_files(recipe.tuning.documents)
    drawn = draw_stretches(files, recipe.corpus.languages, recipe.seed, tokens, OF_A_DOCUMENT, lengths)
    return (OcrPair(one.id, one.doc, one.lang, one.text, one.text) for one in drawn)


def _examples(vocabulary: Vocabulary, pair: OcrPair, length: int) -> Taught:
    learnt = examples(vocabulary, [pair], length)
    return Taught(learnt.examples, learnt.left_out)


def _measure(
    recipe: Recipe, speaker: Speaker, vocabulary: Vocabulary, parts: Prepared, progress: Progress
) -> Measured:
    room, limits = room_of(recipe.sequence_length), Limits()

    def proposals(pairs: Sequence[OcrPair]) -> list[Tried]:
        texts = [pair.source for pair in pairs]
        edits = propose(speaker, vocabulary, texts, limits, progress, room, speaker.model)
        return [Tried(pair, found) for pair, found in zip(pairs, edits, strict=True)]

    if not parts.held_out:
        progress.message("tuning: no pair is held out to tell how sure is sure enough, so nothing is ever changed")
    fitted: list[OcrPair] = drawn(parts.held_out, FITTED, recipe.seed)
    fit = fit_margins(proposals(fitted), proposals(clean_copies(fitted)))
    tests: list[OcrPair] = drawn(parts.test, TESTED, recipe.seed)
    tried = proposals(tests)
    answers = {
        MODEL: [_settled(one, fit).text for one in tried],
        UNGUARDED: [settled(one.pair.source, one.edits, None).text for one in tried],
    }
    known = _dictionaries(parts.training, recipe.seed)
    scores = measure(tests, answers | baselines(tests, known))
    samples = [
        {"group": pair.lang, "source": pair.source, "answer": answer, "truth": pair.target}
        for pair, answer in zip(tests[:SAMPLES], answers[MODEL], strict=False)
    ]
    refused = Counter(edit.refused.partition(":")[0] for one in tried for edit in one.edits if edit.refused)
    margins = {f"{rate:g}": min(margin, NEVER) for rate, margin in zip(RATES, fit.margins, strict=True)}
    return Measured(scores, samples, {"margins": margins, "room": room, **_told(fit, refused)})


def _settled(tried: Tried, fit: Fit) -> Correction:
    source = tried.pair.source
    return settled(source, tried.edits, margin_of(fit.margins, source, tried.edits))


def _dictionaries(pairs: Sequence[OcrPair], seed: int) -> dict[str, Dictionary]:
    """Of the pairs' printed words and confusions; none where there are too few pairs."""
    if not is_enough(pairs):
        return {}
    return dictionaries([(pair.lang, pair.target) for pair in pairs], _noise(pairs, seed))


def _told(fit: Fit, refused: Counter[str]) -> dict[str, Any]:
    rates = {name: round(value, 5) for name, value in fit._asdict().items() if name != "margins"}
    return {"fit": rates, "refused": dict(refused.most_common())}


TASK: Final = Task(
    kind=OcrPair,
    parse=read_pairs,
    check_documents=check_documents,
    read=_read,
    made=_made,
    copies=_copies,
    arranged=lambda recipe, pairs, learnt: list(pairs),
    examples=_examples,
    group=lambda pair: str(pair.lang),
    measure=_measure,
)
