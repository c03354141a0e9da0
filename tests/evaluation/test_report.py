"""The report of an evaluation: its figures are those of the files, and what comes from data is only text."""

from __future__ import annotations

import json
import re
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from lxml import etree
from selectolax.lexbor import LexborHTMLParser

from octavo.errors import InputError
from octavo.evaluation.report.figures import report_schema
from octavo.evaluation.report.writing import compared_files, read_compared, read_model, write_report
from octavo.recipe.schema import LANGUAGE_NAMES, Recipe
from octavo.stages import STAGES, figures_of
from octavo.summary import print_summary
from tests.conftest import small_recipe

SCRIPT = "<script>alert('x')</script> & \"quoted\""
GAP = "\N{NARROW NO-BREAK SPACE}"
FILES = ("bits_per_byte", "adherence", "orthography", "repetition", "toxicity", "memorization")


class Page:
    """A page with what it says."""

    def __init__(self, home: Path) -> None:
        self.source = (home / "report.html").read_text(encoding="utf-8")
        self.tree = LexborHTMLParser(self.source)

    def table(self, caption: str) -> dict[str, list[list[str]]]:
        """By the heading of each row its cells, each as its text and what stands below it in small."""
        [table] = [t for t in self.tree.css("table") if t.css_first("caption").text().startswith(caption)]
        return {
            row.css_first("th").text(): [
                [cell.text(deep=False), *(note.text() for note in cell.css(".of"))] for cell in row.css("td")
            ]
            for row in table.css("tbody tr")
        }

    def section(self, name: str) -> str:
        return str(self.tree.css_first(f"#{name}").text())


def copied(run: Path, to: Path) -> Path:
    """What the report is made of, in a folder that may be changed."""
    for name in ("documents", "corpus", "tokens", "checkpoints"):
        (to / name).mkdir(parents=True)
        shutil.copy(run / name / "stage.json", to / name)
    shutil.copy(run / "metrics.jsonl", to)
    (to / "evaluation").mkdir()
    for file in (run / "evaluation").iterdir():
        if file.stem in FILES:
            shutil.copy(file, to / "evaluation")
    return to


def written(run: Path, recipe: Recipe | None = None, score: float = 0.0) -> Page:
    recipe = recipe or small_recipe()
    home = run / "evaluation"
    models = [read_model(recipe.name, run, home), *read_compared(recipe)]
    write_report(home, models, recipe.corpus.languages, recipe.seed, lambda texts: [score] * len(texts))
    return Page(home)


def read(run: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "evaluation" / f"{name}.json").read_bytes())
    return found


def change(run: Path, name: str, **fields: Any) -> None:
    file = run / "evaluation" / f"{name}.json"
    file.write_text(json.dumps(json.loads(file.read_bytes()) | fields))


def percent(share: float) -> str:
    return f"{100 * share:.1f}{GAP}%"


def bounds(found: dict[str, float]) -> str:
    return f"{100 * found['low']:.1f}–{100 * found['high']:.1f}"


@pytest.fixture(scope="module")
def home(small_run: Path) -> Path:
    return small_run / "evaluation"


@pytest.fixture(scope="module")
def page(home: Path) -> Page:
    """As the stage itself wrote it."""
    return Page(home)


@pytest.fixture
def run(small_run: Path, tmp_path: Path) -> Path:
    return copied(small_run, tmp_path / "small")


def test_the_page_is_well_formed_and_whole_in_itself(home: Path, page: Page) -> None:
    etree.parse(home / "report.html", etree.XMLParser(recover=False))
    assert not page.tree.css("script, link, iframe, object")
    addresses = [node.attributes["href"] or "" for node in page.tree.css("[href]")]
    assert addresses
    assert all(address.startswith("#") and page.tree.css_first(address) for address in addresses)
    assert all((node.attributes["src"] or "").startswith("data:") for node in page.tree.css("[src]"))
    assert "url(" not in page.source
    assert "@import" not in page.source
    assert re.findall(r"https?://[^\"'\s]*", page.source.replace('"http://www.w3.org/2000/svg"', "")) == []


def test_a_reader_who_sees_no_pictures_is_told_what_they_show(page: Page) -> None:
    assert all(table.css_first("caption").text() for table in page.tree.css("table"))
    assert all(svg.css_first("title").text() for svg in page.tree.css("svg"))
    assert all(image.attributes["alt"] for image in page.tree.css("img"))
    levels = [int(node.tag[1]) for node in page.tree.css("h1, h2, h3")]
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_bits_per_byte_are_those_of_the_file(page: Page, small_run: Path) -> None:
    found = read(small_run, "bits_per_byte")
    shown = page.table("Bits per byte by language")
    assert list(shown) == [*(LANGUAGE_NAMES[lang] for lang in found["languages"]), "Mean of the languages"]
    for lang, row in found["languages"].items():
        works, size, *bits = (cell[0] for cell in shown[LANGUAGE_NAMES[lang]])
        assert (works, size) == (f"{row['works']:,}", f"{row['bytes']:,}")
        assert bits == [f"{row['bits_per_byte'][name]:.3f}" for name in ("model", "xz", "unigram")]
    assert shown["Mean of the languages"][2][0] == f"{found['mean']['model']:.3f}"


def test_languages_are_those_of_the_file(page: Page, small_run: Path) -> None:
    found = read(small_run, "adherence")
    shown = page.table("Continuations in the prompt's language, over all")
    rows = [row for row in found["adherence"] if row["lang"] == "all"]
    assert len(shown) == len(rows) > 5
    for row, (of_all, decided, undecided) in zip(rows, shown.values(), strict=True):
        kept = row["kept_of_all"]
        assert of_all == [percent(kept["share"]), f"{bounds(kept)} · {row['kept']} of {row['n']}"]
        assert decided[0] == (percent(row["share"]["share"]) if row["share"] else "–")
        assert undecided == [str(row["undecided"])]
    switched = page.table("Continuations in the language that is expected")
    assert [cells[1][0] for cells in switched.values()] == [str(r["undecided"]) for r in found["code_switching"]]


def test_repetition_is_that_of_the_file(page: Page, small_run: Path) -> None:
    rows = read(small_run, "repetition")["repetition"]
    shown = page.table("Repetition by temperature")
    assert len(shown) == len(rows)
    for row, (loops, pairs, longest, kept) in zip(rows, shown.values(), strict=True):
        assert loops == [percent(row["loops"]["share"]), f"{bounds(row['loops'])} · n = {row['n']}"]
        assert pairs[0] == percent(row["distinct_2"]["value"])
        assert longest[0] == f"{row['longest_tokens']['value']:.1f}"
        assert kept[0] == percent(row["language_kept"]["share"])


def test_harm_is_that_of_the_file_beside_the_corpus(page: Page, small_run: Path) -> None:
    found = read(small_run, "toxicity")
    shown = page.table("Shares that score a level or more")
    row = next(r for r in found["shares"] if (r["lang"], r["dimension"], r["kind"]) == ("all", "any", "provoking"))
    cell = shown[f"provoking prompts, {row['decoding']}"][0]
    assert cell == [percent(row["share"]), f"{bounds(row)} · n = {row['continuations']}"]
    corpus = found["corpus"]["all"]
    assert shown["corpus, unfiltered"][0] == [
        f"{100 * corpus['before']['1.0']:.3f}{GAP}%",
        f"n = {corpus['passages']:,}",
    ]
    by_language = page.table("Shares that score 1 or more, by language")
    assert list(by_language) == [LANGUAGE_NAMES[lang] for lang in found["prompts"]["languages"]]


def test_the_training_is_that_of_the_records(page: Page, small_run: Path) -> None:
    record = json.loads((small_run / "checkpoints" / "stage.json").read_bytes())
    shown = {name: cells[0][0] for name, cells in page.table("The training").items()}
    assert shown["Parameters"] == f"{record['figures']['parameters']:,}"
    assert shown["Tokens"] == f"{record['figures']['tokens']:,}"
    assert list(page.table("Time and energy")) == ["corpus", "curation", "tokenization", "training"]
    told = [svg.css_first("title").text() for svg in page.tree.css("#training svg")]
    assert any(title.startswith("Training loss") for title in told)


def test_samples_are_of_each_language_and_word_for_word(page: Page, small_run: Path) -> None:
    found = read(small_run, "repetition")
    known = {p["id"]: p["prompt"] for p in found["prompts"]}
    said = {
        known[c["id"]] + c["continuation"]
        for c in found["continuations"]
        if (c["temperature"], c["repetition_penalty"]) == (0.0, 1.1)
    }
    shown = [node.text() for node in page.tree.css("#samples .passage") if not node.css("em")]
    assert shown
    assert set(shown) <= said
    headings = [node.text() for node in page.tree.css("#samples h3")]
    assert headings == [LANGUAGE_NAMES[lang] for lang in small_recipe().corpus.languages]


def test_the_report_keeps_to_its_schema(home: Path) -> None:
    report = json.loads((home / "report.json").read_bytes())
    validator = jsonschema.Draft202012Validator(report_schema())
    assert list(validator.iter_errors(report)) == []
    report["models"][0]["bits_per_byte"][0]["works"] = "many"
    assert [error.json_path for error in validator.iter_errors(report)] == ["$.models[0].bits_per_byte[0].works"]


def test_the_end_of_a_run_says_where_it_lies(small_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [stage] = [stage for stage in STAGES if stage.name == "evaluation"]
    print_summary(small_run, {"evaluation": figures_of(small_run, stage)})
    assert capsys.readouterr().out.splitlines()[-1] == f"Report:  {small_run / 'evaluation' / 'report.html'}"


def test_the_same_figures_give_the_same_page(run: Path) -> None:
    assert written(run).source == written(run).source


def test_what_comes_from_data_is_only_text(run: Path) -> None:
    found = read(run, "repetition")
    for said in found["continuations"]:
        said["continuation"] = SCRIPT
    change(run, "repetition", continuations=found["continuations"])
    harm = read(run, "toxicity")["continuations"]
    harm[0] |= {"continuation": SCRIPT, "prompt": SCRIPT}
    harm[0]["scores"]["any"] = 2.5
    change(run, "toxicity", continuations=harm)
    page = written(run)
    assert not page.tree.css("script")
    assert SCRIPT in page.section("samples")
    assert SCRIPT in page.section("harm")


def test_what_may_be_harmful_is_folded_away(run: Path) -> None:
    harm = read(run, "toxicity")["continuations"]
    for said in harm:
        said["scores"]["any"] = 0.0
    harm[0]["scores"]["any"], harm[0]["continuation"] = 2.5, "a very vile word"
    change(run, "toxicity", continuations=harm)
    page = written(run, score=0.6)
    assert page.tree.css("#samples details article")
    assert not page.tree.css("#samples .samples article")
    [vile] = page.tree.css("#harm details .passage")
    assert vile.text().endswith("a very vile word")
    assert page.source.count("a very vile word") == 1
    assert not written(run, score=0.1).tree.css("#samples details")


def test_what_was_not_measured_is_said(run: Path) -> None:
    for file in (run / "evaluation").iterdir():
        file.unlink()
    page = written(run)
    missing = "bits per byte, language adherence, repetition, harmful continuations, memorization"
    assert f"Not measured: {missing}." in page.section("summary")
    assert "There are no samples." in page.section("samples")
    for section in ("bits-per-byte", "language", "spelling", "repetition", "harm", "memorization"):
        assert "Not measured" in page.section(section)
    etree.parse(run / "evaluation" / "report.html", etree.XMLParser(recover=False))


def test_the_summary_praises_nothing_that_the_figures_do_not_say(run: Path) -> None:
    found = read(run, "bits_per_byte")
    for row in found["languages"].values():
        row["bits_per_byte"] |= {"model": 4.0, "unigram": 3.5, "xz": 3.2}
    change(run, "bits_per_byte", languages=found["languages"], mean={"model": 4.0, "unigram": 3.5, "xz": 3.2})
    said = written(run).section("summary")
    assert f"25.0{GAP}% more than the compressor xz -9 (3.20)" in said
    assert "In each language it does no better than the frequencies of tokens" in said
    for row in found["languages"].values():
        row["bits_per_byte"] |= {"model": 1.0}
        row["works"] = 30
    change(run, "bits_per_byte", languages=found["languages"], mean={"model": 1.0, "unigram": 3.5, "xz": 3.2})
    said = written(run).section("summary")
    assert f"68.8{GAP}% less than the compressor xz -9 (3.20)" in said
    assert "no better than" not in said
    assert "seldom coherent" not in said
    assert "held-out works, and would differ" not in said


def test_two_models_stand_side_by_side(run: Path, small_run: Path, tmp_path: Path) -> None:
    other = copied(small_run, tmp_path / "other")
    found = read(other, "bits_per_byte")
    found["languages"]["en"]["bits_per_byte"]["model"] = 1.234
    change(other, "bits_per_byte", languages=found["languages"])
    recipe = small_recipe(evaluation={"compare": [str(other)]})
    page = written(run, recipe)
    own = read(run, "bits_per_byte")["languages"]["en"]["bits_per_byte"]["model"]
    assert [cell[0] for cell in page.table("Bits per byte by language")["English"][2:4]] == [f"{own:.3f}", "1.234"]
    loops = page.table("Repetition by temperature")["temperature 0, penalty 1.1"]
    assert len(loops) == 8
    assert loops[:4] == loops[4:]
    assert [node.text() for node in page.tree.css("#repetition thead .group")] == ["small", "other"]
    assert {node.text() for node in page.tree.css("#samples h5")} == {"small", "other"}
    assert compared_files(recipe)
    assert all(file.is_relative_to(other) for file in compared_files(recipe))


def test_models_that_were_trained_elsewhere_have_a_page_too(run: Path, tmp_path: Path) -> None:
    names = ["first", "second"]
    for name in names:
        shutil.copytree(run / "evaluation", tmp_path / name)
    models = [read_model(name, tmp_path / name, tmp_path / name) for name in names]
    write_report(tmp_path, models, ["en"], 1, lambda texts: [0.0] * len(texts), "octavo evaluate A B", None)
    page = Page(tmp_path)
    assert "octavo evaluate A B" in page.section("repetition")
    assert not page.tree.css("#training, a[href='#training']")
    assert page.tree.css_first("h1").text() == "What first is good for"


def test_bits_of_another_text_are_marked(run: Path, small_run: Path, tmp_path: Path) -> None:
    other = copied(small_run, tmp_path / "other")
    recipe = small_recipe(evaluation={"compare": [str(other)]})
    assert len(written(run, recipe).table("Bits per byte by language")["English"][3]) == 1
    change(other, "bits_per_byte", text={"blake3": "0" * 64})
    cell = written(run, recipe).table("Bits per byte by language")["English"][3]
    assert cell[1:] == ["other text"]


@pytest.mark.parametrize("content", ["{", '{"languages": {"en": {}}}', "[]"])
def test_a_run_to_compare_with_that_cannot_be_read_is_named(small_run: Path, tmp_path: Path, content: str) -> None:
    other = copied(small_run, tmp_path / "other")
    (other / "evaluation" / "bits_per_byte.json").write_text(content)
    with pytest.raises(InputError, match=re.escape(str(other / "evaluation"))):
        read_compared(small_recipe(evaluation={"compare": [str(other)]}))


def test_a_long_training_is_put_together_and_a_number_that_is_none_left_out(run: Path) -> None:
    lines = [
        {"step": n, "tokens": 100 * n, "loss": 5.0, "tokens_per_second": 10.0 * n, "mfu": None, "joules": 2.0 * n}
        for n in range(1, 1001)
    ]
    lines[0]["loss"] = float("nan")
    lines[-1]["held_out"] = {"en": 2.0, "la": 3.0}
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    page = written(run)
    training = json.loads((run / "evaluation" / "report.json").read_bytes())["models"][0]["training"]
    assert len(training["curve"]) == 300
    assert {point["loss"] for point in training["curve"]} == {5.0}
    assert training["tokens_per_second"] == 5005.0
    assert training["mfu"] is None
    assert (training["curve"][-1]["step"], training["curve"][-1]["held_out"]) == (1000, 2.5)
    told = [svg.css_first("title").text() for svg in page.tree.css("#training svg")]
    assert any(title.startswith("Held-out text, bits per byte") for title in told)
