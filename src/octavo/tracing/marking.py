"""A text that is traced while it is written: each word is told once it is sure whether it stands in the corpus."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from octavo.tracing.asked import ask
from octavo.tracing.index.reading import Index
from octavo.tracing.trace import find_stretches


class Marked(NamedTuple):
    """A piece of a text, and whether it stands word for word in the corpus."""

    text: str
    found: bool


def marked(index: Index, pieces: Iterator[str]) -> Iterator[Marked]:
    """The same text in pieces as they are sure.

    What is held back is the word that is being written, and a stretch that may still grow into a span: some words.
    """
    held, told = "", 0
    for piece in pieces:
        held += piece
        sure, covered, start = _look(index, held, ended=False)
        sure = max(sure, told)  # of a span that has ended, what is held may not show it any more
        yield from _pieces(held, told, sure, covered)
        held, told = held[start:], sure - start
    sure, covered, _ = _look(index, held, ended=True)
    yield from _pieces(held, told, len(held), covered)


def _look(index: Index, text: str, ended: bool) -> tuple[int, list[tuple[int, int]], int]:
    """Up to where it is sure what stands in the corpus, what does, and from where on more may come to do so."""
    start = len(text)
    if not ended:  # the last word may go on
        asked = ask(text)
        start = asked.place(len(asked.starts) - 1, len(asked.starts))[0] if len(asked.starts) else start
    asked, lengths, _, spans = find_stretches(index, text[:start])
    covered = [asked.place(span.first, span.last) for span in spans]
    running = np.flatnonzero(np.arange(len(lengths)) + lengths == len(lengths))
    if len(running) and not ended:
        start = asked.place(int(running[0]), int(running[0]) + 1)[0]
    return max([start, *(end for _, end in covered)]), covered, start


def _pieces(text: str, first: int, last: int, covered: list[tuple[int, int]]) -> Iterator[Marked]:
    """The text from `first` up to `last`, cut where it begins and ends to stand in the corpus."""
    edges = sorted({first, last, *(edge for span in covered for edge in span if first < edge < last)})
    for start, end in pairwise(edges):
        yield Marked(text[start:end], any(begin <= start < stop for begin, stop in covered))
