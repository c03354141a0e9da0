"""The licence gate: a document passes by the licence that it states, or that the recipe states for its source.

"Public Domain" is a claim, not a licence: it passes unless the law of a jurisdiction that the recipe names
refutes it by the facts of the document's own metadata. Where nothing is stated, a document passes if every
one of these laws finds it free. A licence proper is not asked for its term.
"""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from octavo.corpus.dates import read_date
from octavo.corpus.licence_names import (
    NO_COPYRIGHT_US,
    NO_KNOWN_COPYRIGHT,
    NOTHING_STATED,
    PUBLIC_DOMAIN,
    PUBLIC_DOMAIN_MARK,
)
from octavo.corpus.licence_terms import ELSEWHERE, is_allowed, obligation
from octavo.corpus.licences import known_ids, normalise, reserves_rights
from octavo.corpus.public_domain import Finding, findings
from octavo.errors import InputError
from octavo.recipe.curation import Licences
from octavo.recipe.schema import Source

VERDICT = pa.struct([(name, pa.large_string()) for name in ("spdx", "basis", "obligations", "rule", "evidence")])
"""What the gate says of a document; `rule` is null where it passes, `evidence` is JSON."""

_CLAIMS = frozenset({PUBLIC_DOMAIN, PUBLIC_DOMAIN_MARK})
_NEEDS_SUPPORT = frozenset({NO_COPYRIGHT_US, NO_KNOWN_COPYRIGHT, *NOTHING_STATED})
_COLUMNS = ("license", "creator", "date")


def check_allowed(allow: list[str]) -> None:
    """Raise InputError for an entry of the allow-list that no licence can match."""
    known = sorted(known_ids())
    for number, entry in enumerate(allow):
        if entry.startswith(ELSEWHERE) or any(is_allowed(spdx, (entry,)) for spdx in known):
            continue
        near = difflib.get_close_matches(entry.removesuffix("-*"), known, n=1)
        raise InputError(
            f"curation.licences.allow[{number}]: found {entry!r}, which no licence has for its id; "
            + (f"the nearest is {near[0]}" if near else "expected an SPDX id")
        )


def judge(documents: pa.Table | pa.RecordBatch, source: Source, settings: Licences) -> pa.Array:
    """Judge the documents of a batch by their columns license, creator and date: an array of VERDICT.

    A document's own statement stands before the recipe's, and where one says open and the other not,
    neither is trusted.
    """
    if documents.num_rows == 0:
        return pa.array([], VERDICT)
    codes, values = _combinations([documents.column(name) for name in _COLUMNS])
    gate = _Gate(source.license, tuple(settings.allow), tuple(settings.jurisdictions), settings.as_of)
    return pa.array([gate.judge(*row) for row in values], VERDICT).take(codes)


def _combinations(columns: list[pa.ChunkedArray | pa.Array]) -> tuple[pa.Array, list[tuple[str | None, ...]]]:
    """Each row's place among the distinct rows of these columns, and those rows."""
    code: Any = pa.scalar(0, pa.int64())
    dictionaries = []
    for column in columns:
        whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        encoded = whole.cast(pa.large_string()).dictionary_encode()
        dictionaries.append([*encoded.dictionary.to_pylist(), None])
        index = pc.fill_null(encoded.indices.cast(pa.int64()), len(encoded.dictionary))
        code = pc.add(pc.multiply(code, len(dictionaries[-1])), index)
    distinct = code.dictionary_encode()
    rows = []
    for number in distinct.dictionary.to_pylist():
        row: list[str | None] = []
        for values in reversed(dictionaries):
            number, place = divmod(number, len(values))
            row.append(values[place])
        rows.append(tuple(reversed(row)))
    return distinct.indices, rows


@dataclass(frozen=True)
class _Gate:
    """The policy, and what the recipe states for the source."""

    source: str | None
    allow: tuple[str, ...]
    jurisdictions: tuple[str, ...]
    as_of: int

    def judge(self, words: str | None, creator: str | None, date: str | None) -> dict[str, str | None]:
        own = words if words and words.strip() else None
        said = own or self.source
        spdx = normalise(said) if said else None
        evidence: dict[str, Any] = {"stated": own, "spdx": spdx}
        if own is None and self.source:
            evidence["source"] = self.source
        printed = read_date(date or "", self.as_of)
        if date and printed.note:
            evidence["notes"] = [printed.note]
        basis = f"{'document' if own else 'recipe'} states {said!r}" if spdx else None
        rule: str | None
        if own and self.source and self._contradict(own, self.source):
            evidence["source"] = self.source
            rule = "licence-contradicted"
        elif said and spdx is None:
            rule = "licence-not-open" if reserves_rights(said) else "licence-unknown"
        elif spdx is not None and not self._rests_on_a_claim(spdx):
            rule = None if is_allowed(spdx, self.allow) else "licence-not-open"
        else:
            found, notes = findings(creator, printed, self.jurisdictions, self.as_of)
            evidence |= _facts(creator, date, found, self.as_of)
            if notes and (date or creator):
                evidence["notes"] = notes
            rule = self._by_law(spdx, found)
            if rule is None:
                basis = _basis(basis, found)
            if rule is None and (spdx is None or not is_allowed(spdx, self.allow)):
                spdx = PUBLIC_DOMAIN
        return {
            "spdx": spdx,
            "basis": basis if spdx else None,
            "obligations": obligation(spdx, self.allow) if spdx else None,
            "rule": rule,
            "evidence": json.dumps(evidence, ensure_ascii=False),
        }

    def _contradict(self, own: str, source: str) -> bool:
        """Whether one of two statements says open and the other says not."""
        return {self._stance(own), self._stance(source)} == {True, False}

    def _stance(self, words: str) -> bool | None:
        """Whether words say open, or not; None where they leave it open."""
        spdx = normalise(words)
        if spdx is None:
            return False if reserves_rights(words) else None
        return True if is_allowed(spdx, self.allow) else None if spdx in _NEEDS_SUPPORT else False

    def _rests_on_a_claim(self, spdx: str) -> bool:
        """Whether nothing but a claim of public domain would let an expression pass."""
        if spdx in _NEEDS_SUPPORT:
            return True
        without = tuple(entry for entry in self.allow if entry not in _CLAIMS)
        return is_allowed(spdx, self.allow) and not is_allowed(spdx, without)

    def _by_law(self, spdx: str | None, found: dict[str, Finding]) -> str | None:
        """The rule against a claim of public domain, or against a text that states nothing."""
        stated = spdx is not None and spdx not in NOTHING_STATED
        if stated and any(finding.verdict == "protected" for finding in found.values()):
            return "in-copyright"
        if spdx is not None and is_allowed(spdx, self.allow):
            return None
        needed = [f for law, f in found.items() if not (spdx == NO_COPYRIGHT_US and law == "US")]
        if not all(finding.verdict == "free" for finding in needed):
            return "licence-unknown"
        return None if is_allowed(PUBLIC_DOMAIN, self.allow) else "licence-not-open"


def _facts(creator: str | None, date: str | None, found: dict[str, Finding], as_of: int) -> dict[str, Any]:
    laws = {law: f"{finding.verdict}: {finding.why}" for law, finding in found.items()}
    return {"creator": creator, "date": date, "as_of": as_of, "laws": laws}


def _basis(stated: str | None, found: dict[str, Finding]) -> str | None:
    """The statement, and every law that supports it."""
    support = [f"{law}: {finding.why}" for law, finding in found.items() if finding.verdict == "free"]
    return "; ".join([*([stated] if stated else ["public domain by rule"] if support else []), *support]) or None
