"""SPDX 3.0.1 with its AI and Dataset profiles, as JSON-LD; see https://spdx.github.io/spdx-spec/v3.0.1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any

from octavo.release import statements
from octavo.release.croissant import corpus_name, corpus_summary, corpus_version
from octavo.release.identity import release_uuid
from octavo.release.licence_pages import licence_page, reference_meaning, references_of, together
from octavo.release.manifest import THRESHOLD_FLOPS, Corpus, File, GivenTokens, Manifest, Pairs

CONTEXT = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"
INFO = "_:CreationInfo0"
"""The one CreationInfo, which all elements share."""
Element = dict[str, Any]


def spdx3(manifest: Manifest) -> dict[str, Any]:
    """The JSON-LD document of a release: the model, its data, files and licences, and how they belong together.

    It says that it conforms to the AI and the Dataset profile only where the provider has told what these ask for:
    name, version, and where the model can be had.
    """
    graph = _Graph(manifest)
    model = graph.add("ai_AIPackage", "model", **_model(manifest, graph))
    graph.relate(model, "usesTool", [graph.tool], kind="LifecycleScopedRelationship", scope="build")
    graph.license(model, manifest.license)
    graph.relate(model, "contains", graph.files(manifest.weights, "application/octet-stream"))
    learnt_from, tested_on = _data(manifest, graph)
    graph.relate(model, "trainedOn", learnt_from)
    graph.relate(model, "testedOn", tested_on)
    if manifest.base:
        base = graph.add("ai_AIPackage", "base", name=manifest.base.name, software_primaryPurpose="model")
        graph.relate(model, "descendantOf", [base])
    return graph.document(model, bool(learnt_from))


class _Graph:
    """The elements so far. Their ids are names in a space that the manifest's content gives."""

    def __init__(self, manifest: Manifest) -> None:
        self.space = f"https://spdx.org/spdxdocs/{manifest.name}-{release_uuid(manifest)}"
        self.manifest = manifest
        self.day = f"{manifest.made_on}T00:00:00Z"
        self.elements: list[Element] = []
        self.licences: dict[str, str] = {}
        self.author = self.add("SoftwareAgent", "octavo", name=f"octavo {manifest.octavo}")
        self.tool = self.add("Tool", "tool", name=f"octavo {manifest.octavo}")
        self.provider = self._provider()

    def add(self, kind: str, key: str, **properties: Any) -> str:
        """Add an element, and return its id; what is null or empty is left out."""
        identity = f"{self.space}#{key}"
        told = {name: value for name, value in properties.items() if value not in (None, [], "")}
        self.elements.append({"type": kind, "spdxId": identity, "creationInfo": INFO, **told})
        return identity

    def relate(
        self, one: str, how: str, others: list[str], kind: str = "Relationship", scope: str | None = None
    ) -> None:
        """Relate an element to others, where there are any."""
        if others:
            self.add(
                kind,
                f"relationship-{len(self.elements)}",
                **{"from": one},
                relationshipType=how,
                to=others,
                scope=scope,
            )

    def files(self, files: Iterable[File], content_type: str) -> list[str]:
        """Files with their SHA-256."""
        return [
            self.add(
                "software_File",
                f"file-{file.sha256[:16]}-{len(self.elements)}",
                name=file.path,
                contentType=content_type,
                software_fileKind="file",
                verifiedUsing=[_sha256(file)],
            )
            for file in files
        ]

    def license(self, element: str, expression: str) -> None:
        """State an element's licence: as it is declared, and what it comes to."""
        self.relate(element, "hasDeclaredLicense", [self._expression(expression)])
        self.relate(element, "hasConcludedLicense", [self._expression(expression)])

    def _expression(self, expression: str) -> str:
        if expression not in self.licences:
            declared = [
                {"type": "DictionaryEntry", "key": reference, "value": self._reference(reference)}
                for reference in references_of(expression)
            ]
            self.licences[expression] = self.add(
                "simplelicensing_LicenseExpression",
                f"licence-{len(self.licences) + 1}",
                simplelicensing_licenseExpression=expression,
                simplelicensing_customIdToUri=declared,
            )
        return self.licences[expression]

    def _reference(self, reference: str) -> str:
        """The declaration of an id that SPDX does not have."""
        identity = f"{self.space}#{reference}"
        if all(element["spdxId"] != identity for element in self.elements):
            page = licence_page(reference)
            text = " ".join(part for part in (reference_meaning(reference), page) if part)
            self.add(
                "simplelicensing_SimpleLicensingText", reference, name=reference, simplelicensing_licenseText=text
            )
        return identity

    def _provider(self) -> str | None:
        told = self.manifest.provider
        if not told.name:
            return None
        is_mail = bool(told.contact) and "@" in (told.contact or "") and "://" not in (told.contact or "")
        contact = {
            "type": "ExternalIdentifier",
            "externalIdentifierType": "email" if is_mail else "other",
            "identifier": told.contact,
        }
        return self.add(
            "Organization", "provider", name=told.name, externalIdentifier=[contact] if told.contact else None
        )

    def document(self, root: str, has_data: bool) -> dict[str, Any]:
        """The whole document, with its root element."""
        info = {
            "type": "CreationInfo",
            "@id": INFO,
            "specVersion": "3.0.1",
            "created": self.day,
            "createdBy": [self.author],
            "createdUsing": [self.tool],
        }
        licence = self._expression("CC0-1.0")
        elements = [element["spdxId"] for element in self.elements]
        place = download_location(self.manifest)
        profiles = ["core", "software", "simpleLicensing"]
        if self.provider and place and self.manifest.provider.version:
            profiles += ["ai", "dataset"] if has_data else ["ai"]
        self.add(
            "SpdxDocument",
            "document",
            name=self.manifest.name,
            dataLicense=licence,
            profileConformance=profiles,
            element=elements,
            rootElement=[root],
        )
        return {"@context": CONTEXT, "@graph": [info, *self.elements]}


def download_location(manifest: Manifest) -> str | None:
    """The first of the provider's channels that is an address."""
    return next((place for place in manifest.provider.channels or [] if "://" in place and " " not in place), None)


def _sha256(file: File) -> Element:
    return {"type": "Hash", "algorithm": "sha256", "hashValue": file.sha256}


def _entries(pairs: Mapping[str, object]) -> list[Element]:
    return [{"type": "DictionaryEntry", "key": key, "value": str(value)} for key, value in pairs.items()]


def _model(manifest: Manifest, graph: _Graph) -> dict[str, Any]:
    provider, corpus = manifest.provider, manifest.corpus
    supervised = manifest.pairs is not None
    return {
        "name": manifest.name,
        "summary": statements.what_it_is(manifest),
        "description": " ".join(statements.out_of_scope(provider, manifest.task)),
        "suppliedBy": graph.provider,
        "originatedBy": [graph.provider] if graph.provider else None,
        "releaseTime": f"{provider.placed_on_market or manifest.made_on}T00:00:00Z",
        "builtTime": graph.day,
        "software_packageVersion": provider.version,
        "software_downloadLocation": download_location(manifest),
        "software_primaryPurpose": "model",
        "verifiedUsing": [_sha256(file) for file in manifest.weights],
        "ai_autonomyType": "no",
        "ai_domain": ["natural language processing"],
        "ai_energyConsumption": _energy(manifest),
        "ai_hyperparameter": _hyperparameters(manifest),
        "ai_informationAboutApplication": statements.intended_use(provider, manifest.task),
        "ai_informationAboutTraining": statements.training(manifest),
        "ai_limitation": " ".join(statements.limitations(manifest)),
        "ai_metric": _metrics(manifest),
        "ai_modelDataPreprocessing": statements.preprocessing(corpus) if corpus else None,
        "ai_standardCompliance": (
            ["Code of Practice for general-purpose AI, signed by the provider"] if provider.signatory else None
        ),
        "ai_typeOfModel": ["Llama", "decoder-only transformer", "supervised" if supervised else "self-supervised"],
        "ai_useSensitivePersonalInformation": "noAssertion",
    }


def _energy(manifest: Manifest) -> Element | None:
    taken = manifest.energy.stages.get("training") if manifest.energy else None
    if taken is None:
        return None
    measured = {
        "type": "ai_EnergyConsumptionDescription",
        "ai_energyQuantity": f"{taken.joules / 3.6e6:.9f}",  # a decimal, which knows no exponent
        "ai_energyUnit": "kilowattHour",
    }
    phase = "ai_finetuningEnergyConsumption" if manifest.base else "ai_trainingEnergyConsumption"
    return {"type": "ai_EnergyConsumption", phase: [measured]}


def _hyperparameters(manifest: Manifest) -> list[Element]:
    run = manifest.training
    settings = ("optimizer", "learning_rate", "schedule", "weight_decay", "precision", "seed", "steps", "tokens")
    return _entries(
        {
            **manifest.architecture.model_dump(),
            **{name: getattr(run, name) for name in settings},
            "sequence_length": run.sequence_length,
            "sequences_per_step": run.sequences_per_step,
            "training_flops": f"{run.flops:.6g}",
            "ai_act_threshold_flops": f"{THRESHOLD_FLOPS:.0e}",
        }
    )


def _metrics(manifest: Manifest) -> list[Element]:
    found = {}
    for metric in manifest.metrics:
        bounds = f" ({metric.low:g} to {metric.high:g})" if None not in (metric.low, metric.high) else ""
        found[f"{metric.name}, {metric.group}"] = f"{metric.value:g}{bounds} {metric.unit}"
    return _entries(found)


def _data(manifest: Manifest, graph: _Graph) -> tuple[list[str], list[str]]:
    """The data sets that the model learnt from, and those that it was tested on."""
    learnt_from, tested_on = [], []
    if manifest.corpus:
        whole = graph.add("dataset_DatasetPackage", "corpus", **_corpus(manifest, manifest.corpus, graph))
        graph.license(whole, together(list(manifest.corpus.licences)))
        graph.relate(whole, "contains", graph.files(manifest.corpus_files, "application/vnd.apache.parquet"))
        learnt_from.append(whole)
        if manifest.corpus.held_out.documents:
            held_out = graph.add(
                "dataset_DatasetPackage", "held-out", **_held_out(manifest, manifest.corpus, graph)
            )
            graph.relate(whole, "contains", [held_out])
            tested_on.append(held_out)
    for number, folder in enumerate(manifest.given_tokens, 1):
        key = f"tokens-{number}"
        learnt_from.append(graph.add("dataset_DatasetPackage", key, **_tokens(manifest, folder, graph)))
    if manifest.pairs:
        found = manifest.pairs
        learnt_from.append(graph.add("dataset_DatasetPackage", "pairs", **_pairs(manifest, found, graph)))
        if found.test:
            test = _dataset(manifest, graph, f"{manifest.name}-test-pairs", f"{found.test:,} pairs for testing.")
            tested_on.append(graph.add("dataset_DatasetPackage", "test-pairs", **test))
    return learnt_from, tested_on


def _dataset(manifest: Manifest, graph: _Graph, name: str, summary: str) -> dict[str, Any]:
    """What all data sets have."""
    return {
        "name": name,
        "summary": summary,
        "originatedBy": [graph.provider] if graph.provider else None,
        "builtTime": graph.day,
        "releaseTime": graph.day,
        "software_downloadLocation": download_location(manifest),
        "software_primaryPurpose": "data",
        "dataset_datasetType": ["text"],
        "dataset_hasSensitivePersonalInformation": "noAssertion",
    }


def _corpus(manifest: Manifest, corpus: Corpus, graph: _Graph) -> dict[str, Any]:
    redaction = statements.redaction(corpus)
    return _dataset(manifest, graph, corpus_name(manifest), corpus_summary(manifest, corpus)) | {
        "software_packageVersion": corpus_version(manifest),
        "dataset_datasetType": ["text", "structured"],
        "dataset_anonymizationMethodUsed": [redaction] if redaction else None,
        "dataset_confidentialityLevel": "clear",
        "dataset_dataCollectionProcess": statements.collection(corpus, manifest.provider),
        "dataset_dataPreprocessing": statements.preprocessing(corpus),
        "dataset_datasetSize": corpus.kept.bytes,
        "dataset_datasetUpdateMechanism": "None: a run of the recipe makes it anew, under another version.",
        "dataset_intendedUse": "Training and measuring language models.",
        "dataset_knownBias": statements.biases(corpus),
    }


def _held_out(manifest: Manifest, corpus: Corpus, graph: _Graph) -> dict[str, Any]:
    told = f"{statements.counted(corpus.held_out)} of the corpus that no training step saw."
    return _dataset(manifest, graph, f"{corpus_name(manifest)}-held-out", told) | {
        "dataset_datasetSize": corpus.held_out.bytes,
        "dataset_confidentialityLevel": "clear",
        "dataset_intendedUse": "Measuring language models.",
    }


def _tokens(manifest: Manifest, folder: GivenTokens, graph: _Graph) -> dict[str, Any]:
    told = (
        f"Token files that were given: {folder.tokens:,} tokens of {folder.documents:,} documents, of which "
        f"nothing is known here."
    )
    return _dataset(manifest, graph, PurePath(folder.folder).name, told)


def _pairs(manifest: Manifest, pairs: Pairs, graph: _Graph) -> dict[str, Any]:
    made = f"; {pairs.made:,} examples were made of documents besides" if pairs.made else ""
    licences = ", ".join(f"{licence} {count:,}" for licence, count in pairs.licences.items())
    told = (
        f"{pairs.training:,} pairs to learn from and {pairs.held_out:,} held out{made}. "
        f"Licences, as their files state them: {licences or 'none stated'}."
    )
    return _dataset(manifest, graph, f"{manifest.name}-pairs", told)
