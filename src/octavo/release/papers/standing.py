"""What stands at the head of every paper: what it is, whether the Act asks for it, and what made it."""

from __future__ import annotations

from octavo.release.manifest import THRESHOLD_FLOPS, Manifest
from octavo.release.papers.wording import power


def about(manifest: Manifest, what: str) -> list[str]:
    """The first paragraphs of a paper; `what` says which one it is."""
    return [
        what,
        standing(manifest),
        f"octavo {manifest.octavo} wrote this paper from the release's manifest (compliance/manifest.json), whose "
        f"figures were read from the run's own files; the run was done on {manifest.made_on}. What only a person "
        "knows is marked with the field of the recipe that takes it. The paper is no legal advice.",
    ]


def standing(manifest: Manifest) -> str:
    """Whether the papers are voluntary, by the training compute alone."""
    took = power(manifest.training.flops)
    limit = power(THRESHOLD_FLOPS)
    if manifest.base is not None:
        return _of_a_change(manifest, took, limit)
    if manifest.standing == "voluntary":
        return (
            f"These papers are voluntary: the training took {took} FLOPs, which is under the {limit} FLOPs from "
            "which on the Commission's guidelines take a model to be a general-purpose AI model in the sense of "
            "the AI Act (Regulation (EU) 2024/1689)."
        )
    return (
        "The model is presumed to be a general-purpose AI model in the sense of the AI Act (Regulation (EU) "
        f"2024/1689): its training took {took} FLOPs, and the Commission's guidelines take {limit} FLOPs as the "
        "indicative threshold. Whether an exemption applies, such as that of Article 53(2) for free and "
        "open-source models, is for the provider to judge."
    )


def _of_a_change(manifest: Manifest, took: str, limit: str) -> str:
    """Of a model that was made of another: the compute of the change is set beside a third of that of the base."""
    whose = f"the training of this model from its base took {took} FLOPs; what the base took before is not counted"
    rule = (
        "The Commission's guidelines take whoever changes a general-purpose AI model to be the provider of a new "
        "one where the change takes more than a third of the base's own training compute; where that is not "
        f"known, more than a third of {limit} FLOPs, the threshold of the AI Act (Regulation (EU) 2024/1689)"
    )
    if manifest.standing == "voluntary":
        return f"These papers are voluntary: {whose}. {rule}. This training lies under that third."
    if manifest.training.flops < THRESHOLD_FLOPS:
        return (
            f"Whether these papers are voluntary depends on the base: {whose}. {rule}. This training lies over "
            "that third and under the threshold, so the base's own compute decides."
        )
    return f"The model is presumed to be a general-purpose AI model: {whose}. {rule}. This training lies over both."
