"""The order in which proxies see their sequences: nearly the same for variants that have nearly the same text.

Training's own order is a permutation of the sequences' numbers, so that one document less changes all of it: two
proxies of a seed would learn from different parts of the corpus, and their difference would be chance for the most
part. Here a sequence has its place by a hash of the document that it begins in and of where in it. What variants
have in common they see at about the same time.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from blake3 import blake3

from octavo.tokenization.index import documents_of
from octavo.training.data import Data
from octavo.training.order import Order, mix
from octavo.training.sequences import Windows

Keys = npt.NDArray[np.uint64]


class ByDocument(Order):
    """The order of the sequences of one folder by their documents; another one in each epoch."""

    def __init__(self, windows: Windows, order: Order) -> None:
        super().__init__(order.sizes, order.stages, order.seed)
        self.keys = _keys(windows, order.seed)
        self._epochs: dict[int, npt.NDArray[np.int64]] = {}

    def at(self, positions: np.ndarray) -> np.ndarray:
        """The sequences seen at positions of the whole training, by number."""
        epochs, places = np.divmod(np.asarray(positions, np.int64), len(self.keys))
        found = np.empty_like(places)
        for epoch in np.unique(epochs).tolist():
            here = epochs == epoch
            found[here] = self._epoch(epoch)[places[here]]
        return found

    def all_seen(self, numbers: np.ndarray, end: int) -> tuple[np.ndarray, np.ndarray]:
        """Places in `numbers`, and the positions under `end` at which these are seen; the inverse of `at`."""
        epochs = range(-(-end // len(self.keys)))
        ranks = [np.argsort(self._epoch(epoch))[numbers] + epoch * len(self.keys) for epoch in epochs]
        positions = np.stack(ranks, axis=1) if ranks else np.empty((len(numbers), 0), np.int64)
        place, column = np.nonzero(positions < end)
        return place, positions[place, column]

    def _epoch(self, epoch: int) -> npt.NDArray[np.int64]:
        if epoch not in self._epochs:
            self._epochs = {epoch: np.argsort(mix(self.keys ^ mix(np.array([epoch], np.uint64))), kind="stable")}
        return self._epochs[epoch]


def paired(data: Data[Windows]) -> Data[Windows]:
    """The same data in that order."""
    [windows] = data.sequences
    return replace(data, order=ByDocument(windows, data.order))


def _keys(windows: Windows, seed: int) -> Keys:
    """A key for each sequence: of the document that it begins in, and of how many sequences after its beginning.

    A document that is there several times has other keys each time.
    """
    documents = documents_of(windows.shards)
    starts = np.arange(len(windows), dtype=np.int64) * windows.length
    numbers = documents.of_tokens(starts)
    begins = np.concatenate(
        [
            first + np.concatenate(([0], shard.document_ends))[:-1].astype(np.int64)
            for first, shard in zip(documents.first_tokens, windows.shards, strict=False)
        ]
    )
    seen: Counter[str] = Counter()
    hashes = np.empty(len(documents), np.uint64)
    names = (name for rows in documents.rows for name in rows.column("identifier").to_pylist())
    for number, name in enumerate(names):
        hashes[number] = int.from_bytes(blake3(f"{seed} {seen[name]} {name}".encode()).digest(8))
        seen[name] += 1
    pieces = (starts - begins[numbers]) // windows.length
    return mix(hashes[numbers] ^ mix(pieces.astype(np.uint64)))
