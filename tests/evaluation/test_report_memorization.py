"""Memorization and document tasks in the report: the figures of the files, and what follows from them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from lxml import etree

from octavo.evaluation.report.figures import report_schema
from tests.conftest import small_recipe
from tests.evaluation.test_report import GAP, SCRIPT, Page, bounds, change, copied, percent, read, written
from tests.evaluation.test_tasks import measured, rightly

TEXT = "Once there stood an old keeper by the sea and told of ships"


@pytest.fixture
def run(small_run: Path, tmp_path: Path) -> Path:
    return copied(small_run, tmp_path / "small")


@pytest.fixture
def with_tasks(run: Path, tmp_path: Path) -> Path:
    """A run whose model does every task."""
    add_tasks(run, tmp_path / "tasks", rightly)
    return run


def add_tasks(run: Path, home: Path, answers: Any) -> None:
    home.mkdir()
    measured(home, answers)
    shutil.copy(home / "tasks.json", run / "evaluation")


def said(decoding: str, span: str, continuation: str = "", **source: str | None) -> dict[str, Any]:
    about = {"identifier": "book", "title": None, "creator": None, "date": None, "licence": None, "url": None}
    return {
        "id": "en-neutral-1",
        "lang": "en",
        "decoding": decoding,
        "continuation": continuation or span,
        "span": span,
        "tokens": len(span.split()),
        "characters": len(span),
        "source": about | source if span else None,
    }


def seen(least: int, most: int | None, share: float, low: float, high: float, tokens: int = 64) -> dict[str, Any]:
    return {
        "seen_least": least,
        "seen_most": most,
        "prompt_tokens": tokens,
        "n": 40,
        "extractable": {"share": share, "low": low, "high": high},
        "verbatim_tokens": {"value": 32 * share, "low": 32 * low, "high": 32 * high, "works": 40},
    }


def test_what_comes_back_is_that_of_the_file(small_run: Path) -> None:
    page, rows = Page(small_run / "evaluation"), read(small_run, "memorization")["extraction"]
    whole = page.table("Texts of which all 32 tokens come back word for word")
    tokens = page.table("Tokens that come back on average")
    words = {(0, 0): "Held out, never seen", (1, None): "Drawn among all", (1, 1): "Seen once"}
    lengths = sorted({row["prompt_tokens"] for row in rows})
    assert lengths == [32, 64]
    for row in rows:
        name, place = words[row["seen_least"], row["seen_most"]], lengths.index(row["prompt_tokens"])
        share = row["extractable"]
        assert whole[name][place] == [percent(share["share"]), f"{bounds(share)} · n = {row['n']}"]
        assert tokens[name][place][0] == f"{row['verbatim_tokens']['value']:.1f}"


def test_spans_are_those_of_the_file_beside_held_out_texts(small_run: Path) -> None:
    page, rows = Page(small_run / "evaluation"), read(small_run, "memorization")["spans"]
    shown = page.table("The longest span of each continuation")
    names = [
        "As recommended (greedy, penalty 1.1)",
        "Greedy, no penalty",
        "Drawn at temperature 1",
        "Held-out texts",
    ]
    assert list(shown) == names
    for row, (number, longest, mean, *reaching) in zip(rows, shown.values(), strict=True):
        assert number == [f"{row['n']}"]
        assert longest == [f"{row['characters']['longest']:.0f}", f"median {row['characters']['median']:g}"]
        assert mean[0] == f"{row['characters']['value']:.1f}"
        assert reaching == [[percent(found["share"]), bounds(found)] for found in row["reaching"].values()]


def test_the_longest_spans_are_shown_once_with_document_and_licence(run: Path) -> None:
    change(
        run,
        "memorization",
        continuations=[
            said("truth", "Of a held-out text that says nothing of the model, however long this may be " * 3),
            said("drawn", "a short formula", "x a short formula y"),
            said("greedy", TEXT, f"He said. {TEXT} & more", title="The Keeper", creator="A. B.", licence="CC0-1.0"),
            said("recommended", TEXT, f"{TEXT}.", title="The Keeper", creator="A. B.", licence="CC0-1.0"),
            said("recommended", "", "nothing of this is copied"),
        ],
    )
    page = written(run)
    assert [mark.text() for mark in page.tree.css("#memorization mark")] == [TEXT, "a short formula"]
    first, second = page.tree.css("#memorization article")
    assert first.css_first(".passage").text() == f"He said. {TEXT} & more"
    told = [part.text() for part in first.css(".origin")]
    assert told == ["English, greedy, no penalty: 59 characters", "From: The Keeper; A. B.; CC0-1.0"]
    assert second.css(".origin")[1].text() == "From: book; licence not known"


def test_spans_of_two_runs_of_one_name_are_shown_as_each_runs_own(
    run: Path, small_run: Path, tmp_path: Path
) -> None:
    other = copied(small_run, tmp_path / "elsewhere" / "small")
    change(run, "memorization", continuations=[said("drawn", "of the first run", title="First")])
    change(other, "memorization", continuations=[said("drawn", "of the second run", title="Second")])
    page = written(run, small_recipe(evaluation={"compare": [str(other)]}))
    assert [model["name"] for model in read(run, "report")["models"]] == ["small", "small-2"]
    assert [mark.text() for mark in page.tree.css("#memorization mark")] == [
        "of the first run",
        "of the second run",
    ]
    told = page.section("memorization")
    assert told.index("First") < told.index("small-2: the longest span") < told.index("Second")


def test_a_span_is_only_text_and_folded_where_it_may_harm(run: Path) -> None:
    change(run, "memorization", continuations=[said("drawn", SCRIPT, f"{SCRIPT}!", title=SCRIPT)])
    page = written(run, score=0.6)
    assert not page.tree.css("script")
    [folded] = page.tree.css("#memorization details details")
    assert folded.css_first("mark").text() == SCRIPT
    assert not written(run, score=0.1).tree.css("#memorization details details")


def test_who_knows_texts_by_heart_is_told_of_it_and_who_does_not_is_not(run: Path) -> None:
    nothing = seen(0, 0, 0.0, 0.0, 0.09)
    change(run, "memorization", extraction=[nothing, seen(1, None, 0.5, 0.35, 0.65), seen(1, 1, 0.5, 0.3, 0.7)])
    page = written(run)
    summary = page.section("summary")
    assert f"Of 40 texts that it was trained on, 50.0{GAP}% (35.0 to 65.0) come back word for word" in summary
    assert f"of 40 held-out texts, 0.0{GAP}% (0.0 to 9.0)" in summary
    assert "It has learnt texts by heart" in summary
    whole = page.table("Texts of which all 32 tokens come back word for word")
    assert whole["Drawn among all"] == [[percent(0.5), "35.0–65.0 · n = 40"]]
    assert page.table("Tokens that come back on average")["Seen once"] == [["16.0", "9.6–22.4"]]
    [svg] = page.tree.css("#memorization svg")
    assert [mark.text() for mark in svg.css("circle title")] == [
        "small, held out, never seen: 0.0 % (0.0 to 9.0)",
        "small, seen once: 50.0 % (30.0 to 70.0)",
    ]
    change(run, "memorization", extraction=[nothing, seen(1, None, 0.0, 0.0, 0.09)])
    page = written(run)
    assert "by heart" not in "".join(node.text() for node in page.tree.css("#summary .verdicts"))
    assert not page.tree.css("#memorization svg")  # one group is no comparison


def test_licences_that_bind_are_named_in_the_summary(run: Path) -> None:
    spans = read(run, "memorization")["spans"]
    spans[0]["licences"] = {"CC-BY-SA-4.0": 2, "CC0-1.0": 1, "unknown": 1}
    spans[-1]["licences"] = {"CC-BY-4.0": 9}  # of held-out texts
    change(run, "memorization", spans=spans)
    page = written(run)
    assert page.table("Licences of the documents")["CC-BY-SA-4.0"][0] == ["2"]
    assert page.table("Licences of the documents")["not known"][0] == ["1"]
    number = sum(row["n"] for row in spans[:-1])
    limit = f"3 of {number} continuations hold a span of 50 characters or 20 tokens"
    assert limit in page.section("summary")
    assert "CC-BY-SA-4.0 (2) and not known (1)" in page.section("summary")
    spans[0]["licences"] = {"CC0-1.0": 3}
    change(run, "memorization", spans=spans)
    assert "hold a span of" not in written(run).section("summary")


def test_tasks_are_those_of_the_file(with_tasks: Path) -> None:
    page = written(with_tasks)
    for row in read(with_tasks, "tasks")["tasks"]:
        examples = "no example" if row["shots"] == 0 else f"{row['shots']} examples"
        items = [
            str(row["n"]),
            f"of {next(iter(row[s] for s in ('bleu', 'gained', 'f1') if s in row))['works']} documents",
        ]
        if row["task"] == "translation":
            chrf, copied_chrf, bleu, copied_bleu, of = page.table("Translation")[f"Latin to English, {examples}"]
            assert chrf == ["100.0", "100.0–100.0"]
            assert bleu[0] == "100.0"
            assert copied_chrf[0] == f"{row['source_copied']['chrf']['value']:.1f}"
            assert copied_bleu[0] == f"{row['source_copied']['bleu']['value']:.1f}"
        elif row["task"] == "ocr":
            before, after, gained, of = page.table("OCR correction")[f"German, {examples}"]
            worse = row["error_rate_before"]
            assert before == [percent(worse["value"]), bounds(worse)]
            assert after[0] == percent(0)
            assert gained[0] == f"+{percent(row['gained']['value'])}"
            assert gained[1] == f"+{100 * row['gained']['low']:.1f} to +{100 * row['gained']['high']:.1f}"
        else:
            f1, copied_f1, exact, of = page.table("Questions on a passage")[f"French, {examples}"]
            assert f1[0] == exact[0] == percent(1)
            assert copied_f1[0] == percent(row["passage_copied"]["f1"]["value"])
        assert of == items
    assert "OCR correction: surely better than the text left as it is in 2 of 2 trials" in page.section("summary")
    assert page.tree.css("nav a[href='#tasks']")
    etree.parse(with_tasks / "evaluation" / "report.html", etree.XMLParser(recover=False))
    report = json.loads((with_tasks / "evaluation" / "report.json").read_bytes())
    assert len(report["models"][0]["tasks"]) == 6
    assert list(jsonschema.Draft202012Validator(report_schema()).iter_errors(report)) == []


def test_a_model_that_is_worse_than_doing_nothing_is_not_praised(run: Path, tmp_path: Path) -> None:
    add_tasks(run, tmp_path / "tasks", lambda prompt, decoding: "\n")
    page = written(run)
    for task in ("Translation", "OCR correction", "Questions on a passage"):
        assert f"{task}: in none of 2 trials by language and number of examples" in page.section("summary")
        assert f"{task}: surely better" not in page.section("summary")
    assert page.table("OCR correction")["German, no example"][2][0].startswith("\N{MINUS SIGN}")


def test_without_tasks_the_page_says_nothing_of_them(run: Path) -> None:
    page = written(run)
    assert not page.tree.css("#tasks, a[href='#tasks']")
    assert "tasks" not in page.section("summary")


def test_two_models_stand_side_by_side_and_other_items_are_marked(
    with_tasks: Path, small_run: Path, tmp_path: Path
) -> None:
    other = copied(small_run, tmp_path / "other")
    change(other, "memorization", extraction=[seen(0, 0, 0, 0, 0.1), seen(5, 8, 0.25, 0.1, 0.4)])
    shutil.copy(with_tasks / "evaluation" / "tasks.json", other / "evaluation")
    answers = read(other, "tasks")["answers"]
    for answer in answers:
        if answer["task"] == "ocr":
            answer["expected"] = ["another text"]
    change(other, "tasks", answers=answers)
    page = written(with_tasks, small_recipe(evaluation={"compare": [str(other)]}))
    assert {node.text() for node in page.tree.css("#memorization thead .group")} == {"small", "other"}
    whole = page.table("Texts of which all 32 tokens come back word for word")
    assert whole["Seen 5 to 8 times"] == [["–"], ["–"], ["–"], [percent(0.25), "10.0–40.0 · n = 40"]]
    assert "other, seen 5 to 8 times: 25.0 % (10.0 to 40.0)" in [
        title.text() for title in page.tree.css("#memorization svg rect title")
    ]
    own, others = (page.table("OCR correction")["German, no example"][place][1] for place in (3, 7))
    assert others == f"{own} · other items"
    assert "other items" not in str(page.table("Translation"))
