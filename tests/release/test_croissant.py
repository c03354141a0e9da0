"""Croissant: valid for the reference library, which loads the real documents by it."""

from __future__ import annotations

import hashlib
import json

import mlcroissant
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from octavo.corpus.schema import KEPT_SCHEMA, LEDGER_SCHEMA
from octavo.release import croissant_columns
from octavo.release.croissant import croissant
from octavo.release.manifest import File
from tests.release.manifests import ALL, count, full

SCRIPT = 'Müller "Söhne"\n} <script>alert(1)</script> \\ @id'
WITH_CORPUS = [name for name, make in ALL.items() if make().corpus]


def load(home, manifest=None, files=None, prefix="../../corpus/"):
    """What mlcroissant makes of the JSON-LD of a manifest, written into `home`."""
    content = croissant(
        manifest or full(), files if files is not None else [file("kept/a.parquet"), LEDGER], prefix
    )
    home.mkdir(parents=True, exist_ok=True)
    (home / "croissant.json").write_text(json.dumps(content, ensure_ascii=False))
    return mlcroissant.Dataset(jsonld=home / "croissant.json")


def file(path, content=b""):
    return File(path=path, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


LEDGER = file("ledger.parquet")


def written(home, name, rows):
    """A file of kept documents, as the manifest lists it."""
    (home / name).parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist([dict.fromkeys(KEPT_SCHEMA.names) | row for row in rows], KEPT_SCHEMA)
    pq.write_table(table, home / name)
    return file(name, (home / name).read_bytes())


@pytest.mark.parametrize("name", WITH_CORPUS)
def test_every_corpus_is_valid_without_errors_or_warnings(name, tmp_path, caplog):
    found = load(tmp_path, ALL[name]()).metadata
    assert not found.ctx.issues.errors
    assert not found.ctx.issues.warnings
    assert not caplog.records
    assert str(found.ctx.conforms_to.value).endswith("1.1")


def test_the_library_would_warn_of_a_fault(tmp_path, caplog):
    load(tmp_path)
    content = json.loads((tmp_path / "croissant.json").read_text())
    del content["@context"]["citeAs"], content["license"]
    found = mlcroissant.Dataset(jsonld=content).metadata
    assert found.ctx.issues.warnings
    assert "citeAs" in caplog.text


def test_a_real_run_loads_with_every_document_and_every_fate(small_run):
    data = mlcroissant.Dataset(jsonld=small_run / "release/compliance/croissant.json")
    kept = pq.read_table(small_run / "corpus/kept").to_pylist()
    loaded = list(data.records("documents"))
    assert [row["documents/text"].decode() for row in loaded] == [row["text"] for row in kept]
    assert [row["documents/spdx"].decode() for row in loaded] == [row["spdx"] for row in kept]
    languages = [
        [
            (one["documents/languages/lang"].decode(), one["documents/languages/share"])
            for one in row["documents/languages"]
        ]
        for row in loaded
    ]
    assert languages == [[(one["lang"], one["share"]) for one in row["languages"]] for row in kept]
    fates = pq.read_table(small_run / "corpus/ledger.parquet")["fate"].to_pylist()
    assert [row["ledger/fate"].decode() for row in data.records("ledger")] == fates


def test_several_files_load_as_one_table_with_what_their_lists_hold(tmp_path):
    corpus = tmp_path / "corpus"
    spans = [{"start": 0, "end": 4, "model": "rewriter"}, {"start": 6, "end": 9, "model": SCRIPT}]
    scores = dict.fromkeys(("race_origin", "gender_sexuality", "religion", "ability"), 0.0)
    harmful = [{"start": 1, "end": 3, "violence_abuse": 2.5, **scores}]
    files = [
        written(
            corpus, "kept/a.parquet", [{"identifier": "1", "text": "Eins.", "synthetic": spans, "harmful": []}]
        ),
        written(
            corpus, "kept/b.parquet", [{"identifier": "2", "text": "Deux.", "synthetic": [], "harmful": harmful}]
        ),
    ]
    first, second = load(tmp_path / "release/compliance", files=files).records("documents")
    assert (first["documents/text"], second["documents/text"]) == (b"Eins.", b"Deux.")
    assert [one["documents/synthetic/model"].decode() for one in first["documents/synthetic"]] == [
        "rewriter",
        SCRIPT,
    ]
    assert [one["documents/synthetic/end"] for one in first["documents/synthetic"]] == [4, 9]
    [passage] = second["documents/harmful"]
    assert passage["documents/harmful/violence_abuse"] == 2.5
    assert second["documents/synthetic"] == []


def test_it_loads_from_beside_the_files_as_well(tmp_path):
    files = [written(tmp_path, "kept/a.parquet", [{"identifier": "1", "text": "Eins."}])]
    [row] = load(tmp_path, files=files, prefix="").records("documents")
    assert row["documents/text"] == b"Eins."


def test_a_ledger_that_was_changed_is_refused(tmp_path):
    ledger = tmp_path / "corpus/ledger.parquet"
    ledger.parent.mkdir()
    pq.write_table(pa.Table.from_pylist([dict.fromkeys(LEDGER_SCHEMA.names)], LEDGER_SCHEMA), ledger)
    data = load(tmp_path / "release/compliance", files=[file("ledger.parquet", ledger.read_bytes())])
    assert len(list(data.records("ledger"))) == 1
    changed = load(tmp_path / "release/compliance", files=[file("ledger.parquet", b"another")])
    with pytest.raises(Exception, match="Download") as raised:
        list(changed.records("ledger"))
    assert "is not identical" in str(raised.value.__cause__)


@pytest.mark.parametrize(
    ("record_set", "schema", "meanings"),
    [("documents", KEPT_SCHEMA, croissant_columns.DOCUMENTS), ("ledger", LEDGER_SCHEMA, croissant_columns.LEDGER)],
)
def test_each_column_is_a_field_that_says_what_it_means(record_set, schema, meanings):
    assert list(meanings) == schema.names
    content = croissant(full(), [file("kept/a.parquet"), LEDGER], "")
    [found] = [one for one in content["recordSet"] if one["@id"] == record_set]
    assert [field["@id"] for field in found["field"]] == [f"{record_set}/{name}" for name in schema.names]
    assert all(field["description"] for field in found["field"])


def test_files_have_their_hash_and_lie_where_the_prefix_leads():
    content = croissant(full(), [file("kept/a.parquet", b"a"), LEDGER], "../../corpus/")
    found = {one["@id"]: one for one in content["distribution"]}
    assert found["kept/a.parquet"]["contentUrl"] == "../../corpus/kept/a.parquet"
    assert found["kept/a.parquet"]["sha256"] == hashlib.sha256(b"a").hexdigest()
    lines = "".join(f"{one.sha256}  {one.path}\n" for one in (file("kept/a.parquet", b"a"), LEDGER))
    assert found["corpus"]["sha256"] == hashlib.sha256(lines.encode()).hexdigest()


def test_facts_are_those_of_the_manifest():
    content = croissant(full(), [LEDGER], "")
    assert content["license"] == [
        "LicenseRef-Public-Domain",
        "https://spdx.org/licenses/CC-BY-4.0.html",
        "https://spdx.org/licenses/CC-BY-SA-4.0.html",
    ]
    assert content["creator"]["name"] == "The Open Library Foundation"
    assert (content["datePublished"], content["version"]) == ("2026-02-12", "2026.2.12")
    assert content["isLiveDataset"] is False
    assert content["inLanguage"] == ["fr", "en"]
    assert "EMAIL 12, PHONE 3" in " ".join(content["rai:personalSensitiveInformation"])
    assert (
        "Removed by the rule near-duplicate: 10 documents (100,000 bytes)."
        in content["rai:dataPreprocessingProtocol"]
    )
    assert "French 58.0%, English 42.0%" in content["rai:dataBiases"][0]


def test_what_nobody_has_told_is_left_out():
    content = croissant(ALL["bare"](), [LEDGER], "")
    assert not {"creator", "publisher", "rai:dataAnnotationProtocol", "rai:machineAnnotationTools"} & content.keys()
    assert "author" not in content["citeAs"]


def test_hostile_names_stay_data(tmp_path):
    manifest = full()
    manifest.provider = manifest.provider.model_copy(update={"name": SCRIPT})
    assert manifest.corpus
    manifest.corpus = manifest.corpus.model_copy(
        update={"genres": {SCRIPT: count(1, 1)}, "licences": {SCRIPT: count(1, 1)}}
    )
    found = load(tmp_path, manifest).metadata
    assert not found.ctx.issues.errors
    assert found.creators[0].name == SCRIPT
    assert SCRIPT in found.keywords
    assert found.license == [SCRIPT]
    assert 'author = {Müller "Söhne" <script>alert(1)</script> @id}' in found.cite_as


def test_shares_add_up_with_what_is_not_named():
    manifest = full()
    assert manifest.corpus
    genres = {f"kind {n}": count(1, 10_000 * n) for n in range(1, 8)}
    manifest.corpus = manifest.corpus.model_copy(update={"kept": count(7, 280_000), "genres": genres})
    [told] = [text for text in croissant(manifest, [LEDGER], "")["rai:dataBiases"] if text.startswith("Genres")]
    assert "kind 7 25.0%" in told
    assert told.endswith("others 10.7%.")
