"""Markdown, with or without YAML front matter: the text without its marks."""

from __future__ import annotations

import re
from datetime import date
from itertools import pairwise
from typing import Any

import yaml
from markdown_it import MarkdownIt

from octavo.corpus.locations import Location
from octavo.corpus.readers import html
from octavo.corpus.readers.plain_text import one_document, title_of
from octavo.corpus.readers.reading import Pieces, RefusedError, read_whole
from octavo.recipe.schema import Source

MARKDOWN_BYTES = 32 * 1024**2
FRONT_MATTER_CHARACTERS = 64 * 1024

_FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.S | re.M)
_FIELD = re.compile(r"^([A-Za-z][\w-]*)[ \t]*:[ \t]+(\S.*?)[ \t]*$", re.M)
_FIELD_LINE = re.compile(r"[A-Za-z][\w-]*[ \t]*:(?:\s|\Z)|-\s|\s|#|\Z")
_OWN_NAME = re.compile(r"[a-z][\w -]*")
_NAMES = {
    "title": "title",
    "author": "creator",
    "authors": "creator",
    "creator": "creator",
    "date": "date",
    "issued": "date",
    "lang": "language",
    "language": "language",
    "license": "license",
    "licence": "license",
    "rights": "license",
    "source_url": "source_url",
}
_UNSPACED_HEADING = re.compile(r"(#{2,6})(?=[^\s#])")
_DEFINITION = re.compile(r":[ \t]+(?=\S)")
_LINK = re.compile(
    r"(?P<before>(?: {0,3}>)* {0,3})\[(?P<label>[^\[\]]+)\]:[ \t]*"
    r"(?P<to>\S*)(?:[ \t]+(?:\"[^\"]*\"|'[^']*'|\([^()]*\)))?[ \t]*"
)
_ADDRESS = re.compile(r"<.*>|.*[/#@:\\].*|.*\.\w.*")
_FENCE = re.compile(r" {0,3}(```|~~~)")
_PIECES = 100
"""Names of authors that are taken from front matter."""

NESTING = 100
"""Lists and quotes within others, each counted once or twice: what is deeper is left out."""


class _Loader(yaml.SafeLoader):
    """YAML in which `no` is Norwegian and 3.10 a title, not false and a number."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [(tag, rule) for tag, rule in rules if tag.rpartition(":")[2] not in ("bool", "float", "int")]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def read(location: Location, source: Source) -> Pieces:
    """Read a Markdown file as a document; a file that is not UTF-8 is set aside."""
    yield from read_whole(location, MARKDOWN_BYTES, lambda content: _pieces(content, location))


def _pieces(content: bytes, location: Location) -> Pieces:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise RefusedError(f"not UTF-8: byte 0x{byte:02x} at offset {error.start}") from None
    fields = {"identifier": location.name, "title": title_of(location)} | plain(text)
    yield one_document(fields)


def plain(markdown: str) -> dict[str, str]:
    """The text of Markdown and what its front matter says, as columns; failing a title, the first heading."""
    stated, body = _front_matter(markdown)
    document = html.text_of(_parser().render(_mended(body)))
    return document.metadata() | stated | {"text": document.text}


def _mended(body: str) -> str:
    """Markdown with what other dialects allow: headings without a space, definitions below terms, footnotes."""
    lines: list[str] = []
    fence = ""
    for line, following in pairwise([*body.splitlines(), ""]):
        if found := _FENCE.match(line):
            fence = "" if fence == found[1] else fence or found[1]
        elif not fence:
            line = _UNSPACED_HEADING.sub(r"\1 ", line, count=1) if line.startswith("##") else line
            if lines and lines[-1].strip() and _DEFINITION.match(line):
                lines[-1] += "  "
                line = _DEFINITION.sub("", line, count=1)
            line = _with_words_as_text(line, following)
        lines.append(line)
    return "\n".join(lines)


def _with_words_as_text(line: str, following: str) -> str:
    """A line that CommonMark takes for a link's address, and drops, as text where it is a footnote or speech."""
    found = _LINK.fullmatch(line)
    if not found or (found["label"][0] != "^" and _ADDRESS.fullmatch(found["to"] or following.strip(" \t>"))):
        return line
    return f"{found['before']}&#91;{line[found.end('before') + 1 :]}"


def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True, "maxNesting": NESTING}).enable(["table", "strikethrough"])


def _front_matter(markdown: str) -> tuple[dict[str, str], str]:
    """What front matter says, and the rest; the whole text where it says nothing that can be read."""
    found = _FRONT_MATTER.match(markdown[:FRONT_MATTER_CHARACTERS])
    if not found:
        return {}, markdown
    rest = markdown[found.end() :]
    lines = found[1].splitlines()
    if not any(map(str.strip, lines)):
        return {}, rest
    if not lines[0].strip() and not lines[-1].strip():  # rules, as people set them between letters or scenes
        return {}, markdown
    try:
        value = yaml.load(found[1], _Loader)
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError, AttributeError):
        # Mostly a title with a colon in it and no quotes around: its lines are fields all the same.
        are_fields = all(map(_FIELD_LINE.match, lines))
        value = {name: words.strip("'\"") for name, words in _FIELD.findall(found[1])} if are_fields else None
    if not isinstance(value, dict) or not _are_names(list(value)):
        return {}, markdown
    return _fields(value), rest


def _are_names(names: list[object]) -> bool:
    """Whether these are names of fields: one that is known, or all begin small; what a person says does not."""
    words = [name for name in names if isinstance(name, str)]
    known = any(name.lower() in _NAMES for name in words)
    return known or (len(names) == len(words) > 0 and all(map(_OWN_NAME.fullmatch, words)))


def front_matter_end(markdown: str) -> int:
    """Where the text begins after front matter that can be read; 0 where there is none."""
    return len(markdown) - len(_front_matter(markdown)[1])


def _fields(value: dict[Any, Any]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for name, stated in value.items():
        ours = _NAMES.get(name.lower()) if isinstance(name, str) else None
        if ours and (words := _words(stated)):
            fields.setdefault(ours, words)
    return fields


def _words(value: object) -> str | None:
    """A value as words: a list is joined, of a mapping its name is taken; anything deeper says nothing."""
    if isinstance(value, list):
        return "; ".join(words for item in value[:_PIECES] if (words := _word(item))) or None
    return _word(value)


def _word(value: object) -> str | None:
    if isinstance(value, dict):
        value = value.get("name") or value.get("id")
    if isinstance(value, str):
        # YAML may escape what is no text, such as half a pair of surrogates.
        return " ".join(value.encode("utf-8", "ignore").decode().split()) or None
    return value.isoformat() if isinstance(value, date) else None
