"""The mixture: shares asked and shares got, bounds on repeats, and lots that do not depend on one another."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.curation.mixture import compare, repeats
from octavo.errors import InputError
from octavo.recipe.curation import Mixture


def documents(**bytes_by_lang: int) -> pa.Table:
    rows = [
        {"identifier": f"{lang}{n}", "lang": lang, "collection": "c" + str(n % 2), "century": "19", "bytes": 1000}
        for lang, total in bytes_by_lang.items()
        for n in range(total // 1000)
    ]
    return pa.Table.from_pylist(rows)


def test_without_targets_every_document_is_taken_once() -> None:
    assert repeats(documents(en=5000, fr=1000), Mixture(), 1).tolist() == [1] * 6


def test_shares_of_the_bytes_are_as_asked() -> None:
    corpus = documents(en=900_000, fr=100_000, de=300_000)
    settings = Mixture(languages={"en": 0.4, "fr": 0.3, "others": 0.3})
    taken = repeats(corpus, settings, 1)
    for name, share in compare(corpus, taken, settings)["lang"].items():
        assert share["got"] == pytest.approx(share["asked"], abs=0.03), name
    assert taken.max() <= 4


def test_the_bound_on_repeats_makes_the_whole_smaller_and_keeps_the_shares() -> None:
    corpus = documents(en=900_000, la=10_000)
    settings = Mixture(languages={"en": 0.5, "la": 0.5}, max_repeats=2)
    taken = repeats(corpus, settings, 1)
    assert set(taken[900:].tolist()) == {2}
    assert compare(corpus, taken, settings)["lang"]["la"]["got"] == pytest.approx(0.5, abs=0.1)


def test_two_dimensions_are_met_together() -> None:
    corpus = documents(en=500_000, fr=500_000)
    settings = Mixture(languages={"en": 0.7, "fr": 0.3}, collections={"c0": 0.8, "c1": 0.2})
    found = compare(corpus, repeats(corpus, settings, 3), settings)
    assert found["lang"]["en"]["got"] == pytest.approx(0.7, abs=0.04)
    assert found["collection"]["c0"]["got"] == pytest.approx(0.8, abs=0.04)


def test_shares_of_what_is_not_there_alone_are_refused() -> None:
    with pytest.raises(InputError, match=r"curation\.mixture: found no document in fr \(lang\)"):
        repeats(documents(en=5000), Mixture(languages={"fr": 1.0}), 1)
    assert repeats(documents(en=5000), Mixture(languages={"fr": 0.5, "en": 0.5}), 1).tolist() == [1] * 5


def test_shares_that_no_document_has_together_are_refused() -> None:
    corpus = documents(en=5000, fr=5000)
    of = pa.array(["A" if lang == "en" else "B" for lang in corpus["lang"].to_pylist()])
    corpus = corpus.set_column(corpus.column_names.index("collection"), "collection", of)
    with pytest.raises(
        InputError, match=r"curation\.mixture: found no document that has a share in each of lang, c"
    ):
        repeats(corpus, Mixture(languages={"fr": 1.0}, collections={"A": 1.0}), 1)


@given(st.integers(0, 2**32))
def test_a_documents_lot_depends_on_its_name_and_the_seed_alone(seed: int) -> None:
    corpus = documents(en=40_000, fr=40_000)
    settings = Mixture(languages={"en": 0.25, "fr": 0.75})
    order = np.random.default_rng(seed).permutation(len(corpus))
    assert (repeats(corpus, settings, seed)[order] == repeats(corpus.take(order), settings, seed)).all()
