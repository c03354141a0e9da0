"""The mixture: how often each document is taken, so that languages, collections and centuries have their shares.

Targets in several dimensions are met together by iterative proportional fitting (Deming and Stephan, 1940)
of the bytes by cell. No document is taken more often than the recipe's bound, and where a target would ask
for it, the whole becomes smaller instead.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from blake3 import blake3

from octavo.errors import InputError
from octavo.recipe.curation import Mixture

OTHERS = "others"
"""Stands in a target for all that it does not name."""

ROUNDS = 200


def repeats(documents: pa.Table, settings: Mixture, seed: int) -> npt.NDArray[np.int32]:
    """How often to take each kept document (identifier, lang, collection, century, bytes); 0 leaves it out.

    A share of a whole copy is decided by a hash keyed with the seed, so that a document's lot does not
    depend on the others'. Raises InputError where all that a dimension asks for is missing.
    """
    targets = _targets(settings)
    size = documents.column("bytes").to_numpy().astype(float)
    if not targets or not len(size):
        return np.ones(len(size), np.int32)
    keys = [_keys(documents.column(column), wanted) for column, wanted in targets]
    cells, cell_of = np.unique(np.stack(keys, axis=1).astype(str), axis=0, return_inverse=True)
    there = np.bincount(cell_of.ravel(), weights=size, minlength=len(cells))
    for place, (column, shares) in enumerate(targets):
        if not any(shares[name] for name in set(cells[:, place])):
            raise InputError(
                f"curation.mixture: found no document in {', '.join(n for n in shares if shares[n])} ({column}), "
                "expected some in at least one"
            )
    wanted = there.copy()
    for _ in range(ROUNDS):
        for place, (_, shares) in enumerate(targets):
            total = wanted.sum()
            present = {name: share for name, share in shares.items() if name in cells[:, place]}
            for name, share in present.items():
                group = cells[:, place] == name
                if wanted[group].sum():
                    wanted[group] *= share / sum(present.values()) * total / wanted[group].sum()
    if not wanted.sum():
        asked = ", ".join(column for column, _ in targets)
        raise InputError(
            f"curation.mixture: found no document that has a share in each of {asked} together, expected some"
        )
    often = wanted / there
    often *= min(settings.max_repeats / often.max(), there.sum() / wanted.sum())
    key = blake3(f"mixture {seed}".encode()).digest()
    times = often[cell_of.ravel()]
    lots = np.array([_lot(name, key) for name in documents.column("identifier").to_pylist()])
    return (np.floor(times) + (lots < times % 1)).astype(np.int32)


def compare(documents: pa.Table, taken: npt.NDArray[np.int32], settings: Mixture) -> dict[str, Any]:
    """What the recipe asked and what came out, by dimension and name: shares of the bytes."""
    size = documents.column("bytes").to_numpy() * taken
    total = max(size.sum(), 1)
    found: dict[str, Any] = {}
    for column, shares in _targets(settings):
        keys = _keys(documents.column(column), shares)
        found[column] = {
            name: {"asked": round(share, 4), "got": round(float(size[keys == name].sum() / total), 4)}
            for name, share in shares.items()
        }
    return found


def _targets(settings: Mixture) -> list[tuple[str, dict[str, float]]]:
    """Each dimension's shares, made to sum to 1; what is not named has the rest."""
    found = []
    for column, shares in (
        ("lang", settings.languages),
        ("collection", settings.collections),
        ("century", settings.centuries),
    ):
        if shares:
            named = {OTHERS: max(0.0, 1 - sum(shares.values()))} | shares
            found.append((column, {name: share / sum(named.values()) for name, share in named.items()}))
    return found


def _keys(column: pa.ChunkedArray, wanted: dict[str, float]) -> npt.NDArray[np.object_]:
    return np.array([str(v) if str(v) in wanted else OTHERS for v in column.to_pylist()], dtype=object)


def _lot(identifier: str, key: bytes) -> float:
    return int.from_bytes(blake3(identifier.encode(), key=key).digest(8)) / 2**64
