"""A traced text in a terminal: what stands in the corpus underlined, and the documents that it stands in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import numpy as np
from rich.console import Console
from rich.text import Text

from octavo.tracing.marking import Marked
from octavo.tracing.trace import Source, Span, Traced

SPANS: Final = 12
"""Told with their documents; more are counted."""
SOURCES: Final = 3
"""Named of each span; more are counted."""
PASSAGE: Final = 70
"""Characters of a passage shown on each side of a span."""


def print_traced(console: Console, traced: Traced) -> None:
    """Print the text with its spans underlined, and what they stand in."""
    console.print(underlined(traced), soft_wrap=True)
    print_spans(console, traced)


def print_piece(console: Console, piece: Marked) -> None:
    """Print a piece of a text that is being written."""
    console.print(Text(piece.text, "underline" if piece.found else ""), end="", soft_wrap=True)


def print_spans(console: Console, traced: Traced) -> None:
    """Print how much of a text stands in the corpus, and in what documents."""
    console.print(Text(in_words(traced), style="dim"), soft_wrap=True)
    for number, span in enumerate(traced.spans[:SPANS], 1):
        console.print()
        console.print(Text.assemble((f"{number}  ", "dim"), (_one_line(span.text), "underline")), soft_wrap=True)
        for name, words in _documents(span):
            console.print(Text.assemble((f"   {name:<10}", "dim"), words), soft_wrap=True)
    if len(traced.spans) > SPANS:
        console.print(f"\nand {len(traced.spans) - SPANS:,} more: octavo trace --json tells them")


def underlined(traced: Traced) -> Text:
    """The text, with its spans underlined."""
    spans = [(span.start, span.end) for span in traced.spans]
    edges = sorted({0, len(traced.text), *(edge for span in spans for edge in span)})
    covered = np.zeros(len(traced.text) + 1, np.bool_)
    for first, last in spans:
        covered[first:last] = True
    # In pieces, as the places of characters change where rich leaves some out.
    pieces = [(traced.text[a:b], "underline" if covered[a] else "") for a, b in pairwise(edges)]
    return Text.assemble(*pieces)


def in_words(traced: Traced) -> str:
    """How much of the text stands in the corpus."""
    corpus = f"{traced.documents:,} documents of {traced.corpus_words:,} words"
    if not traced.spans:
        most = f"; the longest stretch is of {traced.longest:,} words" if traced.longest > 1 else ""
        return f"Nothing of this stands word for word in the corpus ({corpus}){most}."
    share = f"{traced.covered:,} of {traced.words:,} words"
    passages = "a passage" if len(traced.spans) == 1 else f"{len(traced.spans):,} passages"
    return f"{share} stand word for word in the corpus ({corpus}), in {passages}, the rarest first:"


def _documents(span: Span) -> Iterator[tuple[str, str]]:
    often = "once" if span.count == 1 else f"{span.count:,} times"
    yield "found", f"{often}; {span.words:,} words, {span.rarity:.0f} bits"
    for source in span.documents[:SOURCES]:
        yield "in", _source(source)
        if source.url:
            yield "", _one_line(source.url)
    if span.documents:
        first = span.documents[0]
        before, after = _one_line(first.before)[-PASSAGE:], _one_line(first.after)[:PASSAGE]
        yield "there", f"…{before}[{_one_line(first.passage)}]{after}…"
    if len(span.documents) > SOURCES:
        yield "", f"and {len(span.documents) - SOURCES:,} more documents"


def _source(source: Source) -> str:
    said = [source.title, source.creator, source.date, source.collection, source.licence]
    return _one_line(" · ".join([*(part for part in said if part), source.identifier]))


def _one_line(text: str) -> str:
    """A text of the corpus without line breaks, and without what a terminal would obey."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", text)
