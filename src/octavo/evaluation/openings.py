"""Prompts from the held-out works: what a document begins with, and how it really goes on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import pyarrow.compute as pc
import pyarrow.dataset as pd
from blake3 import blake3

from octavo.corpus.parts import parts_of
from octavo.corpus.schema import work_of
from octavo.evaluation.speaker import Speaker

_READ: Final = 6000
"""Characters of an opening that are looked at."""
_SENTENCE: Final = re.compile(
    r"""\s*(?:\S+\s+){4,}?\S*\w{2}[.!?]["'»«”’“)\]]*(?=\s+["'«»“„‘(\[¿¡]*[A-ZÀ-Þ])""", re.DOTALL
)
"""Five words at least, and the next one begins with a capital; `Mr. Smith` is the price of a rule so short."""
_LONGEST: Final = 400
"""Characters of an opening sentence."""


class Document(NamedTuple):
    """A held-out document."""

    id: str
    work: str
    lang: str
    text: str


class Opening(NamedTuple):
    """The beginning of a document, by its tokens, and what stands after it there."""

    id: str
    lang: str
    kind: str
    prompt: list[int]
    truth: list[int]
    """Empty for a prompt that is from no document."""


T = TypeVar("T")


def read_documents(kept: Path, languages: Sequence[str]) -> list[Document]:
    """The held-out documents in these languages, in the corpus's order."""
    parts = list(map(str, parts_of(kept)))
    if not parts:
        return []
    scanner = pd.dataset(parts).scanner(
        columns=["identifier", "lang", "text"],
        filter=(pc.field("split") == "held-out") & pc.field("lang").isin(list(languages)),
    )
    table = scanner.to_table()
    works = work_of(table.column("identifier")).to_pylist()
    rows = zip(*(table.column(name).to_pylist() for name in ("identifier", "lang", "text")), works, strict=True)
    return [Document(name, work, lang, text) for name, lang, text, work in rows]


def draw(
    documents: Iterable[Document], count: int, seed: int, excerpt: Callable[[Document], T | None]
) -> list[tuple[Document, T]]:
    """Of each language `count` works at most, each with an excerpt of one of its documents, ordered by language.

    Works, and the documents of each, are taken in the order of a hash keyed with the seed, so that a work's lot
    does not depend on the others'; a document of which there is no excerpt is passed over.
    """
    key = blake3(f"prompts {seed}".encode()).digest()

    def lot(name: str) -> bytes:
        return blake3(name.encode(), key=key).digest()

    found: list[tuple[Document, T]] = []
    taken: dict[str, set[str]] = {}
    for document in sorted(documents, key=lambda d: (d.lang, lot(d.work), lot(d.id))):
        works = taken.setdefault(document.lang, set())
        if document.work not in works and len(works) < count:
            drawn = excerpt(document)
            if drawn is not None:
                works.add(document.work)
                found.append((document, drawn))
    return found


def sentences(speaker: Speaker, documents: Sequence[Document], count: int, seed: int, after: int) -> list[Opening]:
    """The opening sentences of works, with up to `after` tokens of what follows."""
    drawn = draw(documents, count, seed, opening_sentence)
    prompts = speaker.encode([sentence for _, sentence in drawn])
    truths = speaker.encode([document.text[len(sentence) : _READ] for document, sentence in drawn])
    return [
        Opening(document.id, document.lang, "sentence", prompt[: speaker.context // 2], truth[:after])
        for (document, _), prompt, truth in zip(drawn, prompts, truths, strict=True)
    ]


def opening_sentence(document: Document) -> str | None:
    """The first sentence; None where the text has no end of one soon, or nothing after it."""
    found = _SENTENCE.match(document.text[:_LONGEST])
    return found[0] if found else None


def beginnings(
    speaker: Speaker, documents: Sequence[Document], count: int, seed: int, length: int, after: int
) -> list[Opening]:
    """The first `length` tokens of works, with the `after` that follow; shorter documents are passed over."""

    def excerpt(document: Document) -> list[int] | None:
        [tokens] = speaker.encode([document.text[:_READ]])
        return tokens[: length + after] if len(tokens) >= length + after else None

    return [
        Opening(document.id, document.lang, f"{length} tokens", tokens[:length], tokens[length:])
        for document, tokens in draw(documents, count, seed, excerpt)
    ]
