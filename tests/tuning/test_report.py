"""The report of a tune: its figures are those of the run's files, and it says plainly where a model is of no use."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from selectolax.lexbor import LexborHTMLParser

from octavo.errors import InputError
from octavo.tuning.answers import measures as answers_measures
from octavo.tuning.base_name import base_name
from octavo.tuning.ocr import measures as ocr_measures
from octavo.tuning.pair_licences import UNSTATED, stated_licences
from octavo.tuning.report.figures import Report, ScoreRow
from octavo.tuning.report.metrics import METRICS, SYSTEMS, name_of_group
from octavo.tuning.report.samples import best_and_worst, ordered, shown
from octavo.tuning.report.verdicts import Verdict, findings, is_better, summary
from octavo.tuning.report.writing import write_report
from octavo.tuning.translation import measures as translation_measures
from tests.tuning.tunes import SCRIPT, evaluation, scores, tune_recipe, write_tune

GAP = "\N{NARROW NO-BREAK SPACE}"
TASKS = ("ocr", "translation", "rag")


class Page:
    """A page with what it says."""

    def __init__(self, home: Path) -> None:
        self.source = (home / "report.html").read_text(encoding="utf-8")
        self.tree = LexborHTMLParser(self.source)

    def table(self, caption: str) -> dict[str, list[str]]:
        """By the heading of each row what its cells say."""
        [table] = [t for t in self.tree.css("table") if t.css_first("caption").text().startswith(caption)]
        return {
            row.css_first("th").text(): [cell.text() for cell in row.css("td")] for row in table.css("tbody tr")
        }

    def section(self, name: str) -> str:
        return " ".join(self.tree.css_first(f"#{name}").text().split())


def written(run: Path, task: str, figures: dict[str, Any] | None = None, **options: Any) -> Page:
    write_tune(run, task, **options)
    write_report(tune_recipe(task), run, run / "evaluation", figures or evaluation(task))
    return Page(run / "evaluation")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Page]:
    return {task: written(tmp_path_factory.mktemp("tunes") / task, task) for task in TASKS}


def rows(task: str, **changed: tuple[float, float, float]) -> list[ScoreRow]:
    """Figures of the main metric over all, by the system's name with _ for blanks: value and interval."""
    metric = {"ocr": "character error rate", "translation": "chrF", "rag": "F1"}[task]
    return [
        ScoreRow(
            system=system.replace("_", " "),
            by="all",
            group="all",
            metric=metric,
            value=v,
            low=lo,
            high=hi,
            works=50,
        )
        for system, (v, lo, hi) in changed.items()
    ]


@pytest.mark.parametrize("task", TASKS)
def test_the_page_is_well_formed_and_whole_in_itself(pages: dict[str, Page], task: str) -> None:
    page = pages[task]
    etree.fromstring(page.source.encode(), etree.XMLParser(recover=False))
    assert not page.tree.css("script, link, iframe, object, img")
    addresses = [node.attributes["href"] or "" for node in page.tree.css("[href]")]
    assert addresses
    assert all(address.startswith("#") and page.tree.css_first(address) for address in addresses)
    assert "url(" not in page.source
    assert "@import" not in page.source
    assert re.findall(r"https?://[^\"'\s]*", page.source.replace('"http://www.w3.org/2000/svg"', "")) == []
    assert all(table.css_first("caption").text() for table in page.tree.css("table"))
    levels = [int(node.tag[1]) for node in page.tree.css("h1, h2, h3")]
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


@pytest.mark.skipif(not shutil.which("chromium"), reason="needs Chromium")
def test_nothing_of_the_page_is_wider_than_the_screen(tmp_path: Path) -> None:
    written(tmp_path / "tune", "ocr")
    file = tmp_path / "tune" / "evaluation" / "report.html"
    root = "document.documentElement"
    probe = f"<script>document.title = {root}.scrollWidth - {root}.clientWidth</script></body>"
    file.write_text(file.read_text().replace("</body>", probe))
    # Chromium's windows have a least width, so that the pages lie in frames.
    frames = tmp_path / "frames.html"
    frames.write_text(
        "".join(f'<iframe src="{file.as_uri()}" style="width:{width}px"></iframe>' for width in (1280, 390))
        + "<script>onload = () => document.title = [0, 1].map(n => frames[n].document.title).join()</script>"
    )
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", "--dump-dom"]
    command = ["chromium", *options, f"--user-data-dir={tmp_path / 'browser'}", frames.as_uri()]
    told = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    assert "<title>0,0</title>" in told


def test_it_says_which_base_was_taught_what_by_how_much(pages: dict[str, Page]) -> None:
    page = pages["ocr"]
    assert page.tree.css_first("h1").text() == "tuned-ocr: OCR correction"
    lead = "alder, a model of 12,345,678 parameters, was taught OCR correction by 4,900 pairs of 1,225 documents."
    assert lead in " ".join(page.tree.css_first(".lead").text().split())
    shown = page.table("Pairs by language")
    assert shown["German"] == ["2,450", "270", "612"]
    assert shown["All"] == ["4,900of 1,225 documents", "540of 135 documents", "1,224of 306 documents"]
    assert "1,234 examples were made of documents" in page.section("pairs")
    assert "CC-BY-4.0 (6,000 pairs), CC0-1.0 (678 pairs)" in page.section("pairs")


def test_what_was_left_out_is_told_with_the_reason_and_an_example(pages: dict[str, Page]) -> None:
    shown = pages["ocr"].table("Pairs that were left out")
    assert shown == {"sides swapped": ["11", f"p-9{SCRIPT}"], "empty": ["3", "p-7the printed side"]}


@pytest.mark.parametrize("task", TASKS)
def test_each_metric_has_a_table_with_the_systems_side_by_side(pages: dict[str, Page], task: str) -> None:
    page, figures = pages[task], scores(task)
    for metric in {row["metric"] for row in figures}:
        name = metric[0].upper() + metric[1:]
        [table] = [
            t for t in page.tree.css("#figures table") if t.css_first("caption").text().startswith(f"{name}:")
        ]
        systems = [node.text() for node in table.css("thead th")][1:-1]
        assert systems[0] == "model"
        assert set(systems) == {row["system"] for row in figures if row["metric"] == metric}
        lines = [line for line in table.css("tbody tr") if line.css("td")]
        assert len(lines) == len({(row["by"], row["group"]) for row in figures if row["metric"] == metric})
    assert METRICS[metric].meaning in page.section("figures")


def test_figures_and_intervals_are_those_that_were_measured(pages: dict[str, Page]) -> None:
    shown = pages["ocr"].table("Character error rate")
    assert shown["All test pairs"] == [
        f"3.10{GAP}%2.94–3.26",
        f"5.20{GAP}%4.94–5.46",
        f"5.20{GAP}%4.94–5.46",
        f"3.41{GAP}%3.24–3.58",
        "42",
    ]
    assert shown["below 1 %"][:2] == [f"0.51{GAP}%0.48–0.54", f"0.50{GAP}%0.47–0.53"]
    assert {"Language", "German", "Century", "19th century", "Character error rate at the start"} <= set(shown)
    assert pages["translation"].table("ChrF")["Latin to English"][0] == "31.429.8–33.0"


def test_the_best_of_a_row_is_bold_whichever_way_the_metric_goes(pages: dict[str, Page]) -> None:
    for task, caption, best in (
        ("ocr", "Character", "3.10"),
        ("ocr", "Over", "0.000"),
        ("translation", "ChrF", "31.4"),
    ):
        [table] = [
            t for t in pages[task].tree.css("#figures table") if t.css_first("caption").text().startswith(caption)
        ]
        line = table.css_first("tbody tr")
        assert {node.text().partition(GAP)[0] for node in line.css("b")} == {best}


def test_a_model_that_is_better_is_said_to_be() -> None:
    better = rows("ocr", model=(0.03, 0.02, 0.04), do_nothing=(0.06, 0.05, 0.07), dictionary=(0.05, 0.045, 0.06))
    assert summary("ocr", better) == "The model is better than doing nothing and a dictionary."
    assert [one.kind for one in findings("ocr", better)] == ["found", "found"]


def test_a_model_that_is_no_better_than_doing_nothing_is_plainly_called_so() -> None:
    worse = rows("ocr", model=(0.08, 0.075, 0.09), do_nothing=(0.06, 0.05, 0.07))
    said = summary("ocr", worse)
    assert said == "The model is no better than doing nothing: as it is, there is no reason to use it."
    [finding] = findings("ocr", worse)
    assert finding.kind == "limit"
    assert finding.text.startswith("Worse than doing nothing: character error rate")
    same = rows("ocr", model=(0.06, 0.05, 0.07), do_nothing=(0.06, 0.05, 0.07))
    assert "no better than doing nothing" in summary("ocr", same)


def test_what_the_figures_do_not_prove_is_not_claimed() -> None:
    near = rows("translation", model=(30.0, 27.0, 33.0), copy_the_source=(28.0, 25.0, 31.0))
    assert is_better("translation", near, "copy the source") is Verdict.BETTER
    assert "do not prove it" in summary("translation", near)
    assert "could say whether" in summary("translation", near[:1])


def test_a_difference_document_by_document_is_surer_than_two_intervals() -> None:
    ours, theirs = rows("ocr", model=(0.05, 0.03, 0.07), do_nothing=(0.06, 0.04, 0.08))
    assert is_better("ocr", [ours, theirs], "do nothing") is Verdict.BETTER
    apart = theirs.model_copy(update={"lead_low": -0.012, "lead_high": -0.008})
    assert is_better("ocr", [ours, apart], "do nothing") is Verdict.SURELY_BETTER
    crosses = theirs.model_copy(update={"lead_low": -0.03, "lead_high": 0.01})
    assert is_better("ocr", [ours, crosses], "do nothing") is Verdict.BETTER
    left = ours.model_copy(update={"metric": "share of errors left", "value": 0.83})
    assert f"17.0{GAP}% are gone" in findings("ocr", [ours, apart, left])[0].text


def test_the_model_without_its_guard_is_no_baseline() -> None:
    found = rows(
        "ocr", model=(0.03, 0.02, 0.04), do_nothing=(0.06, 0.05, 0.07), model_without_guard=(0.02, 0.01, 0.03)
    )
    assert summary("ocr", found) == "The model is better than doing nothing."


def test_clean_documents_that_get_worse_are_a_limit() -> None:
    def of(value: float) -> list[ScoreRow]:
        given = rows("ocr", model=(0.03, 0.02, 0.04), do_nothing=(0.06, 0.05, 0.07))
        clean = {"by": "start", "group": "below 1 %"}
        after = given[0].model_copy(update=clean | {"value": value})
        return [*given, after, given[1].model_copy(update=clean | {"value": 0.005})]

    assert "leave them as they are" in next(o.text for o in findings("ocr", of(0.008)) if o.kind == "limit")
    assert all(one.kind == "found" for one in findings("ocr", of(0.006)))


def test_languages_in_which_it_is_no_better_are_named() -> None:
    given = rows("translation", model=(30.0, 28.0, 32.0), copy_the_source=(12.0, 11.0, 13.0))
    better = [row.model_copy(update={"by": "lang", "group": "la-en"}) for row in given]
    worse = [row.model_copy(update={"by": "lang", "group": "fr-de", "value": 42.0 - row.value}) for row in given]
    texts = [one.text for one in findings("translation", [*given, *better, *worse]) if one.kind == "limit"]
    assert texts == ["No better than the source left as it is in French to German."]


def test_a_model_that_changes_nothing_is_said_to() -> None:
    given = rows("ocr", model=(0.06, 0.05, 0.07), do_nothing=(0.06, 0.05, 0.07))
    idle = [
        given[0].model_copy(update={"metric": metric, "value": value, "low": value, "high": value})
        for metric, value in (("share of errors left", 1.0), ("over-correction rate", 0.0))
    ]
    assert any(one.text.startswith("It left the texts as they were") for one in findings("ocr", [*given, *idle]))
    assert not any("left the texts" in one.text for one in findings("ocr", [*given, idle[1]]))


def test_settings_are_told_and_of_many_counts_the_first(tmp_path: Path) -> None:
    settings = {
        "margins": {"0": 1e6, "0.03": 2.0},
        "refused": {f"reason {n}": 1200 - n for n in range(11)},
        "fit": {"before": 0.05},
    }
    page = written(tmp_path / "tune", "ocr", evaluation("ocr") | {"settings": settings})
    told = page.table("What the task's commands go by")
    assert (told["margins: 0"], told["fit: before"]) == (["1,000,000"], ["0.05"])
    assert told["refused: reason 0"] == ["1,200"]
    assert "refused: reason 8" not in told
    assert told["refused: others"] == ["3 more, in report.json"]


def test_few_documents_are_a_limit() -> None:
    few = [
        row.model_copy(update={"works": 1})
        for row in rows("rag", model=(0.5, 0.4, 0.6), first_source=(0.1, 0, 0.2))
    ]
    assert any("measured on 1 document:" in one.text for one in findings("rag", few))


def test_the_verdict_stands_on_the_page(pages: dict[str, Page], tmp_path: Path) -> None:
    assert "The model is better than doing nothing and a dictionary." in pages["ocr"].section("summary")
    worse = written(tmp_path / "worse", "rag", evaluation("rag", better=False)).section("summary")
    assert "The model is no better than the best sentence that a search finds or the first source" in worse


def test_the_course_of_the_training_says_which_step_was_taken(pages: dict[str, Page]) -> None:
    page = pages["ocr"]
    said = page.section("training")
    assert "It ended after 50 of 60 steps, as the held-out answers had long become no likelier" in said
    assert "the weights of step 40 were taken" in said
    shown = page.table("Held-out answers, bits per byte")
    assert shown["Mean"] == ["1.250", "0.900", "0.920"]
    told = [svg.css_first("title").text() for svg in page.tree.css("#training svg")]
    assert any(title.startswith("Held-out text, bits per byte") for title in told)
    assert page.table("Learning rates tried") == {"0.0001": ["0.910"], "0.0003": ["0.880taken"]}


def test_a_tune_without_sweep_or_measurements_has_a_page_too(tmp_path: Path) -> None:
    run = write_tune(tmp_path / "plain", "ocr", sweep=False)
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    (run / "metrics.jsonl").write_text("".join(json.dumps({**line, "held_out": {}}) + "\n" for line in lines))
    write_report(tune_recipe(), run, run / "evaluation", evaluation("ocr") | {"samples": [], "settings": {}})
    page = Page(run / "evaluation")
    assert "were not measured in the course of the training" in page.section("training")
    assert "There are no samples." in page.section("samples")
    assert not [t for t in page.tree.css("caption") if t.text().startswith("Learning rates tried")]
    etree.fromstring(page.source.encode(), etree.XMLParser(recover=False))


@pytest.mark.parametrize("task", TASKS)
def test_what_comes_from_data_is_only_text(pages: dict[str, Page], task: str) -> None:
    assert SCRIPT.partition(" &")[0] in pages[task].tree.css_first("#samples").text()


def test_changed_words_of_a_correction_are_marked(pages: dict[str, Page]) -> None:
    article = pages["ocr"].tree.css_first("#samples article")
    assert "3 wrong characters before, 0 after" in article.css_first(".origin").text()
    assert [node.text() for node in article.css("del")] == ["Zeitnng", "täg1ich", "koftet"]
    assert [node.text() for node in article.css("mark")] == ["Zeitung", "täglich", "koſtet"]


def test_samples_go_from_the_best_to_the_worst_and_none_comes_twice() -> None:
    samples = ordered("ocr", evaluation("ocr")["samples"])
    assert [one.id for one in samples[:3]] == ["page-0", "page-1", "page-3"]
    assert samples[-1].likeness < 0 < samples[0].likeness
    for count in range(len(samples) + 1):
        best, worst, others = best_and_worst(samples[:count], 2)
        assert sorted(one.id for one in [*best, *worst, *others]) == sorted(one.id for one in samples[:count])
        assert len(best) <= 2
        assert len(worst) <= 2


def test_a_refusal_is_right_where_the_sources_hold_nothing() -> None:
    samples = ordered("rag", evaluation("rag")["samples"])
    assert (samples[0].id, samples[0].likeness) == ("q2", 1.0)
    said = {text.label: text.segments[0].text for text in shown("rag", samples[0]).texts}
    assert said["The model"] == "No answer."
    assert said["Right answer"] == "None: the sources do not hold it."


def test_a_long_text_is_shortened() -> None:
    long = "wort " * 600
    [sample] = ordered("ocr", [{"source": long, "answer": long, "truth": long}])
    for text in shown("ocr", sample).texts:
        said = "".join(segment.text for segment in text.segments)
        assert len(said) < 1300
        assert said.endswith(" …")


def test_the_report_for_programs_has_the_same_figures(tmp_path: Path) -> None:
    written(tmp_path / "tune", "rag")
    report = Report.model_validate_json((tmp_path / "tune" / "evaluation" / "report.json").read_bytes())
    assert [row.model_dump(exclude={"lead_low", "lead_high"}) for row in report.scores] == evaluation("rag")[
        "scores"
    ]
    assert (report.base, report.chosen_step, report.learning_rate) == ("alder", 40, 3e-4)
    assert report.pairs.left_out == {"empty": 3, "sides swapped": 11}


def test_all_that_is_measured_is_explained() -> None:
    metrics = {
        *(ocr_measures.CHARACTERS, ocr_measures.WORDS, ocr_measures.LEFT, ocr_measures.HARMED),
        *(translation_measures.CHRF, translation_measures.BLEU, translation_measures.RIGHT_LANGUAGE),
        *(translation_measures.NOTHING, translation_measures.LIMITED),
        *answers_measures._METRICS,
    }
    assert metrics == set(METRICS)
    systems = {
        *(ocr_measures.NOTHING, ocr_measures.DICTIONARY, translation_measures.COPY, translation_measures.WORDS),
        *(answers_measures.BEST_SENTENCE, answers_measures.FIRST_SOURCE),
    }
    assert systems < set(SYSTEMS)


def test_centuries_are_ordinal_numbers() -> None:
    centuries = ("1", "2", "3", "11", "12", "13", "19", "21")
    found = [name_of_group("century", one).split()[0] for one in centuries]
    assert found == ["1st", "2nd", "3rd", "11th", "12th", "13th", "19th", "21st"]


def test_licences_are_those_that_the_files_state(tmp_path: Path) -> None:
    stated, plain = tmp_path / "stated.jsonl", tmp_path / "plain.jsonl"
    stated.write_text('{"license": "CC0-1.0"}\n{"license": "CC0-1.0"}\n{"license": null}\n')
    plain.write_text('{"id": "a"}\n')
    assert stated_licences([plain]) == {}
    assert stated_licences([stated, plain]) == {"CC0-1.0": 2, UNSTATED: 2}
    stated.write_text('{"license": 4}\n')
    with pytest.raises(InputError, match=r"stated.jsonl: line 1: license: found 4, expected a text"):
        stated_licences([stated])


def test_a_base_is_called_by_its_name_and_not_by_its_place(tmp_path: Path) -> None:
    run = tmp_path / "alder"
    (run / "release").mkdir(parents=True)
    (run / "recipe.yaml").touch()
    assert base_name(run) == base_name(run / "release") == "alder"
    assert base_name(Path("hub/models--PleIAs--Baguette/snapshots/0123")) == "PleIAs/Baguette"
