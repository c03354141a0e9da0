"""One document's story, from a finished curation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from octavo.curation.explaining import COPIES, explain
from octavo.errors import InputError
from octavo.summary import print_story
from tests.curation.test_pipeline import ENGLISH, EXACT, FRENCH, SWEDISH, curate_documents

DOCUMENTS: list[dict[str, Any]] = [
    {"identifier": "works/light", "text": ENGLISH, "date": "1887", "title": "The [light]", "creator": "A. Keeper"},
    {"identifier": "works/phare", "text": f"{FRENCH} Écrire à gardien@phare.fr."},
    {"identifier": "works/fyr", "text": SWEDISH, "title": "Fyren"},
    {"identifier": "works/closed", "text": f"{ENGLISH} Two.", "license": "All rights reserved"},
    *({"identifier": f"copies/{n}", "text": ENGLISH} for n in range(COPIES + 2)),
    {"identifier": "works/both", "text": f"{ENGLISH} Both.\n\n{FRENCH} Deux."},
    {"identifier": "works/twice", "text": f"{ENGLISH} Three."},
    {"identifier": "works/twice", "text": " "},
]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("explaining")
    curate_documents(home, DOCUMENTS, languages=["en", "fr"], curation=EXACT)
    return home / "corpus"


def text_at(corpus: Path, place: dict[str, Any]) -> str:
    text: str = pq.read_table(corpus / place["file"]).column("text")[place["row"]].as_py()
    return text


def test_a_kept_document_tells_where_it_came_from_why_it_is_open_and_where_it_lies(corpus: Path) -> None:
    story = explain(corpus, "works/light")
    assert (story["title"], story["creator"], story["date"]) == ("The [light]", "A. Keeper", "1887")
    assert story["source"] == str(corpus.parent / "source.jsonl")
    assert story["licence"] == {
        "stated": "CC0-1.0",
        "spdx": "CC0-1.0",
        "basis": "document states 'CC0-1.0'",
        "obligations": "none",
    }
    assert (story["fate"], story["lang"], story["century"], story["rules"]) == ("kept", "en", 19, [])
    assert (story["split"] in ("train", "held-out"), story["repeats"]) == (True, 1)
    assert list(story["text"]) == ["kept"]
    assert text_at(corpus, story["text"]["kept"]) == ENGLISH


def test_a_changed_document_tells_what_changed_it_and_where_both_texts_lie(corpus: Path) -> None:
    story = explain(corpus, "works/phare")
    (finding,) = story["rules"]
    assert (finding["rule"], finding["did"]) == ("personal-data", "changed")
    assert (finding["found"], finding["evidence"]) == ("E-mail addresses: 1.", {"EMAIL": 1})
    assert story["fate"] == "redacted"
    assert text_at(corpus, story["text"]["kept"]) == f"{FRENCH} Écrire à [EMAIL]."
    assert text_at(corpus, story["text"]["originals"]) == DOCUMENTS[1]["text"]


def test_a_removed_document_tells_which_rule_removed_it_and_why(corpus: Path) -> None:
    story = explain(corpus, "works/fyr")
    (finding,) = story["rules"]
    assert (finding["rule"], finding["did"], finding["evidence"]["lang"]) == ("language", "removed", "sv")
    assert finding["found"].startswith("The language found is sv, with a confidence of ")
    assert (story["bytes_out"], story["content_hash_out"], story["split"]) == (0, None, None)
    assert text_at(corpus, story["text"]["removed"]) == SWEDISH
    closed = explain(corpus, "works/closed")
    assert "The document states “All rights reserved”" in closed["rules"][0]["found"]
    assert closed["licence"]["spdx"] is None


def test_a_copy_tells_its_cluster_and_the_document_that_stayed_and_that_one_tells_its_copies(corpus: Path) -> None:
    story = explain(corpus, "copies/3")
    assert story["copy_of"] == {"identifier": "works/light", "fate": "kept"}
    assert story["cluster"] == story["content_hash_in"]
    assert story["copies"] == {"documents": 0, "first": []}
    original = explain(corpus, "works/light")
    assert (original["copy_of"], original["cluster"]) == (None, None)
    assert original["copies"] == {"documents": COPIES + 2, "first": [f"copies/{n}" for n in range(COPIES)]}


def test_a_document_in_mixed_languages_tells_their_shares_and_where_each_stands(corpus: Path) -> None:
    story = explain(corpus, "works/both")
    assert story["mixed"]
    assert {language["lang"] for language in story["languages"]} == {"en", "fr"}
    assert sum(language["share"] for language in story["languages"]) == pytest.approx(1)
    first, second = story["passages"]
    assert (first["lang"], second["lang"]) == ("en", "fr")
    text = text_at(corpus, story["text"]["kept"])
    assert (first["start"], second["start"], second["end"]) == (0, first["end"], len(text))
    assert first["end"] == pytest.approx(text.index(FRENCH), abs=40)
    single = explain(corpus, "works/light")
    assert (single["languages"], single["mixed"], single["passages"]) == ([{"lang": "en", "share": 1}], False, None)


def test_of_several_of_one_identifier_the_first_is_told_and_the_others_are_named(corpus: Path) -> None:
    story = explain(corpus, "works/twice")
    assert story["fate"] == "kept"
    assert [(other["fate"], other["rule"]) for other in story["namesakes"]] == [("removed", "empty")]


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [
        ("works/lihgt", "works/light"),
        ("phare", "works/phare"),
        ("wroks/fyr", "works/fyr"),
        ("Works/closed", "works/closed"),
    ],
)
def test_an_identifier_that_no_document_has_is_refused_with_the_nearest(
    corpus: Path, asked: str, nearest: str
) -> None:
    with pytest.raises(InputError, match=rf"no document has the identifier '{asked}'; the nearest .*{nearest}"):
        explain(corpus, asked)


def test_where_nothing_is_near_none_is_named(corpus: Path) -> None:
    with pytest.raises(InputError, match=r"no document has the identifier '\?\?'$"):
        explain(corpus, "??")


def test_a_curation_that_is_not_done_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found no finished curation"):
        explain(tmp_path, "works/light")


def test_the_story_is_printed_in_plain_words(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("works/light", "copies/1", "works/phare", "works/closed", "works/both"):
        print_story(corpus, explain(corpus, name))
    said = capsys.readouterr().out
    assert "The [light]" in said
    assert "CC0-1.0; document states 'CC0-1.0'; obligations: none" in said
    assert f"stands for {COPIES + 2}: copies/0" in said
    assert "works/light stands for it (kept)" in said
    assert "by personal-data: Addresses and numbers" in said
    assert f"text as it came: {corpus / 'originals'}" in said
    assert re.search(r"mixed: \w\w \d\d%, \w\w \d\d%; by characters: en 0-\d+; fr \d+-\d+", " ".join(said.split()))
    assert "none understood; stated: All rights reserved" in said
