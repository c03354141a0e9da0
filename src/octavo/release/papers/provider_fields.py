"""Fields that several papers share: who the provider is, and what only they can say of the model."""

from __future__ import annotations

from octavo.release.manifest import Manifest
from octavo.release.papers.content import Field, Mark, field, told


def provider(manifest: Manifest) -> Field:
    """Name, address and contact."""
    found = manifest.provider
    return field(
        "provider",
        "Provider name and contact details",
        told(found.name, "provider.name"),
        told(found.address, "provider.address"),
        told(found.contact, "provider.contact"),
    )


def representative(manifest: Manifest) -> Field:
    """Who stands for a provider outside the Union."""
    found = manifest.provider.representative
    within = "Not applicable: the provider is established in the European Union."
    return field(
        "representative",
        "Authorised representative name and contact details",
        within if found == "none" else told(found, "provider.representative"),
    )


def model_name(manifest: Manifest) -> Field:
    """The model's name with its version."""
    return field("model", "Versioned model name", f"{manifest.name}", *version(manifest))


def version(manifest: Manifest) -> list[str]:
    """The model's version, which the papers about it bear too."""
    found = manifest.provider.version
    return [f"Version {found}" if found else Mark("provider.version")]


def dependencies(manifest: Manifest) -> Field:
    """The model that this one was made of, with the link to its own summary."""
    label = "Model dependencies"
    if manifest.base is None:
        return field("dependencies", label, "None: the model was trained from nothing.")
    summary = manifest.base.summary or manifest.provider.base_summary
    return field(
        "dependencies",
        label,
        f"Trained on from {manifest.base.name}. Public summary of that model's training content:",
        told(summary, "provider.base_summary"),
    )


def placed_on_market(manifest: Manifest) -> Field:
    """The day of the first offer in the Union."""
    return field(
        "placed_on_market",
        "Date of placement of the model on the Union market",
        told(manifest.provider.placed_on_market, "provider.placed_on_market"),
    )


def goes_on(manifest: Manifest) -> list[str]:
    """Whether training goes on after the release."""
    return yes_or_no(manifest.provider.training_goes_on, "provider.training_goes_on")


def yes_or_no(value: bool | None, name: str) -> list[str]:
    """A yes or no that only a person knows."""
    return [Mark(name) if value is None else "Yes." if value else "No."]


def intended_uses(manifest: Manifest) -> list[str]:
    """What the model is meant for: what the provider says, and what its kind is good for."""
    kinds = {
        "ocr": "The model corrects texts that were recognised by machine (OCR), and is made for nothing else.",
        "translation": "The model translates documents, and is made for nothing else.",
        "rag": "The model answers questions by quoting sources that it is given, and is made for nothing else.",
    }
    kind = kinds.get(
        manifest.task or "",
        "The model continues a text that it is given. It is no chat model, and follows no instructions.",
    )
    return [kind, told(manifest.provider.intended_uses, "provider.intended_uses")]


def acceptable_use(manifest: Manifest) -> list[str]:
    """What the provider rules out."""
    found = manifest.provider.acceptable_use
    return [
        "The provider rules nothing out beyond what the law and the licence do."
        if found == "none"
        else told(found, "provider.acceptable_use")
    ]


def channels(manifest: Manifest) -> tuple[list[str], list[str]]:
    """Where the model can be had: paragraphs, and a list after them."""
    found = manifest.provider.channels
    if found is None:
        return [Mark("provider.channels")], []
    return ([], found) if found else (["The model is not distributed."], [])
