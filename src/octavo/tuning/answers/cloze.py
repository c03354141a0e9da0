"""Questions made of documents alone: a sentence in which a name, a number or a rare phrase is asked for.

No model writes them. They are no questions that a person would ask, but to answer them is to find the passage that
a sentence is from and to copy words of it as they are, in old spelling too, which is what answers from sources are
made of. The sentence is cut short, words of it are left out, and ſ becomes s, so that it is no copy of the passage.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from octavo.curation.mentioned_names import key_of, names
from octavo.tuning.answers.format import Question
from octavo.tuning.answers.shown import find_verbatim
from octavo.tuning.documents import Document
from octavo.tuning.retrieval.passages import Span, passages, sentences, words_of

NAME, NUMBER, PHRASE = "name", "number", "phrase"
WHICH: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {NAME: "which name", NUMBER: "which number", PHRASE: "which words"},
    "fr": {NAME: "quel nom", NUMBER: "quel nombre", PHRASE: "quels mots"},
    "es": {NAME: "qué nombre", NUMBER: "qué número", PHRASE: "qué palabras"},
    "de": {NAME: "welcher Name", NUMBER: "welche Zahl", PHRASE: "welche Worte"},
    "it": {NAME: "quale nome", NUMBER: "quale numero", PHRASE: "quali parole"},
    "nl": {NAME: "welke naam", NUMBER: "welk getal", PHRASE: "welke woorden"},
    "la": {NAME: "quod nomen", NUMBER: "qui numerus", PHRASE: "quae verba"},
    "pt": {NAME: "que nome", NUMBER: "que número", PHRASE: "que palavras"},
}
"""What stands for the words that are asked for."""
OPENING: Final[Mapping[str, str]] = {"es": "¿"}

_SHORTEST, _LONGEST = 8, 60
"""Words of a sentence that is asked about."""
_AROUND: Final = 20
"""Words of it that the question has at most."""
_FEWEST: Final = 5
"""And at least."""
_ENDS: Final = 5
"""Letters of the words that a rare phrase begins and ends with."""
_OUTER: Final = ".,;:!?…\"'“”„«»‘’()[]—–-*_"
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True)
class Cloze:
    """How questions are made of a document."""

    questions: int = 4
    """Of a document at most, each of a passage of its own."""
    left_out: float = 0.15
    """Share of the words around what is asked for that the question leaves out."""


class _Gap(NamedTuple):
    """What is asked for, and of which kind it is."""

    span: Span
    kind: str


def cloze_questions(documents: Iterable[Document], cloze: Cloze, seed: int) -> Iterator[Question]:
    """Questions on documents, each with the passage that holds its answer as its only source.

    `distractors.with_distractors` adds others. What is drawn depends on the seed and the document alone.
    """
    for document in documents:
        lot = random.Random(f"{seed} {document.id}")
        spans = passages(document.text)
        places = lot.sample(range(len(spans)), len(spans))
        counts = Counter(key_of(document.text[a:b].strip(_OUTER)) for a, b in words_of(document.text))
        made = 0
        for place in places:
            if made == cloze.questions:
                break
            start, end = spans[place]
            passage = document.text[start:end]
            asked = _ask(passage, document.lang, counts, cloze, lot)
            if asked:
                words, gap = asked
                made += 1
                yield Question(
                    f"{document.id}:{start}",
                    document.doc,
                    document.lang,
                    words,
                    (passage,),
                    0,
                    (passage[gap.start : gap.end],),
                    (gap.start,),
                )


def _ask(
    passage: str, lang: str, counts: Counter[str], cloze: Cloze, lot: random.Random
) -> tuple[str, Span] | None:
    """A question on a sentence of a passage, and where its answer stands; None where no sentence is fit."""
    found = [_words(passage, sentence) for sentence in sentences(passage)]
    found = [words for words in found if _SHORTEST <= len(words) <= _LONGEST]
    lot.shuffle(found)
    named = names(passage, lang)
    for words in found:
        gaps = _gaps(passage, words, named, counts)
        if not gaps:
            continue
        kind = lot.choice(sorted({gap.kind for gap in gaps}))
        gap = lot.choice([gap for gap in gaps if gap.kind == kind])
        answer = passage[gap.span.start : gap.span.end]
        if find_verbatim(answer, passage) != gap.span:  # it stands more than once
            continue
        if asked := _question(passage, words, gap, lang, cloze.left_out, lot):
            return asked, gap.span
    return None


def _words(passage: str, sentence: Span) -> list[Span]:
    """The words of a sentence without what stands around them."""
    found = []
    for start, end in words_of(passage[sentence.start : sentence.end]):
        word = passage[sentence.start + start : sentence.start + end]
        begin = sentence.start + start + len(word) - len(word.lstrip(_OUTER))
        core = word.strip(_OUTER)
        if core:
            found.append(Span(begin, begin + len(core)))
    return found


def _gaps(passage: str, words: list[Span], named: set[str], counts: Counter[str]) -> list[_Gap]:
    texts = [passage[a:b] for a, b in words]
    found: list[_Gap] = []
    place = 0
    while place < len(words):
        last = place
        if texts[place][0].isupper() and key_of(texts[place]) in named:
            while last + 1 < len(words) and _goes_on(passage, words, last) and key_of(texts[last + 1]) in named:
                last += 1
            found.append(_Gap(Span(words[place].start, words[last].end), NAME))
        elif place and _NUMBER.fullmatch(texts[place]):  # the first may be the paragraph's
            found.append(_Gap(words[place], NUMBER))
        place = last + 1
    for place in range(1, len(words) - 1):
        ends = texts[place], texts[place + 1]
        if _goes_on(passage, words, place) and all(_is_rare(word, counts) for word in ends):
            found.append(_Gap(Span(words[place].start, words[place + 1].end), PHRASE))
    return found


def _goes_on(passage: str, words: list[Span], place: int) -> bool:
    """Whether only white space parts a word from the next."""
    return passage[words[place].end : words[place + 1].start].isspace()


def _is_rare(word: str, counts: Counter[str]) -> bool:
    return len(word) >= _ENDS and word.isalpha() and counts[key_of(word)] <= 2


def _question(
    passage: str, words: list[Span], gap: _Gap, lang: str, left_out: float, lot: random.Random
) -> str | None:
    """The words around a gap, some of them left out, with the question word in it; None where too few are left."""
    inside = [n for n, word in enumerate(words) if gap.span.start <= word.start < gap.span.end]
    before, after = words[: inside[0]], words[inside[-1] + 1 :]
    most = min(_AROUND, len(before))
    size = lot.randint(min(most, max(0, _AROUND - len(after))), most)
    before, after = before[len(before) - size :], after[: _AROUND - size]
    sides = [[passage[a:b] for a, b in side if lot.random() >= left_out] for side in (before, after)]
    if sum(map(len, sides)) < _FEWEST:
        return None
    asked = " ".join([*sides[0], WHICH[lang][gap.kind], *sides[1]]).replace("ſ", "s")
    return f"{OPENING.get(lang, '')}{asked[0].upper()}{asked[1:]}?"
