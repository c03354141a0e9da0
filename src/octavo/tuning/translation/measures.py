"""How good translations are, beside what copying the source and replacing word by word would reach."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import pyarrow as pa

from octavo.curation.language import identify
from octavo.evaluation import task_metrics as metrics
from octavo.evaluation.bootstrap import Estimate
from octavo.progress import Progress
from octavo.tuning.scores import MODEL, Score
from octavo.tuning.translation.pairs import TranslationPair
from octavo.tuning.translation.parallel_lexicon import Lexicon, word_by_word
from octavo.tuning.translation.translating import CUT, EMPTY, LOOPED, Translation, Writer, translate
from octavo.tuning.vocabulary import Vocabulary

COPY: Final = "copy the source"
WORDS: Final = "word by word"
CHRF, BLEU, RIGHT_LANGUAGE = "chrF", "BLEU", "in the right language"
NOTHING: Final = "not translated"
LIMITED: Final = "cut by the limit"


class Answer(NamedTuple):
    """What a system gives for the source of a pair."""

    text: str
    is_empty: bool = False
    """Nothing, or in part nothing."""
    is_limited: bool = False
    """Cut at the limit of its length, or where it repeated itself."""


def translate_pairs(
    speaker: Writer,
    vocabulary: Vocabulary,
    pairs: Sequence[TranslationPair],
    progress: Progress,
    knows_neighbours: bool = False,
) -> list[Answer]:
    """The model's answer to each pair's source, as a person would get it."""
    groups: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for number, pair in enumerate(pairs):
        groups[pair.src_lang, pair.tgt_lang].append(number)
    found: dict[int, Answer] = {}
    for languages, numbers in groups.items():
        texts = [pairs[n].source for n in numbers]
        translations = translate(speaker, vocabulary, texts, *languages, progress, knows_neighbours)
        found |= dict(zip(numbers, map(_answer, translations), strict=True))
    return [found[number] for number in range(len(pairs))]


def measure(
    pairs: Sequence[TranslationPair], answers: Sequence[Answer], lexicons: dict[str, Lexicon]
) -> list[Score]:
    """The scores of the model's answers and of the baselines, of all pairs, by languages and by century.

    `lexicons` are of training pairs. The share in the right language counts pairs whose known translation reads as
    in its language, as short ones may not.
    """
    none = Lexicon({}, {})
    systems = {
        MODEL: list(answers),
        COPY: [Answer(pair.source) for pair in pairs],
        WORDS: [Answer(word_by_word(lexicons.get(pair.languages, none), pair.source)) for pair in pairs],
    }
    read_right = _are_in([pair.target for pair in pairs], pairs)
    scores: list[Score] = []
    for system, given in systems.items():
        in_language = _are_in([answer.text for answer in given], pairs)
        for by, group, numbers in _groups(pairs):
            sure = [n for n in numbers if read_right[n]]
            for metric, count in ((CHRF, metrics.chrf), (BLEU, metrics.bleu)):
                lead = None
                if metric == CHRF and system != MODEL:
                    lead = _lead(answers, given, pairs, numbers)
                scores.append(Score(system, by, group, metric, _of(count, pairs, given, numbers), lead))
            scores.append(Score(system, by, group, RIGHT_LANGUAGE, _share(in_language, pairs, sure)))
            if system == MODEL:
                empty, limited = [a.is_empty for a in given], [a.is_limited for a in given]
                scores.append(Score(system, by, group, NOTHING, _share(empty, pairs, numbers)))
                scores.append(Score(system, by, group, LIMITED, _share(limited, pairs, numbers)))
    return scores


def _answer(translation: Translation) -> Answer:
    kinds = {flaw.kind for flaw in translation.warnings}
    return Answer(translation.text, EMPTY in kinds, bool(kinds & {CUT, LOOPED}))


def _groups(pairs: Sequence[TranslationPair]) -> Iterator[tuple[str, str, list[int]]]:
    yield "all", "all", list(range(len(pairs)))
    languages: defaultdict[str, list[int]] = defaultdict(list)
    centuries: defaultdict[int, list[int]] = defaultdict(list)
    for number, pair in enumerate(pairs):
        languages[pair.languages].append(number)
        if pair.century is not None:
            centuries[pair.century].append(number)
    for group, numbers in sorted(languages.items()):
        yield "lang", group, numbers
    for century, numbers in sorted(centuries.items()):
        yield "century", str(century), numbers


def _of(
    count: Callable[[Sequence[str], Sequence[str], Sequence[str]], Estimate],
    pairs: Sequence[TranslationPair],
    answers: Sequence[Answer],
    numbers: Sequence[int],
) -> Estimate:
    return count(
        [answers[n].text for n in numbers], [pairs[n].target for n in numbers], [pairs[n].doc for n in numbers]
    )


def _lead(
    ours: Sequence[Answer], others: Sequence[Answer], pairs: Sequence[TranslationPair], numbers: Sequence[int]
) -> Estimate:
    return metrics.chrf_lead(
        [ours[n].text for n in numbers],
        [others[n].text for n in numbers],
        [pairs[n].target for n in numbers],
        [pairs[n].doc for n in numbers],
    )


def _share(holds: Sequence[bool], pairs: Sequence[TranslationPair], numbers: Sequence[int]) -> Estimate:
    return metrics.mean([float(holds[n]) for n in numbers], [pairs[n].doc for n in numbers])


def _are_in(texts: Sequence[str], pairs: Sequence[TranslationPair]) -> list[bool]:
    """Which texts read as in the language that each pair's translation should be in."""
    reads = identify(pa.array(texts, pa.large_string())).field("lang").to_pylist()
    return [lang == pair.tgt_lang for lang, pair in zip(reads, pairs, strict=True)]
