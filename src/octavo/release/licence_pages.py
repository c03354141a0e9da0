"""Where a licence can be read, and what the ids mean that SPDX does not have."""

from __future__ import annotations

import re

from octavo.corpus.licence_names import PUBLIC_DOMAIN, PUBLIC_DOMAIN_MARK, STATEMENTS

SPDX_PAGE = "https://spdx.org/licenses/"
_REFERENCE = "LicenseRef-"
_STATEMENT = "LicenseRef-rightsstatements-"
_VERSIONLESS = re.compile(r"LicenseRef-CC-(BY(?:-(?:NC|ND|SA))*)")
_PAGES = {
    PUBLIC_DOMAIN_MARK: "https://creativecommons.org/publicdomain/mark/1.0/",
    "LicenseRef-etalab-1.0": "https://www.etalab.gouv.fr/licence-ouverte-open-licence",
    "LicenseRef-GFDL": "https://www.gnu.org/licenses/fdl.html",
}
_MEANINGS = {
    PUBLIC_DOMAIN: "In the public domain, as its source states or the dates of its creator and publication show.",
    PUBLIC_DOMAIN_MARK: "Public Domain Mark 1.0: marked as free of known restrictions under copyright law.",
    "LicenseRef-etalab-1.0": "Licence Ouverte / Open Licence 1.0 of 2011.",
    "LicenseRef-GFDL": "GNU Free Documentation License, of a version that is not stated.",
}


def licence_page(spdx: str) -> str | None:
    """The address of a licence's text; null for a compound of several, and for what has no page."""
    if spdx in _PAGES:
        return _PAGES[spdx]
    if spdx.startswith(_STATEMENT) and spdx.removeprefix(_STATEMENT) in STATEMENTS:
        return f"https://rightsstatements.org/vocab/{spdx.removeprefix(_STATEMENT)}/1.0/"
    if spdx.startswith(_REFERENCE) or not re.fullmatch(r"[A-Za-z0-9.+-]+", spdx):
        return None
    return f"{SPDX_PAGE}{spdx}.html"


def reference_meaning(reference: str) -> str:
    """What a LicenseRef- id stands for, in a sentence."""
    if found := _MEANINGS.get(reference):
        return found
    statement = reference.removeprefix(_STATEMENT)
    if reference.startswith(_STATEMENT) and statement in STATEMENTS:
        return f"The statement of rightsstatements.org: {STATEMENTS[statement]}."
    if match := _VERSIONLESS.fullmatch(reference):
        return f"Creative Commons {match[1]}, of a version that is not stated."
    return f"As the documents' source states it: {reference.removeprefix(_REFERENCE)}."


def references_of(expression: str) -> list[str]:
    """The LicenseRef- ids of an SPDX expression, in order, each once."""
    return list(dict.fromkeys(re.findall(r"LicenseRef-[A-Za-z0-9.-]+", expression)))


def together(expressions: list[str]) -> str:
    """One SPDX expression for a work that has parts under each of these: `A AND (B OR C)`; the order is kept."""
    return " AND ".join(f"({one})" if " OR " in one else one for one in expressions)
