"""Which steps, checkpoints and releases of a run saw documents, and which did not.

From documents to their tokens, from tokens to sequences and from sequences to steps everything is computed, by the
inverse of the data order; no position of the training is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from octavo.corpus.licence_terms import known_entry
from octavo.curation.explaining import identifiers_in, unknown
from octavo.errors import InputError
from octavo.lineage import is_run, read_record
from octavo.recipe.file import load
from octavo.recipe.schema import Recipe
from octavo.recipe.training import OWN_TOKENS
from octavo.tokenization.encode import load_tokenizer
from octavo.tokenization.entries import Edges, begin_and_end
from octavo.tokenization.given import open_given
from octavo.tokenization.index import Documents, documents_of, open_documents
from octavo.tracing.finding import Found, Wanted, find_documents
from octavo.tracing.index.places import names_in, of_identifiers, of_kept
from octavo.tracing.recall.sightings import Occurrences, Sightings, Spans, in_windows, sightings
from octavo.tracing.recall.taught import all_names, find_pairs, in_examples
from octavo.tracing.recall.trained import Trained, read_trained
from octavo.training.data import named_folders, open_data
from octavo.tuning.teaching import open_examples

TRAINED, UNSEEN, HELD_OUT, TESTED, REMOVED = "trained on", "not trained on", "held out", "for testing", "removed"
STATES: Final = (TRAINED, UNSEEN, HELD_OUT, TESTED, REMOVED)
"""What a document may have come to."""


class Recalled(NamedTuple):
    """The documents that were asked for, and what a run has seen of them."""

    run: Path
    recipe: Recipe
    wanted: Wanted
    found: list[Found]
    states: list[str]
    """What each has come to, of STATES."""
    seen: Sightings
    tokens: np.ndarray
    """How many each has in the files that training reads, its copies in the mixture among them."""
    given: frozenset[int]
    """Places of those that are in token files which another run or program made."""
    untold: list[str]
    """Folders of such files that do not tell of their documents what was asked for."""
    trained: Trained


def recall(run: Path, wanted: Wanted) -> Recalled:
    """Find the documents asked for, and all steps of a run's training that saw them.

    Raises InputError where `run` is no run, where no document has an identifier, where the run's files do not tell
    what is asked for, and where they are others than the training read.
    """
    if not is_run(run):
        raise InputError(f"{run}: found no recipe.yaml in it, expected the directory of a run, as it has the data")
    if not any(asked is not None and asked != () for asked in wanted):
        raise InputError("recall: expected at least one of --identifier, --creator, --licence and --text")
    wanted = wanted._replace(licence=_known_licence(wanted.licence))
    recipe = load(run / "recipe.yaml")
    trained = read_trained(recipe, run)
    return (_recall_pairs if recipe.is_taught else _recall_documents)(run, recipe, wanted, trained)


def _known_licence(stated: str | None) -> str | None:
    """A licence by its SPDX id, however it was spelt: that none saw a licence must not hang on a letter's case."""
    if stated is None:
        return None
    if known := known_entry(stated):
        return known
    raise InputError(f"--licence: found {stated!r}, expected an SPDX id, or the beginning of some with -* after it")


def _recall_documents(run: Path, recipe: Recipe, wanted: Wanted, trained: Trained) -> Recalled:
    found = _of_corpus(run, recipe, wanted)
    own, given, untold = _open_folders(run, recipe)
    if any(asked is not None for asked in wanted[1:]):  # their indices have no more than identifiers
        untold = sorted([*untold, *given])
    spans = {OWN_TOKENS: of_kept(own, found)} if own else {}
    not_own: set[int] = set()
    for name, documents in given.items():
        spans[name], others = of_identifiers(documents, wanted, found)
        found = [*found, *others]
        not_own |= set(spans[name].document.tolist())
    known = {name for one in found for name in one.names}
    _check_known(run, wanted, known, partial(_all_identifiers, run, recipe, given))
    tokens = np.zeros(len(found), np.int64)
    for some in spans.values():
        np.add.at(tokens, some.document, some.end - some.start)
    seen = _seen_documents(run, recipe, spans, len(found), trained)
    return Recalled(
        run, recipe, wanted, found, _states(found, seen), seen, tokens, frozenset(not_own), untold, trained
    )


def _of_corpus(run: Path, recipe: Recipe, wanted: Wanted) -> list[Found]:
    if recipe.corpus.sources:
        return find_documents(run / "corpus", wanted)
    _check_identifiers_alone(
        run, wanted, "it was trained on token files alone, whose indices have no more than identifiers"
    )
    return []


def _check_identifiers_alone(run: Path, wanted: Wanted, why: str) -> None:
    for option, asked in zip(("--creator", "--licence", "--text"), wanted[1:], strict=True):
        if asked is not None:
            raise InputError(f"{option}: {run} cannot tell, as {why}; expected --identifier")


def _open_folders(run: Path, recipe: Recipe) -> tuple[Documents | None, dict[str, Documents], list[str]]:
    """The documents of the recipe's own token files, where there are any yet; those of given ones, by folder; and
    the folders that do not tell theirs."""
    names = named_folders(recipe.training.data) or [OWN_TOKENS]
    record = read_record(run / "tokens")
    own = open_documents(run / "tokens") if OWN_TOKENS in names and record and record.done else None
    given, untold = {}, []
    for name, shards in open_given([name for name in names if name != OWN_TOKENS]).items():
        try:
            given[name] = documents_of(shards)
        except InputError:
            untold.append(name)
    if untold and not given and OWN_TOKENS not in names:
        raise InputError(
            f"{untold[0]}: found no index of its documents (.ds.documents.arrow) beside the token files, expected "
            "one, as octavo tokenize writes it; without it nothing tells which documents they hold"
        )
    return own, given, untold


def _seen_documents(
    run: Path, recipe: Recipe, spans: dict[str, Spans], documents: int, trained: Trained
) -> Sightings:
    if not trained.steps.done:
        return Sightings.none(documents)
    data, edges = open_data(recipe, run / "tokens"), _edges(run)
    occurrences = Occurrences.join(
        in_windows(spans[name], windows, first, edges)
        for name, windows, first in zip(data.names, data.sequences, data.order.first_numbers.tolist(), strict=False)
        if name in spans
    )
    return sightings(occurrences, documents, data.order, trained.steps)


def _recall_pairs(run: Path, recipe: Recipe, wanted: Wanted, trained: Trained) -> Recalled:
    _check_identifiers_alone(run, wanted, "a tune's pairs have no more than the names of their documents")
    home = run / "pairs"
    record = read_record(home)
    if record is None or not record.done:
        raise InputError(f"{home}: found no pairs yet, expected them as octavo tune makes them")
    found, known = find_pairs(home, wanted)
    _check_known(run, wanted, known, partial(all_names, home))
    data = open_examples(recipe, run)
    occurrences, tokens = in_examples(data, found, _edges(run).begin)
    seen = sightings(occurrences, len(found), data.order, trained.steps)
    return Recalled(run, recipe, wanted, found, _states(found, seen), seen, tokens, frozenset(), [], trained)


def _edges(run: Path) -> Edges:
    file = run / "tokenizer" / "tokenizer.json"
    return begin_and_end(load_tokenizer(file), str(file))


def _check_known(run: Path, wanted: Wanted, known: set[str], names: Callable[[], Iterator[pa.Array]]) -> None:
    for identifier in wanted.identifiers:
        if identifier not in known:
            raise unknown(run, names, identifier)


def _all_identifiers(run: Path, recipe: Recipe, given: dict[str, Documents]) -> Iterator[pa.Array]:
    if recipe.corpus.sources:
        yield from identifiers_in(run / "corpus")
    for documents in given.values():
        yield from names_in(documents)


def _states(found: list[Found], seen: Sightings) -> list[str]:
    splits = {"held-out": HELD_OUT, "test": TESTED}
    return [
        TRAINED if len(steps) else REMOVED if one.fate == "removed" else splits.get(one.split or "", UNSEEN)
        for one, steps in zip(found, seen.steps, strict=True)
    ]
