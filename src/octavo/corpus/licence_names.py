"""The names and addresses of licences, each with its SPDX id.

What SPDX has no id for is named so:
- LicenseRef-Public-Domain, and LicenseRef-PDM-1.0 for the Public Domain Mark: claims, not licences;
- LicenseRef-CC-BY and so on: a Creative Commons licence whose version is not stated;
- LicenseRef-rightsstatements-NoC-US and so on: the twelve statements of rightsstatements.org;
- LicenseRef-etalab-1.0 (Licence Ouverte of 2011) and LicenseRef-GFDL (no version stated).
"""

from __future__ import annotations

PUBLIC_DOMAIN = "LicenseRef-Public-Domain"
PUBLIC_DOMAIN_MARK = "LicenseRef-PDM-1.0"
NO_COPYRIGHT_US = "LicenseRef-rightsstatements-NoC-US"
NO_KNOWN_COPYRIGHT = "LicenseRef-rightsstatements-NKC"
NOTHING_STATED = frozenset({"LicenseRef-rightsstatements-UND", "LicenseRef-rightsstatements-CNE"})
"""Statements that nothing is known: copyright undetermined, copyright not evaluated."""

STATEMENTS = {
    "InC": "in copyright",
    "InC-OW-EU": "in copyright - eu orphan work",
    "InC-EDU": "in copyright - educational use permitted",
    "InC-NC": "in copyright - non-commercial use permitted",
    "InC-RUU": "in copyright - rights-holder(s) unlocatable or unidentifiable",
    "NoC-CR": "no copyright - contractual restrictions",
    "NoC-NC": "no copyright - non-commercial use only",
    "NoC-OKLR": "no copyright - other known legal restrictions",
    "NoC-US": "no copyright - united states",
    "CNE": "copyright not evaluated",
    "UND": "copyright undetermined",
    "NKC": "no known copyright",
}
"""The statements of rightsstatements.org, version 1.0."""

NAMES = {
    PUBLIC_DOMAIN: (
        "public domain|publicdomain|public-domain|pd|in the public domain|public domain work|not in copyright"
        "|not_in_copyright|out of copyright|copyright expired|pd-old|pd-old-70|pd-old-80|pd-old-90|pd-old-100"
        "|domaine public|dans le domaine public|tombe dans le domaine public|œuvre du domaine public"
        "|oeuvre du domaine public|gemeinfrei|gemeinfreies werk|gemeinfreiheit|dominio publico"
        "|de dominio publico|en dominio publico|em dominio publico|obra en dominio publico"
        "|obra em dominio publico|pubblico dominio|dominio pubblico|di pubblico dominio|publiek domein"
        "|publieke domein|in het publieke domein|in publiek domein|domini public|publici iuris|publici juris"
    ),
    PUBLIC_DOMAIN_MARK: (
        "public domain mark|public domain mark 1.0|creative commons public domain mark"
        "|creative commons public domain mark 1.0|creative commons public domain mark 1.0 universal|pdm"
        "|pdm 1.0|pdm-1.0|cc pdm|cc pdm 1.0|cc-pdm-1.0|marque du domaine public|marque du domaine public 1.0"
        "|this work has been identified as being free of known restrictions under copyright law"
    ),
    NO_COPYRIGHT_US: (
        "public domain in the usa|public domain in the united states|public domain in the us|pd-us"
        "|pd-us-expired|no copyright in the united states|no copyright - us|no copyright united states"
    ),
    NO_KNOWN_COPYRIGHT: (
        "no known copyright restrictions|no known restrictions|no copyright"
        "|no known restrictions on publication|there are no known copyright restrictions"
        "|aucun droit d'auteur connu|kein bekanntes urheberrecht|sin derechos de autor conocidos"
    ),
    "CC0-1.0": (
        "cc0|cc-0|cc 0|cc zero|cc-zero|cc0 1.0|cc-0 1.0|cc-0-1.0|cc 0 1.0|cc0-1.0|cc0 1.0 universal"
        "|creative commons zero|creative commons zero 1.0|creative commons zero v1.0 universal"
        "|creative commons zero 1.0 universal|creative commons cc0|creative commons cc0 1.0"
        "|creative commons cc0 1.0 universal|creative commons 0"
        "|cc0 1.0 universal (cc0 1.0) public domain dedication|cc0 1.0 universal public domain dedication"
        "|cc0 public domain dedication|cc0: public domain|cc0 (public domain)"
    ),
    "CC-PDDC": "cc-pddc|creative commons public domain dedication and certification",
    "PDDL-1.0": (
        "pddl|pddl 1.0|odc-pddl|odc-pddl-1.0|open data commons public domain dedication and licence"
        "|open data commons public domain dedication & licence"
    ),
    "ODC-By-1.0": "odc-by|odc by|odc by 1.0|odc-by v1.0|open data commons attribution",
    "ODbL-1.0": (
        "odbl|odbl 1.0|odbl v1.0|odc-odbl|odc odbl|open database|open data commons open database"
        "|open database licence odbl"
    ),
    "etalab-2.0": (
        "licence ouverte|licence ouverte 2.0|licence ouverte v2.0|licence ouverte / open licence"
        "|licence ouverte / open licence 2.0|licence ouverte/open licence|licence ouverte/open licence 2.0"
        "|etalab|etalab 2.0|licence ouverte etalab|licence etalab|licence ouverte etalab 2.0|lov2|lo-2.0"
        "|fr-lo"
    ),
    "LicenseRef-etalab-1.0": (
        "licence ouverte 1.0|licence ouverte v1.0|etalab 1.0|etalab-1.0|licence ouverte/open licence 1.0"
        "|licence ouverte / open licence 1.0"
    ),
    "OGL-UK-3.0": (
        "open government|ogl|ogl 3.0|ogl-uk|ogl uk|ogl-uk 3.0|open government 3.0|uk open government"
        "|uk open government 3.0|uk-ogl|uk open government ogl|uk ogl|ogl-3.0"
        "|open government united kingdom 3.0"
    ),
    "OGL-UK-2.0": "ogl 2.0|ogl-uk 2.0|open government 2.0|uk open government 2.0|ogl-2.0",
    "OGL-UK-1.0": "ogl 1.0|ogl-uk 1.0|open government 1.0|uk open government 1.0|ogl-1.0",
    "OGL-Canada-2.0": (
        "ogl-canada|ogl canada|ogl canada 2.0|open government - canada|open government canada"
        "|open government - canada 2.0|open government canada 2.0|licence du gouvernement ouvert - canada"
        "|canada open government"
    ),
    "NLOD-2.0": (
        "nlod|nlod 2.0|norsk lisens for offentlige data|norsk lisens for offentlige data 2.0"
        "|norwegian licence for open government data|norwegian licence for open government data 2.0"
    ),
    "NLOD-1.0": "nlod 1.0|norsk lisens for offentlige data 1.0|norwegian licence for open government data 1.0",
    "LAL-1.3": (
        "licence art libre|licence art libre 1.3|free art|free art 1.3|lal|lal 1.3|fal|fal 1.3|fal-1.3"
        "|lizenz freie kunst|licencia arte libre|licenza arte libera|copyleft attitude"
    ),
    "LAL-1.2": "licence art libre 1.2|free art 1.2|lal 1.2|fal 1.2|fal-1.2",
    "DL-DE-BY-2.0": (
        "dl-de/by-2-0|dl-de-by-2-0|datenlizenz deutschland - namensnennung - version 2.0"
        "|datenlizenz deutschland namensnennung 2.0|datenlizenz deutschland - namensnennung 2.0"
    ),
    "DL-DE-ZERO-2.0": (
        "dl-de/zero-2-0|dl-de-zero-2-0|datenlizenz deutschland - zero - version 2.0"
        "|datenlizenz deutschland zero 2.0|datenlizenz deutschland - zero 2.0"
    ),
    "Apache-2.0": (
        "apache|apache 2|apache2|apache 2.0|apache-2|apache software|apache software 2.0|apache v2|asl 2.0"
        "|apache2.0|apache-2.0"
    ),
    "MIT": "mit|mit/x11|expat|mit expat|the mit|mit (expat)|x11/mit",
    "BSD-2-Clause": "bsd-2|bsd 2-clause|bsd 2 clause|2-clause bsd|bsd2|simplified bsd|freebsd|bsd simplified",
    "BSD-3-Clause": "bsd-3|bsd 3-clause|bsd 3 clause|3-clause bsd|bsd3|new bsd|modified bsd|revised bsd|bsd new",
    "0BSD": "bsd zero clause|zero-clause bsd|bsd-0|0-clause bsd|bsd 0-clause",
    "ISC": "isc",
    "Unlicense": "unlicense|the unlicense|unlicence",
    "MPL-2.0": "mpl|mpl 2|mpl 2.0|mozilla|mozilla 2.0|mpl2",
    "EUPL-1.2": "eupl|eupl 1.2|european union|european union 1.2",
}
"""What each is called, in small letters, without accents, and without `licence` or `version`."""

BY_NAME = {name: spdx for spdx, names in NAMES.items() for name in names.split("|")} | {
    words: f"LicenseRef-rightsstatements-{name}" for name, words in STATEMENTS.items()
}

PAGES: tuple[tuple[str, str], ...] = (
    (r"creativecommons\.org/publicdomain/zero/1\.0(?:/[a-z-]{2,7})?", "CC0-1.0"),
    (r"creativecommons\.org/publicdomain/mark/1\.0(?:/[a-z-]{2,7})?", PUBLIC_DOMAIN_MARK),
    (r"creativecommons\.org/(?:licenses/)?publicdomain", "CC-PDDC"),
    (r"(?:(?:[a-z]+\.)?wikipedia\.org/wiki|wikidata\.org/wiki)/(?:public_domain|q19652)", PUBLIC_DOMAIN),
    (r"opendatacommons\.org/licenses/pddl(?:/1[-.]0)?(?:/summary)?", "PDDL-1.0"),
    (r"opendatacommons\.org/licenses/by(?:/1[-.]0)?(?:/summary)?", "ODC-By-1.0"),
    (r"opendatacommons\.org/licenses/odbl(?:/1[-.]0)?(?:/summary)?", "ODbL-1.0"),
    (r"nationalarchives\.gov\.uk/doc/open-government-licence(?:/version/3)?", "OGL-UK-3.0"),
    (r"nationalarchives\.gov\.uk/doc/open-government-licence/version/([12])", r"OGL-UK-\1.0"),
    (r"open\.canada\.ca/(?:en/open-government-licence|fr/licence-du-gouvernement-ouvert)-canada", "OGL-Canada-2.0"),
    (r"data\.norge\.no/nlod/(?:no|en)/([12])\.0", r"NLOD-\1.0"),
    (r"etalab\.gouv\.fr/(?:wp-content/.*/)?(?:licence-ouverte-open-licence"
     r"|(?:etalab-)?licence-ouverte-v2\.0)(?:\.pdf)?"
     r"|github\.com/etalab/licence-ouverte.*", "etalab-2.0"),
    (r"govdata\.de/dl-de/by-2-0", "DL-DE-BY-2.0"),
    (r"govdata\.de/dl-de/zero-2-0", "DL-DE-ZERO-2.0"),
    (r"artlibre\.org(?:/licence/lal(?:/[a-z]{2})?)?", "LAL-1.3"),
    (r"apache\.org/licenses/license-2\.0(?:\.txt)?", "Apache-2.0"),
    (r"mozilla\.org/(?:en-us/)?mpl/2\.0", "MPL-2.0"),
    (r"unlicense\.org", "Unlicense"),
    (r"gnu\.org/(?:licenses/fdl|copyleft/fdl)(?:\.txt)?", "LicenseRef-GFDL"),
    (r"gnu\.org/licenses/(?:old-licenses/)?fdl-(1\.[123])(?:\.[a-z]{2})?(?:\.txt)?", r"GFDL-\1-only"),
    (r"gnu\.org/licenses/(?:old-licenses/)?(a|l)?gpl-([23]\.[01])(?:\.[a-z]{2})?(?:\.txt)?", r"\1GPL-\2-only"),
)  # fmt: skip
"""Addresses of licences, without scheme, `www.` and ending."""
