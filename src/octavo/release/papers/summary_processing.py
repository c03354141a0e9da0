"""Section 3 of the public summary: how the data was processed."""

from __future__ import annotations

from octavo.release.manifest import Manifest
from octavo.release.papers import curation_fields as curation
from octavo.release.papers import provider_fields as provided
from octavo.release.papers.content import Section, field, section, told


def processing(manifest: Manifest) -> list[Section]:
    """Reservations of rights, illegal content, and the rest."""
    corpus, provider = manifest.corpus, manifest.provider
    unseen = curation.not_seen(manifest)
    return [
        section("3", "Data processing aspects"),
        section(
            "3.1",
            "Respect of reservation of rights from the text and data mining exception or limitation",
            field(
                "signatory",
                "Signatory of the Code of Practice for general-purpose AI models",
                *provided.yes_or_no(provider.signatory, "provider.signatory"),
            ),
            field(
                "reservations",
                "Measures before and during data collection",
                told(provider.rights_reservations, "provider.rights_reservations"),
            ),
            field("opt_outs", "Opt-out list", *(curation.opt_outs(corpus) if corpus else unseen)),
            field("licence_gate", "Licence gate", *(curation.licence_gate(corpus) if corpus else unseen)),
            curation.licences(corpus) if corpus else field("licences", "Licences of the kept documents", *unseen),
        ),
        section(
            "3.2",
            "Removal of illegal content",
            field(
                "illegal", "Measures of the provider", told(provider.illegal_content, "provider.illegal_content")
            ),
            field("harm", "Harmful passages", *(curation.harm(corpus) if corpus else unseen)),
        ),
        section(
            "3.3",
            "Other information",
            field("personal_data", "Personal data", *(curation.personal_data(corpus) if corpus else unseen)),
            curation.removed(corpus) if corpus else field("removed", "What curation removed", *unseen),
            curation.changed(corpus) if corpus else field("changed", "What curation changed", *unseen),
        ),
    ]
