"""What a task of document work must be able to do, so that one road serves all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from octavo.evaluation.speaker import Speaker
from octavo.progress import Progress
from octavo.recipe.schema import Recipe
from octavo.tuning.examples import Example
from octavo.tuning.pairs import LeftOut
from octavo.tuning.scores import Score
from octavo.tuning.vocabulary import Vocabulary

COPIED: Final = 20, 150
"""Characters of what is copied, at least and at most."""


class Checked(NamedTuple):
    """What files of pairs hold."""

    pairs: list[Any]
    left_out: list[LeftOut]


class Taught(NamedTuple):
    """What a pair comes to."""

    examples: list[Example]
    left_out: list[LeftOut]
    """Parts of it that fit nowhere, or all of it."""


class Parts(NamedTuple):
    """Pairs by what they are for; no document is in two of them."""

    training: list[Any]
    held_out: list[Any]
    """To tell when to stop, and how sure is sure enough."""
    test: list[Any]


class Prepared(NamedTuple):
    """The pairs of a tune that is prepared: those given by what they are for, and those made to be learnt from."""

    training: list[Any]
    held_out: list[Any]
    test: list[Any]
    made: list[Any]


class Measured(NamedTuple):
    """What was measured of a tuned model."""

    scores: list[Score]
    samples: list[dict[str, str]]
    """Test pairs with what the model made of them, in words."""
    settings: dict[str, Any]
    """What else the figures rest on, and what the commands that use the model must know."""


@dataclass(frozen=True)
class Task:
    """One kind of document work."""

    kind: type[Any]
    """The named tuple that its pairs are."""
    parse: Callable[[Path], list[Any]]
    """The pairs of a file as they stand; InputError where that is not their form."""
    check_documents: Callable[[Sequence[str]], None]
    """Raises InputError where documents to make pairs of are not in the form that they must have."""
    read: Callable[[Recipe, Sequence[Path]], Checked]
    """The pairs of files, in the recipe's languages."""
    made: Callable[[Recipe, Sequence[Any], int, list[LeftOut], Progress], Iterator[Any]]
    """Pairs made of the recipe's documents, of so many tokens at least, if they have as much; those given for
    training teach how."""
    copies: Callable[[Recipe, int], Iterator[Any]]
    """Pairs of the recipe's documents, of so many tokens at least, to be copied from the prompt as they are: short
    ones (COPIED), as a small model learns from these to look back."""
    arranged: Callable[[Recipe, Sequence[Any], bool], list[Any]]
    """Pairs as they are shown, those of one document in order: to learn from, or to be tested."""
    examples: Callable[[Vocabulary, Any, int], Taught]
    """What a pair teaches in sequences of so many tokens."""
    group: Callable[[Any], str]
    """The language, or pair of languages, that a pair counts for."""
    measure: Callable[[Recipe, Speaker, Vocabulary, Prepared, Progress], Measured]
    """The model and the baselines on the test pairs."""
