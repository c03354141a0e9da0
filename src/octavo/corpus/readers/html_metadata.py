"""What a page states of itself: title, author, date, language and licence."""

from __future__ import annotations

import itertools

import orjson
from selectolax.lexbor import LexborHTMLParser

from octavo.corpus.readers import gutenberg

_CREATOR_NAMES = ("dc.creator", "dcterms.creator", "citation_author", "author", "article:author", "dc.author")
_DATE_NAMES = (
    "dc.date.issued",
    "dcterms.issued",
    "dc.date",
    "dcterms.date",
    "citation_publication_date",
    "article:published_time",
    "datepublished",
    "date",
)
_LANGUAGE_NAMES = ("dc.language", "dcterms.language", "content-language")
_MAIN = ("mainEntityOfPage", "mainEntity", "@graph")
_PARTS_OF_A_PAGE = {"imageobject", "mediaobject", "videoobject", "audioobject", "photograph", "dataset"}
_LICENCE_NAMES = (
    "dcterms.license",
    "dc.rights.license",
    "dc.rights",
    "dcterms.rights",
    "license",
    "licence",
    "rights",
)
_JSON_VALUES = 10_000
"""Values of a page's JSON-LD that are looked at."""


def metadata(tree: LexborHTMLParser) -> dict[str, str | None]:
    """The columns that a page states, by their names in the schema."""
    title, creator = _title(tree)
    metas = _metas(tree)
    return {
        "title": title,
        "creator": _people(metas) or creator,
        "date": _first(metas, _DATE_NAMES),
        "language": _language(tree) or _first(metas, _LANGUAGE_NAMES),
        "license": _licence(tree) or _first(metas, _LICENCE_NAMES),
    }


def _title(tree: LexborHTMLParser) -> tuple[str | None, str | None]:
    """The title, and the creator where it names one."""
    for selector in ("head > title", "h1", "h2"):
        node = tree.css_first(selector)
        words = " ".join(node.text(deep=True).split())[:1000] if node else ""
        if words:
            return gutenberg.page_title(words)
    return None, None


def _metas(tree: LexborHTMLParser) -> dict[str, list[str]]:
    metas: dict[str, list[str]] = {}
    for node in tree.css("meta"):
        attributes = node.attributes
        name = next((v for k in ("name", "property", "itemprop", "http-equiv") if (v := attributes.get(k))), "")
        value = " ".join((attributes.get("content") or "").split())
        if name and value:
            metas.setdefault(name.lower(), []).append(value)
    return metas


def _first(metas: dict[str, list[str]], names: tuple[str, ...]) -> str | None:
    return next((metas[name][0] for name in names if name in metas), None)


def _people(metas: dict[str, list[str]]) -> str | None:
    """Those who wrote the page; addresses of their profiles are no names."""
    for name in _CREATOR_NAMES:
        people = [person for person in metas.get(name, []) if "://" not in person]
        if people:
            return "; ".join(dict.fromkeys(people))
    return None


def _language(tree: LexborHTMLParser) -> str | None:
    for selector in ("html", "body"):
        if node := tree.css_first(selector):
            stated = node.attributes.get("lang") or node.attributes.get("xml:lang")
            if stated and stated.strip():
                return stated.strip()
    return None


def _licence(tree: LexborHTMLParser) -> str | None:
    """The licence that the page links to as its own, or names in its JSON-LD."""
    for node in itertools.chain(tree.css("link[rel][href]"), tree.css("a[rel][href]")):
        relations = (node.attributes.get("rel") or "").lower().split()
        address = (node.attributes.get("href") or "").strip()
        if "license" in relations and address:
            return address
    for node in tree.css('script[type="application/ld+json"]'):
        try:
            value = orjson.loads(node.text(deep=True))
        except orjson.JSONDecodeError:
            continue
        if stated := _json_licence(value):
            return stated
    return None


def _json_licence(value: object) -> str | None:
    """The licence that JSON-LD states of the page or its main thing, not of a picture or a table in it."""
    left = [value]
    for _ in range(_JSON_VALUES):
        if not left:
            break
        value = left.pop()
        if isinstance(value, list):
            left.extend(reversed(value))
        elif isinstance(value, dict):
            kinds = value.get("@type")
            if _PARTS_OF_A_PAGE & {str(kind).lower() for kind in (kinds if isinstance(kinds, list) else [kinds])}:
                continue
            stated = value.get("license")
            stated = stated[0] if isinstance(stated, list) and stated else stated
            if isinstance(stated, dict):
                stated = stated.get("url") or stated.get("@id") or stated.get("name")
            if isinstance(stated, str) and stated.strip():
                return stated.strip()
            left.extend(value[name] for name in _MAIN if name in value)
    return None
