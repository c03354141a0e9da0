"""What rights holders have reserved: the list in the recipe, whom it is about, and the copies that go with them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from octavo.cli.app import app
from octavo.corpus.schema import DOCUMENT_SCHEMA, content_hash
from octavo.curation import opt_outs
from octavo.curation.explaining import explain
from octavo.curation.opt_outs import VERDICT, judge
from octavo.curation.opt_outs_report import UNMATCHED, opt_outs_in_words
from octavo.errors import InputError
from octavo.lineage import StageRecord
from octavo.progress import Progress
from octavo.recipe.file import dump, load
from octavo.recipe.opt_outs import OptOuts
from octavo.recipe.schema import Source
from octavo.stages import STAGES, why_outdated
from octavo.summary import print_story
from tests.curation.test_pipeline import ENGLISH, FRENCH, Curated, curate_documents, recipe_for, rows

SOURCE = Source(path="texts/*.jsonl")


def batch(*documents: dict[str, Any]) -> pa.Table:
    complete = [
        {
            "identifier": f"d{number}",
            "source": "texts/one.jsonl",
            "text": "Text.",
            "content_hash": content_hash(document.get("text", "Text.")),
        }
        | document
        for number, document in enumerate(documents)
    ]
    return pa.Table.from_pylist(complete, schema=DOCUMENT_SCHEMA)


def about(settings: dict[str, list[str]], *documents: dict[str, Any]) -> list[Any]:
    """Of each document the field and the entry that name it, or None."""
    told = judge(batch(*documents), SOURCE, OptOuts.model_validate(settings))
    assert told.type == VERDICT
    found: list[Any] = []
    for verdict in told.to_pylist():
        assert verdict["rule"] in (None, "opt-out")
        evidence = json.loads(verdict["evidence"] or "null")
        assert (verdict["rule"] is None) == (evidence is None)
        found.append(evidence and (evidence["field"], evidence["entry"]))
    return found


def by(field: str, entry: str, values: list[str | None], column: str | None = None) -> list[str | None]:
    """Of the values those that the entry is about."""
    found = about({field: [entry]}, *({column or field: value} for value in values))
    return [value for value, one in zip(values, found, strict=True) if one]


def test_an_empty_list_is_about_nothing() -> None:
    assert about({}, {"creator": "Anne Smith"}, {}) == [None, None]
    assert about({"creators": ["Anne Smith"]}) == []


def test_an_identifier_names_a_document_or_a_work_with_its_sections_or_all_that_begin_so() -> None:
    names: list[str | None] = ["a", "a#1", "a#2", "ab", "b#1", "b#2", "A", "c/a"]
    assert by("identifiers", "a", names, "identifier") == ["a", "a#1", "a#2"]
    assert by("identifiers", "b#1", names, "identifier") == ["b#1"]
    assert by("identifiers", "a*", names, "identifier") == ["a", "a#1", "a#2", "ab"]
    assert by("identifiers", "b#*", names, "identifier") == ["b#1", "b#2"]
    assert by("identifiers", "a?", ["a?", "ax"], "identifier") == ["a?"]


@pytest.mark.parametrize("entry", ["caf\u00e9", "cafe\u0301"])
def test_letters_with_accents_are_the_same_in_either_of_unicodes_forms(entry: str) -> None:
    composed, apart, plain = names = ["caf\u00e9", "cafe\u0301", "cafe"]
    for field, column in (("identifiers", "identifier"), ("sources", "source"), ("collections", "collection")):
        assert by(field, entry, [*names], column) == [composed, apart]
    for field, column in (("identifiers", "identifier"), ("sources", "source"), ("url_patterns", "source_url")):
        assert by(field, f"{entry}*", [f"{name}/1" for name in names], column) == [f"{composed}/1", f"{apart}/1"]
    assert by("identifiers", "cafe*", [*names], "identifier") == [plain]
    assert by("identifiers", entry, [f"{apart}#1"], "identifier") == [f"{apart}#1"]
    source = Source(path=apart)
    (verdict,) = judge(batch({}), source, OptOuts(sources=[entry])).to_pylist()
    assert verdict["rule"] == "opt-out"


def test_a_source_is_the_recipes_or_the_file_that_was_read() -> None:
    files: list[str | None] = ["texts/one.jsonl", "texts/two.jsonl", "other/one.jsonl"]
    assert by("sources", "texts/*.jsonl", files, "source") == files  # all are of the recipe's source of that name
    assert by("sources", "texts/one.jsonl", files, "source") == ["texts/one.jsonl"]
    assert by("sources", "*/one.jsonl", files, "source") == ["texts/one.jsonl", "other/one.jsonl"]
    assert by("sources", "other/*", files, "source") == ["other/one.jsonl"]
    assert by("sources", "texts/???.jsonl", files, "source") == files[:2]
    assert by("sources", "other/???.jsonl", files, "source") == ["other/one.jsonl"]
    assert by("sources", "texts", files, "source") == []


def test_a_collection_is_named_exactly() -> None:
    assert by("collections", "Press", ["Press", "press", "Pressed", "Press*", None], "collection") == ["Press"]
    assert by("collections", "Press*", ["Press", "Press*"], "collection") == ["Press*"]


def test_an_address_is_a_pattern_and_its_letters_have_no_case() -> None:
    urls = [
        "https://example.org/a?id=1",
        "https://EXAMPLE.org/",
        "http://example.org/a",
        "https://example.org.evil/a",
        "https://example_org/50%",
        None,
    ]
    assert by("url_patterns", "https://Example.org/*", urls, "source_url") == urls[:2]
    assert by("url_patterns", "*://example.org/a*", urls, "source_url") == [urls[0], urls[2]]
    assert by("url_patterns", "https://example.org/a?id=1", urls, "source_url") == urls[:1]
    assert by("url_patterns", "*e_org/5*", urls, "source_url") == [urls[4]]
    assert by("url_patterns", "*/50%", [*urls, "x/50y"], "source_url") == [urls[4]]


@pytest.mark.parametrize("upper", [False, True])
def test_a_text_is_known_by_its_blake3_and_by_its_sha_256(upper: bool) -> None:
    text = "Été, naïve\r\n"
    for digest in (content_hash(text), hashlib.sha256(text.encode()).hexdigest()):
        entry = digest.upper() if upper else digest
        assert about({"text_hashes": [entry]}, {"text": text}, {"text": text.strip()}) == [
            ("text_hashes", entry),
            None,
        ]


def test_the_first_field_and_entry_decide_and_the_others_are_told_too() -> None:
    settings = {"identifiers": ["x*", "x1"], "creators": ["Smith, Anne", "Anne Smith"], "collections": ["C"]}
    document = {"identifier": "x1", "creator": "ANNE SMITH", "collection": "C"}
    (verdict,) = judge(batch(document), SOURCE, OptOuts.model_validate(settings)).to_pylist()
    assert json.loads(verdict["evidence"]) == {
        "field": "identifiers",
        "entry": "x*",
        "also": [
            {"field": "identifiers", "entry": "x1"},
            {"field": "creators", "entry": "Smith, Anne"},
            {"field": "creators", "entry": "Anne Smith"},
            {"field": "collections", "entry": "C"},
        ],
    }


def test_a_creator_is_one_of_the_documents_creators_by_the_whole_name() -> None:
    named = ["Jones, Bob; SMITH, Anne (1850-1920)", "Anne Smith", "Smith, Anne 1850-1920"]
    creators = [*named, "Smith, A.", "Smithson, Anne", "Smith, Bob 1850-1920", "Smith", None]
    assert by("creators", "Smith, Anne", creators, "creator") == named
    assert by("creators", "Smith, Anne 1850-1920", creators, "creator") == named
    assert by("creators", "Smith", creators, "creator") == ["Smith"]


def test_a_creator_is_found_in_a_sources_list_of_them(tmp_path: Path) -> None:
    documents = [
        {"identifier": "hers", "text": ENGLISH, "creator": ["Jones, Bob", "Smith, Anne"]},
        {"identifier": "other", "text": FRENCH, "creator": ["Jones, Bob"]},
    ]
    curated = curate_documents(tmp_path, documents, curation={"opt_outs": {"creators": ["Smith, Anne"]}})
    assert [row["identifier"] for row in curated.kept] == ["other"]


@pytest.mark.parametrize(
    ("field", "entry", "expected"),
    [
        ("text_hashes", "12ab", "64 hexadecimal digits (BLAKE3 or SHA-256)"),
        ("text_hashes", "g" * 64, "64 hexadecimal digits (BLAKE3 or SHA-256)"),
        ("creators", "1850-1920", "a name"),
        ("identifiers", "*", "something that not all documents have"),
        ("url_patterns", "", "something that not all documents have"),
        ("collections", " ", "something that not all documents have"),
    ],
)
def test_an_entry_that_cannot_be_is_refused_with_its_place(
    tmp_path: Path, field: str, entry: str, expected: str
) -> None:
    recipe = tmp_path / "recipe.yaml"
    good = "a" * 64
    recipe.write_text(
        "name: x\ncorpus: {sources: [{path: builtin:starter}]}\ncuration:\n  opt_outs:\n"
        f"    {field}:\n      - {good}\n      - {json.dumps(entry)}\n"
    )
    with pytest.raises(InputError) as error:
        load(recipe)
    assert str(error.value) == f"{recipe}:7: curation.opt_outs.{field}[1]: found {entry!r}, expected {expected}"


def test_the_list_is_written_and_read_back() -> None:
    lists = {name: ["b" * 64] for name in OptOuts.model_fields}
    recipe = recipe_for("builtin:starter", curation={"opt_outs": lists})
    assert recipe.curation.opt_outs.model_dump() == lists
    assert "  opt_outs:\n    # Identifiers: " in dump(recipe, comments=True)


def test_without_entries_a_run_of_an_earlier_version_still_holds() -> None:
    (stage,) = (stage for stage in STAGES if stage.name == "curation")
    plain = recipe_for("builtin:starter")
    record = StageRecord(stage="curation", recipe=stage.sections(plain.model_dump(mode="json")), inputs={})
    assert "opt_outs" not in record.recipe["curation"]
    assert why_outdated(stage, plain, record, {}) is None
    listed = recipe_for("builtin:starter", curation={"opt_outs": {"creators": ["Anne Smith"]}})
    changed = why_outdated(stage, listed, record, {})
    assert changed is not None
    assert "curation.opt_outs.creators" in changed


def test_where_nothing_is_listed_nothing_is_looked_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def must_not(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(opt_outs, "judge", must_not)
    monkeypatch.setattr("octavo.curation.deciding.find_copies", must_not)
    curated = curate_documents(tmp_path, [{"text": ENGLISH}, {"text": FRENCH}])
    assert curated.report["opt_outs"] == {"fields": {}, "unmatched": []}
    assert len(curated.kept) == 2


STORY = " ".join(
    f"On the {number}th morning the {who} went down to the {where} and counted what the night had left of the {what}."
    for number, (who, where, what) in enumerate(
        [
            ("miller", "weir", "reeds"),
            ("baker", "lane", "snow"),
            ("smith", "forge", "coal"),
            ("clerk", "hall", "wax"),
        ]
    )
)
PAGE = f"{ENGLISH}\n\n{STORY} Write to keeper@example.org or to nobody."
MARKUP = (
    f"<html><head><title>A page</title></head><body><p>{PAGE.replace(chr(10) * 2, '</p><p>')}</p></body></html>"
)
OTHER = (
    "Cheese is made on the mountain in summer, when the cows graze above the trees; the milk is warmed in copper and "
    "the curd is cut with a harp, and what is pressed by night is salted in the morning by the youngest of them."
)
REPRINT = OTHER.replace("Cheese", "Butter")
DOCUMENTS: list[dict[str, Any]] = [
    {"identifier": "before", "text": PAGE.replace("keeper@", "someone.else@"), "title": "With another address"},
    {"identifier": "work#1", "text": PAGE, "creator": "Smith, Anne (1850-1920)", "license": "All rights reserved"},
    {"identifier": "work#2", "text": f"{FRENCH} La suite."},
    {"identifier": "same", "text": PAGE.replace("\n", "\r\n"), "title": "With other line ends"},
    {"identifier": "page", "text": MARKUP, "title": "In markup"},
    {"identifier": "near", "text": PAGE.replace("miller", "millar").replace("snow", "slush"), "title": "Reset"},
    {"identifier": "cheese", "text": OTHER, "creator": "Smithson, A."},
    {"identifier": "butter", "text": REPRINT},
    {"identifier": "none", "text": " "},
]
LIST = {"identifiers": ["work", "nowhere*"], "creators": ["Anne Smith", "Smth, Anne"]}


@pytest.fixture(scope="module")
def messages() -> list[str]:
    return []


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("opt-outs")


@pytest.fixture(scope="module")
def curated(home: Path, messages: list[str]) -> Curated:
    changes = {"opt_outs": LIST, "held_out": {"fraction": 0.0}}
    return curate_documents(home, DOCUMENTS, Progress(message=messages.append), curation=changes, languages=["en"])


def test_what_opted_out_goes_before_any_other_rule_and_its_copies_go_with_it(curated: Curated) -> None:
    fates = {row["identifier"]: row["rule"] for row in curated.ledger if row["fate"] == "removed"}
    opted_out = dict.fromkeys(["work#1", "work#2", "same", "page", "near", "before"], "opt-out")
    assert fates == {**opted_out, "butter": "near-duplicate", "none": "empty"}
    assert [d["identifier"] for d in curated.kept] == ["cheese"]
    assert curated.fate("work#1")["rules"] == ["opt-out"]
    assert json.loads(curated.fate("work#1")["evidence"]) == {
        "opt-out": {
            "field": "identifiers",
            "entry": "work",
            "also": [{"field": "creators", "entry": "Anne Smith"}],
        }
    }


def test_a_copy_tells_the_original_and_how_alike_they_are(curated: Curated) -> None:
    evidence = {name: json.loads(curated.fate(name)["evidence"])["opt-out"] for name in ("same", "page", "near")}
    original = {"copy_of": "work#1", "field": "identifiers", "entry": "work"}
    assert evidence["same"] == evidence["page"] == {**original, "similarity": 1.0, "same_text": True}
    assert 0.5 <= evidence["near"].pop("similarity") < 1
    assert evidence["near"] == original
    assert len({curated.fate(name)["cluster"] for name in evidence}) == 1
    assert curated.fate("work#1")["cluster"] is None
    # As the address is taken out of both, a copy with another address is the same text.
    assert json.loads(curated.fate("before")["evidence"])["opt-out"]["same_text"]


def test_the_texts_stay_readable_as_they_came(curated: Curated) -> None:
    removed = {d["identifier"]: d for d in curated.removed}
    for document in DOCUMENTS:
        if document["identifier"] != "cheese":
            assert removed[document["identifier"]]["text"] == document["text"]
    assert removed["near"]["rule"] == "opt-out"
    assert removed["work#1"]["content_hash"] == curated.fate("work#1")["content_hash_in"] == content_hash(PAGE)


def test_the_report_counts_by_field_and_names_what_matched_nothing(curated: Curated, messages: list[str]) -> None:
    size = {d["identifier"]: len(d["text"].encode()) for d in DOCUMENTS}
    own, copies = ("work#1", "work#2"), ("before", "same", "page", "near")
    nothing = {"documents": 0, "bytes": 0}
    assert curated.report["opt_outs"] == {
        "fields": {
            "identifiers": {
                "entries": 2,
                "matched": 1,
                "documents": 2,
                "bytes": sum(size[name] for name in own),
                "copies": {"documents": 4, "bytes": sum(size[name] for name in copies)},
            },
            "creators": {"entries": 2, "matched": 1, **nothing, "copies": nothing},
        },
        "unmatched": [
            {"field": "identifiers", "entry": "nowhere*"},
            {"field": "creators", "entry": "Smth, Anne"},
        ],
    }
    gone = sum(size[name] for name in (*own, *copies))
    assert curated.report["rules"]["opt-out"] == {"documents": 6, "bytes": gone}
    (message,) = (one for one in messages if "opted out" in one)
    assert message == opt_outs_in_words(curated.report["opt_outs"])
    assert message.startswith("curation: 2 documents opted out (")
    assert "and 4 copies were removed with them (" in message
    assert message.endswith("; 2 of 4 entries matched nothing: identifiers 'nowhere*', creators 'Smth, Anne'")


def test_the_page_shows_the_rule_and_the_entries_that_matched_nothing(curated: Curated, home: Path) -> None:
    page = (home / "corpus" / "report.html").read_text()
    assert 'href="#removed-opt-out"' in page
    section = page[page.index('<section id="opt-outs">') :]
    section = section[: section.index("</section>")]
    assert "<q>nowhere*</q>" in section
    assert "Anne" in section


def test_the_story_of_a_document_tells_why_in_words(
    curated: Curated, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("work#1", "same", "near"):
        print_story(home / "corpus", explain(home / "corpus", name))
    said = capsys.readouterr().out
    assert "removed     by opt-out: Its rights are reserved" in said
    assert "The list names it by identifiers: “work”; by creators: “Anne Smith”." in said
    assert "took with it 4: before, same, page, near" in said
    assert "The same text as work#1, which the list names by identifiers: “work”." in said
    assert "Like (estimated similarity" in said
    assert "stands for it" not in said


def test_a_similarity_of_one_takes_the_same_text_alone(tmp_path: Path) -> None:
    documents = [DOCUMENTS[1], DOCUMENTS[3], DOCUMENTS[5], DOCUMENTS[6]]
    changes = {"opt_outs": {"creators": ["Smith, Anne"]}, "duplicates": {"similarity": 1.0}}
    curated = curate_documents(tmp_path, documents, curation=changes)
    assert [d["identifier"] for d in curated.removed] == ["work#1", "same"]


def test_of_many_entries_that_match_nothing_the_first_are_named(tmp_path: Path) -> None:
    entries = [f"gone/{number}" for number in range(UNMATCHED + 5)]
    messages: list[str] = []
    documents = [{"text": ENGLISH}]
    changes = {"opt_outs": {"identifiers": entries}}
    curated = curate_documents(tmp_path, documents, Progress(message=messages.append), curation=changes)
    found = curated.report["opt_outs"]
    assert [one["entry"] for one in found["unmatched"]] == entries[:UNMATCHED]
    assert found["fields"]["identifiers"]["entries"] - found["fields"]["identifiers"]["matched"] == UNMATCHED + 5
    assert messages[0].endswith("'gone/2' and 102 more")


def test_where_all_opted_out_the_person_is_told_by_which_rule(tmp_path: Path) -> None:
    changes = {"opt_outs": {"sources": ["*/source.jsonl"]}}
    with pytest.raises(InputError, match=r"none of 1 documents is left after curation \(opt-out: 1\)"):
        curate_documents(tmp_path, [{"text": ENGLISH}], curation=changes)
    assert [d["rule"] for d in rows(*(tmp_path / "corpus" / "removed").glob("*.parquet"))] == ["opt-out"]


def test_the_command_explains_an_opt_out(curated: Curated, home: Path) -> None:
    (home / "recipe.yaml").write_text(dump(recipe_for(str(home / "source.jsonl"), curation={"opt_outs": LIST})))
    command = ["curate", str(home / "recipe.yaml"), "--out", str(home), "--explain", "near"]
    told = CliRunner().invoke(app, command)
    assert told.exit_code == 0, told.output
    assert "work#1, which the list names by identifiers: “work”" in " ".join(told.stdout.split())
