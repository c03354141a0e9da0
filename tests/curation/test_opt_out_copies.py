"""Copies of what opted out, by their texts and signatures alone."""

from __future__ import annotations

import json
from typing import Any

import daft
import pyarrow as pa

from octavo.corpus.schema import content_hash
from octavo.curation import opt_out_copies
from octavo.curation.near_duplicates import bands, signatures, similarity
from octavo.curation.opt_out_copies import OF_A_BAND, find_copies
from octavo.curation.words import read_words
from tests.curation.test_opt_outs import OTHER, PAGE


def frame(documents: list[dict[str, Any]]) -> Any:
    """Verdicts of documents given by row, identifier, content_hash and text."""
    found = signatures(read_words(pa.array([d["text"] for d in documents], pa.large_string())), 4)
    evidence = json.dumps({"opt-out": {"field": "identifiers", "entry": "*"}})
    rows = [
        {
            "row": document["row"],
            "identifier": document.get("identifier", ""),
            "content_hash": document.get("content_hash", content_hash(document["text"])),
            "evidence": evidence,
            "signature": own.tobytes(),
            "bands": hashes.tolist(),
        }
        for document, own, hashes in zip(documents, found, bands(found), strict=True)
    ]
    types = [("signature", pa.large_binary()), ("bands", pa.large_list(pa.uint64()))]
    texts = [(name, pa.large_string()) for name in ("identifier", "content_hash", "evidence")]
    return daft.from_arrow(pa.Table.from_pylist(rows, schema=pa.schema([("row", pa.int64()), *texts, *types])))


def copied(opted_out: list[dict[str, Any]], still_in: list[dict[str, Any]]) -> dict[int, str]:
    """Of each copy that is found the identifier of its original."""
    found = find_copies(frame(opted_out), frame(still_in), 0.5).to_pylist()
    return {copy["row"]: json.loads(copy["evidence"])["copy_of"] for copy in found}


def test_of_several_originals_the_same_text_counts_then_the_most_alike_then_the_first() -> None:
    close, far = PAGE.replace("miller", "millar"), PAGE.replace("miller", "millar").replace("snow", "slush")
    originals = [
        {"row": 1, "identifier": "far", "text": far},
        {"row": 2, "identifier": "close", "text": close},
        {"row": 3, "identifier": "close again", "text": close},
        {"row": 4, "identifier": "same", "text": PAGE},
    ]
    assert copied(originals, [{"row": 9, "text": PAGE}]) == {9: "same"}
    assert copied(originals[:3], [{"row": 9, "text": PAGE}, {"row": 5, "text": OTHER}]) == {9: "close"}
    assert copied(originals[:1], [{"row": 9, "text": PAGE}]) == {9: "far"}


def test_a_text_without_words_is_like_nothing() -> None:
    originals = [{"row": 1, "identifier": "dots", "text": "..."}]
    assert copied(originals, [{"row": 9, "text": "!!!"}]) == {}
    assert copied(originals, [{"row": 9, "text": "..."}]) == {9: "dots"}


def test_of_forms_filled_in_alike_no_pair_of_all_is_made(monkeypatch) -> None:
    compared = []

    def counted(one, other):
        compared.append(len(one))
        return similarity(one, other)

    monkeypatch.setattr(opt_out_copies, "similarity", counted)
    forms = [{"row": n, "identifier": f"form {n}", "text": f"{PAGE} Number {n}."} for n in range(400)]
    found = copied(forms[:200], forms[200:])
    assert sorted(found) == list(range(200, 400))
    assert sum(compared) <= 200 * 3 * OF_A_BAND
    empty = [{"row": n, "text": "." * n} for n in range(1, 100)]
    assert copied(empty[:50], empty[50:]) == {}
    assert sum(compared) <= 200 * 3 * OF_A_BAND


def test_where_none_opted_out_no_other_document_is_looked_at() -> None:
    nothing = daft.from_pydict({"row": pa.array([], pa.int64())})
    assert find_copies(nothing, None, 0.5).num_rows == 0
