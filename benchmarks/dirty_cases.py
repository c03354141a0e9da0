"""Curation on documents of which it is known what should become of them: which kinds of case it meets.

    python benchmarks/dirty_cases.py DIRTY_PARQUET [--json]

The file has Common Corpus's columns and for each document `issue`, the kind of case; `expected`, an action and
after a colon its reason; and `dup_group`, which names documents of the same text. They are curated by the default
recipe, all at once, and their fates, rules and texts are held against the actions: see EXPECTATIONS. A document
that went as a copy of another has become what the other became, unless the case is about copies.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from curated import curated, kept_documents
from figures import print_table

from octavo.recipe.schema import LANGUAGE_NAMES

COPIES = ("duplicate", "near-duplicate")


@dataclass(frozen=True)
class Case:
    """A document, what should become of it, and what became of it or of the copy that stands for it."""

    document: dict[str, Any]
    ledger: dict[str, Any]
    kept: dict[str, Any] | None
    group_stays: int
    """How many documents of its group are kept."""

    @property
    def action(self) -> str:
        return str(self.document["expected"]).partition(":")[0]

    @property
    def stays(self) -> bool:
        return self.kept is not None

    @property
    def evidence(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.ledger["evidence"] or "{}")
        return found


Check = Callable[[Case, re.Match[str]], bool]

_MARKUP_LEFT = re.compile(
    r"\A\s*<[?!]|</?[a-z][\w:-]*(?:\s[^<>]*)?/?>|project gutenberg(?:-tm|™)? licen[sc]e"
    r"|\*\*\* ?(?:start|end) of th(?:e|is) project",
    re.IGNORECASE,
)
_CODES = {name: code for code, name in LANGUAGE_NAMES.items()}


def _one_stays(case: Case, action: re.Match[str]) -> bool:
    return case.group_stays == 1


def _stays(case: Case, action: re.Match[str]) -> bool:
    return case.stays


def _goes(case: Case, action: re.Match[str]) -> bool:
    return not case.stays


def _is_rated(case: Case, action: re.Match[str]) -> bool:
    """The flag of a kept text is its estimated error rate."""
    return case.kept is not None and case.kept["character_error"] is not None


def _corrected_or_gone(case: Case, action: re.Match[str]) -> bool:
    return case.kept is None or case.kept["ocr_correction"]


def _is_mojibake_repaired(case: Case, action: re.Match[str]) -> bool:
    return case.stays and "mojibake" in case.evidence.get("repair", {})


def _is_stripped(case: Case, action: re.Match[str]) -> bool:
    return case.kept is not None and not _MARKUP_LEFT.search(case.kept["text"])


def _is_redacted(case: Case, action: re.Match[str]) -> bool:
    return case.stays and "personal-data" in case.ledger["rules"]


def _is_relabelled(case: Case, action: re.Match[str]) -> bool:
    return case.kept is not None and case.kept["lang"] == _CODES.get(action["language"])


def _is_known_as_mixed(case: Case, action: re.Match[str]) -> bool:
    """A text in two languages went, or is recorded as one."""
    return case.kept is None or case.kept["mixed"]


def _is_not_as_labelled(case: Case, action: re.Match[str]) -> bool:
    return case.kept is None or case.kept["lang"] != case.document["lang"] or _is_known_as_mixed(case, action)


def _has_century_of_year(case: Case, action: re.Match[str]) -> bool:
    year = re.search(r"\d{4}", case.action) or re.search(r"\d{4}", case.document["date"])
    return case.kept is not None and year is not None and case.kept["century"] == (int(year[0]) - 1) // 100 + 1


def _has_no_century(case: Case, action: re.Match[str]) -> bool:
    return case.kept is None or case.kept["century"] is None


EXPECTATIONS: tuple[tuple[str, Check], ...] = (
    (r"keep one of the group", _one_stays),
    (r"keep with a quality flag", _is_rated),
    (r"keep", _stays),
    (r"send to OCR correction or reject", _corrected_or_gone),
    (r"(?:flag or )?reject|quarantine", _goes),
    (r"repair", _is_mojibake_repaired),
    (r"strip", _is_stripped),
    (r"mask", _is_redacted),
    (r"relabel to (?P<language>\w+)", _is_relabelled),
    (r"labelled|file is named", _is_not_as_labelled),
    (r"detect as mixed", _is_known_as_mixed),
    (r"normalise (?!.*only if)", _has_century_of_year),
    (r"flag|normalise .*only if the source agrees; here it does not", _has_no_century),
)
"""What an action begins with, and what meets it; the first that fits counts."""


def cases_of(documents: list[dict[str, Any]], home: Path, source: Path) -> list[Case]:
    """Curate the documents and put beside each what became of it."""
    ledger = {row["identifier"]: row for row in curated(source, home)}
    kept = kept_documents(home)
    groups = Counter(d["dup_group"] for d in documents if d["identifier"] in kept)

    def standing_for(document: dict[str, Any]) -> str:
        """The kept copy of a document that went as one, else the document itself."""
        name: str = document["identifier"]
        about_copies = document["dup_group"] is not None
        while name not in kept and (rule := ledger[name]["rule"]) in COPIES[: 1 if about_copies else 2]:
            found = json.loads(ledger[name]["evidence"])[rule]
            name = found.get("same_text_as") or found["like"]
        return name

    return [Case(d, ledger[d["identifier"]], kept.get(standing_for(d)), groups[d["dup_group"]]) for d in documents]


def is_met(case: Case) -> bool | None:
    """Whether a case is met; None where its action is none that is known."""
    for beginning, check in EXPECTATIONS:
        if action := re.match(beginning, case.action):
            return check(case, action)
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--json", action="store_true")
    settings = parser.parse_args()
    table_in = pq.read_table(settings.file)
    if lacking := {"identifier", "issue", "expected", "dup_group"} - set(table_in.column_names):
        sys.exit(f"{settings.file}: found no column {', '.join(sorted(lacking))}, expected known cases")
    documents = table_in.to_pylist()
    with tempfile.TemporaryDirectory() as temporary:
        cases = cases_of(documents, Path(temporary), settings.file)
    kinds: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        kinds[case.document["issue"]].append(case)
    kinds = dict(sorted(kinds.items(), key=lambda kind: (-len(kind[1]), kind[0])))
    table = [(kind, len(own), sum(is_met(c) is True for c in own)) for kind, own in kinds.items()]
    missed = [
        {
            "identifier": case.document["identifier"],
            "kind": kind,
            "expected": case.document["expected"],
            "found": case.ledger["fate"],
            "rules": case.ledger["rules"],
            "lang": case.ledger["lang"],
            "character_error": case.kept and case.kept["character_error"],
            "evidence": case.evidence,
        }
        for kind, own in kinds.items()
        for case in own
        if not is_met(case)
    ]
    if settings.json:
        print(json.dumps({"kinds": {k: {"cases": n, "met": m} for k, n, m in table}, "missed": missed}, indent=1))
        return
    whole = ("all", len(cases), len(cases) - len(missed))
    print_table(("kind", "cases", "met"), [*table, whole])
    print("\nNot met:")
    for miss in missed:
        rules = " ".join([miss["found"], *miss["rules"]])
        error = "" if miss["character_error"] is None else f", character error {miss['character_error']:.3f}"
        evidence = json.dumps(miss["evidence"], ensure_ascii=False)[:200] if miss["evidence"] else ""
        print(f"{miss['identifier']}  {miss['kind']}: expected {miss['expected']}")
        print(f"    found {rules} in {miss['lang']}{error} {evidence}")


if __name__ == "__main__":
    main()
