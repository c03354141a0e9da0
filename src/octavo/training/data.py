"""What training reads: the token files of the recipe's documents, or folders of them with weights, by stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from octavo.recipe.schema import Recipe
from octavo.recipe.training import OWN_TOKENS, DataStage
from octavo.tokenization.shards import Shard, open_shards
from octavo.training.draw import shares
from octavo.training.order import Order, Stage
from octavo.training.sequences import Windows, open_sequences


class Sequences(Protocol):
    """The training sequences of a folder, by number; split_targets says how one is laid out."""

    length: int
    """Tokens to predict in each, S."""

    def __len__(self) -> int:
        """How many there are."""
        ...

    @property
    def tokens(self) -> int:
        """Tokens of the folder."""
        ...

    @property
    def discarded(self) -> float:
        """Share of them that no sequence predicts."""
        ...

    def read(self, numbers: np.ndarray) -> np.ndarray:
        """Sequences: (len(numbers), S + 1) in int64."""
        ...

    def documents(self, numbers: np.ndarray) -> list[str]:
        """Identifiers of the documents that sequences touch; none where the folder does not tell them."""
        ...


S = TypeVar("S", bound=Sequences)


@dataclass(frozen=True)
class Data(Generic[S]):
    """The sequences of all folders, numbered through them, and the order in which they are seen."""

    names: list[str]
    """Of the folders, as the recipe has them."""
    folders: list[Path]
    sequences: Sequence[S]
    order: Order

    def __len__(self) -> int:
        return sum(len(sequences) for sequences in self.sequences)

    @property
    def discarded(self) -> float:
        """Share of the tokens that no sequence predicts."""
        tokens = sum(sequences.tokens for sequences in self.sequences)
        return sum(sequences.discarded * sequences.tokens for sequences in self.sequences) / tokens

    def at(self, positions: np.ndarray) -> np.ndarray:
        """The sequences seen at positions of the whole training, by number."""
        return self.order.at(positions)

    def read(self, numbers: np.ndarray) -> np.ndarray:
        """Sequences by number: (len(numbers), S + 1) in int64."""
        rows = np.empty((len(numbers), self.sequences[0].length + 1), np.int64)
        for folder, here, local in self._by_folder(numbers):
            rows[here] = self.sequences[folder].read(local)
        return rows

    def documents(self, numbers: np.ndarray) -> list[str]:
        """Identifiers of the documents that sequences touch; none of folders that do not tell them."""
        found: dict[str, None] = {}
        for folder, _, local in self._by_folder(numbers):
            found |= dict.fromkeys(self.sequences[folder].documents(local))
        return list(found)

    def figures(self, positions: int) -> dict[str, dict[str, Any]]:
        """By folder: its tokens and sequences, and how much of it the first `positions` see."""
        return {
            name: {
                "tokens": sequences.tokens,
                "sequences": len(sequences),
                "discarded_tokens": round(sequences.discarded, 6),
                "drawn": drawn,
                "epochs": round(drawn / len(sequences), 3),
            }
            for name, sequences, drawn in zip(self.names, self.sequences, self.order.drawn(positions), strict=True)
        }

    def _by_folder(self, numbers: np.ndarray) -> list[tuple[int, np.ndarray, np.ndarray]]:
        """Folder, which of the numbers are of it, and these as numbers in it."""
        folders = np.searchsorted(self.order.first_numbers, numbers, side="right") - 1
        return [
            (int(n), here, numbers[here] - self.order.first_numbers[n])
            for n in np.unique(folders)
            for here in [np.flatnonzero(folders == n)]
        ]


def open_data(recipe: Recipe, tokens: Path) -> Data[Windows]:
    """What the recipe trains on; `tokens` has the token files of its own documents.

    Raises InputError where a folder has not even one sequence.
    """
    folders = _folders(recipe, tokens)
    sequences = [open_sequences(folder, recipe.sequence_length) for folder in folders.values()]
    sizes = {name: len(one) for name, one in zip(folders, sequences, strict=True)}
    order = Order(list(sizes.values()), order_stages(recipe, sizes), recipe.seed)
    return Data(list(folders), list(folders.values()), sequences, order)


def training_shards(recipe: Recipe, tokens: Path) -> list[Shard]:
    """The token files of all folders that training draws from, in the order of named_folders."""
    return [shard for folder in _folders(recipe, tokens).values() for shard in open_shards(folder)]


def _stages(recipe: Recipe) -> list[DataStage]:
    return recipe.training.data or [DataStage(weights={OWN_TOKENS: 1.0})]


def named_folders(stages: list[DataStage]) -> list[str]:
    """The folders of stages by name: those of an earlier stage first, those of one stage as names are sorted.

    A mapping has no order, so that a recipe which was written and read again has the same.
    """
    return list(dict.fromkeys(name for stage in stages for name in sorted(stage.weights)))


def _folders(recipe: Recipe, tokens: Path) -> dict[str, Path]:
    """By the names that the recipe gives them, in the order of named_folders."""
    names = named_folders(_stages(recipe))
    return {name: tokens if name == OWN_TOKENS else Path(name) for name in names}


def order_stages(recipe: Recipe, sizes: dict[str, int]) -> list[Stage]:
    """The recipe's stages by positions; `sizes` has each folder's sequences, its weight where none is given."""
    found, names = [], list(sizes)
    for stage in _stages(recipe):
        mine = sorted(stage.weights.items())
        places = [names.index(name) for name, _ in mine]
        weights = [sizes[name] if weight is None else weight for name, weight in mine]
        first = (stage.first_step - 1) * recipe.training.sequences_per_step
        found.append(Stage(first, tuple(places), tuple(shares(weights))))
    return found
