"""The Model Documentation Form of the Code of Practice for general-purpose AI, transparency chapter."""

from __future__ import annotations

from octavo.release.manifest import Manifest
from octavo.release.papers import data_fields as data
from octavo.release.papers import model_fields as model
from octavo.release.papers import provider_fields as provided
from octavo.release.papers import resource_fields as resources
from octavo.release.papers.content import Paper, field, section, told
from octavo.release.papers.standing import about
from octavo.release.papers.wording import licence


def documentation_form(manifest: Manifest) -> Paper:
    """The whole form."""
    goes_in, comes_out = model.modalities(manifest)
    channels, listed = provided.channels(manifest)
    return Paper(
        id="model-documentation-form",
        title=f"Model documentation form: {manifest.name}",
        about=about(
            manifest,
            "This form follows the Model Documentation Form of the Code of Practice for general-purpose AI "
            "models (10 July 2025, transparency chapter). Signatories of the Code keep each version of it for "
            "ten years after the model is placed on the market.",
        ),
        sections=[
            section(
                "",
                "This document",
                field("updated", "Date of last update", manifest.made_on),
                field("version", "Version", *provided.version(manifest)),
                level=1,
            ),
            section(
                "1",
                "General information",
                field(
                    "provider", "Legal name of the model provider", told(manifest.provider.name, "provider.name")
                ),
                field("contact", "Contact", told(manifest.provider.contact, "provider.contact")),
                provided.model_name(manifest),
                model.authenticity(manifest),
                field(
                    "release_date",
                    "Release date",
                    f"The files of this release are of {manifest.made_on}.",
                ),
                provided.placed_on_market(manifest),
                provided.dependencies(manifest),
            ),
            section(
                "2",
                "Model properties",
                model.architecture(manifest),
                model.rationale(manifest),
                field("input_modalities", "Input modalities and their maximum size", goes_in),
                field("output_modalities", "Output modalities and their maximum size", comes_out),
                field(
                    "total_size",
                    "Total model size",
                    f"{manifest.architecture.parameters:,} parameters: {model.parameter_band(manifest)}.",
                ),
            ),
            section(
                "3",
                "Methods of distribution and licences",
                field("channels", "Distribution channels", *channels, items=listed),
                field("licence", "Licence", f"{licence(manifest.license)} (SPDX), for the weights."),
                field("assets", "Additional assets", *model.assets(manifest)),
            ),
            section(
                "4",
                "Use",
                field("acceptable_use", "Acceptable use policy", *provided.acceptable_use(manifest)),
                field("intended_uses", "Intended uses", *provided.intended_uses(manifest)),
                field(
                    "systems",
                    "Type and nature of AI systems in which it can be integrated",
                    model.systems(manifest),
                ),
                field("integration", "Technical means for integration", *model.integration(manifest)),
                field("hardware", "Required hardware", model.hardware(manifest)),
                field(
                    "software",
                    "Required software",
                    "One of the programs named above.",
                ),
            ),
            section("5", "Training process", model.training_design(manifest), model.decisions(manifest)),
            section(
                "6",
                "Data used for training, testing and validation",
                field("data_type", "Data type and modality", "Text."),
                data.provenance(manifest),
                data.obtained(manifest),
                data.points(manifest),
                data.scope(manifest),
                *data.curated(manifest),
                data.unsuitable(manifest),
                data.biases(manifest),
            ),
            section(
                "7",
                "Computational resources of the training",
                resources.training_time(manifest),
                resources.compute(manifest),
                resources.compute_method(manifest),
            ),
            section(
                "8",
                "Energy consumption of training and inference",
                resources.energy(manifest),
                resources.energy_method(manifest),
                resources.inference(manifest),
                resources.inference_method(manifest),
            ),
            section("", "Evaluation", model.evaluation(manifest), level=1),
        ],
    )
