"""CycloneDX: valid by its official schema, with a model card that is true to the manifest."""

from __future__ import annotations

import json

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from octavo.release.cyclonedx import cyclonedx
from octavo.release.machine_readable import machine_readable
from octavo.release.manifest import GivenTokens
from tests.release.manifests import ALL, count, full

SCRIPT = 'Müller "Söhne"\n} <script>alert(1)</script> \\'


def faults(bom, version=SchemaVersion.V1_7):
    return JsonStrictValidator(version).validate_str(json.dumps(bom))


def properties(of):
    return {one["name"].removeprefix("octavo:"): one["value"] for one in of["properties"]}


@pytest.mark.parametrize("name", ALL)
def test_every_kind_of_release_is_valid(name):
    bom = cyclonedx(ALL[name]())
    assert faults(bom) is None
    older = {**bom, "specVersion": "1.6", "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json"}
    assert faults(older, SchemaVersion.V1_6) is None
    references = [bom["metadata"]["component"]["bom-ref"], *(one["bom-ref"] for one in bom["components"])]
    assert len({*references}) == len(references)
    assert [one["ref"] for one in bom["dependencies"]] == references
    asked = [one["ref"] for one in bom["metadata"]["component"]["modelCard"]["modelParameters"]["datasets"]]
    assert {*asked} <= {*references}


def test_the_validator_would_find_a_fault():
    bom = cyclonedx(full())
    bom["metadata"]["component"]["modelCard"]["shoeSize"] = 44
    assert faults(bom) is not None


def test_the_model_has_its_hash_its_licence_and_its_compute_beside_the_threshold():
    model = cyclonedx(full())["metadata"]["component"]
    assert model["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]
    assert model["licenses"] == [{"expression": "Apache-2.0"}]
    told = properties(model)
    assert (told["training:flops"], told["ai-act:threshold-flops"], told["ai-act:papers"]) == (
        "1.3e+14",
        "1e+23",
        "voluntary",
    )
    over = properties(cyclonedx(ALL["over the threshold"]())["metadata"]["component"])
    assert over["ai-act:papers"] == "of a general-purpose AI model"


def test_figures_have_their_intervals():
    card = cyclonedx(full())["metadata"]["component"]["modelCard"]
    [first, second, *_] = card["quantitativeAnalysis"]["performanceMetrics"]
    assert first == {
        "type": "bits per byte",
        "value": "2.345",
        "slice": "fr",
        "confidenceInterval": {"lowerBound": "2.2", "upperBound": "2.5"},
    }
    assert "confidenceInterval" not in second
    assert "quantitativeAnalysis" not in cyclonedx(ALL["bare"]())["metadata"]["component"]["modelCard"]


def test_energy_is_told_of_each_stage_and_adds_up():
    def told(manifest):
        card = cyclonedx(manifest)["metadata"]["component"]["modelCard"]
        return card["considerations"]["environmentalConsiderations"]["energyConsumptions"]

    found = told(full())
    assert [one["activity"] for one in found] == ["data-preparation", "training"]
    assert sum(one["activityEnergyCost"]["value"] for one in found) == pytest.approx(9_000 / 3.6e6, rel=1e-5)
    assert sum(one["co2CostEquivalent"]["value"] for one in found) == pytest.approx(0.14e-6, rel=1e-5)
    assert told(ALL["continued"]())[1]["activity"] == "fine-tuning"
    bare = cyclonedx(ALL["bare"]())["metadata"]["component"]["modelCard"]
    assert "environmentalConsiderations" not in bare["considerations"]


def test_what_the_model_was_made_of():
    [corpus] = cyclonedx(full())["components"]
    assert corpus["licenses"] == [{"expression": "LicenseRef-Public-Domain AND CC-BY-4.0 AND CC-BY-SA-4.0"}]
    [data] = corpus["data"]
    assert data["classification"] == "public"
    assert data["governance"]["custodians"][0]["organization"]["name"] == "The Open Library Foundation"
    assert properties(corpus)["removed:near-duplicate"] == "10"
    tune = cyclonedx(ALL["tune"]())
    assert [one["bom-ref"] for one in tune["components"]] == ["pairs", "base"]
    assert tune["metadata"]["component"]["pedigree"]["ancestors"][0]["name"] == "library/reader"
    assert tune["metadata"]["component"]["modelCard"]["modelParameters"]["approach"] == {"type": "supervised"}
    tokens = cyclonedx(ALL["given tokens"]())
    assert [one["name"] for one in tokens["components"]] == ["web", "books"]
    assert "/mnt" not in json.dumps(tokens)


def test_what_nobody_has_told_is_left_out():
    bom = cyclonedx(ALL["bare"]())
    assert "supplier" not in bom["metadata"]
    assert "version" not in bom["metadata"]["component"]
    assert "governance" not in bom["components"][0]["data"][0]


def test_hostile_names_stay_data():
    manifest = full()
    told = {"name": SCRIPT, "contact": SCRIPT, "address": SCRIPT, "version": SCRIPT, "intended_uses": SCRIPT}
    manifest.provider = manifest.provider.model_copy(update=told)
    manifest.given_tokens = [GivenTokens(folder=SCRIPT, tokens=1, documents=1)]
    assert manifest.corpus
    manifest.corpus = manifest.corpus.model_copy(update={"licences": {SCRIPT: count(1, 1)}})
    bom = cyclonedx(manifest)
    assert faults(bom) is None
    assert bom["metadata"]["supplier"]["name"] == SCRIPT


@pytest.mark.parametrize("name", ALL)
def test_the_same_manifest_gives_the_same_bytes(name):
    papers = machine_readable(ALL[name]())
    assert papers == machine_readable(ALL[name]())
    assert {*papers} - {"croissant.json"} == {"bom.cdx.json", "spdx3.json"}
    assert ("croissant.json" in papers) == (ALL[name]().corpus is not None)
    assert all(json.loads(content) and content.endswith(b"\n") for content in papers.values())


def test_another_manifest_gives_another_serial_number():
    other = full()
    other.weights = other.weights[:1]
    assert cyclonedx(other)["serialNumber"] != cyclonedx(full())["serialNumber"]
