"""The page of curation that a person reads."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from selectolax.lexbor import LexborHTMLParser

from octavo.curation.examples import PASSAGE_CHARACTERS, Segment, difference
from octavo.curation.report import summarise
from octavo.curation.report_page import EXAMPLES, ROWS, stacked_bar, write_page
from octavo.errors import InputError
from tests.curation.test_pipeline import ENGLISH, EXACT, FRENCH, SWEDISH, Curated, curate_documents

SCRIPT = "<script>alert('x')</script> & \"quoted\""
BROKEN = ENGLISH.replace("of the light", "of the lightÃ©") + "\nIt was not the end of it, said the pÃ¨re."
MAIL = "keeper.of.lights@lighthouse.org"
DOCUMENTS: list[dict[str, Any]] = [
    {"identifier": "plain", "text": f"{ENGLISH} One.", "date": "1887", "title": "The light"},
    {"identifier": "markup", "text": f"{SCRIPT} {FRENCH}", "license": f"See {SCRIPT}", "title": SCRIPT},
    {"identifier": "broken", "text": BROKEN, "date": "1901", "title": "Broken"},
    {"identifier": "mail", "text": f"{ENGLISH} Write to {MAIL} for more of it.", "title": "With an address"},
    {
        "identifier": "gone-mail",
        "text": f"Write to {MAIL}. {ENGLISH}",
        "license": f"All rights reserved by {MAIL}",
        "title": MAIL,
    },
    *({"identifier": f"sv-{n}", "text": f"{SWEDISH} {n} båtar."} for n in range(EXAMPLES + 5)),
    {"identifier": "empty", "text": " \n"},
    {"identifier": "copy", "text": f"{ENGLISH} One."},
]


class Page:
    """A page with what it says."""

    def __init__(self, file: Path) -> None:
        self.source = file.read_text(encoding="utf-8")
        self.tree = LexborHTMLParser(self.source)

    def examples(self, anchor: str) -> list[str]:
        return [article.text() for article in self.tree.css(f"#{anchor} article")]

    def table(self, section: str) -> dict[str, list[str]]:
        rows = [
            [cell.text(strip=True) for cell in row.css("th, td")] for row in self.tree.css(f"#{section} tbody tr")
        ]
        return {row[0]: row[1:] for row in rows}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="module")
def curated(home: Path) -> Curated:
    return curate_documents(home, DOCUMENTS, languages=["en", "fr"], curation=EXACT)


@pytest.fixture(scope="module")
def page(curated: Curated, home: Path) -> Page:
    return Page(home / "corpus" / "report.html")


def test_the_page_is_well_formed_and_whole_in_itself(page: Page, home: Path) -> None:
    etree.parse(home / "corpus" / "report.html", etree.XMLParser(recover=False))
    assert not page.tree.css("script, link, img, iframe")
    addresses = [node.attributes[name] or "" for name in ("href", "src") for node in page.tree.css(f"[{name}]")]
    assert addresses
    assert all(address.startswith("#") and page.tree.css_first(address) for address in addresses)
    assert "url(" not in page.source
    assert "@import" not in page.source


def test_markup_in_texts_titles_and_licences_is_shown_and_not_obeyed(page: Page) -> None:
    (example,) = page.examples("removed-licence-unknown")
    assert example.count(SCRIPT) == 3
    assert "<script" not in page.source


def test_the_page_says_nothing_of_the_machine_and_is_the_same_every_time(
    page: Page, curated: Curated, home: Path
) -> None:
    write_page(home / "corpus", curated.report)
    assert (home / "corpus" / "report.html").read_text(encoding="utf-8") == page.source
    assert str(home) not in page.source
    assert list(page.table("by-source")) == ["source.jsonl"]


def test_documents_in_mixed_languages_are_counted_by_their_main_one(tmp_path: Path, page: Page) -> None:
    assert not page.tree.css("p.mixed")
    both = f"{FRENCH} Il était seul, et content de l'être.\n\n{ENGLISH}"
    removed = {"text": f"{ENGLISH} {SWEDISH}", "license": "All rights reserved"}
    curated = curate_documents(tmp_path, [{"text": both}, {"text": ENGLISH}, removed], curation=EXACT)
    assert [row["mixed"] for row in curated.ledger] == [True, False, True]
    assert curated.report["mixed"] == {"fr": {"documents": 1, "bytes": len(both.encode())}}
    (said,) = Page(tmp_path / "corpus" / "report.html").tree.css("#by-lang p.mixed")
    assert " ".join(said.text().split()).endswith("of those that stay: French (fr) 1.")


def test_the_overview_counts_documents_and_bytes_by_fate(page: Page, curated: Curated) -> None:
    table = page.table("overview")
    size = sum(row["bytes_in"] for row in curated.ledger if row["fate"] == "removed")
    removed = [row for row in curated.ledger if row["fate"] == "removed"]
    assert table["Removed"][0] == f"{len(removed):,}"
    assert table["Removed"][2] == f"{size:,}"
    assert {"Kept as it came", "Repaired or cut", "Redacted (personal data)", "Removed"} == set(table)


def test_tables_by_language_century_licence_and_file_add_up_to_what_came_in(page: Page, curated: Curated) -> None:
    size = sum(row["bytes_in"] for row in curated.ledger)
    for section in ("by-lang", "by-century", "by-spdx", "by-source", "by-genre"):
        rows = [[cell.replace(",", "") for cell in row] for row in page.table(section).values()]
        assert sum(int(row[1]) for row in rows) == size
        assert sum(int(row[3]) for row in rows) == len(DOCUMENTS)
    assert list(page.table("by-century")) == ["19th century", "20th century", "No date"]
    assert "English (en)" in page.table("by-lang")


def test_every_plot_is_named_for_those_who_do_not_see_it_and_every_table_has_headers(page: Page) -> None:
    plots = page.tree.css("svg.bar")
    assert len(plots) > 5
    assert all(plot.attributes["role"] == "img" and plot.css_first("title").text() for plot in plots)
    for table in page.tree.css("table"):
        assert all(cell.attributes["scope"] == "col" for cell in table.css("thead th"))
        assert all(row.css_first("th[scope=row]") for row in table.css("tbody tr"))


def test_a_rule_has_at_most_twenty_examples_with_its_evidence_in_words(page: Page, curated: Curated) -> None:
    examples = page.examples("removed-language")
    assert curated.report["rules"]["language"]["documents"] == EXAMPLES + 5
    assert len(examples) == EXAMPLES
    assert all("The language found is sv, with a confidence of " in example for example in examples)
    assert all("Den gamle fyrvaktaren" in example for example in examples)
    assert "The same text as plain." in page.examples("removed-duplicate")[0]


def test_every_rule_of_the_report_has_a_section(page: Page, curated: Curated) -> None:
    anchors = {section.attributes["id"] for section in page.tree.css("section.rule")}
    assert anchors == {f"removed-{rule}" for rule in curated.report["rules"]} | {
        f"changed-{rule}" for rule in curated.report["changes"]
    }


def test_a_repaired_text_is_shown_before_and_after_with_the_difference_marked(page: Page) -> None:
    (article,) = page.tree.css("#changed-repair article")
    assert [node.text() for node in article.css("del")] == ["lightÃ©", "pÃ¨re"]
    assert [node.text() for node in article.css("ins")] == ["lighté", "père"]


def test_characters_that_cannot_be_seen_are_written_out(tmp_path: Path) -> None:
    odd = {"identifier": "a\x01", "title": "b\x02", "license": "c\x03", "text": f"\x00\x0b\ufffe\u202e{SWEDISH}"}
    curate_documents(tmp_path, [odd, {"text": ENGLISH}], languages=["en"])
    etree.parse(tmp_path / "corpus" / "report.html", etree.XMLParser(recover=False))
    (example,) = Page(tmp_path / "corpus" / "report.html").examples("removed-licence-unknown")
    for shown in ("a‹U+0001›", "b‹U+0002›", "c‹U+0003›", "‹U+0000›", "‹U+202E›Den gamle"):
        assert shown in example


def test_personal_data_is_shown_nowhere_not_even_of_a_document_removed_before_it_was_redacted(page: Page) -> None:
    assert MAIL not in page.source
    (example,) = page.tree.css("#changed-personal-data article")
    assert [node.text() for node in example.css("ins")] == ["[EMAIL]"]
    assert not example.css("del")
    assert "E-mail addresses: 1." in example.text()
    assert "Write to [EMAIL]" in page.examples("removed-licence-not-open")[0]


def test_a_corpus_of_which_nothing_is_removed_or_changed_has_a_page(tmp_path: Path) -> None:
    curate_documents(tmp_path, [{"text": ENGLISH}])
    page = Page(tmp_path / "corpus" / "report.html")
    assert "No document was removed." in page.source
    assert "No document was changed." in page.source
    assert not page.tree.css("article")


def test_a_corpus_of_which_nothing_is_left_has_a_page_that_says_why(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none of 2 documents is left"):
        curate_documents(tmp_path, [{"text": " "}, {"text": SWEDISH}], languages=["en"])
    page = Page(tmp_path / "corpus" / "report.html")
    assert len(page.examples("removed-language")) == 1
    assert "There is no text." in page.examples("removed-empty")[0]


def test_the_mixture_is_shown_as_asked_and_got(tmp_path: Path) -> None:
    documents = [{"text": f"{text} {n}."} for n in range(3) for text in (ENGLISH, FRENCH)]
    mixture = {"languages": {"en": 0.5, "fr": 0.5}}
    curated = curate_documents(tmp_path, documents, curation={**EXACT, "mixture": mixture})
    rows = Page(tmp_path / "corpus" / "report.html").tree.css("#mixture tbody tr")
    shares = {row.css_first("th").text(): [cell.text() for cell in row.css(".n")] for row in rows}
    assert set(shares) == set(curated.report["mixture"]["lang"])
    assert shares["en"][0] == shares["fr"][0] == "50.0\N{NARROW NO-BREAK SPACE}%"


def test_the_report_counts_documents_and_bytes_by_source(curated: Curated, home: Path) -> None:
    report = summarise(home / "corpus")
    assert report["sources"] == {
        str(home / "source.jsonl"): {name: report[name] for name in ("in", "kept", "removed")}
    }


def test_more_rows_than_fit_are_summed_in_one(tmp_path: Path) -> None:
    from octavo.curation.report_page import Row, _rows

    counts = {f"file-{n}": Row("", {"kept": 1}, {"kept": n}, n) for n in range(ROWS + 3)}
    rows = _rows("source", counts, str)
    assert len(rows) == ROWS + 1
    assert (rows[-1].label, rows[-1].documents, rows[-1].bytes_in) == ("3 others", {"kept": 3}, {"kept": 3})


def text_of(segments: list[Segment], mark: str) -> list[str]:
    return [segment.text for segment in segments if segment.mark == mark]


WORDS = " ".join(f"word{n}" for n in range(400))


def test_a_long_cut_is_shown_by_its_ends_and_the_passage_goes_on_after_it() -> None:
    cut = " ".join(f"notice{n}" for n in range(300)) + " "
    before, after = difference(WORDS[:1000] + cut + WORDS[1000:], WORDS)
    assert len(text_of(before, "del")) == 2
    assert re.search(r"[\d,]+ characters", text_of(before, "gap")[0])
    assert not text_of(after, "ins")
    assert before[-1].text.strip(" …") in WORDS


@pytest.mark.parametrize(
    ("before", "after", "gone", "come"),
    [
        ("the cafÃ© is open", "the café is open", ["cafÃ©"], ["café"]),
        ("the end\r\nof it", "the end\nof it", ["‹U+000D›"], []),
        ("all\u200bthe end", "allthe end", ["‹U+200B›"], []),
        ("the end of it", "the end", [" of it"], []),
        ("the end", "the end of it", [], [" of it"]),
        ("same", "same", [], []),
        ("", "a", [], ["a"]),
    ],
)
def test_the_first_difference_is_marked_in_whole_words(
    before: str, after: str, gone: list[str], come: list[str]
) -> None:
    old, new = difference(before, after)
    assert ("".join(text_of(old, "del")), "".join(text_of(new, "ins"))) == ("".join(gone), "".join(come))


def test_a_passage_is_of_its_length_and_ends_at_words() -> None:
    before, after = difference(WORDS, WORDS.replace("word200 ", "Wort200 "))
    for side in (before, after):
        text = "".join(segment.text for segment in side)
        assert len(text) < PASSAGE_CHARACTERS + 10
        assert text.startswith("… word")
        assert re.search(r"word\d+ …$", text)


def test_a_bar_is_as_long_as_its_amounts_on_the_scale() -> None:
    bar = etree.fromstring(str(stacked_bar({"kept": 30, "removed": 20}, 100, "Files & <co>")))
    rects = bar.findall("{http://www.w3.org/2000/svg}rect")
    assert [(r.get("class"), r.get("x"), r.get("width")) for r in rects] == [
        ("kept", "0.00", "300.00"),
        ("removed", "300.00", "200.00"),
    ]
    assert bar.findtext("{http://www.w3.org/2000/svg}title") == "Files & <co>: kept 30 bytes, removed 20 bytes"
    assert len(etree.fromstring(str(stacked_bar({}, 0, "none")))) == 1
