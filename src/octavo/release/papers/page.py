"""A paper as a page: its Markdown as HTML in octavo's style. No HTML of a text gets in, and links go to the web."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup

from octavo.page import template
from octavo.release.papers.content import Paper
from octavo.release.papers.markdown import markdown


class _Renderer(RendererHTML):
    """Tables that are wider than the page can be moved in it, with the keys too."""

    def table_open(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        return '<div class="scroll" tabindex="0" role="region" aria-label="Table">\n<table>\n'

    def table_close(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        return "</table>\n</div>\n"


def markdown_reader() -> MarkdownIt:
    """What reads CommonMark with GitHub's tables, and writes it as HTML with none of the text's own."""
    reader = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")
    reader.add_render_rule("table_open", _Renderer.table_open)
    reader.add_render_rule("table_close", _Renderer.table_close)
    return reader


def page(paper: Paper) -> str:
    """The whole page, that needs no other file."""
    reader = markdown_reader()
    tokens = reader.parse(markdown(paper))
    headings = _headings(paper, tokens)
    content = reader.renderer.render(tokens, reader.options, {})
    start = content.find("<h2")
    return template("octavo.release.papers", "paper.html").render(
        title=paper.title,
        lead=Markup(content[:start]),
        content=Markup(content[start:]),
        headings=headings,
    )


def _headings(paper: Paper, tokens: list[Token]) -> list[tuple[str, str]]:
    """The uppermost headings with names to link to; those of fields are told apart from those of sections."""
    found = []
    opened = (token for token in tokens if token.type == "heading_open")
    next(opened)  # the title
    for number, section in enumerate(paper.sections, 1):
        heading = next(opened)
        heading.attrSet("id", f"section-{number}")
        if section.level == 1:
            found.append((f"section-{number}", f"{section.number} {section.title}".strip()))
        for _ in section.fields:
            next(opened).attrSet("class", "field")
    return found
