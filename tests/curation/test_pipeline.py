from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from octavo.corpus import importing
from octavo.corpus.importing import import_documents
from octavo.corpus.locations import expand
from octavo.corpus.schema import KEPT_SCHEMA, LEDGER_SCHEMA, REMOVED_SCHEMA, content_hash
from octavo.curation.explaining import explain
from octavo.curation.pipeline import curate
from octavo.errors import InputError, OctavoError
from octavo.progress import Progress, StoppedError
from octavo.recipe.file import validate
from octavo.recipe.schema import LANGUAGES, Recipe

ENGLISH = (
    "The old keeper of the light climbed the stair each evening and set the lamp burning for the boats below, "
    "and when the fog came in from the north he rang the bell until the morning."
)
FRENCH = (
    "Le vieux gardien du phare montait chaque soir l'escalier et allumait la lampe pour les bateaux du port, et "
    "quand la brume venait du nord il sonnait la cloche jusqu'au matin."
)
SWEDISH = (
    "Den gamle fyrvaktaren gick varje kväll uppför trappan och tände lampan för båtarna som var på väg hem, och när "
    "dimman kom från norr ringde han i klockan till morgonen."
)


def recipe_for(path: str, **changes: Any) -> Recipe:
    sources = [{"path": path, **changes.pop("source", {})}]
    corpus = {"sources": sources, "languages": changes.pop("languages", list(LANGUAGES))}
    return validate({"name": "curated", "corpus": corpus, **changes}, {}, "recipe.yaml")


EXACT = {"duplicates": {"similarity": 1.0}}
"""Curation that takes exact copies alone for copies, for texts that differ in a word."""


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def rows(*parts: Path) -> list[dict[str, Any]]:
    return [row for part in parts for row in pq.read_table(part).to_pylist()]


class Curated:
    """A curated corpus: what came in, the ledger, and what was kept, changed and removed."""

    def __init__(self, home: Path) -> None:
        self.came_in = rows(*sorted((home / "documents").glob("*.parquet")))
        self.ledger = rows(home / "corpus" / "ledger.parquet")
        self.kept = rows(*sorted((home / "corpus" / "kept").glob("*.parquet")))
        self.originals = rows(*sorted((home / "corpus" / "originals").glob("*.parquet")))
        self.removed = rows(*sorted((home / "corpus" / "removed").glob("*.parquet")))
        self.report = json.loads((home / "corpus" / "report.json").read_text())

    def fate(self, identifier: str) -> dict[str, Any]:
        (row,) = (row for row in self.ledger if row["identifier"] == identifier)
        return row


def curate_documents(
    home: Path, documents: list[dict[str, Any]], progress: Progress | None = None, **changes: Any
) -> Curated:
    """Import documents, CC0-1.0 where they say nothing else, and curate them."""
    given = [{"identifier": f"d{n}", "license": "CC0-1.0", **document} for n, document in enumerate(documents)]
    home.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(document, ensure_ascii=False) + "\n" for document in given)
    (home / "source.jsonl").write_text(lines, encoding="utf-8")
    recipe = recipe_for(str(home / "source.jsonl"), **changes)
    import_documents(recipe.corpus, home / "documents", Progress())
    curate(recipe, home / "documents", home / "corpus", progress or Progress())
    return Curated(home)


@pytest.fixture(scope="module")
def starter_parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starter corpus imported in several parts."""
    home = tmp_path_factory.mktemp("starter")
    (location,), _ = expand("builtin:starter")
    pq.write_table(pq.read_table(location.path), home / "starter.parquet", row_group_size=70)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importing, "PART_BYTES", 1)
        import_documents(recipe_for(str(home / "starter.parquet")).corpus, home / "documents", Progress())
    assert len(list((home / "documents").glob("*.parquet"))) == 4
    return home


@pytest.fixture(scope="module")
def starter(starter_parts: Path) -> Curated:
    curate(recipe_for("builtin:starter"), starter_parts / "documents", starter_parts / "corpus", Progress())
    return Curated(starter_parts)


def test_the_ledger_has_one_row_for_every_document_in_order(starter: Curated, starter_parts: Path) -> None:
    assert pq.read_schema(starter_parts / "corpus" / "ledger.parquet") == LEDGER_SCHEMA
    assert [row["identifier"] for row in starter.ledger] == [d["identifier"] for d in starter.came_in]
    assert [row["content_hash_in"] for row in starter.ledger] == [d["content_hash"] for d in starter.came_in]
    assert [row["bytes_in"] for row in starter.ledger] == [len(d["text"].encode()) for d in starter.came_in]


def test_what_came_in_is_all_there_kept_or_in_originals_or_removed(starter: Curated) -> None:
    def plain(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{name: d[name] for name in starter.came_in[0]} for d in documents]

    fates = [row["fate"] for row in starter.ledger]
    came = list(zip(starter.came_in, fates, strict=True))
    unchanged = {row["identifier"] for row in starter.ledger if row["fate"] == "kept"}
    assert plain([d for d in starter.kept if d["identifier"] in unchanged]) == [d for d, f in came if f == "kept"]
    assert plain(starter.originals) == [d for d, fate in came if fate in ("repaired", "redacted")]
    assert plain(starter.removed) == [d for d, fate in came if fate == "removed"]
    assert len(starter.kept) + len(starter.removed) == len(starter.came_in)
    everything = [*starter.kept, *starter.originals, *starter.removed]
    assert all(content_hash(d["text"]) == d["content_hash"] for d in everything)


def test_a_changed_document_differs_from_its_original_and_the_ledger_has_both_hashes(starter: Curated) -> None:
    kept = {d["identifier"]: d for d in starter.kept}
    assert len(starter.originals) > 8
    for original in starter.originals:
        row = starter.fate(original["identifier"])
        changed = kept[original["identifier"]]
        assert changed["text"] != original["text"]
        assert (row["content_hash_in"], row["content_hash_out"]) == (
            original["content_hash"],
            changed["content_hash"],
        )
        assert row["bytes_out"] == len(changed["text"].encode())


def test_kept_and_removed_files_have_their_schemas(starter: Curated, starter_parts: Path) -> None:
    for folder, schema in (("kept", KEPT_SCHEMA), ("removed", REMOVED_SCHEMA)):
        for part in (starter_parts / "corpus" / folder).glob("*.parquet"):
            assert pq.read_schema(part) == schema


def test_a_kept_row_of_the_ledger_says_why_it_is_open_and_a_removed_one_what_removed_it(starter: Curated) -> None:
    for row in starter.ledger:
        if row["fate"] == "kept":
            assert (row["rule"], row["rules"], row["cluster"]) == (None, [], None)
            assert [*json.loads(row["evidence"] or "{}")] in ([], ["toxicity"])  # of passages that are annotated
            assert (row["bytes_out"], row["content_hash_out"]) == (row["bytes_in"], row["content_hash_in"])
        if row["fate"] != "removed":
            assert row["spdx"] == "CC0-1.0"
            assert row["basis"] == "document states 'CC0-1.0'"
            assert row["obligations"] == "none"
            assert row["lang"] in LANGUAGES
        else:
            assert row["rules"][-1] == row["rule"]
            assert json.loads(row["evidence"])[row["rule"]]
            assert (row["bytes_out"], row["content_hash_out"]) == (0, None)


def test_a_removed_document_says_what_the_ledger_says(starter: Curated) -> None:
    assert [(d["identifier"], d["rule"], d["evidence"]) for d in starter.removed] == [
        (row["identifier"], row["rule"], row["evidence"]) for row in starter.ledger if row["fate"] == "removed"
    ]


def test_the_deliberate_faults_of_the_starter_corpus_that_a_rule_is_for_are_removed(starter: Curated) -> None:
    collections = {d["identifier"]: d["collection"] for d in starter.came_in}
    removed: dict[str, set[str]] = {}
    for row in starter.ledger:
        if row["fate"] == "removed":
            removed.setdefault(row["rule"], set()).add(collections[row["identifier"]].rpartition(": ")[2])
    assert removed == {
        "licence-not-open": {"non-commercial licence", "no-derivatives licence", "all rights reserved"},
        "licence-unknown": {"missing licence", "unknown licence"},
        "duplicate": {"exact copy", "mojibake"},  # once its mojibake is repaired
        "near-duplicate": {"near copy"},
        "empty": {"empty"},
        "language": {"foreign"},
        "too-short": {"too short"},
        "duplicate-lines": {"one line repeated"},
    }


def test_the_personal_data_among_the_deliberate_faults_is_redacted(starter: Curated) -> None:
    contacts = [row for row in starter.ledger if row["identifier"].endswith("-contact")]
    assert len(contacts) == 8
    assert {row["fate"] for row in contacts} == {"redacted"}
    assert all(json.loads(row["evidence"])["personal-data"]["EMAIL"] for row in contacts)


def test_the_report_counts_what_the_ledger_and_the_documents_say(starter: Curated) -> None:
    def count(documents: list[dict[str, Any]]) -> dict[str, int]:
        return {"documents": len(documents), "bytes": sum(len(d["text"].encode()) for d in documents)}

    report = starter.report
    assert report["in"] == count(starter.came_in)
    assert report["kept"] == count(starter.kept)
    assert report["removed"] == {**count(starter.removed)}
    assert report["rules"] == {
        rule: count([d for d in starter.removed if d["rule"] == rule])
        for rule in {d["rule"] for d in starter.removed}
    }
    for lang in LANGUAGES:
        in_language = [d for d in starter.kept if d["lang"] == lang]
        held_out = [d for d in in_language if d["split"] == "held-out"]
        assert report["languages"][lang] == {**count(in_language), "held_out": count(held_out)}


def test_each_language_has_works_held_out_and_works_to_train_on(starter: Curated) -> None:
    splits = {(d["lang"], d["split"]) for d in starter.kept}
    assert splits == {(lang, split) for lang in LANGUAGES for split in ("train", "held-out")}


@pytest.mark.parametrize("text", ["", "   ", "\n\t \r\n", "\u00a0\u2003"])
def test_a_text_of_nothing_but_white_space_is_empty(tmp_path: Path, text: str) -> None:
    curated = curate_documents(tmp_path, [{"text": text}, {"text": ENGLISH}])
    assert curated.fate("d0")["rule"] == "empty"
    assert json.loads(curated.fate("d0")["evidence"])["empty"] == {"characters": 0}
    assert curated.removed[0]["text"] == text


def test_a_licence_is_judged_by_the_document_first_and_by_the_recipe_where_it_states_none(tmp_path: Path) -> None:
    stated = ["CC BY 4.0", "CC BY-NC 4.0", "See website", None, "  ", "CC-BY-SA-3.0"]
    documents = [{"text": f"{ENGLISH} {n}", "license": words} for n, words in enumerate(stated)]
    curated = curate_documents(tmp_path / "with", documents, source={"license": "Public Domain"}, curation=EXACT)
    told = [(r["rule"], r["spdx"], r["basis"], r["obligations"]) for r in curated.ledger]
    assert told == [
        (None, "CC-BY-4.0", "document states 'CC BY 4.0'", "attribution"),
        ("licence-contradicted", "CC-BY-NC-4.0", "document states 'CC BY-NC 4.0'", "attribution"),
        ("licence-unknown", None, None, None),
        (None, "LicenseRef-Public-Domain", "recipe states 'Public Domain'", "none"),
        (None, "LicenseRef-Public-Domain", "recipe states 'Public Domain'", "none"),
        (None, "CC-BY-SA-3.0", "document states 'CC-BY-SA-3.0'", "share-alike"),
    ]
    stated_both = {"stated": "CC BY-NC 4.0", "spdx": "CC-BY-NC-4.0", "source": "Public Domain"}
    assert json.loads(curated.fate("d1")["evidence"]) == {"licence-contradicted": stated_both}
    assert json.loads(curated.fate("d2")["evidence"])["licence-unknown"]["stated"] == "See website"
    without = curate_documents(tmp_path / "without", documents, curation=EXACT)
    assert [r["rule"] for r in without.ledger][3:5] == ["licence-unknown", "licence-unknown"]


def test_the_recipe_cannot_free_a_text_that_says_it_is_not_free(tmp_path: Path) -> None:
    documents = [{"text": ENGLISH, "license": "CC BY-NC 4.0"}, {"text": FRENCH}]
    curated = curate_documents(tmp_path, documents, source={"license": "CC0-1.0"})
    assert curated.fate("d0")["rule"] == "licence-contradicted"


def test_the_recipe_says_which_licences_are_open(tmp_path: Path) -> None:
    documents = [{"text": ENGLISH, "license": "CC BY 4.0"}, {"text": FRENCH}]
    curated = curate_documents(tmp_path, documents, curation={"licences": {"allow": ["CC0-1.0"]}})
    assert [r["rule"] for r in curated.ledger] == ["licence-not-open", None]


def test_a_document_in_a_language_that_is_not_wanted_goes_with_the_evidence(tmp_path: Path) -> None:
    curated = curate_documents(tmp_path, [{"text": SWEDISH}, {"text": ENGLISH}], languages=["en"])
    row = curated.fate("d0")
    evidence = json.loads(row["evidence"])["language"]
    assert (row["rule"], row["lang"], evidence["lang"]) == ("language", "sv", "sv")
    assert 0 < evidence["confidence"] <= 1


def test_the_language_is_read_from_the_text_and_not_from_the_label(tmp_path: Path) -> None:
    curated = curate_documents(tmp_path, [{"text": FRENCH, "language": "English"}], languages=["fr"])
    assert (curated.kept[0]["lang"], curated.kept[0]["language"]) == ("fr", "English")


def test_of_exact_copies_the_first_stays(tmp_path: Path) -> None:
    texts = [ENGLISH, FRENCH, ENGLISH, ENGLISH + " ", ENGLISH]
    curated = curate_documents(tmp_path, [{"text": text} for text in texts], curation=EXACT)
    assert [r["rule"] for r in curated.ledger] == [None, None, "duplicate", None, "duplicate"]
    for row in (curated.fate("d2"), curated.fate("d4")):
        assert json.loads(row["evidence"]) == {"duplicate": {"same_text_as": "d0"}}
        assert row["cluster"] == content_hash(ENGLISH)
    assert curated.fate("d0")["cluster"] is None


def test_a_copy_of_a_document_that_is_removed_anyway_stays(tmp_path: Path) -> None:
    curated = curate_documents(tmp_path, [{"text": ENGLISH, "license": "CC BY-NC 4.0"}, {"text": ENGLISH}])
    assert [r["rule"] for r in curated.ledger] == ["licence-not-open", None]


def test_copies_are_found_in_other_parts_and_names_in_any_script_are_told(tmp_path: Path) -> None:
    for name in ("a", "b"):
        pq.write_table(
            pa.table({"identifier": [f'{name}/"Ὅμηρος"\\1', f"{name}/2"], "text": [ENGLISH, f"{FRENCH} {name}"]}),
            tmp_path / f"{name}.parquet",
        )
    recipe = recipe_for(str(tmp_path / "*.parquet"), source={"license": "CC0"}, curation=EXACT)
    import_documents(recipe.corpus, tmp_path / "documents", Progress())
    curate(recipe, tmp_path / "documents", tmp_path / "corpus", Progress())
    row = Curated(tmp_path).fate('b/"Ὅμηρος"\\1')
    assert row["rule"] == "duplicate"
    assert json.loads(row["evidence"]) == {"duplicate": {"same_text_as": 'a/"Ὅμηρος"\\1'}}


def test_a_held_out_work_is_never_split_over_its_sections(tmp_path: Path) -> None:
    documents = [
        {"identifier": f"work{work}#s{section}", "text": f"{ENGLISH} {work} {section}"}
        for section in range(4)
        for work in range(30)
    ]
    curated = curate_documents(
        tmp_path, documents, languages=["en"], curation={**EXACT, "held_out": {"fraction": 0.3}}
    )
    splits: dict[str, set[str]] = {}
    for document in curated.kept:
        splits.setdefault(document["identifier"].split("#")[0], set()).add(document["split"])
    assert all(len(split) == 1 for split in splits.values())
    assert {next(iter(split)) for split in splits.values()} == {"train", "held-out"}


def test_a_removed_document_of_a_work_does_not_count_for_the_split(tmp_path: Path) -> None:
    documents = [{"identifier": "a", "text": ENGLISH}, {"identifier": "b", "text": ENGLISH}]
    curated = curate_documents(tmp_path, documents, languages=["en"])
    assert [d["split"] for d in curated.kept] == ["train"]


def test_a_folder_of_any_name_is_itself_and_no_pattern(tmp_path: Path) -> None:
    for name in ("runs aXb", "runs a?b", "runs [old] {1,2} a*b"):
        curated = curate_documents(tmp_path / name, [{"text": f"{ENGLISH} In {name}."}, {"text": SWEDISH}])
        assert curated.report["in"]["documents"] == len(curated.ledger) == 2
        assert [row["text"] for row in curated.kept] == [f"{ENGLISH} In {name}."]


def test_what_a_file_manager_left_among_the_parts_is_none(tmp_path: Path) -> None:
    curate_documents(tmp_path, [{"text": ENGLISH}])
    made = content(tmp_path / "corpus")
    for folder in ("documents", "corpus/kept"):
        (tmp_path / folder / "._000-000000-0000.parquet").write_bytes(b"AppleDouble")
    recipe = recipe_for(str(tmp_path / "source.jsonl"))
    curate(recipe, tmp_path / "documents", tmp_path / "again", Progress())
    assert content(tmp_path / "again") == made
    assert explain(tmp_path / "corpus", "d0")["identifier"] == "d0"


def test_languages_without_a_document_are_told(tmp_path: Path) -> None:
    said: list[str] = []
    curate_documents(tmp_path, [{"text": ENGLISH}], Progress(message=said.append), languages=["en", "la", "pt"])
    assert said == ["curation: no document is left in la, pt"]


def test_nothing_left_is_refused_and_the_ledger_says_why(tmp_path: Path) -> None:
    documents = [{"text": ""}, {"text": ENGLISH, "license": "CC BY-NC 4.0"}, {"text": SWEDISH}, {"text": SWEDISH}]
    with pytest.raises(InputError) as caught:
        curate_documents(tmp_path, documents)
    assert str(caught.value).startswith("corpus.sources: none of 4 documents is left after curation (")
    for count in ("language: 2", "licence-not-open: 1", "empty: 1", str(tmp_path / "corpus" / "ledger.parquet")):
        assert count in str(caught.value)
    assert len(Curated(tmp_path).ledger) == 4


def test_a_curation_that_was_stopped_in_all_its_steps_goes_on_to_the_same_bytes(
    starter: Curated, starter_parts: Path, tmp_path: Path
) -> None:
    """Each call is stopped at the second place where it asks, until nothing is left to stop."""
    recipe, documents = recipe_for("builtin:starter"), starter_parts / "documents"
    stopped_in = []
    for _ in range(9):
        asked = iter(range(100))
        try:
            curate(recipe, documents, tmp_path, Progress(stopping=lambda asked=asked: next(asked) == 1))
            break
        except StoppedError:
            assert not (tmp_path / "ledger.parquet").exists()
            made = [(tmp_path / name).exists() for name in ("decisions/documents.parquet", "weighed/figures.json")]
            stopped_in.append(sum(made))
    assert set(stopped_in) == {0, 1, 2}, "in judging, in weighing and in sorting"
    assert content(tmp_path) == content(starter_parts / "corpus")


def test_a_part_that_was_half_written_is_written_anew(
    starter: Curated, starter_parts: Path, tmp_path: Path
) -> None:
    recipe, documents = recipe_for("builtin:starter"), starter_parts / "documents"
    asked = iter(range(100))
    with pytest.raises(StoppedError):
        curate(recipe, documents, tmp_path, Progress(stopping=lambda: next(asked) == 6))
    last = sorted(documents.glob("*.parquet"))[-1].name
    (tmp_path / "ledger" / last).unlink(missing_ok=True)
    for half in (
        f"kept/{last}.partial",
        f"removed/{last}.partial",
        f"ledger/{last.removesuffix('.parquet')}.partial",
    ):
        (tmp_path / "workspaces" / "lost" / half).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "workspaces" / "lost" / half).write_bytes(b"half of it")
    curate(recipe, documents, tmp_path, Progress())
    assert content(tmp_path) == content(starter_parts / "corpus")


def test_a_verdict_that_got_lost_in_between_is_found_again(
    starter: Curated, starter_parts: Path, tmp_path: Path
) -> None:
    recipe, documents = recipe_for("builtin:starter"), starter_parts / "documents"
    asked = iter(range(100))
    with pytest.raises(StoppedError):
        curate(recipe, documents, tmp_path, Progress(stopping=lambda: next(asked) == 7))
    next((tmp_path / "verdicts").glob("*.parquet")).unlink()
    curate(recipe, documents, tmp_path, Progress())
    assert content(tmp_path) == content(starter_parts / "corpus")


def test_curating_again_gives_the_same_bytes(starter: Curated, starter_parts: Path, tmp_path: Path) -> None:
    curated = Path(shutil.copytree(starter_parts / "corpus", tmp_path / "corpus"))
    curate(recipe_for("builtin:starter"), starter_parts / "documents", curated, Progress())
    assert content(curated) == content(starter_parts / "corpus")


def test_the_size_of_the_parts_changes_nothing_but_the_files(starter: Curated, tmp_path: Path) -> None:
    recipe = recipe_for("builtin:starter")
    import_documents(recipe.corpus, tmp_path / "documents", Progress())
    curate(recipe, tmp_path / "documents", tmp_path / "corpus", Progress())
    whole = Curated(tmp_path)
    assert len(list((tmp_path / "documents").glob("*.parquet"))) == 1

    def without_source(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{name: value for name, value in d.items() if name != "source"} for d in documents]

    for name in ("ledger", "kept", "originals", "removed"):
        assert without_source(getattr(whole, name)) == without_source(getattr(starter, name))
    assert whole.report | {"sources": {}} == starter.report | {"sources": {}}  # the file has another name


def test_documents_changed_by_hand_in_between_are_noticed(starter_parts: Path, tmp_path: Path) -> None:
    documents = tmp_path / "documents"
    documents.mkdir()
    parts = sorted((starter_parts / "documents").glob("*.parquet"))
    for part in parts:
        (documents / part.name).write_bytes(part.read_bytes())
    asked = iter(range(100))
    with pytest.raises(StoppedError):
        curate(
            recipe_for("builtin:starter"),
            documents,
            tmp_path / "corpus",
            Progress(stopping=lambda: next(asked) == 3),
        )
    (documents / parts[0].name).write_bytes(parts[1].read_bytes())
    with pytest.raises(OctavoError, match="its verdicts are of other documents; the folder was changed by hand"):
        curate(recipe_for("builtin:starter"), documents, tmp_path / "corpus", Progress())
