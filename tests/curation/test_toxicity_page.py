"""What a person is shown of harmful passages: the story of a document, and a part of the page."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from octavo.curation.explaining import explain
from octavo.curation.toxicity import page as toxicity_page
from octavo.curation.toxicity.scoring import DIMENSIONS
from octavo.summary import print_story
from tests.curation.chat_server import serving
from tests.curation.test_pipeline import curate_documents
from tests.curation.test_report_page import Page
from tests.curation.test_weighing import FULL, MILD, TEXT, VILE, decision, milder, rewriting, toxicity


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A curation with a removed, an annotated and a rewritten passage, and a document that went whole."""
    home = tmp_path_factory.mktemp("told")
    documents = [
        {"identifier": "removed", "text": TEXT, "collection": "Letters", "date": "1801", "title": "<b>Bold</b>"},
        {"identifier": "annotated", "text": TEXT.replace("miller", "priest"), "collection": "Plays"},
        {"identifier": "rewritten", "text": TEXT.replace("miller", "farmer"), "collection": "Novels"},
        {"identifier": "whole", "text": FULL, "collection": "Letters"},
    ]
    decisions = [
        decision("annotate", collections=["Plays"]),
        decision("rewrite", collections=["Novels"]),
        decision("remove"),
    ]
    with serving(milder) as server:
        settings = toxicity(decisions=decisions, rewriting=rewriting(server))
        curate_documents(home, documents, curation=settings)
    return home / "corpus"


def test_a_documents_story_shows_its_passages_with_scores_decision_and_both_texts(
    told: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    story = explain(told, "rewritten")
    (passage,) = story["harmful"]
    assert (passage["decision"], passage["action"], passage["outcome"]) == (1, "rewrite", "rewritten")
    assert (passage["text"], passage["instead"], passage["model"]) == (VILE, MILD, "m")
    assert (story["fate"], story["synthetic_bytes"]) == ("rewritten", len(MILD))
    (finding,) = story["rules"]
    assert finding["found"].startswith(f"Flagged passages: rewritten 1; {len(VILE)} bytes to rewrite; the highest")
    print_story(told, story)
    said = capsys.readouterr().out
    assert f"rewritten (bytes {passage['start']:,}-{passage['end']:,}, " in said
    assert said.index(VILE) < said.index(f"by m: {MILD}")
    (annotated,) = explain(told, "annotated")["harmful"]
    assert (annotated["outcome"], annotated["instead"]) == ("annotated", None)
    whole = explain(told, "whole")
    assert "of the text was to be removed, and 50" in whole["rules"][0]["found"]


def test_the_page_shows_what_was_taken_out_folded_and_with_a_warning(told: Path) -> None:
    page = Page(told / "report.html")
    folded = {node.attributes["id"]: node for node in page.tree.css("#toxicity details")}
    assert list(folded) == ["toxicity-removed", "toxicity-annotated", "toxicity-rewritten"]
    assert all("open" not in node.attributes and "may insult" in node.text() for node in folded.values())
    assert len(folded["toxicity-removed"].css("article")) == 2
    removed = folded["toxicity-removed"].text()
    for said in ("<b>Bold</b>", "1801", "CC0-1.0", VILE, "decision 2, with the whole document"):
        assert said in removed
    (example,) = folded["toxicity-rewritten"].css("article")
    assert [node.text() for node in example.css("h5")] == ["Before", "After, synthetic"]
    assert "vermin" in "".join(node.text() for node in example.css("del"))
    assert "by m, information retention 1.00" in example.text()


def test_outside_the_folded_parts_nothing_harmful_is_shown_of_what_was_found(told: Path) -> None:
    tree = Page(told / "report.html").tree
    for node in tree.css("#toxicity details"):
        node.decompose()
    removed_documents = tree.css_first("#removed-toxicity")
    assert removed_documents is not None
    assert removed_documents.css_first("a[href='#toxicity']")
    assert tree.body is not None
    assert "vermin" not in tree.body.text()


def test_the_page_counts_decisions_outcomes_and_shares(told: Path) -> None:
    table = Page(told / "report.html").table("toxicity")
    assert table["0: annotate where any score is 2.0 or more and in Plays"] == ["1"]
    assert table["2: remove where any score is 2.0 or more"] == ["2"]
    assert table["were rewritten by a model"] == ["1", f"{len(VILE)}"]
    assert table["Letters"][0] == "9"
    assert table["English (en)"][-2:] == ["4", "1"]


def test_annotated_passages_with_the_highest_scores_are_shown_first(told: Path) -> None:
    passages = [
        {"identifier": f"d{n}", "start": 0, "outcome": "annotated", "scores": dict.fromkeys(DIMENSIONS, n / 50)}
        for n in range(90)
    ]
    file = told.parent / "many.parquet"
    pq.write_table(pa.Table.from_pylist(passages, schema=pq.read_schema(told / "passages.parquet")), file)
    chosen = toxicity_page.choose(file, 1)["annotated"]
    assert [passage["identifier"] for passage in chosen] == [f"d{n}" for n in range(89, 39, -1)]


def test_which_removed_passages_are_shown_depends_on_the_seed_alone(told: Path) -> None:
    passages = [
        {"identifier": f"d{n}", "start": 0, "outcome": "removed", "scores": dict.fromkeys(DIMENSIONS, 2.0)}
        for n in range(300)
    ]
    schema = pq.read_schema(told / "passages.parquet")
    drawn = []
    for name, given, seed in (("a", passages, 1), ("b", passages[::-1], 1), ("c", passages, 2)):
        file = told.parent / f"{name}.parquet"
        pq.write_table(pa.Table.from_pylist(given, schema=schema), file)
        drawn.append([passage["identifier"] for passage in toxicity_page.choose(file, seed)["removed"]])
    assert len(drawn[0]) == 100
    assert drawn[0] == drawn[1] != drawn[2]
