"""CycloneDX 1.7, a bill of materials of the model with its model card; see https://cyclonedx.org/docs/1.7/json."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from octavo.release import statements
from octavo.release.croissant import corpus_name, corpus_summary, corpus_version
from octavo.release.identity import release_uuid
from octavo.release.licence_pages import together
from octavo.release.manifest import THRESHOLD_FLOPS, Base, Corpus, File, GivenTokens, Manifest, Metric, StageEnergy

MODEL, CORPUS, BASE, PAIRS = "model", "corpus", "base", "pairs"
"""References within the document."""
_ACTIVITIES = {
    "corpus": "data-collection",
    "curation": "data-preparation",
    "tokenization": "data-preparation",
    "pairs": "data-preparation",
    "training": "training",
    "evaluation": "validation",
}
"""What each stage of a run is, in CycloneDX's words."""
_USERS = {
    "ocr": "Libraries, archives and scholars with recognised text",
    "translation": "Readers and scholars of documents in other languages",
    "rag": "Whoever asks a collection of documents",
}
Component = dict[str, Any]


def cyclonedx(manifest: Manifest) -> dict[str, Any]:
    """The bill of materials of a release: the model with its card and files, and what it was made of."""
    made_of = [*_corpora(manifest), *_given(manifest), *_tuned_on(manifest), *_bases(manifest)]
    references = [component["bom-ref"] for component in made_of]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.7.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.7",
        "serialNumber": f"urn:uuid:{release_uuid(manifest)}",
        "version": 1,
        "metadata": {
            "timestamp": f"{manifest.made_on}T00:00:00Z",
            "tools": {"components": [{"type": "application", "name": "octavo", "version": manifest.octavo}]},
            "component": _model(manifest, [ref for ref in references if ref != BASE]),
            **_supplier(manifest),
        },
        "components": made_of,
        "dependencies": [
            {"ref": MODEL, **({"dependsOn": references} if references else {})},
            *({"ref": reference} for reference in references),
        ],
    }


def _supplier(manifest: Manifest) -> dict[str, Any]:
    told = manifest.provider
    if not told.name:
        return {}
    # A contact is an address of mail or of a page; the schema's email takes the first alone.
    contact = [{"email": told.contact}] if told.contact and _is_mail(told.contact) else []
    pages = [told.contact] if told.contact and told.contact.startswith(("https://", "http://")) else []
    return {
        "supplier": {
            "name": told.name,
            **({"address": {"streetAddress": told.address}} if told.address else {}),
            **({"url": pages} if pages else {}),
            **({"contact": contact} if contact else {}),
        }
    }


def _is_mail(address: str) -> bool:
    user, at, host = address.partition("@")
    return bool(user and at and "." in host) and not any(c.isspace() or c in "<>\"'/" for c in address)


def _properties(told: dict[str, object]) -> list[dict[str, str]]:
    return [{"name": f"octavo:{name}", "value": str(value)} for name, value in told.items()]


def _files(files: list[File]) -> list[Component]:
    return [
        {
            "type": "file",
            "name": file.path,
            "hashes": [{"alg": "SHA-256", "content": file.sha256}],
            "properties": _properties({"bytes": file.bytes}),
        }
        for file in files
    ]


def _model(manifest: Manifest, data: list[str]) -> Component:
    version = manifest.provider.version
    first = next((file for file in manifest.weights if file.path.endswith(".safetensors")), None)
    run = manifest.training
    return {
        "type": "machine-learning-model",
        "bom-ref": MODEL,
        "name": manifest.name,
        **({"version": version} if version else {}),
        "description": statements.what_it_is(manifest),
        **({"hashes": [{"alg": "SHA-256", "content": first.sha256}]} if first else {}),
        "licenses": [{"expression": manifest.license}],
        **({"pedigree": {"ancestors": [_base(manifest.base)]}} if manifest.base else {}),
        "components": _files(manifest.weights),
        "modelCard": _card(manifest, data),
        "properties": _properties(
            {
                "training:flops": f"{run.flops:.6g}",
                "training:flops-method": run.flops_method,
                "ai-act:threshold-flops": f"{THRESHOLD_FLOPS:.0e}",
                "ai-act:papers": manifest.standing,
                "training:tokens": run.tokens,
                "training:steps": run.steps,
                "training:seconds": f"{run.seconds:.0f}",
                **{f"architecture:{name}": value for name, value in manifest.architecture.model_dump().items()},
            }
        ),
    }


def _card(manifest: Manifest, data: list[str]) -> dict[str, Any]:
    metrics = [_metric(metric) for metric in manifest.metrics]
    return {
        "modelParameters": {
            "approach": {"type": "supervised" if manifest.pairs else "self-supervised"},
            "task": statements.TASKS.get(manifest.task or "", "continue text"),
            "architectureFamily": "decoder-only transformer",
            "modelArchitecture": "Llama",
            "datasets": [{"ref": reference} for reference in data],
            "inputs": [{"format": "text"}],
            "outputs": [{"format": "text"}],
        },
        **({"quantitativeAnalysis": {"performanceMetrics": metrics}} if metrics else {}),
        "considerations": {
            "users": [_USERS.get(manifest.task or "", "Developers and researchers who tune or study small models")],
            "useCases": [statements.intended_use(manifest.provider, manifest.task)],
            "technicalLimitations": [
                *statements.limitations(manifest),
                *(f"Out of scope: {use}" for use in statements.out_of_scope(manifest.provider, manifest.task)),
            ],
            "ethicalConsiderations": _risks(manifest),
            **_environment(manifest),
        },
    }


def _metric(metric: Metric) -> dict[str, Any]:
    found = {"type": statements.titled(metric), "value": f"{metric.value:.6g}", "slice": metric.group}
    if metric.low is None or metric.high is None:
        return found
    return found | {"confidenceInterval": {"lowerBound": f"{metric.low:.6g}", "upperBound": f"{metric.high:.6g}"}}


def _risks(manifest: Manifest) -> list[dict[str, str]]:
    corpus = manifest.corpus
    if corpus is None:
        return [{"name": "What its data holds of harmful or personal content is not known here."}]
    harm = statements.harm(corpus)
    asked = f"; {corpus.opt_outs.documents:,} documents were left out as rights holders asked"
    personal = {"name": "Personal data in the training texts"}
    redaction = statements.redaction(corpus)
    return [
        {"name": "Harmful text", **({"mitigationStrategy": harm} if harm else {})},
        {**personal, **({"mitigationStrategy": redaction} if redaction else {})},
        {
            "name": "Use of works without a licence",
            "mitigationStrategy": f"Only licences of a list pass: {', '.join(corpus.licence_policy)}{asked}.",
        },
    ]


def _environment(manifest: Manifest) -> dict[str, Any]:
    if manifest.energy is None:
        return {}
    taken = [_consumption(manifest, stage, energy) for stage, energy in manifest.energy.stages.items()]
    return {"environmentalConsiderations": {"energyConsumptions": taken}} if taken else {}


def _consumption(manifest: Manifest, stage: str, energy: StageEnergy) -> dict[str, Any]:
    whole = manifest.energy
    assert whole is not None
    cost = {"value": round(energy.joules / 3.6e6, 9), "unit": "kWh"}
    place = f"Electricity of {whole.country}" if whole.country else "Electricity of a place that is not known"
    activity = _ACTIVITIES.get(stage, "other")
    if activity == "training" and manifest.base:
        activity = "fine-tuning"
    found: dict[str, Any] = {
        "activity": activity,
        "energyProviders": [
            {"description": place, "organization": {}, "energySource": "unknown", "energyProvided": cost}
        ],
        "activityEnergyCost": cost,
        "properties": _properties({"stage": stage, "method": energy.method, "machines": energy.machines}),
    }
    if whole.co2eq_grams is not None and whole.joules:
        grams = whole.co2eq_grams * energy.joules / whole.joules
        found["co2CostEquivalent"] = {"value": round(grams / 1e6, 12), "unit": "tCO2eq"}
    return found


def _data(manifest: Manifest, reference: str, name: str, description: str, **more: Any) -> Component:
    provider = manifest.provider.name
    governance = {"governance": {"custodians": [{"organization": {"name": provider}}]}} if provider else {}
    contents = {"type": "dataset", "name": name, "description": description, **more.pop("data", {}), **governance}
    return {
        "type": "data",
        "bom-ref": reference,
        "name": name,
        "description": description,
        "data": [contents],
        **more,
    }


def _corpora(manifest: Manifest) -> list[Component]:
    if manifest.corpus is None:
        return []
    corpus = manifest.corpus
    return [
        _data(
            manifest,
            CORPUS,
            corpus_name(manifest),
            corpus_summary(manifest, corpus),
            version=corpus_version(manifest),
            licenses=[{"expression": together(list(corpus.licences))}],
            components=_files(manifest.corpus_files),
            properties=_counts(corpus),
            data={
                "contents": {"properties": _properties({"files": len(manifest.corpus_files)})},
                "classification": "public",
                "sensitiveData": statements.personal_data(corpus),
            },
        )
    ]


def _counts(corpus: Corpus) -> list[dict[str, str]]:
    """Figures of the corpus, one a property."""
    return _properties(
        {
            "documents:in": corpus.came.documents,
            "documents:kept": corpus.kept.documents,
            "documents:held-out": corpus.held_out.documents,
            "bytes:kept": corpus.kept.bytes,
            **{f"removed:{rule}": count.documents for rule, count in corpus.removed.items()},
            **{f"changed:{rule}": count.documents for rule, count in corpus.changed.items()},
            **{f"language:{lang}:bytes": row.bytes for lang, row in corpus.languages.items()},
            **{f"licence:{spdx}:documents": count.documents for spdx, count in corpus.licences.items()},
            "synthetic:bytes": corpus.synthetic.bytes,
        }
    )


def _given(manifest: Manifest) -> list[Component]:
    def one(number: int, folder: GivenTokens) -> Component:
        told = f"Token files that were given: {folder.tokens:,} tokens; nothing is known here of their documents."
        return _data(manifest, f"tokens-{number}", PurePath(folder.folder).name, told)

    return [one(number, folder) for number, folder in enumerate(manifest.given_tokens, 1)]


def _tuned_on(manifest: Manifest) -> list[Component]:
    found = manifest.pairs
    if found is None:
        return []
    told = f"{found.training:,} pairs to learn from, {found.held_out:,} held out and {found.test:,} for testing."
    counts = _properties({f"licence:{licence}:pairs": count for licence, count in found.licences.items()})
    return [_data(manifest, PAIRS, f"{manifest.name}-pairs", told, properties=counts)]


def _bases(manifest: Manifest) -> list[Component]:
    return [{"bom-ref": BASE, **_base(manifest.base)}] if manifest.base else []


def _base(base: Base) -> Component:
    page = [{"type": "documentation", "url": base.summary}] if base.summary else []
    return {
        "type": "machine-learning-model",
        "name": base.name,
        **({"externalReferences": page} if page else {}),
    }
