"""Texts that training has really seen, drawn by lot, and how often it has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from octavo.compiled import Ints
from octavo.errors import InputError
from octavo.evaluation.verbatim import occurrences
from octavo.progress import Progress
from octavo.tokenization.index import Documents, open_documents
from octavo.training.data import Data
from octavo.training.sequences import Windows

MOST_PLACES: Final = 256
"""Places at which a text is looked up: one that stands at more has been seen oftener than is told apart."""
POOL: Final = 8
"""Texts whose repeats are counted for each that is drawn, so that uncommon numbers of repeats are met too."""
_ROUNDS: Final = 16
_ROWS: Final = 512


class Passage(NamedTuple):
    """A stretch of one document."""

    id: str
    """The document's identifier; in token files that tell none, the folder and the sequence."""
    tokens: list[int]
    """Those of the prompts, and the true continuation at the end."""
    times: int
    """How often training has seen its last tokens; 0 of a held-out text."""
    by_chance: bool
    """Drawn among all that was seen; else only to have more of those that were seen so often."""


@dataclass(frozen=True)
class Seen:
    """What training has learnt from."""

    data: Data[Windows]
    steps: Ints
    """Its steps, counted from 0, without those that were passed over."""
    per_step: int
    """Sequences in a step."""

    def times(self, number: int) -> int:
        """How often it has seen a sequence."""
        positions = self.data.order.seen(number, (int(self.steps[-1]) + 1) * self.per_step)
        return int(np.isin(np.array(positions, np.int64) // self.per_step, self.steps).sum())

    def times_of(self, windows: Sequence[Sequence[int]], progress: Progress) -> list[int]:
        """How often it has seen windows of tokens, all as long: whole, in one sequence, in whichever document."""
        totals, known = [0] * len(windows), dict[int, int]()
        data = self.data
        for first, sequences in zip(data.order.first_numbers.tolist(), data.sequences, strict=False):
            places = occurrences(sequences.shards, np.array(windows, np.int64), MOST_PLACES, progress)
            for n, found in enumerate(places):
                whole = found[found % sequences.length + len(windows[n]) <= sequences.length + 1]
                for local in (whole // sequences.length).tolist():
                    if local < len(sequences):
                        number = first + local
                        known[number] = known[number] if number in known else self.times(number)
                        totals[n] += known[number]
        return totals


def training_passages(
    seen: Seen,
    borders: tuple[int, int],
    width: int,
    repeated: int,
    count: int,
    bounds: Sequence[int],
    seed: int,
    progress: Progress,
) -> list[Passage]:
    """`count` passages of `width` tokens among all that training has seen, of each work one at most.

    Others are added so that each group by times seen, of which `bounds` are the upper ends, has a quarter as many,
    as far as they are met among POOL times as many. `borders` begin and end documents; the last `repeated` tokens
    are those whose repeats are counted.
    """
    pool = _pool(seen, borders, width, POOL * count, seed)
    times = [max(1, n) for n in seen.times_of([tokens[-repeated:] for tokens in pool.values()], progress)]
    held, found = [0] * (len(bounds) + 1), []
    for n, ((name, tokens), often) in enumerate(zip(pool.items(), times, strict=True)):
        group = int(np.searchsorted(bounds, often))
        if n < count or held[group] < -(-count // 4):
            held[group] += 1
            found.append(Passage(name, tokens, often, n < count))
    return found


def _pool(seen: Seen, borders: tuple[int, int], width: int, count: int, seed: int) -> dict[str, list[int]]:
    """Passages within one sequence and one document, by the document's identifier, in the order of the lot."""
    lot = np.random.default_rng(seed)
    indexes = [_documents(folder) for folder in seen.data.folders]
    length = seen.data.sequences[0].length
    works, found = set[str](), dict[str, list[int]]()
    for _ in range(_ROUNDS):
        steps = seen.steps[lot.integers(len(seen.steps), size=_ROWS)]
        numbers = seen.data.at(steps * seen.per_step + lot.integers(seen.per_step, size=_ROWS))
        offsets = lot.integers(length + 2 - width, size=_ROWS)
        rows = seen.data.read(numbers)[np.arange(_ROWS)[:, None], offsets[:, None] + np.arange(width)]
        whole = np.flatnonzero(~np.isin(rows, borders).any(axis=1))
        for n, name in zip(whole, _names(seen, indexes, numbers[whole], offsets[whole]), strict=True):
            work = name.partition("#")[0]
            if work not in works:
                works.add(work)
                found[name] = rows[n].tolist()
                if len(found) == count:
                    return found
    return found


def _documents(folder: Path) -> Documents | None:
    try:
        return open_documents(folder)
    except InputError:  # token files of another program
        return None


def _names(seen: Seen, indexes: Sequence[Documents | None], numbers: Ints, offsets: Ints) -> Iterator[str]:
    data = seen.data
    for number, offset in zip(numbers.tolist(), offsets.tolist(), strict=True):
        folder = int(np.searchsorted(data.order.first_numbers, number, side="right")) - 1
        local, index = number - int(data.order.first_numbers[folder]), indexes[folder]
        if index is None:
            yield f"{data.names[folder]}, sequence {local}"
        else:
            [document] = index.of_tokens(np.array([local * data.sequences[folder].length + offset]))
            yield index[int(document)].identifier
