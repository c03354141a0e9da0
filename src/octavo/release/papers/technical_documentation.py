"""The technical documentation: Article 53(1)(a) of the AI Act, in the order of Annex XI, section 1."""

from __future__ import annotations

from octavo.release.manifest import Manifest
from octavo.release.papers import data_fields as data
from octavo.release.papers import model_fields as model
from octavo.release.papers import provider_fields as provided
from octavo.release.papers import resource_fields as resources
from octavo.release.papers.content import Paper, field, section
from octavo.release.papers.standing import about
from octavo.release.papers.wording import licence


def technical_documentation(manifest: Manifest) -> Paper:
    """The whole documentation; Annex XI's section 2 is for models with systemic risk alone."""
    goes_in, comes_out = model.modalities(manifest)
    channels, listed = provided.channels(manifest)
    return Paper(
        id="technical-documentation",
        title=f"Technical documentation: {manifest.name}",
        about=about(
            manifest,
            "This documentation follows Article 53(1)(a) and Annex XI, section 1, of the AI Act. Annex XI's "
            "section 2 is for models with systemic risk, and is left out.",
        ),
        sections=[
            section("1", "General description of the model"),
            section(
                "1(a)",
                "Tasks, and systems that it can be part of",
                provided.provider(manifest),
                provided.model_name(manifest),
                field("tasks", "Tasks that the model is intended to perform", *provided.intended_uses(manifest)),
                field("systems", "Systems that it can be part of", model.systems(manifest)),
            ),
            section(
                "1(b)",
                "Acceptable use policies",
                field("acceptable_use", "Acceptable use", *provided.acceptable_use(manifest)),
            ),
            section(
                "1(c)",
                "Date of release and methods of distribution",
                provided.placed_on_market(manifest),
                field("channels", "Distribution channels", *channels, items=listed),
                model.authenticity(manifest),
            ),
            section("1(d)", "Architecture and number of parameters", model.architecture(manifest)),
            section(
                "1(e)",
                "Modality and format of inputs and outputs",
                field("inputs", "Inputs", goes_in),
                field("outputs", "Outputs", comes_out),
            ),
            section("1(f)", "Licence", field("licence", "Licence of the weights", f"{licence(manifest.license)}.")),
            section("2", "Elements of the model and its development"),
            section(
                "2(a)",
                "Technical means for integration",
                field("integration", "Files and programs", *model.integration(manifest)),
                field("hardware", "Hardware", model.hardware(manifest)),
            ),
            section(
                "2(b)",
                "Design of the model and of its training",
                provided.dependencies(manifest),
                model.rationale(manifest),
                model.training_design(manifest),
                model.decisions(manifest),
            ),
            section(
                "2(c)",
                "Data for training, testing and validation",
                field("data_type", "Type of data", "Text."),
                data.provenance(manifest),
                data.obtained(manifest),
                data.points(manifest),
                data.scope(manifest),
                *data.curated(manifest),
                data.unsuitable(manifest),
                data.biases(manifest),
            ),
            section(
                "2(d)",
                "Computational resources of the training",
                resources.compute(manifest),
                resources.compute_method(manifest),
                resources.training_time(manifest),
            ),
            section(
                "2(e)",
                "Energy",
                resources.energy(manifest),
                resources.energy_method(manifest),
                resources.inference(manifest),
                resources.inference_method(manifest),
            ),
            section("", "Evaluation", model.evaluation(manifest), level=1),
        ],
    )
