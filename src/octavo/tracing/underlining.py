"""A traced text in a terminal: what stands in the corpus underlined, and the documents that it stands in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

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
        console.print(f"\nand {len(traced.spans) - SPANS:,} more: octavo trace --json tells all")


def underlined(traced: Traced) -> Text:
    """The text, with its spans underlined."""
    text = Text(traced.text)
    for span in traced.spans:
        text.stylize("underline", span.start, span.end)
    return text


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
            yield "", source.url
    if span.documents:
        first = span.documents[0]
        before, after = _one_line(first.before)[-PASSAGE:], _one_line(first.after)[:PASSAGE]
        yield "there", f"…{before}[{_one_line(first.passage)}]{after}…"
    if len(span.documents) > SOURCES:
        yield "", f"and {len(span.documents) - SOURCES:,} more documents"


def _source(source: Source) -> str:
    said = [source.title, source.creator, source.date, source.collection, source.licence]
    return " · ".join([*(part for part in said if part), source.identifier])


def _one_line(text: str) -> str:
    return text.replace("\n", " ")
