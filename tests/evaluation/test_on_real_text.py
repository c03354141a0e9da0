"""What the measures rest on, on real text beside the repository: the two detectors, and the features of old spelling."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from octavo.evaluation.adherence import UNDECIDED, detect
from octavo.evaluation.spelling_features import features_of
from octavo.recipe.schema import LANGUAGES

CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "train"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not CORPUS.is_dir(), reason="the real corpus is not beside the repository"),
]


@cache
def rows(lang: str) -> list[tuple[int, str]]:
    """Year (0 where unknown) and text."""
    table = pq.read_table(CORPUS / f"train-{lang}.parquet", columns=["date", "text"])
    years = [int(date[:4]) if date and date[:4].isdigit() else 0 for date in table["date"].to_pylist()]
    return list(zip(years, table["text"].to_pylist(), strict=True))


def test_where_both_detectors_agree_they_are_right_and_they_seldom_do_not() -> None:
    random.seed(1)
    found = []
    for lang in LANGUAGES:
        for _, text in random.sample(rows(lang), 150):
            at = random.randrange(max(1, len(text) - 300))
            found.append((lang, detect(text[at : at + 230])))
    decided = [(lang, seen) for lang, seen in found if seen != UNDECIDED]
    assert len(decided) / len(found) > 0.95
    assert sum(lang == seen for lang, seen in decided) / len(decided) > 0.99


@pytest.mark.parametrize(
    ("lang", "name"),
    [(f.lang, f.name) for lang in ("en", "fr", "de", "la") for f in features_of(lang) if f.tells_age],
)
def test_modern_texts_have_almost_no_old_forms(lang: str, name: str) -> None:
    [feature] = [f for f in features_of(lang) if f.name == name]
    old = sites = 0
    for year, text in rows(lang):
        if year >= 1920:
            half = len(text) // 2
            counted = feature.rates(text[half : half + 3000])
            old, sites = old + counted[0], sites + counted[1]
    assert old <= 0.04 * sites + 2


@pytest.mark.parametrize("lang", ["de", "la"])
def test_in_texts_of_the_time_the_long_s_stands_where_the_rule_puts_it(lang: str) -> None:
    long_s, long_s_end = (f for f in features_of(lang) if f.name.startswith("long_s"))
    texts = [text[:20_000] for year, text in rows(lang) if 1450 < year < 1800 and text.count("ſ") * 100 > len(text)]
    for feature in (long_s, long_s_end):
        counted = [feature.rates(text) for text in texts]
        assert sum(old for old, _ in counted) / sum(of for _, of in counted) > 0.95
