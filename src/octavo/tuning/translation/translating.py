"""Texts are translated in pieces: paragraphs, several short ones together, or the sentences of a long one.

Whatever a model writes, each paragraph of a text has one in its translation, with its marks and number; where the
model wrote nothing for it, it stays as it was and is marked.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

import pyarrow as pa

from octavo.curation.language import identify
from octavo.evaluation.repetition import loop_at_end
from octavo.modeling.decoding import Decoding
from octavo.progress import Progress
from octavo.recipe.schema import LANGUAGES
from octavo.tuning.markup import Mark, bare, fitted, joined, marked, split_paragraphs
from octavo.tuning.translation.format import (
    BEFORE,
    BETWEEN,
    TOGETHER,
    prompt_overhead,
    prompts,
    read_answer,
    read_paragraphs,
)
from octavo.tuning.translation.pieces import cut
from octavo.tuning.vocabulary import Vocabulary

NOT_TRANSLATED: Final = "[not translated]"
"""Stands before what the model wrote nothing for."""
EMPTY: Final = "not translated"
LOOPED: Final = "ended where it repeated itself"
CUT: Final = "ended at the limit of its length"
MARKUP: Final = "markup without its words"
LANGUAGE: Final = "in another language"

_RATIO: Final = 2
_ROOM: Final = 32
"""A translation may have so many times its source's tokens and so many more: Latin into English needs most."""
_LOOP: Final = 24
"""Tokens of a loop from which it is one: a refrain is shorter."""
_STEP: Final = 4
_LETTERS: Final = 60
"""Letters that a translation needs for its language to be judged."""


class Flaw(NamedTuple):
    """What a person should look at in a translation."""

    paragraph: int
    """From 1; 0 for the whole text."""
    kind: str
    evidence: str

    def __str__(self) -> str:
        where = f"paragraph {self.paragraph}" if self.paragraph else "the text"
        return f"{where}: {self.kind}" + (f" ({self.evidence})" if self.evidence else "")


class Translation(NamedTuple):
    """The translation of a text, and what to look at in it."""

    text: str
    warnings: list[Flaw]


class Writer(Protocol):
    """What writes the answers: a Speaker, or what stands for one."""

    @property
    def context(self) -> int:
        """Tokens that can be read and written."""
        ...

    def say(
        self,
        prompts: Sequence[list[int]],
        ids: Sequence[str],
        decoding: Decoding,
        progress: Progress,
        note: str,
        stop: Callable[[list[int]], bool] = ...,
    ) -> list[list[int]]:
        """What follows each prompt's tokens, up to where `stop` says so of these."""
        ...


@dataclass
class _Piece:
    """A paragraph, or sentences of a long one, on the way to its translation."""

    text: int
    paragraph: int
    source: str
    before: str
    """The paragraph before it, or the piece."""
    is_whole: bool
    size: int
    """In tokens."""
    answer: str = ""
    flaws: set[str] = field(default_factory=set)


def translate(
    speaker: Writer,
    vocabulary: Vocabulary,
    texts: Sequence[str],
    src_lang: str,
    tgt_lang: str,
    progress: Progress,
    knows_neighbours: bool = False,
) -> list[Translation]:
    """The translation of each text; what the model writes of a piece does not hang on the other texts.

    A model that has learnt with what stands around a text (`knows_neighbours`) translates short paragraphs
    together, and is shown what stands before each piece.
    """
    parts = [split_paragraphs(text) for text in texts]
    plain = [[bare(paragraph.body) for paragraph in paragraphs] for paragraphs, _ in parts]
    shown = BEFORE + 1 if knows_neighbours else 0
    limit = max(1, (speaker.context - 1 - prompt_overhead(vocabulary, tgt_lang) - shown - _ROOM) // (1 + _RATIO))
    pieces: list[_Piece] = []
    for number, (paragraphs, _) in enumerate(parts):
        before = ""
        for place, (paragraph, (source, _)) in enumerate(zip(paragraphs, plain[number], strict=True)):
            if not paragraph.is_copied:
                found = _pieces(vocabulary, number, place, source, before, limit)
                pieces += found
                before = found[-1].source.strip()
    jobs = _together(pieces, min(TOGETHER, limit)) if knows_neighbours else [[piece] for piece in pieces]
    _answer(speaker, vocabulary, jobs, tgt_lang, progress, knows_neighbours)
    parted = [[piece] for job in jobs if len(job) > 1 for piece in job if not piece.answer]
    _answer(speaker, vocabulary, parted, tgt_lang, progress, knows_neighbours)
    answers: defaultdict[tuple[int, int], list[_Piece]] = defaultdict(list)
    for piece in pieces:
        answers[piece.text, piece.paragraph].append(piece)
    found_texts: list[Translation] = []
    for number, (paragraphs, after) in enumerate(parts):
        flaws: list[Flaw] = []
        bodies = []
        for place, paragraph in enumerate(paragraphs):
            if paragraph.is_copied:
                bodies.append(paragraph)
                continue
            translated, lost = _rejoined(answers[number, place], paragraph.body, *plain[number][place])
            flaws += (Flaw(place + 1, kind, evidence) for kind, evidence in lost)
            bodies.append(paragraph._replace(body=translated))
        found_texts.append(Translation(joined(bodies, after), flaws))
    return _judged(found_texts, src_lang, tgt_lang)


def answer_limit(tokens: int) -> int:
    """Tokens that the translation of so many may have."""
    return _RATIO * tokens + _ROOM


def _pieces(
    vocabulary: Vocabulary, text: int, paragraph: int, source: str, before: str, limit: int
) -> list[_Piece]:
    def count(parts: Sequence[str]) -> list[int]:
        return [len(tokens) for tokens in vocabulary.encode(parts)]

    found: list[_Piece] = []
    sources = cut(source, limit, count)
    for part, size in zip(sources, count(sources), strict=True):
        found.append(_Piece(text, paragraph, part, before, len(sources) == 1, size))
        before = part.strip() or before
    return found


def _together(pieces: Sequence[_Piece], limit: int) -> list[list[_Piece]]:
    """Short paragraphs that follow each other in a text, up to `limit` tokens of them."""
    jobs: list[list[_Piece]] = []
    size = 0
    for piece in pieces:
        last = jobs[-1][-1] if jobs else None
        fits = last and last.text == piece.text and last.is_whole and piece.is_whole and size + piece.size <= limit
        if fits and "\n\n" not in piece.source:
            jobs[-1].append(piece)
            size += piece.size
        else:
            jobs.append([piece])
            size = piece.size
    return jobs


def _answer(
    speaker: Writer,
    vocabulary: Vocabulary,
    jobs: Sequence[list[_Piece]],
    tgt_lang: str,
    progress: Progress,
    knows_neighbours: bool,
) -> None:
    """Let the model write; a job of several paragraphs whose answer has another number of them stays without."""
    sources = [BETWEEN.join(piece.source.strip() for piece in job) for job in jobs]
    before = [job[0].before for job in jobs] if knows_neighbours else None
    written = prompts(vocabulary, sources, tgt_lang, before)
    limits = [answer_limit(sum(piece.size for piece in job)) for job in jobs]
    groups: defaultdict[tuple[int, bool], list[int]] = defaultdict(list)
    for number, tokens in enumerate(vocabulary.encode(sources)):
        groups[(limits[number] - 1).bit_length(), _has_loop(tokens)].append(number)
    for (bits, may_loop), numbers in sorted(groups.items()):
        said = speaker.say(
            [written[n] for n in numbers],
            [f"{jobs[n][0].text}-{jobs[n][0].paragraph}" for n in numbers],
            Decoding(max_tokens=2**bits, temperature=0.0, repetition_penalty=1.0),
            progress,
            "translating",
            # What repeats itself in the source may do so in the translation.
            (lambda tokens: False) if may_loop else _is_loop,
        )
        for n, tokens in zip(numbers, said, strict=True):
            room = min(limits[n], speaker.context - 1 - len(written[n]))
            _take(vocabulary, jobs[n], tokens, room, may_loop)


def _take(vocabulary: Vocabulary, job: list[_Piece], tokens: list[int], room: int, may_loop: bool) -> None:
    """Give an answer to the pieces of a job."""
    flaws: set[str] = set()
    if not may_loop and _is_loop(tokens):
        answer = _once(vocabulary, tokens)
        flaws.add(LOOPED)
    else:
        if len(tokens) >= room:
            flaws.add(CUT)
        answer = read_answer(vocabulary, tokens[:room])
    answers = read_paragraphs(answer) if len(job) > 1 else [answer]
    if len(answers) != len(job) or (len(job) > 1 and flaws):
        return
    for piece, text in zip(job, answers, strict=True):
        piece.answer = fitted(text, piece.source)
        piece.flaws = flaws


def _once(vocabulary: Vocabulary, tokens: list[int]) -> str:
    """An answer up to the first time of the loop that it ends with, in whole words."""
    loop = loop_at_end(tokens)
    assert loop is not None
    whole = read_answer(vocabulary, tokens)
    text = read_answer(vocabulary, tokens[: len(tokens) - loop.length + loop.period])
    is_in_word = whole.startswith(text) and re.fullmatch(r"\w\w", text[-1:] + whole[len(text) :][:1])
    return re.sub(r"\s+\w+$", "", text) if is_in_word else text


def _is_loop(tokens: Sequence[int]) -> bool:
    loop = loop_at_end(tokens)
    return loop is not None and loop.length >= _LOOP


def _has_loop(tokens: Sequence[int]) -> bool:
    """Whether there is a loop anywhere, some tokens longer than the shortest."""
    return any(_is_loop(tokens[:end]) for end in range(_LOOP, len(tokens) + _STEP, _STEP))


def _rejoined(
    pieces: Sequence[_Piece], body: str, plain: str, marks: Sequence[Mark]
) -> tuple[str, list[tuple[str, str]]]:
    """The translation of a paragraph with its markup, and what is wrong with it."""
    empty = [piece for piece in pieces if not piece.answer]
    flaws = [(EMPTY, f"{piece.source.strip()[:60]!r}") for piece in empty]
    if len(empty) == len(pieces):
        return f"{NOT_TRANSLATED} {body}", flaws
    flaws += [(kind, "") for kind in sorted({kind for piece in pieces for kind in piece.flaws})]
    text = ""
    for piece in pieces:
        source = piece.source
        space = source[len(source.rstrip()) :]
        said = piece.answer or f"{NOT_TRANSLATED} {source.strip()}"
        text += said + space
    translated, missing = marked(fitted(text, plain), plain, marks)
    flaws += [(MARKUP, f"{mark.opened}{mark.words}{mark.closed}") for mark in missing]
    return translated, flaws


def _judged(found: list[Translation], src_lang: str, tgt_lang: str) -> list[Translation]:
    """With a warning where a translation reads as another language."""
    reads = identify(pa.array([one.text for one in found], pa.large_string())).to_pylist()
    for one, read in zip(found, reads, strict=True):
        lang = read["lang"]
        if lang in LANGUAGES and lang != tgt_lang and sum(map(str.isalpha, one.text)) >= _LETTERS:
            still = ", that of the source" if lang == src_lang else ""
            one.warnings.append(Flaw(0, LANGUAGE, f"reads as {lang}{still}, expected {tgt_lang}"))
    return found
