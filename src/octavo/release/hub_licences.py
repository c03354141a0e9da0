"""Licences as the Hugging Face hub names them in a card's metadata."""

from __future__ import annotations

import re
from typing import Any

from octavo.release.licence_pages import licence_page

LISTED = frozenset((
    "apache-2.0", "mit", "afl-3.0", "artistic-2.0", "bsl-1.0", "bsd-2-clause", "bsd-3-clause",
    "bsd-3-clause-clear", "c-uda", "cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0",
    "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nd-4.0",
    "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0",
    "cdla-sharing-1.0", "cdla-permissive-1.0", "cdla-permissive-2.0", "wtfpl", "ecl-2.0", "epl-1.0", "epl-2.0",
    "etalab-2.0", "eupl-1.1", "agpl-3.0", "gpl-2.0", "gpl-3.0", "lgpl-2.1", "lgpl-3.0", "isc", "lppl-1.3c",
    "ms-pl", "mpl-2.0", "osl-3.0", "postgresql", "ofl-1.1", "ncsa", "unlicense", "zlib",
))  # fmt: skip
"""Those that the hub takes as they are; https://huggingface.co/docs/hub/repositories-licenses."""
_OTHERWISE = {"odc-by-1.0": "odc-by", "odbl-1.0": "odbl", "pddl-1.0": "pddl"}


def hub_license(spdx: str) -> dict[str, Any]:
    """The card's `license` for an SPDX id; of one that the hub does not list, `other` with its name and a link."""
    name = spdx.lower()
    listed = _OTHERWISE.get(name, re.sub(r"-(?:only|or-later)$", "", name))
    if listed in LISTED or name in _OTHERWISE:
        return {"license": listed}
    page = licence_page(spdx)
    told = {"license": "other", "license_name": re.sub(r"[^a-z0-9.-]+", "-", name)}
    return told | ({"license_link": page} if page else {})
