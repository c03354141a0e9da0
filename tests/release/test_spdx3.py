"""SPDX 3: valid for the classes that SPDX generates of its model, and true to the manifest."""

from __future__ import annotations

import io
import json

import pytest
from spdx_python_model.bindings.v3_0_1 import model

from octavo.release.manifest import GivenTokens
from octavo.release.spdx3 import spdx3
from tests.release.manifests import ALL, count, full

SCRIPT = 'Müller "Söhne"\n} <script>alert(1)</script> \\'


def read(document):
    """The document's objects; an error where a property, a value or a cardinality is none of the model's."""
    found = model.SHACLObjectSet()
    model.JSONLDDeserializer().read(io.BytesIO(json.dumps(document).encode()), found)
    assert not found.link()
    return found


def by_id(document):
    return {element.get("spdxId") or element["@id"]: element for element in document["@graph"]}


def elements(document, kind):
    return [element for element in document["@graph"] if element["type"] == kind]


def related(document, how):
    """Pairs of names that are related so."""
    names = {element.get("spdxId"): element for element in document["@graph"]}
    return [
        (names[one["from"]]["name"], [names[other].get("name") for other in one["to"]])
        for one in document["@graph"]
        if one.get("relationshipType") == how
    ]


@pytest.mark.parametrize("name", ALL)
def test_every_kind_of_release_is_as_spdxs_own_library_would_write_it(name):
    document = spdx3(ALL[name]())
    assert len(read(document).objects) == len(document["@graph"])
    written = io.BytesIO()
    model.JSONLDSerializer().write(read(document), written)
    again = json.loads(written.getvalue())
    assert (again["@context"], by_id(again)) == (document["@context"], by_id(document))
    [whole] = elements(document, "SpdxDocument")
    others = {element["spdxId"] for element in document["@graph"] if "spdxId" in element} - {whole["spdxId"]}
    assert set(whole["element"]) == others


def test_the_validator_would_find_a_fault():
    document = spdx3(full())
    document["@graph"][3]["ai_shoeSize"] = "44"
    with pytest.raises(Exception, match="ai_shoeSize"):
        read(document)


def test_the_model_is_told_of():
    [found] = elements(spdx3(full()), "ai_AIPackage")
    assert (found["name"], found["software_packageVersion"], found["ai_autonomyType"]) == ("reader", "1.0", "no")
    assert [one["hashValue"] for one in found["verifiedUsing"]] == ["b" * 64, "a" * 64]
    [energy] = found["ai_energyConsumption"]["ai_trainingEnergyConsumption"]
    assert (energy["ai_energyQuantity"], energy["ai_energyUnit"]) == ("0.002222222", "kilowattHour")
    settings = {one["key"]: one["value"] for one in found["ai_hyperparameter"]}
    assert (settings["training_flops"], settings["ai_act_threshold_flops"]) == ("1.3e+14", "1e+23")
    assert settings["hidden_size"] == "256"
    assert "these papers are voluntary" in found["ai_informationAboutTraining"]
    metrics = {one["key"]: one["value"] for one in found["ai_metric"]}
    assert metrics["bits per byte, fr"] == "2.345 (2.2 to 2.5) bits per byte"
    assert "voluntary" not in json.dumps(spdx3(ALL["over the threshold"]()))


def test_a_model_is_related_to_what_it_was_trained_and_tested_on():
    document = spdx3(full())
    assert related(document, "trainedOn") == [("reader", ["reader-corpus"])]
    assert related(document, "testedOn") == [("reader", ["reader-corpus-held-out"])]
    assert related(document, "usesTool") == [("reader", ["octavo 0.1.0"])]
    assert related(document, "contains")[0] == ("reader", ["gguf/reader-Q8_0.gguf", "model.safetensors"])
    tuned = spdx3(ALL["tune"]())
    assert related(tuned, "trainedOn") == [("reader-ocr", ["reader-ocr-pairs"])]
    assert related(tuned, "testedOn") == [("reader-ocr", ["reader-ocr-test-pairs"])]
    assert related(tuned, "descendantOf") == [("reader-ocr", ["library/reader"])]
    assert related(spdx3(ALL["continued"]()), "descendantOf") == [("reader-law", ["library/reader"])]


def test_of_given_token_files_only_their_folders_names_are_told():
    document = spdx3(ALL["given tokens"]())
    assert related(document, "trainedOn") == [("reader", ["web", "books"])]
    assert "/mnt" not in json.dumps(document)


def test_the_corpus_is_told_of():
    [corpus, _] = elements(spdx3(full()), "dataset_DatasetPackage")
    assert (corpus["dataset_datasetSize"], corpus["dataset_confidentialityLevel"]) == (1_000_000, "clear")
    assert "EMAIL 12" in corpus["dataset_anonymizationMethodUsed"][0]
    assert (
        "Removed by the rule licence-not-open: 9 documents (150,000 bytes)." in corpus["dataset_dataPreprocessing"]
    )
    [bare] = elements(spdx3(ALL["bare"]()), "dataset_DatasetPackage")
    assert "dataset_anonymizationMethodUsed" not in bare


def test_licences_that_spdx_does_not_have_are_declared():
    document = spdx3(full())
    expressions = {
        one["simplelicensing_licenseExpression"]: one
        for one in elements(document, "simplelicensing_LicenseExpression")
    }
    whole = expressions["LicenseRef-Public-Domain AND CC-BY-4.0 AND CC-BY-SA-4.0"]
    [declared] = whole["simplelicensing_customIdToUri"]
    [text] = elements(document, "simplelicensing_SimpleLicensingText")
    assert (declared["key"], declared["value"]) == ("LicenseRef-Public-Domain", text["spdxId"])
    assert text["simplelicensing_licenseText"].startswith("In the public domain")
    licensed = related(document, "hasDeclaredLicense")
    assert {name for name, _ in licensed} == {"reader", "reader-corpus"}
    assert len(related(document, "hasConcludedLicense")) == len(licensed)


def test_a_choice_of_licences_stays_one_in_the_whole():
    manifest = full()
    assert manifest.corpus
    licences = {"CC0-1.0": count(1, 1), "MIT OR Apache-2.0": count(1, 1)}
    manifest.corpus = manifest.corpus.model_copy(update={"licences": licences})
    assert "CC0-1.0 AND (MIT OR Apache-2.0)" in json.dumps(spdx3(manifest))


def test_the_profiles_are_claimed_only_where_the_provider_has_told_what_they_ask_for():
    def profiles(name):
        [document] = elements(spdx3(ALL[name]()), "SpdxDocument")
        return document["profileConformance"]

    assert profiles("full") == ["core", "software", "simpleLicensing", "ai", "dataset"]
    assert profiles("bare") == ["core", "software", "simpleLicensing"]


def test_ids_are_the_contents():
    assert spdx3(full()) == spdx3(full())
    other = full()
    other.training = other.training.model_copy(update={"seed": 1})
    assert spdx3(other)["@graph"][1]["spdxId"] != spdx3(full())["@graph"][1]["spdxId"]


def test_hostile_names_stay_data():
    manifest = full()
    manifest.provider = manifest.provider.model_copy(
        update={"name": SCRIPT, "contact": SCRIPT, "channels": [SCRIPT]}
    )
    manifest.given_tokens = [GivenTokens(folder=SCRIPT, tokens=1, documents=1)]
    document = spdx3(manifest)
    read(document)
    [provider] = elements(document, "Organization")
    assert provider["name"] == SCRIPT
    assert all("script" not in element.get("spdxId", "") for element in document["@graph"])
    assert all("software_downloadLocation" not in element for element in document["@graph"])
