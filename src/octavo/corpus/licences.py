"""Licences: any of a source's spellings to an SPDX expression, and what each obliges to.

SPDX has no id for the public domain, for the Public Domain Mark or for a Creative Commons licence whose
version is not stated: those are LicenseRef-Public-Domain, LicenseRef-PDM-1.0, LicenseRef-CC-BY and so on.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Literal

from license_expression import ExpressionError, Licensing, get_spdx_licensing

Obligation = Literal["none", "attribution", "share-alike"]

_CREATIVE_COMMONS = re.compile(
    r"^(?:(?:cc|creative\s*commons)[\s:_-]*|(?=(?:by|attribution)\b.*\b[1-4]\.[05]))(?:licen[cs]es?/)?"
    r"(?P<kind>by|attribution)"
    r"(?P<parts>(?:[\s_-]*(?:nc|nd|sa|non-?commercial|no-?deriv(?:ative)?s?|share-?alike))*)"
    r"[\s/_-]*(?:v(?:ersion)?\.?\s*)?(?P<version>[1-4]\.[05])?"
    r"(?:[\s/_-]*(?!nc|nd|sa|no[nt])(?P<port>[a-z]{2,3}|international|unported|intl))?"
    r"(?:/?(?:deed|legalcode)(?:\.[a-z-]+)?)?/?$"
)
_PREFIXES = re.compile(r"^(?:(?:https?://)?(?:www\.)?creativecommons\.org/(?:licenses|publicdomain)/|licenseref-)")
_SPDX_PAGE = re.compile(r"^https?://(?:www\.)?spdx\.org/licenses/(.+?)(?:\.html)?$")
_EXACT = {
    "public domain": "LicenseRef-Public-Domain",
    "publicdomain": "LicenseRef-Public-Domain",
    "pd": "LicenseRef-Public-Domain",
    "domaine public": "LicenseRef-Public-Domain",
    "gemeinfrei": "LicenseRef-Public-Domain",
    "dominio publico": "LicenseRef-Public-Domain",
    "dominio público": "LicenseRef-Public-Domain",
    "domínio público": "LicenseRef-Public-Domain",
    "pubblico dominio": "LicenseRef-Public-Domain",
    "publiek domein": "LicenseRef-Public-Domain",
    "public-domain": "LicenseRef-Public-Domain",
    "public domain mark": "LicenseRef-PDM-1.0",
    "public domain mark 1.0": "LicenseRef-PDM-1.0",
    "pdm": "LicenseRef-PDM-1.0",
    "mark/1.0": "LicenseRef-PDM-1.0",
    "pdm-1.0": "LicenseRef-PDM-1.0",
    "cc0": "CC0-1.0",
    "cc-0": "CC0-1.0",
    "cc zero": "CC0-1.0",
    "cc0 1.0": "CC0-1.0",
    "cc0-1.0": "CC0-1.0",
    "zero/1.0": "CC0-1.0",
    "licence ouverte": "etalab-2.0",
    "licence ouverte 2.0": "etalab-2.0",
    "licence ouverte / open licence": "etalab-2.0",
    "etalab": "etalab-2.0",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "mit license": "MIT",
    "bsd-2": "BSD-2-Clause",
    "bsd 2-clause": "BSD-2-Clause",
    "bsd-3": "BSD-3-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "open government licence": "OGL-UK-3.0",
    "ogl": "OGL-UK-3.0",
}


@cache
def normalise(stated: str) -> str | None:
    """The SPDX expression that a source's words mean, or None where they state no licence that is known."""
    said = " ".join(stated.casefold().split()).strip(" .;")
    said = re.sub(r"/(?:deed|legalcode)(?:\.[a-z-]+)?$", "", _PREFIXES.sub("", said).rstrip("/"))
    if said in _EXACT:
        return _EXACT[said]
    if match := _CREATIVE_COMMONS.match(said):
        return _creative_commons(match)
    try:
        parsed = _spdx().parse(_SPDX_PAGE.sub(r"\1", stated.strip()), validate=True)
    except (ExpressionError, ValueError):
        return None
    return str(parsed) if parsed is not None else None


def _creative_commons(match: re.Match[str]) -> str:
    parts = match["parts"]
    name = "CC-BY"
    for part, words in (("NC", "nc|non-?commercial"), ("ND", "nd|no-?deriv"), ("SA", "sa|share-?alike")):
        if re.search(words, parts):
            name += f"-{part}"
    return f"{name}-{match['version']}" if match["version"] else f"LicenseRef-{name}"


@cache
def _spdx() -> Licensing:
    return get_spdx_licensing()


@cache
def is_allowed(spdx: str, allow: tuple[str, ...]) -> bool:
    """Whether an SPDX expression passes an allow-list: of OR one side must, of AND every side.

    A final `-*` in the list stands for any version, so that CC-BY-* takes CC-BY-4.0 and never CC-BY-NC-4.0.
    """
    if re.search(r"\s(?:OR|AND)\s", spdx):
        expression = _spdx().parse(spdx)
        sides = (is_allowed(str(side), allow) for side in expression.args)
        return any(sides) if expression.operator.strip() == "OR" else all(sides)
    for pattern in allow:
        if pattern.endswith("-*"):
            if re.fullmatch(re.escape(pattern[:-2]) + r"-[0-9.]+(?:-[A-Z]+)?", spdx):
                return True
            if spdx == f"LicenseRef-{pattern[:-2]}":
                return True
        elif spdx == pattern:
            return True
    return False


@cache
def obligation(spdx: str) -> Obligation:
    """What a licence asks of those who pass the text on: nothing, attribution, or the same licence."""
    if re.search(r"-SA\b|ODbL|GFDL|FAL|GPL", spdx):
        return "share-alike"
    if all(
        part in {"LicenseRef-Public-Domain", "LicenseRef-PDM-1.0", "CC0-1.0", "PDDL-1.0", "Unlicense", "0BSD"}
        for part in re.split(r"\s+(?:AND|OR)\s+", spdx)
    ):
        return "none"
    return "attribution"
