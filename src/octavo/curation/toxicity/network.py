"""The classifier's network: words as vectors, filters over three of them, the strongest answer of each filter.

A word's vector is the sum of its buckets' vectors by the root of their number. Of each filter over three
neighbouring words the largest answer in the window counts, if it is above none (Collobert and Weston, 2008; Kim,
2014); a linear layer makes of these a log-odds of each dimension's reaching each level. As only maxima count, words
around a harmful one do not dilute it. It is trained by AdaGrad (Duchi, Hazan and Singer, 2011), one window after
the other, in an order that the seed decides.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from octavo.compiled import Hashes, Ints, compiled
from octavo.curation.code_points import Bytes
from octavo.curation.toxicity.features import Indices, read_window, read_word, read_words, room, word_hash

F32 = npt.NDArray[np.float32]

VECTOR: Final = 16
FILTERS: Final = 96
WIDTH: Final = 3
DROPPED: Final = 0.2
"""Share of the filters that is left out of each step of training."""


KNOWN: Final = 2**13
"""Words whose part in the answers is kept while a batch is read: most words of a text are among few."""


class Network(NamedTuple):
    """The weights: of a bucket, a filter, an answer."""

    vectors: F32 | npt.NDArray[np.int8]
    """(2**bits, VECTOR), in units of `scale`: in bytes once it is stored, as few of them then fill the caches"""
    scale: F32
    """(VECTOR,); 1 while it is trained"""
    filters: F32
    """(WIDTH * VECTOR, FILTERS)"""
    filter_bias: F32
    outputs: F32
    """(FILTERS, dimensions * levels)"""
    output_bias: F32


class Windows(NamedTuple):
    """Windows as the buckets of their words: a window's words, and a word's buckets, lie between two bounds."""

    buckets: Indices
    words: Ints
    windows: Ints


def fresh(bits: int, outputs: int, seed: int) -> Network:
    """Weights before training."""
    random = np.random.default_rng(seed)
    shapes = {
        "vectors": ((1 << bits, VECTOR), 0.3),
        "filters": ((WIDTH * VECTOR, FILTERS), 1 / np.sqrt(WIDTH * VECTOR)),
        "outputs": ((FILTERS, outputs), 0.1),
    }
    drawn = {
        name: random.normal(0, deviation, shape).astype(np.float32) for name, (shape, deviation) in shapes.items()
    }
    bias = np.full(outputs, -3, np.float32)
    ones, zeros = np.ones(VECTOR, np.float32), np.zeros(FILTERS, np.float32)
    return Network(drawn["vectors"], ones, drawn["filters"], zeros, drawn["outputs"], bias)


def train(
    network: Network, windows: Windows, levels: F32, weights: F32, epochs: int, rate: float, seed: int
) -> None:
    """Train in place: `levels` (windows, outputs) says 1 or 0 of each, `weights` how much it counts.

    The rate falls to 0 in equal steps.
    """
    random = np.random.default_rng(seed)
    squares = Network(*(np.full(w.shape, 1e-2, np.float32) for w in network))
    squares.vectors[:] = 1e-4
    steps = epochs * len(levels)
    for epoch in range(epochs):
        order = random.permutation(len(levels))
        done = epoch * len(levels)
        _train(network, squares, windows, levels, weights, order, np.array([done, steps]), rate, seed + epoch)


def read(data: Bytes, starts: Ints, ends: Ints, bits: int) -> Windows:
    """Windows of a buffer of bytes, given by where they start and end."""
    return Windows(*_read(data, starts, ends, bits, *_space(starts, ends)))


def answers(network: Network, data: Bytes, starts: Ints, ends: Ints) -> F32:
    """The log-odds (windows, outputs) of windows of a buffer of bytes; each is the same beside any others."""
    bits = len(network.vectors).bit_length() - 1
    hashes, parts = np.zeros(KNOWN, np.uint64), np.empty((KNOWN, WIDTH, FILTERS), np.float32)
    return np.asarray(_answers(network, data, starts, ends, bits, *_space(starts, ends), hashes, parts))


def _space(starts: Ints, ends: Ints) -> tuple[Ints, Indices, Ints]:
    """Room for what one window is made into on the way."""
    size = int((ends - starts).max(initial=0))
    return np.empty(size + 1, np.int64), np.empty(room(size), np.int32), np.empty(size + 3, np.int64)


@compiled
def _read(
    data: Bytes, starts: Ints, ends: Ints, bits: int, letters: Ints, buckets: Indices, bounds: Ints
) -> tuple[Indices, Ints, Ints]:
    all_buckets = np.empty(1 << 16, np.int32)
    all_words = np.zeros(1 << 16, np.int64)
    windows = np.zeros(len(starts) + 1, np.int64)
    words = 0
    for window in range(len(starts)):
        count = read_window(data, starts[window], ends[window], bits, letters, buckets, bounds)
        before = all_words[words]
        while before + bounds[count] > len(all_buckets):
            all_buckets = np.append(all_buckets, all_buckets)
        while words + count >= len(all_words):
            all_words = np.append(all_words, all_words)
        all_buckets[before : before + bounds[count]] = buckets[: bounds[count]]
        all_words[words + 1 : words + 1 + count] = before + bounds[1 : count + 1]
        words += count
        windows[window + 1] = words
    return all_buckets[: all_words[words]].copy(), all_words[: words + 1].copy(), windows


@compiled
def _answers(
    network: Network,
    data: Bytes,
    starts: Ints,
    ends: Ints,
    bits: int,
    letters: Ints,
    buckets: Indices,
    bounds: Ints,
    hashes: Hashes,
    parts: F32,
) -> F32:
    found = np.empty((len(starts), len(network.output_bias)), np.float32)
    strongest = np.empty(FILTERS, np.float32)
    # What a filter makes of the words so far, where the next one is its third, and where it is its second.
    middle, left = np.empty(FILTERS, np.float32), np.empty(FILTERS, np.float32)
    bias = network.filter_bias
    for window in range(len(starts)):
        words = read_words(data, starts[window], ends[window], letters, bounds)
        strongest[:] = 0
        middle[:] = -np.inf
        left[:] = bias
        begin = np.int64(0)
        for word in range(words):
            whole = word_hash(letters, begin, bounds[word])
            slot = whole & np.uint64(KNOWN - 1)
            if hashes[slot] != whole:
                hashes[slot] = whole
                count = read_word(letters, begin, bounds[word], whole, bits, buckets, 0)
                _parts(network, buckets, count, parts[slot])
            first, second, third = parts[slot, 0], parts[slot, 1], parts[slot, 2]
            for one in range(FILTERS):
                answer = middle[one] + third[one]
                strongest[one] = answer if answer > strongest[one] else strongest[one]
            for one in range(FILTERS):
                middle[one] = left[one] + second[one]
            for one in range(FILTERS):
                left[one] = bias[one] + first[one]
            begin = bounds[word]
        found[window] = network.output_bias
        for one in range(FILTERS):
            strongest[one] = middle[one] if middle[one] > strongest[one] else strongest[one]
            if strongest[one] > 0:
                for output in range(found.shape[1]):
                    found[window, output] += strongest[one] * network.outputs[one, output]
    return found


@compiled
def _parts(network: Network, buckets: Indices, count: int, parts: F32) -> None:
    """What a word adds to each filter's answer, where it is the first, the second or the third of the words."""
    row = np.empty(VECTOR, np.float32)
    _vector(network, buckets, 0, count, row)
    for place in range(WIDTH):
        part = parts[place]
        part[:] = 0
        for at in range(VECTOR):
            value, weights = row[at], network.filters[place * VECTOR + at]
            for one in range(FILTERS):
                part[one] += value * weights[one]


@compiled
def _vector(network: Network, buckets: Indices, begin: int, end: int, row: F32) -> None:
    """A word's vector, of its buckets."""
    number = np.float32(1 / np.sqrt(end - begin))
    for at in range(VECTOR):
        total = np.float32(0)
        for place in range(begin, end):
            total += np.float32(network.vectors[buckets[place], at])
        row[at] = total * network.scale[at] * number


@compiled
def _vectors(network: Network, buckets: Indices, bounds: Ints, first: int, words: int, rows: F32) -> None:
    """The vectors of words into rows from the second on; the first and the one after the last are nothing."""
    rows[0] = 0
    for word in range(words):
        _vector(network, buckets, bounds[first + word], bounds[first + word + 1], rows[word + 1])
    rows[words + 1] = 0


@compiled
def _strongest(network: Network, rows: F32, words: int, strongest: F32, where: Ints) -> None:
    """Each filter's largest answer above 0, and the word before which it stands; 0 and -1 if there is none."""
    answer = np.empty(FILTERS, np.float32)
    strongest[:] = 0
    where[:] = -1
    flat = rows.reshape(-1)
    for word in range(words):
        answer[:] = network.filter_bias
        for at in range(WIDTH * VECTOR):
            value = flat[word * VECTOR + at]
            weights = network.filters[at]
            for one in range(FILTERS):
                answer[one] += value * weights[one]
        for one in range(FILTERS):
            if answer[one] > strongest[one]:
                strongest[one] = answer[one]
                where[one] = word


@compiled
def _step(weights: F32, squares: F32, gradient: F32, rate: np.float32) -> None:
    """One step of AdaGrad on a row of weights."""
    for at in range(len(weights)):
        squares[at] += gradient[at] * gradient[at]
        weights[at] -= rate * gradient[at] / np.sqrt(squares[at])


@compiled
def _train(
    network: Network,
    squares: Network,
    windows: Windows,
    levels: F32,
    weights: F32,
    order: Ints,
    progress: Ints,
    first_rate: float,
    seed: int,
) -> None:
    np.random.seed(seed)
    outputs = len(network.output_bias)
    longest = np.max(np.diff(windows.windows))
    rows = np.zeros((longest + WIDTH, VECTOR), np.float32)
    row_gradient = np.zeros((longest + WIDTH, VECTOR), np.float32)
    strongest, where = np.empty(FILTERS, np.float32), np.empty(FILTERS, np.int64)
    wrong, gradient = np.empty(outputs, np.float32), np.empty(outputs, np.float32)
    kept, back = np.empty(FILTERS, np.float32), np.empty(FILTERS, np.float32)
    for step in range(len(order)):
        window = order[step]
        first = windows.windows[window]
        words = windows.windows[window + 1] - first
        if words == 0:
            continue
        rate = np.float32(first_rate * (1 - (progress[0] + step) / progress[1]))
        _vectors(network, windows.buckets, windows.words, first, words, rows)
        _strongest(network, rows, words, strongest, where)
        for one in range(FILTERS):
            kept[one] = np.float32(0) if np.random.random() < DROPPED else np.float32(1 / (1 - DROPPED))
            strongest[one] *= kept[one]
        wrong[:] = network.output_bias
        for one in range(FILTERS):
            for output in range(outputs):
                wrong[output] += strongest[one] * network.outputs[one, output]
        for output in range(outputs):
            share = np.float32(1 / (1 + np.exp(-wrong[output])))
            wrong[output] = (share - levels[window, output]) * weights[window, output]
        for one in range(FILTERS):
            back[one] = 0
            for output in range(outputs):
                back[one] += wrong[output] * network.outputs[one, output]
                gradient[output] = wrong[output] * strongest[one]
            back[one] *= kept[one]
            if strongest[one] > 0:
                _step(network.outputs[one], squares.outputs[one], gradient, rate)
        _step(network.output_bias, squares.output_bias, wrong, rate)
        _train_filters(network, squares, rows, row_gradient, words, where, back, rate)
        _train_vectors(network, squares, windows, first, words, row_gradient, rate)


@compiled
def _train_filters(
    network: Network,
    squares: Network,
    rows: F32,
    row_gradient: F32,
    words: int,
    where: Ints,
    back: F32,
    rate: np.float32,
) -> None:
    """A step of the filters, each by the words that it answered to; `row_gradient` becomes that of the words."""
    row_gradient[: words + 2] = 0
    for one in range(FILTERS):
        slope = back[one]
        if where[one] < 0 or slope == 0:
            continue
        squares.filter_bias[one] += slope * slope
        network.filter_bias[one] -= rate * slope / np.sqrt(squares.filter_bias[one])
        for at in range(WIDTH * VECTOR):
            row, column = where[one] + at // VECTOR, at % VECTOR
            row_gradient[row, column] += slope * network.filters[at, one]
            gradient = slope * rows[row, column]
            squares.filters[at, one] += gradient * gradient
            network.filters[at, one] -= rate * gradient / np.sqrt(squares.filters[at, one])


@compiled
def _train_vectors(
    network: Network,
    squares: Network,
    windows: Windows,
    first: int,
    words: int,
    row_gradient: F32,
    rate: np.float32,
) -> None:
    """A step of the buckets' vectors; one sum of squares serves a whole vector, kept in its first place."""
    for word in range(words):
        begin, end = windows.words[first + word], windows.words[first + word + 1]
        gradient = row_gradient[word + 1]
        scale = np.float32(1 / np.sqrt(end - begin))
        total = np.float32(0)
        for at in range(VECTOR):
            gradient[at] *= scale
            total += gradient[at] * gradient[at]
        if total == 0:
            continue
        for place in range(begin, end):
            bucket = windows.buckets[place]
            squares.vectors[bucket, 0] += total / np.float32(VECTOR)
            factor = rate / np.sqrt(squares.vectors[bucket, 0])
            for at in range(VECTOR):
                network.vectors[bucket, at] -= factor * gradient[at]
