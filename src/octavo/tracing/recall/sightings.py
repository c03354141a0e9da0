"""When a training saw documents, by the inverse of the data order.

A document is seen by each sequence that holds a token of it: a window of S + 1 tokens, of which the first S are
read and the last S are to be predicted. So it is seen, too, by a window that ends with the token that begins it,
which is no target: rather a step too many than one too few.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from octavo.tokenization.entries import Edges
from octavo.training.order import Order
from octavo.training.sequences import Windows
from octavo.tuning.packing import Packed


class Spans(NamedTuple):
    """Where documents lie in a folder of token files: a row for each time that one is in it."""

    document: np.ndarray
    """Its place among the documents that were asked for."""
    start: np.ndarray
    """Position of its first token among the tokens of the folder."""
    end: np.ndarray
    """Position after its last token."""


class Occurrences(NamedTuple):
    """Documents in sequences: a row for each sequence that one is in, and for each time that it is taken."""

    document: np.ndarray
    sequence: np.ndarray
    """Numbered through all folders, as the order has it."""
    read: np.ndarray
    """Tokens of the document that are read there."""
    predicted: np.ndarray
    """Tokens of it that are to be predicted there: all but those that begin a text, and a prompt's."""

    @staticmethod
    def join(some: Iterable[Occurrences]) -> Occurrences:
        """Those of several folders."""
        none = np.empty(0, np.int64)
        columns = zip(Occurrences(none, none, none, none), *some, strict=True)
        return Occurrences(*(np.concatenate(column) for column in columns))


class Steps(NamedTuple):
    """How far a training is, and how it reads."""

    done: int
    """Steps that were done."""
    size: int
    """Sequences in a step."""
    passed_over: Sequence[range] = ()
    """Steps, counted from 0, that the weights did not learn from, since they led to a spike."""


@dataclass(frozen=True)
class Sightings:
    """What a training saw of documents. Arrays are by document; steps are counted from 1."""

    steps: list[np.ndarray]
    """In order, each once."""
    sequences: np.ndarray
    """Sequences with tokens of it that were seen, each as often as it was."""
    read: np.ndarray
    """Tokens that were read, each as often as it was."""
    predicted: np.ndarray
    """Tokens that were predicted, each as often as it was: what the loss, and so the weights, were made by."""
    passed_over: np.ndarray
    """Steps that saw any of them and were taken back: the weights were set to those before them."""

    @staticmethod
    def none(documents: int) -> Sightings:
        """Of so many documents, before there is a training."""
        zero, nothing = np.zeros(documents, np.int64), np.empty(0, np.int64)
        return Sightings([nothing] * documents, zero, zero, zero, nothing)


def in_windows(spans: Spans, windows: Windows, first_number: int, edges: Edges) -> Occurrences:
    """The sequences of a folder that hold documents; its first has the number `first_number`.

    A token that begins a text is never to be predicted: split_targets says which these are.
    """
    length = windows.length
    first = np.maximum(spans.start - 1, 0) // length
    last = np.minimum((spans.end - 1) // length, len(windows) - 1)
    counts = np.where(spans.end > spans.start, np.maximum(last - first + 1, 0), 0)
    span = np.repeat(np.arange(len(counts)), counts)
    number = first[span] + _counted(counts)
    begins = np.sort(np.concatenate([np.empty(0, np.int64), *_begins(spans, windows, edges)]))

    def overlap(start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        low = np.maximum(spans.start[span], start)
        return low, np.maximum(np.minimum(spans.end[span], start + length), low)

    low, high = overlap(number * length)
    target_low, target_high = overlap(number * length + 1)
    no_targets = np.searchsorted(begins, target_high) - np.searchsorted(begins, target_low)
    return Occurrences(
        spans.document[span], first_number + number, high - low, target_high - target_low - no_targets
    )


def _begins(spans: Spans, windows: Windows, edges: Edges) -> Iterable[np.ndarray]:
    """The positions of the documents' tokens that begin a text and do not end one."""
    for start, end in zip(spans.start.tolist(), spans.end.tolist(), strict=True):
        if start < end:
            first = max(start - 1, 0)
            begins = windows.copy(first, np.empty(end - first, np.int64)) == edges.begin
            before, begins = (begins[:-1], begins[1:]) if start else (np.append(True, begins[:-1]), begins)
            yield start + np.flatnonzero(begins & before if edges.begin == edges.end else begins)


def in_packed(
    places: np.ndarray, document: np.ndarray, packed: Packed, first_number: int, begin: int
) -> Occurrences:
    """The sequences that hold examples, given by their rows in packed.places, and which `document` each is."""
    sequence, tokens = (packed.places[name].to_numpy() for name in ("sequence", "tokens"))
    before = np.cumsum(tokens) - tokens
    start = before - before[packed.first[sequence]]
    read, predicted = [], []
    for place in places.tolist():
        example = slice(int(start[place]), int(start[place] + tokens[place]))
        row = packed.rows[sequence[place]][example]
        read.append(min(example.stop, packed.length) - example.start)
        predicted.append(int(((row >= 0) & (row != begin)).sum()))
    return Occurrences(
        document, first_number + sequence[places], np.array(read, np.int64), np.array(predicted, np.int64)
    )


def sightings(found: Occurrences, documents: int, order: Order, steps: Steps) -> Sightings:
    """What a training saw of so many documents that lie in these sequences."""
    if not steps.done:
        return Sightings.none(documents)
    numbers, which = np.unique(found.sequence, return_inverse=True)
    place, position = order.all_seen(numbers, steps.done * steps.size)
    bounds = np.searchsorted(place, np.arange(len(numbers) + 1))
    times = np.diff(bounds)[which]
    occurrence = np.repeat(np.arange(len(which)), times)
    position = position[bounds[:-1][which][occurrence] + _counted(times)]
    step = position // steps.size
    learnt = ~np.logical_or.reduce([np.zeros(len(step), np.bool_), *(_within(step, s) for s in steps.passed_over)])
    document = found.document[occurrence]
    end = steps.done * steps.size
    seen = np.unique(document[learnt] * end + position[learnt])  # as two copies of one may be in a sequence
    pairs = np.unique(seen // end * end + seen % end // steps.size)
    cuts = np.searchsorted(pairs // end, np.arange(1, documents))

    def summed(tokens: np.ndarray) -> np.ndarray:
        total = np.zeros(documents, np.int64)
        np.add.at(total, document[learnt], tokens[occurrence[learnt]])
        return total

    return Sightings(
        np.split(pairs % end + 1, cuts) if documents else [],
        np.bincount(seen // end, minlength=documents),
        summed(found.read),
        summed(found.predicted),
        np.unique(step[~learnt]) + 1,
    )


def ranges(steps: np.ndarray) -> list[list[int]]:
    """Steps in order, as pairs of the first and the last of those that follow one another."""
    ends = np.flatnonzero(np.diff(steps) != 1)
    first, last = np.concatenate(([0], ends + 1)), np.concatenate((ends, [len(steps) - 1]))
    return [[int(steps[a]), int(steps[b])] for a, b in zip(first, last, strict=True)] if len(steps) else []


def _within(steps: np.ndarray, some: range) -> np.ndarray:
    inside: np.ndarray = (steps >= some.start) & (steps < some.stop)
    return inside


def _counted(counts: np.ndarray) -> np.ndarray:
    """0, 1, ... up to each of the counts, one after the other."""
    whole: np.ndarray = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return whole
