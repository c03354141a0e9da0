"""A release's papers as pages of the server: the model card, the training summary, the evaluation report.

They are made when the server starts, and no script runs in them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

from markupsafe import Markup

from octavo.page import template
from octavo.release.papers.page import markdown_reader

POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""The papers carry their style in themselves."""

_HEAD: Final = re.compile(r"\A---\n.*?\n---\n", re.S)
_PAPERS: Final = (
    ("model-card", "Model card", "README.md"),
    ("training-summary", "Training summary", "compliance/training-summary.html"),
    ("evaluation", "Evaluation report", "evaluation/report.html"),
)


class Paper(NamedTuple):
    """A page that is one click away."""

    name: str
    title: str
    html: str

    @property
    def url(self) -> str:
        """Where the server has it."""
        return f"/papers/{self.name}"


def read_papers(release: Path) -> tuple[Paper, ...]:
    """The papers that a release has."""
    found = []
    for name, title, path in _PAPERS:
        file = release / path
        if file.is_file():
            text = file.read_text("utf-8", errors="replace")
            found.append(Paper(name, title, card_page(text) if file.suffix == ".md" else text))
    return tuple(found)


def card_page(text: str) -> str:
    """A model card as a page: without the YAML at its head, HTML in it as text.

    Links to papers lead to the server's pages; other files of the release are named without a link.
    """
    reader = markdown_reader()
    tokens = reader.parse(_HEAD.sub("", text.replace("\r\n", "\n"), count=1))
    pages = {path: f"/papers/{name}" for name, _, path in _PAPERS}
    headings = []
    title = "Model card"
    for number, token in enumerate(tokens):
        if token.type == "heading_open":
            words = "".join(child.content for child in tokens[number + 1].children or [])
            if token.tag == "h1":
                title = words
            if token.tag == "h2":
                token.attrSet("id", f"section-{number}")
                headings.append((f"section-{number}", words))
        for child in token.children or []:
            if child.type == "link_open":
                address = str(child.attrGet("href") or "")
                path = address.removesuffix(".md").removesuffix(".html")
                page = next((url for file, url in pages.items() if file.rpartition(".")[0] == path), None)
                if page:
                    child.attrSet("href", page)
                elif not address.startswith(("https://", "http://", "#", "mailto:")):
                    child.attrs.pop("href", None)
    content = reader.renderer.render(tokens, reader.options, {})
    start = max(content.find("<h2"), 0)
    return template("octavo.release.papers", "paper.html").render(
        title=title, lead=Markup(content[:start]), content=Markup(content[start:]), headings=headings
    )
