"""The papers of a release: what the European AI Act asks of a model's provider, written from the manifest alone."""

from __future__ import annotations

from octavo.release.manifest import Manifest
from octavo.release.papers.content import Paper
from octavo.release.papers.copyright_policy import copyright_policy
from octavo.release.papers.documentation_form import documentation_form
from octavo.release.papers.markdown import markdown
from octavo.release.papers.page import page
from octavo.release.papers.technical_documentation import technical_documentation
from octavo.release.papers.training_summary import training_summary

_PAPERS = (
    (training_summary, True),
    (technical_documentation, False),
    (documentation_form, True),
    (copyright_policy, False),
)
"""Each paper, and whether it is written for programs too."""


def papers(manifest: Manifest) -> dict[str, bytes]:
    """All papers by their names in compliance/: the same bytes for the same manifest."""
    found = {}
    for make, for_programs in _PAPERS:
        paper = make(manifest)
        found[f"{paper.id}.md"] = markdown(paper).encode()
        found[f"{paper.id}.html"] = page(paper).encode()
        if for_programs:
            found[f"{paper.id}.json"] = paper.model_dump_json(indent=1).encode() + b"\n"
    return found


def to_complete(manifest: Manifest) -> list[str]:
    """The fields of the recipe that the papers wait for, each once."""
    made: list[Paper] = [make(manifest) for make, _ in _PAPERS]
    return list(dict.fromkeys(name for paper in made for name in paper.to_complete))
