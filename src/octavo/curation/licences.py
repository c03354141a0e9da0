"""The licence gate: a document passes by the licence that it states, or that the recipe states for its source."""

from __future__ import annotations

import difflib

import pyarrow as pa
import pyarrow.compute as pc
from license_expression import get_spdx_licensing

from octavo.corpus.licences import is_allowed, normalise, obligation
from octavo.errors import InputError

_SPELT_OTHERWISE = "LicenseRef-"
"""What SPDX has no id for: any name may follow."""

VERDICT = pa.struct(
    [
        ("spdx", pa.large_string()),
        ("basis", pa.large_string()),
        ("obligations", pa.large_string()),
        ("open", pa.bool_()),
    ]
)


def check_allowed(allow: list[str]) -> None:
    """Raise InputError for an entry of the allow-list that no licence can match."""
    known = [k for k in get_spdx_licensing().known_symbols if k]
    for number, entry in enumerate(allow):
        if entry.startswith(_SPELT_OTHERWISE) or any(is_allowed(spdx, (entry,)) for spdx in known):
            continue
        near = difflib.get_close_matches(entry.removesuffix("-*"), known, n=1)
        raise InputError(
            f"curation.licences.allow[{number}]: found {entry!r}, which no licence has for its id; "
            + (f"the nearest is {near[0]}" if near else "expected an SPDX id")
        )


def judge(stated: pa.Array, source_licence: str | None, allow: tuple[str, ...]) -> pa.Array:
    """Judge the stated licences of a batch: SPDX expression, basis, obligations, and whether it is open.

    A document's own statement always stands before the recipe's, so that a recipe cannot free a text
    that says it is not free.
    """
    encoded = stated.cast(pa.large_string()).dictionary_encode()
    verdicts = [_judge_one(words, source_licence, allow) for words in [*encoded.dictionary.to_pylist(), None]]
    nobody = len(verdicts) - 1
    return pa.array(verdicts, VERDICT).take(pc.fill_null(encoded.indices, nobody))


def _judge_one(
    words: str | None, source_licence: str | None, allow: tuple[str, ...]
) -> dict[str, str | bool | None]:
    own = bool(words and words.strip())
    said = words if own else source_licence
    spdx = normalise(said) if said else None
    basis = None
    if spdx:
        basis = f"{'document' if own else 'recipe'} states {said!r}"
    return {
        "spdx": spdx,
        "basis": basis,
        "obligations": obligation(spdx) if spdx else None,
        "open": bool(spdx and is_allowed(spdx, allow)),
    }
