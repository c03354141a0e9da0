from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.curation.evidence import RULES_IN_WORDS
from octavo.curation.licences import VERDICT, judge
from octavo.recipe.curation import Licences
from octavo.recipe.schema import Source

SHARED = Path(__file__).parent.parent.parent.parent / "shared" / "corpus"
COLUMNS = ("license", "creator", "date", "collection", "title")
PD = "LicenseRef-Public-Domain"


def batch(rows: list[dict[str, str | None]]) -> pa.Table:
    return pa.table({name: pa.array([row.get(name) for row in rows], pa.large_string()) for name in COLUMNS})


def gate(source: str | None = None, *, settings: Licences | None = None, **row: str | None) -> dict[str, Any]:
    judged = judge(batch([row]), Source(path="x", license=source), settings or Licences())
    assert judged.type == VERDICT
    (verdict,) = judged.to_pylist()
    return verdict | {"evidence": json.loads(verdict["evidence"])}


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({"license": "CC BY 4.0"}, None),
        ({"license": "CC BY 4.0", "creator": "A (1900-1990)", "date": "1980"}, None),
        ({"license": "CC BY-NC 4.0", "creator": "A (1800-1850)", "date": "1840"}, "licence-not-open"),
        ({"license": "GPL-3.0"}, "licence-not-open"),
        ({"license": "All rights reserved", "creator": "A (1800-1850)", "date": "1840"}, "licence-not-open"),
        ({"license": "In copyright"}, "licence-not-open"),
        ({"license": "http://rightsstatements.org/vocab/NoC-NC/1.0/", "date": "1700"}, "licence-not-open"),
        (
            {"license": "The text is freely available", "creator": "A (1800-1850)", "date": "1840"},
            "licence-unknown",
        ),
        ({"license": "unknown", "creator": "A (1800-1850)", "date": "1840"}, "licence-unknown"),
        ({"license": None}, "licence-unknown"),
        ({"license": " "}, "licence-unknown"),
        ({"license": "Public Domain"}, None),
        ({"license": "Public Domain", "creator": "Ministry of Works", "date": "2003"}, None),
        ({"license": "Public Domain", "creator": "A (1832-1898)", "date": "1865"}, None),
        ({"license": "Public Domain", "creator": "A (1832-1898)", "date": "2087"}, None),
        ({"license": "Public Domain", "creator": "A (1879-1970)", "date": "1910"}, "in-copyright"),
        ({"license": "Public Domain Mark 1.0", "creator": "A (1879-1970)", "date": "1910"}, "in-copyright"),
        ({"license": "PD", "creator": "A (1896-1940)", "date": "1941"}, "in-copyright"),
        ({"license": "CC0 OR Public Domain", "creator": "A (1879-1970)", "date": "1910"}, None),
        ({"license": "CC0 AND Public Domain", "creator": "A (1879-1970)", "date": "1910"}, "in-copyright"),
        ({"license": None, "creator": "A (1832-1898)", "date": "1865"}, None),
        ({"license": None, "creator": "A (1832-1898)"}, "licence-unknown"),
        ({"license": None, "creator": "A (1832-1898); B", "date": "1890"}, "licence-unknown"),
        ({"license": None, "creator": "A", "date": "1908"}, "licence-unknown"),
        ({"license": None, "creator": "A (1879-1970)", "date": "1910"}, "licence-unknown"),
        ({"license": None, "date": "1850"}, None),
        ({"license": "Copyright Undetermined", "date": "1850"}, None),
        ({"license": "Copyright Undetermined", "date": "1950"}, "licence-unknown"),
        ({"license": "No known copyright", "creator": "A (1832-1898)", "date": "1865"}, None),
        ({"license": "No known copyright", "creator": "Ministry of Works", "date": "2007"}, "licence-unknown"),
        ({"license": "No known copyright", "creator": "A (1879-1970)", "date": "1910"}, "in-copyright"),
        ({"license": "Public domain in the USA.", "creator": "A (1832-1898)"}, None),
        ({"license": "Public domain in the USA.", "creator": "A"}, "licence-unknown"),
        ({"license": "Public domain in the USA.", "creator": "A (1879-1970)", "date": "1910"}, "in-copyright"),
    ],
)
def test_a_document_passes_or_a_rule_removes_it(row: dict[str, str | None], rule: str | None) -> None:
    assert gate(**row)["rule"] == rule


@pytest.mark.parametrize(
    ("own", "source", "rule"),
    [
        ("CC BY-NC 4.0", "CC0-1.0", "licence-contradicted"),
        ("CC0", "CC BY-NC 4.0", "licence-contradicted"),
        ("All rights reserved", "Public Domain", "licence-contradicted"),
        ("Public Domain", "In copyright", "licence-contradicted"),
        ("CC BY-NC 4.0", "CC BY-ND 4.0", "licence-not-open"),
        ("CC BY 4.0", "Public Domain", None),
        ("See website", "CC0-1.0", "licence-unknown"),
        ("No known copyright", "CC0-1.0", "licence-unknown"),
        (None, "CC0-1.0", None),
        (None, "CC BY-NC 4.0", "licence-not-open"),
    ],
)
def test_a_document_and_its_source_that_contradict_each_other_are_not_trusted(
    own: str | None, source: str, rule: str | None
) -> None:
    verdict = gate(source, license=own)
    assert verdict["rule"] == rule
    if rule == "licence-contradicted":
        assert (verdict["evidence"]["stated"], verdict["evidence"]["source"]) == (own, source)


def test_a_recipe_claims_no_more_than_the_law_allows() -> None:
    assert gate("Public Domain", creator="A (1879-1970)", date="1910")["rule"] == "in-copyright"
    assert gate("CC BY 4.0", creator="A (1879-1970)", date="1910")["rule"] is None


def test_the_basis_names_the_words_and_the_laws_that_support_them() -> None:
    stated = gate(license="Public Domain", creator="A (1832-1898)", date="1865")
    laws = "EU: the last author had died by 1898, 70 years; US: published by 1865, 95 years"
    assert (stated["spdx"], stated["basis"], stated["obligations"]) == (
        PD,
        f"document states 'Public Domain'; {laws}",
        "none",
    )
    silent = gate(creator="A (1832-1898)", date="1865")
    assert (silent["spdx"], silent["basis"]) == (PD, f"public domain by rule; {laws}")
    recipes = gate("Public Domain")
    assert (recipes["spdx"], recipes["basis"]) == (PD, "recipe states 'Public Domain'")
    weak = gate(license="No known copyright", creator="A (1832-1898)", date="1865")
    assert (weak["spdx"], weak["basis"]) == (PD, f"document states 'No known copyright'; {laws}")


def test_the_evidence_holds_the_facts_and_what_each_law_says_of_them() -> None:
    evidence = gate(license="Public Domain", creator="A (1879-1970)", date="1910")["evidence"]
    assert evidence == {
        "stated": "Public Domain",
        "spdx": PD,
        "creator": "A (1879-1970)",
        "date": "1910",
        "as_of": 2026,
        "laws": {
            "EU": "protected: an author died in 1970: 70 years run to 2040 or after",
            "US": "free: published by 1910, 95 years",
        },
    }
    assert gate(license="CC BY-NC 4.0")["evidence"] == {"stated": "CC BY-NC 4.0", "spdx": "CC-BY-NC-4.0"}
    assert gate(license="CC0", date="2087")["evidence"]["notes"] == ["in the future: '2087'"]


def test_the_recipe_names_the_laws_and_the_year() -> None:
    row: dict[str, str | None] = {"license": "Public Domain", "creator": "A (1879-1970)", "date": "1910"}
    assert gate(settings=Licences(jurisdictions=["US"]), **row)["rule"] is None
    assert gate(settings=Licences(jurisdictions=["CA"]), **row)["rule"] is None
    assert gate(settings=Licences(jurisdictions=["US", "MX"]), **row)["rule"] == "in-copyright"
    assert gate(settings=Licences(as_of=2041), **row)["rule"] is None
    assert gate(settings=Licences(as_of=2040), **row)["rule"] == "in-copyright"


def test_the_policy_may_leave_the_public_domain_out() -> None:
    strict = Licences(allow=["CC0-1.0"])
    assert gate(settings=strict, license="Public Domain")["rule"] == "licence-not-open"
    assert gate(settings=strict, creator="A (1832-1898)", date="1865")["rule"] == "licence-not-open"


def test_the_policy_may_take_a_rights_statement_that_no_law_refutes() -> None:
    settings = Licences(allow=["LicenseRef-rightsstatements-NKC"])
    assert gate(settings=settings, license="No known copyright")["rule"] is None
    refuted = gate(settings=settings, license="No known copyright", creator="A (1900-1990)")
    assert refuted["rule"] == "in-copyright"


WORDS = st.one_of(
    st.none(),
    st.sampled_from(
        ["CC0", "CC BY-NC 4.0", "Public Domain", "All rights reserved", "PD", " ", "No known copyright"]
    ),
    st.text(max_size=8),
)
CREATORS = st.one_of(
    st.none(), st.sampled_from(["A (1832-1898)", "A (1879-1970)", "B", "Anonymous"]), st.text(max_size=8)
)
DATES = st.one_of(st.none(), st.sampled_from(["1865", "XIXe siècle", "2087", "s.d.", "1941"]), st.text(max_size=8))
ROWS = st.lists(st.fixed_dictionaries({"license": WORDS, "creator": CREATORS, "date": DATES}), max_size=12)


@given(ROWS, st.sampled_from([None, "CC0-1.0", "CC BY-NC 4.0", "Public Domain"]))
def test_a_batch_is_judged_as_its_documents_are_alone(
    rows: list[dict[str, str | None]], source: str | None
) -> None:
    settings = Licences()
    given_source = Source(path="x", license=source)
    together = judge(batch(rows), given_source, settings).to_pylist()
    assert together == [judge(batch([row]), given_source, settings).to_pylist()[0] for row in rows]
    for verdict in together:
        assert verdict["rule"] is None or verdict["rule"] in RULES_IN_WORDS
        if verdict["rule"] is None:
            assert verdict["spdx"]
            assert verdict["basis"]
            assert verdict["obligations"]
        json.loads(verdict["evidence"])


def test_record_batches_and_chunks_are_judged_alike() -> None:
    rows: list[dict[str, str | None]] = [{"license": "CC0"}, {"license": "CC BY-NC 4.0"}]
    table = pa.concat_tables([batch(rows), batch(rows[::-1])])
    rules = [v["rule"] for v in judge(table, Source(path="x"), Licences()).to_pylist()]
    assert rules == [None, "licence-not-open", "licence-not-open", None]
    (record_batch,) = batch(rows).to_batches()
    assert [v["rule"] for v in judge(record_batch, Source(path="x"), Licences()).to_pylist()] == rules[:2]
    assert len(judge(batch([]), Source(path="x"), Licences())) == 0


shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the real corpus is not beside the repository")


@pytest.mark.shared
@shared
def test_every_document_of_the_real_corpus_passes_with_its_licence() -> None:
    expected = {"Public Domain": PD, "CC-BY": "LicenseRef-CC-BY"}
    for part in sorted((SHARED / "train").glob("*.parquet")):
        documents = pq.read_table(part, columns=list(COLUMNS))
        verdicts = judge(documents, Source(path=str(part)), Licences()).to_pylist()
        for row, verdict in zip(documents.to_pylist(), verdicts, strict=True):
            assert verdict["rule"] is None, (row, verdict)
            assert verdict["spdx"] == expected.get(row["license"], row["license"])
            assert verdict["basis"].startswith(f"document states {row['license']!r}")


@pytest.mark.shared
@shared
def test_the_dirty_documents_meet_the_fate_that_is_expected_of_a_licence_gate() -> None:
    documents = pq.read_table(SHARED / "dirty" / "dirty.parquet")
    verdicts = judge(documents, Source(path="dirty"), Licences()).to_pylist()
    wanted: dict[str, tuple[str | None, ...]] = {
        "nonopen_licence": ("licence-not-open",),
        "nonopen_metadata": ("licence-not-open", "licence-unknown"),
        "missing_licence": ("licence-unknown",),
        "pd_conflict": ("in-copyright",),
        "licence_variant": (None,),
        "bad_metadata": (None,),
        "stale_rights_line": (None,),
        "clean_control": (None,),
    }
    astray = [
        (row["issue"], row["license"], row["creator"], row["date"], verdict["rule"])
        for row, verdict in zip(documents.to_pylist(), verdicts, strict=True)
        if row["issue"] in wanted and verdict["rule"] not in wanted[row["issue"]]
    ]
    # Its date is to support the weak statement, and one of 2007 does not.
    assert astray == [
        ("licence_variant", "No known copyright", "Koninkrijk der Nederlanden", "2007", "licence-unknown")
    ]
    notes = [
        json.loads(verdict["evidence"]).get("notes")
        for row, verdict in zip(documents.to_pylist(), verdicts, strict=True)
        if row["issue"] == "bad_metadata" and row["expected"].startswith("flag")
    ]
    assert notes
    assert all(notes)
