"""Clean texts are made noisy as OCR would: by confusions that were learnt from real pairs.

At each character the confusions of the three, two and one characters that start there are drawn from, at rates
that hang on its neighbours, on whether an error stands just before, and on how bad the document is. The draws hang
on the seed and on the names of document and text alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from blake3 import blake3

from octavo.compiled import Hashes, compiled, place_of, spread, table_for
from octavo.curation.ocr_measures import F64, I32
from octavo.curation.spelling import I64, U32, U64
from octavo.tuning.ocr.noise_table import NEAR, Confusions, Noise
from octavo.tuning.ocr.pairs import OcrPair

CLEAN: Final = 0.1
"""Share of documents that stay as they are, so that a model learns to leave alone what is right."""
_MOST: Final = 0.9
"""Probability of an error at a place, at most."""
_LONGEST: Final = 8
"""Characters that a confusion may write, at most."""

U16 = npt.NDArray[np.uint16]


class _Compiled(NamedTuple):
    """Confusions as arrays. A character's number is its place in the alphabet; 0 stands for all others."""

    numbers: U16
    """By code point."""
    pairs: I32
    """By two numbers, where the rates of the pair stand; 0 for none. Two numbers with a third may be `many`."""
    many: npt.NDArray[np.bool_]
    keys: Hashes
    """A hash table of three numbers."""
    slots: I32
    before: npt.NDArray[np.float32]
    after: npt.NDArray[np.float32]
    totals: F64
    """By slot, the rate of all its confusions; those of single characters stand at their numbers."""
    starts: I64
    """By slot, its first outcome."""
    sums: F64
    """By outcome, the sum of the shares up to it."""
    bounds: I64
    """By outcome, where its characters start."""
    written: U32


def level(confusions: Confusions, doc: str, seed: int, clean: float = CLEAN) -> float:
    """The error rate of a document, drawn as those of real ones are spread; 0 for a share of `clean`."""
    drawn = int.from_bytes(blake3(f"{seed} {doc}".encode()).digest(7)) / 2**56
    if drawn < clean:
        return 0.0
    share = (drawn - clean) / (1 - clean)
    return float(np.interp(share, np.linspace(0, 1, len(confusions.levels)), confusions.levels))


def noisy(confusions: Confusions, text: str, factor: float, name: str, seed: int) -> str:
    """A text with errors, at the confusions' rates times a factor; the same for the same name and seed."""
    if factor <= 0 or not text:
        return text
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    start = np.uint64(int.from_bytes(blake3(f"{seed} {name}".encode()).digest(8)))
    table = _compiled(_Same(confusions))
    made = _make(points, *table, factor * confusions.near, factor * confusions.far, start)
    return made.tobytes().decode("utf-32-le", "surrogatepass")


def factor_for(confusions: Confusions, rate: float) -> float:
    """The factor that makes an error rate."""
    factors, rates = zip((0.0, 0.0), *confusions.response, strict=True)
    return float(np.interp(rate, rates, factors))


def made_pairs(noise: Noise, clean: Iterable[OcrPair], seed: int, share: float = CLEAN) -> Iterator[OcrPair]:
    """Pairs from clean texts: the printed side of each, and a noisy copy of it as the recognised one.

    All texts of a document are as bad as each other; a `share` of the documents is left as it is.
    """
    for pair in clean:
        confusions = noise.of(pair.lang, pair.target)
        factor = factor_for(confusions, level(confusions, pair.doc, seed, share))
        yield pair._replace(source=noisy(confusions, pair.target, factor, pair.id, seed))


class _Same:
    """Confusions that are the same object are compiled once."""

    def __init__(self, confusions: Confusions) -> None:
        self.confusions = confusions

    def __hash__(self) -> int:
        return id(self.confusions)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.confusions is other.confusions


@lru_cache(32)
def _compiled(held: _Same) -> _Compiled:
    table = held.confusions
    known = (table.rates, table.before, table.after)
    alphabet = sorted({sign for keys in known for signs in keys for sign in signs} - {"\n"})
    size = len(alphabet) + 1
    numbers = np.zeros(0x110000, np.uint16)
    numbers[[ord(sign) for sign in alphabet]] = np.arange(1, size)
    of = {sign: number for number, sign in enumerate(alphabet, 1)}
    rates = {old: new for old, new in table.rates.items() if "\n" not in old}
    longer = [old for old in rates if len(old) > 1]
    slots: list[dict[str, float]] = [
        {},
        *(rates.get(sign, {}) for sign in alphabet),
        *(rates[old] for old in longer),
    ]
    pairs, many = np.zeros((size, size), np.int32), np.zeros((size, size), np.bool_)
    threes = [old for old in longer if len(old) == 3]
    keys = table_for(len(threes))
    three_slots = np.zeros(len(keys), np.int32)
    for slot, old in enumerate(longer, size):
        if len(old) == 2:
            pairs[of[old[0]], of[old[1]]] = slot
        else:
            many[of[old[0]], of[old[1]]] = True
            key = np.uint64(_key(*(np.uint64(of[sign]) for sign in old)))
            place = place_of(key, keys)
            keys[place], three_slots[place] = key, slot
    outcomes = [(new[:_LONGEST], share) for slot in slots for new, share in slot.items()]
    totals = np.array([sum(slot.values()) for slot in slots])
    starts = np.cumsum([0, *(len(slot) for slot in slots)])
    sums = np.concatenate(
        [[0.0], *(np.cumsum(list(slot.values())) / sum(slot.values()) for slot in slots if slot)]
    )[1:]
    bounds = np.cumsum([0, *(len(new) for new, _ in outcomes)])
    written = np.array([ord(sign) for new, _ in outcomes for sign in new], np.uint32)
    return _Compiled(
        numbers,
        pairs,
        many,
        keys,
        three_slots,
        _factors(table.before, of),
        _factors(table.after, of),
        totals,
        starts,
        sums,
        bounds,
        written,
    )


def _factors(found: dict[str, float], of: dict[str, int]) -> npt.NDArray[np.float32]:
    factors = np.ones((len(of) + 1, len(of) + 1), np.float32)
    for signs, factor in found.items():
        if signs[0] in of and signs[1] in of:
            factors[of[signs[0]], of[signs[1]]] = factor
    return factors


@compiled
def _key(one: np.uint64, two: np.uint64, three: np.uint64) -> np.uint64:
    packed = (one << np.uint64(32)) | (two << np.uint64(16)) | three
    return spread(packed) | np.uint64(1)


@compiled
def _uniform(state: np.uint64) -> float:
    """A number in [0, 1) from the state of a counter (SplitMix64; Steele, Lea and Flood, 2014)."""
    return float(spread(state) >> np.uint64(11)) / 9007199254740992.0


@compiled
def _make(
    points: U32,
    numbers: U16,
    pairs: I32,
    many: npt.NDArray[np.bool_],
    keys: U64,
    slots: I32,
    before: npt.NDArray[np.float32],
    after: npt.NDArray[np.float32],
    totals: F64,
    starts: I64,
    sums: F64,
    bounds: I64,
    written: U32,
    near: float,
    far: float,
    state: np.uint64,
) -> U32:
    made = np.empty(len(points) + len(points) // 4 + 64, np.uint32)
    size = 0
    at = 0
    error = -1000
    last = 0
    one = int(numbers[points[0]])
    two = int(numbers[points[1]]) if len(points) > 1 else 0
    while at < len(points):
        three = int(numbers[points[at + 2]]) if at + 2 < len(points) else 0
        scale = near if at - error <= NEAR else far
        slot, length = 0, 1
        state += np.uint64(0x9E3779B97F4A7C15)
        drawn = _uniform(state)
        passed = 0.0
        if one > 0:
            if two > 0:
                if three > 0 and many[one, two]:
                    key = _key(np.uint64(one), np.uint64(two), np.uint64(three))
                    place = place_of(key, keys)
                    if keys[place] == key:
                        passed += min(_MOST, totals[slots[place]] * scale)
                        if drawn < passed:
                            slot, length = int(slots[place]), 3
                if slot == 0 and pairs[one, two] > 0:
                    passed += min(_MOST, totals[pairs[one, two]] * scale)
                    if drawn < passed:
                        slot, length = int(pairs[one, two]), 2
            if slot == 0:
                passed += min(_MOST, totals[one] * scale * before[last, one] * after[one, two])
                if drawn < passed:
                    slot = one
        if size + _LONGEST > len(made):
            longer = np.empty(2 * len(made), np.uint32)
            longer[:size] = made[:size]
            made = longer
        if slot > 0:
            state += np.uint64(0x9E3779B97F4A7C15)
            first, end = starts[slot], starts[slot + 1]
            outcome = min(first + np.searchsorted(sums[first:end], _uniform(state), "right"), end - 1)
            for place in range(bounds[outcome], bounds[outcome + 1]):
                made[size] = written[place]
                size += 1
            error = at + length - 1
        else:
            made[size] = points[at]
            size += 1
        at += length
        if length == 1:
            last, one, two = one, two, three
        else:
            last = two if length == 2 else three
            one = int(numbers[points[at]]) if at < len(points) else 0
            two = int(numbers[points[at + 1]]) if at + 1 < len(points) else 0
    return made[:size]
