"""The papers of a release: whole in each format, true to the manifest, and harmless whatever documents are called."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from pydantic import BaseModel
from selectolax.lexbor import LexborHTMLParser

from octavo.recipe.provider import Provider
from octavo.recipe.schema import Recipe
from octavo.release.cyclonedx import cyclonedx
from octavo.release.manifest import Count, Manifest
from octavo.release.papers import papers, to_complete
from octavo.release.papers.content import Mark, Paper, field, section, told
from octavo.release.papers.copyright_policy import copyright_policy
from octavo.release.papers.documentation_form import documentation_form
from octavo.release.papers.markdown import escaped, markdown
from octavo.release.papers.page import page
from octavo.release.papers.technical_documentation import technical_documentation
from octavo.release.papers.training_summary import training_summary
from octavo.release.papers.wording import decimal, power, size
from octavo.release.statements import compute
from tests.release import manifests

MAKERS = (training_summary, technical_documentation, documentation_form, copyright_policy)

SUMMARY = {
    "": {"version", "earlier", "updated"},
    "1.1": {"provider", "representative"},
    "1.2": {"model", "dependencies", "placed_on_market"},
    "1.3": {"modality", "size", "content", "acquired", "goes_on", "languages", "characteristics", "comments"},
    "2.1": {"public_used", "public_modality", "public_large", "public_other", "public_sources"},
    "2.2.1": {"licensed_used", "licensed_modality"},
    "2.2.2": {"private_used", "private_modality", "private_sources"},
    "2.3": {"crawled_used", "crawlers", "crawled_sources", "crawled_modality", "domains"},
    "2.4": {"users_model", "users_services", "users_sources", "users_modality"},
    "2.5": {"synthetic_used", "synthetic_modality", "synthetic_models", "synthetic_comments"},
    "2.6": {"other_used", "other_sources"},
    "3.1": {"signatory", "reservations", "opt_outs", "licence_gate"},
    "3.2": {"illegal", "harm"},
    "3.3": {"personal_data", "removed", "changed"},
}
"""The Commission's template: its sections, and our names of the questions in each."""

ANNEX_XI = {
    "1(a)": {"tasks", "systems"},
    "1(b)": {"acceptable_use"},
    "1(c)": {"placed_on_market", "channels"},
    "1(d)": {"architecture"},
    "1(e)": {"inputs", "outputs"},
    "1(f)": {"licence"},
    "2(a)": {"integration", "hardware"},
    "2(b)": {"rationale", "training_design", "decisions"},
    "2(c)": {"data_type", "provenance", "obtained", "points", "scope", "curation", "unsuitable", "biases"},
    "2(d)": {"compute", "compute_method", "training_time"},
    "2(e)": {"energy", "energy_method"},
}

FORM = {
    "1": {"provider", "model", "authenticity", "release_date", "placed_on_market", "dependencies"},
    "2": {"architecture", "rationale", "input_modalities", "output_modalities", "total_size"},
    "3": {"channels", "licence", "assets"},
    "4": {"acceptable_use", "intended_uses", "systems", "integration", "hardware", "software"},
    "5": {"training_design", "decisions"},
    "6": {"data_type", "provenance", "obtained", "points", "scope", "curation", "unsuitable", "biases"},
    "7": {"training_time", "compute", "compute_method"},
    "8": {"energy", "energy_method", "inference", "inference_method"},
}

POLICY = {
    "1": {"scope", "law", "responsible"},
    "2": {"access", "collection"},
    "3": {"licence_gate", "licence_removed", "licences"},
    "4": {"reservations", "opt_outs"},
    "5": {"memorization", "mitigation"},
    "6": {"contact", "complaints"},
    "7": {"keeping", "revision"},
}

EXPECTED = dict(zip(MAKERS, (SUMMARY, ANNEX_XI, FORM, POLICY), strict=True))


def all_manifests() -> Iterator[Any]:
    for name, make in manifests.ALL.items():
        yield pytest.param(make(), id=name)


def values(paper: Paper) -> Iterator[str]:
    """All that the fields of a paper say."""
    for section_ in paper.sections:
        for one in section_.fields:
            yield from one.text
            yield from one.items
            for row in one.table.rows if one.table else []:
                yield from row


def shown(html: str) -> str:
    """What a reader sees of a page, on one line."""
    return " ".join(LexborHTMLParser(html).body.text(separator=" ").split())


def without_spaces(text: str) -> str:
    """A text whose spaces do not matter, as those between the parts of a page do not."""
    return re.sub(r"\s", "", text)


def with_plain_spaces(text: str) -> str:
    """A text without the spaces at which no line is broken."""
    return re.sub("[\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}]", " ", text)


def text_of(paper: Paper, id: str) -> str:
    """What a field of a paper says."""
    found = next(one for section_ in paper.sections for one in section_.fields if one.id == id)
    rows = [cell for row in (found.table.rows if found.table else []) for cell in row]
    return "\n".join([*found.text, *found.items, *rows])


def with_collection(name: str) -> Manifest:
    """A manifest whose largest collection has this name."""
    found = manifests.full()
    corpus = found.corpus
    assert corpus is not None
    renamed = [corpus.collections[0].model_copy(update={"name": name}), *corpus.collections[1:]]
    sources = [manifests.source(collections={name: Count(documents=60, bytes=600_000)})]
    return found.model_copy(
        update={"corpus": corpus.model_copy(update={"collections": renamed, "sources": sources})}
    )


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("manifest", all_manifests())
def test_every_question_of_the_template_is_answered_or_marked(manifest: Manifest, make: Any) -> None:
    paper = make(manifest)
    found = {section_.number: {one.id for one in section_.fields} for section_ in reversed(paper.sections)}
    for number, asked in EXPECTED[make].items():
        assert asked <= found[number], f"{paper.id} {number}"
    for section_ in paper.sections:
        for one in section_.fields:
            assert one.text or one.items or one.table, f"{paper.id}: {one.id} says nothing"


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("manifest", all_manifests())
def test_field_ids_are_unique_in_a_paper(manifest: Manifest, make: Any) -> None:
    ids = [one.id for section_ in make(manifest).sections for one in section_.fields]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("manifest", all_manifests())
def test_what_a_paper_says_stands_in_its_markdown_and_on_its_page(manifest: Manifest, make: Any) -> None:
    paper = make(manifest)
    read = without_spaces(shown(MarkdownIt("commonmark").enable("table").render(markdown(paper))))
    on_page = without_spaces(shown(page(paper)))
    labels = [one.label for section_ in paper.sections for one in section_.fields]
    for value in [*paper.about, *labels, *values(paper)]:
        if re.fullmatch(r"to be completed \(.*\)", value):
            value = value.split("(")[1].rstrip(")")
        assert without_spaces(value) in read
        assert without_spaces(value) in on_page


@pytest.mark.parametrize("manifest", all_manifests())
def test_json_is_the_paper_itself(manifest: Manifest) -> None:
    made = papers(manifest)
    for make in (training_summary, documentation_form):
        paper = make(manifest)
        found = json.loads(made[f"{paper.id}.json"])
        assert [one["title"] for one in found["sections"]] == [one.title for one in paper.sections]
        for read, section_ in zip(found["sections"], paper.sections, strict=True):
            for answer, one in zip(read["fields"], section_.fields, strict=True):
                assert answer.keys() == {"id", "label", "text", "items", "table", "to_complete"}
                assert (answer["text"], answer["items"], answer["to_complete"]) == (
                    one.text,
                    one.items,
                    one.to_complete,
                )
                assert answer["table"] == (one.table and {"columns": one.table.columns, "rows": one.table.rows})


def test_the_files_of_a_release() -> None:
    assert sorted(papers(manifests.full())) == [
        "copyright-policy.html",
        "copyright-policy.md",
        "model-documentation-form.html",
        "model-documentation-form.json",
        "model-documentation-form.md",
        "technical-documentation.html",
        "technical-documentation.md",
        "training-summary.html",
        "training-summary.json",
        "training-summary.md",
    ]


@pytest.mark.parametrize("manifest", all_manifests())
def test_the_same_manifest_gives_the_same_bytes(manifest: Manifest) -> None:
    again = Manifest.model_validate_json(manifest.model_dump_json())
    assert papers(again) == papers(manifest)


def test_a_provider_who_told_everything_is_asked_nothing() -> None:
    assert to_complete(manifests.full()) == []


def test_a_provider_who_told_nothing_is_asked_for_every_field_that_this_model_needs() -> None:
    asked = {name.removeprefix("provider.") for name in to_complete(manifests.bare()) if "provider" in name}
    needless = {"small", "country", "crawlers", "base_summary", "other_data"}
    assert asked == set(Provider.model_fields) - needless


def test_crawled_sources_ask_for_the_crawlers_and_an_energy_for_the_country() -> None:
    corpus = manifests.corpus().model_copy(update={"sources": [manifests.source(origin="crawled")]})
    manifest = manifests.bare().model_copy(
        update={"corpus": corpus, "energy": manifests.energy().model_copy(update={"co2eq_grams": None})}
    )
    assert {"provider.small", "provider.crawlers", "provider.country"} <= set(to_complete(manifest))


def test_each_missing_fact_is_asked_for_once() -> None:
    asked = to_complete(manifests.bare())
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize("make", [manifests.bare, manifests.tune, manifests.given_tokens, manifests.continued])
def test_marks_name_fields_that_the_recipe_has(make: Any) -> None:
    manifest = make().model_copy(update={"provider": Provider(), "energy": manifests.energy()})
    asked = to_complete(manifest)
    assert asked
    for name in asked:
        assert field_of_the_recipe(name), name


def field_of_the_recipe(name: str) -> bool:
    """Whether a dotted path leads to a field of the recipe's models."""
    model: Any = Recipe
    for part in name.split("."):
        key, _, place = part.partition("[")
        if not (isinstance(model, type) and issubclass(model, BaseModel) and key in model.model_fields):
            return False
        model = model.model_fields[key].annotation
        if place:
            (model,) = get_args(model)
    return True


def test_marks_stand_where_a_person_would_look_for_the_answer() -> None:
    found = papers(manifests.bare())["training-summary.md"].decode()
    assert "#### Versioned model name\n\nreader\n\n**to be completed** (`provider.version`)" in found
    assert "<strong>to be completed</strong> (<code>provider.name</code>)" in page(
        training_summary(manifests.bare())
    )


def test_a_document_cannot_forge_a_mark() -> None:
    found = markdown(training_summary(with_collection("to be completed (provider.name)")))
    assert "**to be completed**" not in found


@pytest.mark.parametrize(
    ("text", "file"),
    [
        ("1.3 × 10¹⁴ FLOPs", "technical-documentation.md"),
        ("5,247,744", "technical-documentation.md"),
        ("0.0000022 MWh (2.2222 Wh)", "technical-documentation.md"),
        ("estimated from the processor's load", "technical-documentation.md"),
        ("0.14 g", "technical-documentation.md"),
        ("0.0031 days", "technical-documentation.md"),
        ("2.200 to 2.500", "technical-documentation.md"),
        ("a" * 64, "technical-documentation.md"),
        ("232,000 tokens", "training-summary.md"),
        ("| Gutenberg | source 1 | 60 | 600,000 |", "training-summary.md"),
        ("| eur-lex.europa.eu | 30 | 380,000 |", "training-summary.md"),
        ("| French | 50 | 580,000 |", "training-summary.md"),
        ("library/rewriter-1b: 2,500 bytes", "training-summary.md"),
        ("e-mail addresses: 12; telephone numbers: 3", "training-summary.md"),
        ("02/2026", "training-summary.md"),
        ("13 documents, 200,000 bytes", "copyright-policy.md"),
        ("identifiers 3, creators 1, address patterns 2", "copyright-policy.md"),
        ("1.5 %", "copyright-policy.md"),
    ],
)
def test_figures_are_the_manifests(text: str, file: str) -> None:
    assert text.lower() in with_plain_spaces(papers(manifests.full())[file].decode().lower())


def test_inference_is_two_flops_a_parameter_and_attention() -> None:
    # One token of this model: 2 x 5,247,744 parameters, and in 6 layers 4 x 256 for each token that it looks at.
    assert power(2 * 5_247_744 + 4 * 6 * 256 * 512) in text_of(
        technical_documentation(manifests.full()), "inference"
    )


def test_a_matrix_that_is_only_looked_up_computes_nothing() -> None:
    untied = manifests.architecture().model_copy(update={"tie_word_embeddings": False})
    found = technical_documentation(manifests.full().model_copy(update={"architecture": untied}))
    assert power(2 * (5_247_744 - 8192 * 256) + 4 * 6 * 256) in text_of(found, "inference")
    assert "but for the embedding matrix" in text_of(found, "inference_method")


@pytest.mark.parametrize(
    ("tokens", "band"),
    [
        (999_999_999, "Less than 1 billion tokens."),
        (1_000_000_000, "1 billion to 10 trillion tokens."),
        (10_000_000_000_000, "More than 10 trillion tokens."),
    ],
)
def test_sizes_stand_in_the_templates_bands(tokens: int, band: str) -> None:
    full = manifests.full()
    assert full.tokenization is not None
    manifest = full.model_copy(update={"tokenization": full.tokenization.model_copy(update={"tokens": tokens})})
    assert text_of(training_summary(manifest), "size").startswith(band)


def test_only_datasets_over_three_percent_are_listed_one_by_one() -> None:
    paper = training_summary(manifests.full())
    assert "EUR-Lex" in text_of(paper, "public_large")
    assert "Leaflets" not in text_of(paper, "public_large")
    assert text_of(paper, "public_other").endswith("20,000 bytes (20 kB): Leaflets.")


def test_a_source_whose_documents_name_no_collection_is_a_dataset_itself() -> None:
    corpus = manifests.corpus().model_copy(update={"sources": [manifests.source(collections={})]})
    paper = training_summary(manifests.full().model_copy(update={"corpus": corpus}))
    assert text_of(paper, "public_large").split("\n")[1] == "Open books"


@pytest.mark.parametrize(
    ("origin", "question"),
    [
        ("public", "public_used"),
        ("licensed", "licensed_used"),
        ("private", "private_used"),
        ("crawled", "crawled_used"),
        ("synthetic", "synthetic_used"),
        ("other", "other_used"),
    ],
)
def test_each_kind_of_source_has_its_section(origin: str, question: str) -> None:
    corpus = manifests.corpus().model_copy(
        update={
            "sources": [manifests.source(origin=origin, title="A title of its own")],
            "synthetic": manifests.corpus().synthetic.model_copy(update={"bytes": 0}),
        }
    )
    paper = training_summary(manifests.full().model_copy(update={"corpus": corpus}))
    answers = {one.id: one.text for s in paper.sections for one in s.fields if one.id.endswith("_used")}
    assert answers.pop(question) == ["Yes."]
    assert set(map(tuple, answers.values())) == {("No.",)}
    assert "A title of its own" in text_of(paper, f"{origin}_sources")


def test_nothing_is_denied_while_the_kind_of_a_source_is_open() -> None:
    corpus = manifests.corpus()
    found = corpus.model_copy(update={"sources": [*corpus.sources, manifests.source(known=False)]})
    paper = training_summary(manifests.full().model_copy(update={"corpus": found}))
    assert text_of(paper, "public_used") == "Yes."
    assert "No." not in text_of(paper, "crawled_used").split("\n")
    assert "corpus.sources[1].origin" in text_of(paper, "crawled_used")
    assert text_of(paper, "crawled_sources") == "Open until the kind of each source is told."
    assert "Sources whose kind is to be completed" in [one.title for one in paper.sections]


def test_a_source_that_nothing_stayed_of_is_not_asked_about() -> None:
    empty = manifests.source(known=False, kept=Count(documents=0, bytes=0))
    corpus = manifests.corpus().model_copy(update={"sources": [*manifests.corpus().sources, empty]})
    assert to_complete(manifests.full().model_copy(update={"corpus": corpus})) == []


@pytest.mark.parametrize(("small", "named"), [(True, 25), (False, 50), (None, 50)])
def test_small_providers_name_fewer_domains(small: bool | None, named: int) -> None:
    domains = {f"host-{number}.example": Count(documents=1, bytes=1_000 - number) for number in range(50)}
    corpus = manifests.corpus().model_copy(update={"domains": domains, "all_domains": 500})
    provider = manifests.provider().model_copy(update={"small": small})
    paper = training_summary(manifests.full().model_copy(update={"corpus": corpus, "provider": provider}))
    found = text_of(paper, "domains")
    assert f"host-{named - 1}.example" in found
    assert f"host-{named}.example" not in found


def test_a_path_of_the_machine_is_in_no_paper() -> None:
    for make in (manifests.bare, manifests.given_tokens):
        for content in papers(make()).values():
            assert b"/home/someone" not in content
            assert b"/mnt/" not in content


def test_the_papers_of_a_small_model_are_voluntary() -> None:
    for make in (manifests.full, manifests.bare, manifests.given_tokens, manifests.tune, manifests.continued):
        for name, content in papers(make()).items():
            assert "These papers are voluntary:" in content.decode(), name
            assert "presumed" not in content.decode(), name


def test_a_model_over_the_threshold_is_presumed_to_be_of_general_purpose() -> None:
    for content in papers(manifests.over_threshold()).values():
        assert "The model is presumed to be a general-purpose AI model" in content.decode()
        assert "voluntary" not in content.decode()


def test_a_change_between_a_third_of_the_threshold_and_all_of_it_depends_on_the_base() -> None:
    manifest = manifests.continued().model_copy(update={"training": manifests.training(flops=5e22)})
    for content in papers(manifest).values():
        assert "depends on the base" in content.decode()
        assert "These papers are voluntary" not in content.decode()
    assert "whether these papers are voluntary depends on the base" in compute(manifest)
    properties = cyclonedx(manifest)["metadata"]["component"]["properties"]
    assert {"name": "octavo:ai-act:papers", "value": "voluntary or not by the base"} in properties


def test_every_paper_says_that_it_is_no_legal_advice_and_what_made_it() -> None:
    for content in papers(manifests.bare()).values():
        assert "no legal advice" in content.decode()
        assert "octavo 0.1.0" in content.decode()


def test_a_tune_tells_of_its_pairs_and_its_base() -> None:
    paper = training_summary(manifests.tune())
    assert "https://base.example/summary" in text_of(paper, "dependencies")
    assert "900 pairs" in text_of(paper, "unnamed")
    assert "300 examples" in text_of(paper, "synthetic_comments")
    assert text_of(paper, "size").startswith("Less than 1 billion tokens.\n232,662 tokens")


def test_a_tune_of_hardly_a_pass_tells_its_size() -> None:
    hardly = manifests.training().model_copy(update={"passes": 0.0})
    paper = training_summary(manifests.tune().model_copy(update={"training": hardly}))
    assert "232,662 tokens: the tokens of the examples, each counted once." in text_of(paper, "size")


def test_of_a_mixture_the_size_is_not_said_to_count_each_document_once() -> None:
    assert "with the copies that the mixture takes" in text_of(training_summary(manifests.full()), "size")
    assert "each counted once" in text_of(training_summary(manifests.bare()), "size")


def test_measures_that_the_recipe_turns_off_are_claimed_in_no_paper() -> None:
    on, off = (copyright_policy(make()) for make in (manifests.full, manifests.bare))
    for said in ("Copies and near copies of a document", "octavo trace", "may take a document several times"):
        assert said in text_of(on, "mitigation")
        assert said not in text_of(off, "mitigation")
    assert "Exact copies of a document are removed" in text_of(off, "mitigation")
    on, off = (technical_documentation(make()) for make in (manifests.full, manifests.bare))
    for said in ("repair of damage", "personal data,", "quality by counts", "harmful passages", "the mixture"):
        assert said in text_of(on, "curation")
        assert said not in text_of(off, "curation")


def test_of_pairs_and_given_tokens_the_policy_says_what_recall_can_tell() -> None:
    assert "files of pairs" in text_of(copyright_policy(manifests.tune()), "trained_already")
    assert "octavo trace" not in text_of(copyright_policy(manifests.tune()), "mitigation")
    given = copyright_policy(manifests.given_tokens())
    assert "as far as the token files name" in text_of(given, "trained_already")
    assert "its licence" not in text_of(given, "mitigation")


def test_of_given_tokens_the_papers_say_that_nothing_is_known() -> None:
    paper = training_summary(manifests.given_tokens())
    assert "2,000,000,000 tokens of 1,500,000 documents" in text_of(paper, "unnamed")
    assert "nothing else is known here" in text_of(paper, "unnamed")
    assert text_of(paper, "size").startswith("1 billion to 10 trillion tokens.\n2,500,000,000 tokens")
    assert "saw no document" in text_of(copyright_policy(manifests.given_tokens()), "licence_gate")


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        "a | b",
        "[click](javascript:alert(1))",
        "<https://x.example/<img src=x onerror=alert(1)>",
        "![x](https://x.example/x.png)",
        "&lt;script&gt;",
        "*a* _b_ `c` ~~d~~ $e$",
        "# heading",
        "- item",
        "1. first",
        r"back\slash \| pipe",
    ],
)
def test_whatever_a_collection_is_called_it_is_shown_and_does_nothing(name: str) -> None:
    made = papers(with_collection(name))
    for paper in ("training-summary", "technical-documentation", "model-documentation-form"):
        html = made[f"{paper}.html"].decode()
        assert without_spaces(name) in without_spaces(shown(html))
        tree = LexborHTMLParser(html)
        assert not tree.css("script, img, iframe, object, embed, form, link")
        for link in tree.css("a"):
            assert re.match(r"https?://|#section-", link.attributes["href"] or "")
        assert not [node for node in tree.css("*") for key in node.attributes if key.startswith("on")]


def test_line_ends_and_hidden_characters_in_a_name_break_no_table() -> None:
    found = papers(with_collection("two\n\n# lines\u202eback"))["training-summary.md"].decode()
    assert "| two # lines‹U+202E›back | source 1 |" in found


@given(st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" "), min_size=1, max_size=60))
@example("https://a.example/b_c_(d). And `more`")
@example("http://a.example/\\| x")
@example("1) one")
def test_text_comes_through_markdown_as_it_is(text: str) -> None:
    paper = Paper(id="p", title="P", about=[], sections=[section("1", "S", field("f", "L", text, items=[text]))])
    expected = paper.sections[0].fields[0].text[0]
    if not expected:
        return
    tree = LexborHTMLParser(MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown(paper)))
    assert tree.css_first("p").text() == expected
    assert tree.css_first("li").text() == expected
    assert {node.tag for node in tree.body.css("*")} <= {"body", "h1", "h2", "h3", "p", "ul", "li", "a"}


@given(st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" |\\"), min_size=1, max_size=40))
def test_text_comes_through_a_table_as_it_is(text: str) -> None:
    one = field("f", "L", columns=("A", "B"), rows=[[text, "end"]])
    assert one.table is not None
    paper = Paper(id="p", title="P", about=[], sections=[section("1", "S", one)])
    tree = LexborHTMLParser(MarkdownIt("commonmark").enable("table").render(markdown(paper)))
    assert [cell.text() for cell in tree.css("td")] == [one.table.rows[0][0], "end"]


def test_addresses_of_the_web_are_links() -> None:
    assert escaped("See https://a.example/b_c.") == "See <https://a.example/b_c>."
    assert escaped("javascript:x ftp://a.example") == "javascript:x ftp://a.example"


def test_blank_answers_are_no_answers() -> None:
    assert isinstance(told("  ", "provider.name"), Mark)
    assert told("A name", "provider.name") == "A name"


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1_000, "1,000 bytes (1 kB)"), (999_600, "999,600 bytes (1 MB)")],
)
def test_sizes_are_exact_and_readable(number: int, text: str) -> None:
    assert size(number) == text


def test_small_numbers_are_no_zeros() -> None:
    assert decimal(2.2e-6) == "0.0000022"
    assert decimal(12_345.0) == "12,000"
    assert with_plain_spaces(power(2.3e21)) == "2.3 × 10²¹"
