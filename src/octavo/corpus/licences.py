"""Licences: any of a source's spellings to an SPDX expression, and what each obliges to.

What SPDX has no id for is named so:
- LicenseRef-Public-Domain, and LicenseRef-PDM-1.0 for the Public Domain Mark: claims, not licences;
- LicenseRef-CC-BY and so on: a Creative Commons licence whose version is not stated;
- LicenseRef-rightsstatements-NoC-US and so on: the twelve statements of rightsstatements.org;
- LicenseRef-etalab-1.0 (Licence Ouverte of 2011) and LicenseRef-GFDL (no version stated).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Literal

from license_expression import ExpressionError, Licensing, get_spdx_licensing

Obligation = Literal["none", "attribution", "share-alike"]

PUBLIC_DOMAIN = "LicenseRef-Public-Domain"
PUBLIC_DOMAIN_MARK = "LicenseRef-PDM-1.0"
NO_COPYRIGHT_US = "LicenseRef-rightsstatements-NoC-US"
NO_KNOWN_COPYRIGHT = "LicenseRef-rightsstatements-NKC"
NOTHING_STATED = frozenset({"LicenseRef-rightsstatements-UND", "LicenseRef-rightsstatements-CNE"})
"""Statements that nothing is known: copyright undetermined, copyright not evaluated."""

_STATEMENTS = {
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

_NAMES = {
    PUBLIC_DOMAIN: (
        "public domain|publicdomain|public-domain|pd|in the public domain|public domain work|not in copyright"
        "|not_in_copyright|out of copyright|copyright expired|pd-old|pd-old-70|pd-old-80|pd-old-90|pd-old-100"
        "|domaine public|dans le domaine public|tombe dans le domaine public|œuvre du domaine public"
        "|oeuvre du domaine public|gemeinfrei|gemeinfreies werk|gemeinfreiheit|dominio publico|de dominio publico"
        "|en dominio publico|em dominio publico|obra en dominio publico|obra em dominio publico|pubblico dominio"
        "|dominio pubblico|di pubblico dominio|publiek domein|publieke domein|in het publieke domein"
        "|in publiek domein"
        "|domini public|publici iuris|publici juris"
    ),
    PUBLIC_DOMAIN_MARK: (
        "public domain mark|public domain mark 1.0|creative commons public domain mark"
        "|creative commons public domain"
        " mark 1.0|creative commons public domain mark 1.0 universal|pdm|pdm 1.0|pdm-1.0|cc pdm|cc pdm 1.0"
        "|cc-pdm-1.0"
        "|marque du domaine public|marque du domaine public 1.0"
        "|this work has been identified as being free of known restrictions under copyright law"
    ),
    NO_COPYRIGHT_US: (
        "public domain in the usa|public domain in the united states|public domain in the us|pd-us|pd-us-expired"
        "|no copyright in the united states|no copyright - us|no copyright united states"
    ),
    NO_KNOWN_COPYRIGHT: (
        "no known copyright restrictions|no known restrictions|no copyright|no known restrictions on publication"
        "|there are no known copyright restrictions|aucun droit d'auteur connu|kein bekanntes urheberrecht"
        "|sin derechos de autor conocidos"
    ),
    "CC0-1.0": (
        "cc0|cc-0|cc 0|cc zero|cc-zero|cc0 1.0|cc-0 1.0|cc-0-1.0|cc 0 1.0|cc0-1.0|cc0 1.0 universal"
        "|creative commons"
        " zero|creative commons zero 1.0|creative commons zero v1.0 universal|creative commons zero 1.0 universal"
        "|creative commons cc0|creative commons cc0 1.0|creative commons cc0 1.0 universal|creative commons 0"
        "|cc0 1.0 universal (cc0 1.0) public domain dedication|cc0 1.0 universal public domain dedication"
        "|cc0 public domain dedication|cc0: public domain|cc0 (public domain)"
    ),
    "CC-PDDC": "cc-pddc|creative commons public domain dedication and certification",
    "PDDL-1.0": "pddl|pddl 1.0|odc-pddl|odc-pddl-1.0|open data commons public domain dedication and licence"
    "|open data commons public domain dedication & licence",
    "ODC-By-1.0": "odc-by|odc by|odc by 1.0|odc-by v1.0|open data commons attribution",
    "ODbL-1.0": "odbl|odbl 1.0|odbl v1.0|odc-odbl|odc odbl|open database|open data commons open database"
    "|open database licence odbl",
    "etalab-2.0": "licence ouverte|licence ouverte 2.0|licence ouverte v2.0|licence ouverte / open licence"
    "|licence ouverte / open licence 2.0|licence ouverte/open licence|licence ouverte/open licence 2.0|etalab"
    "|etalab 2.0|licence ouverte etalab|licence etalab|licence ouverte etalab 2.0|lov2|lo-2.0|fr-lo",
    "LicenseRef-etalab-1.0": "licence ouverte 1.0|licence ouverte v1.0|etalab 1.0|etalab-1.0|licence ouverte/open"
    " licence 1.0|licence ouverte / open licence 1.0",
    "OGL-UK-3.0": "open government|ogl|ogl 3.0|ogl-uk|ogl uk|ogl-uk 3.0|open government 3.0|uk open government"
    "|uk open government 3.0|uk-ogl|uk open government ogl|uk ogl|ogl-3.0|open government united kingdom 3.0",
    "OGL-UK-2.0": "ogl 2.0|ogl-uk 2.0|open government 2.0|uk open government 2.0|ogl-2.0",
    "OGL-UK-1.0": "ogl 1.0|ogl-uk 1.0|open government 1.0|uk open government 1.0|ogl-1.0",
    "OGL-Canada-2.0": "ogl-canada|ogl canada|ogl canada 2.0|open government - canada|open government canada"
    "|open government - canada 2.0|open government canada 2.0|licence du gouvernement ouvert - canada"
    "|canada open government",
    "NLOD-2.0": "nlod|nlod 2.0|norsk lisens for offentlige data|norsk lisens for offentlige data 2.0"
    "|norwegian licence for open government data|norwegian licence for open government data 2.0",
    "NLOD-1.0": "nlod 1.0|norsk lisens for offentlige data 1.0|norwegian licence for open government data 1.0",
    "LAL-1.3": "licence art libre|licence art libre 1.3|free art|free art 1.3|lal|lal 1.3|fal|fal 1.3|fal-1.3"
    "|lizenz freie kunst|licencia arte libre|licenza arte libera|copyleft attitude",
    "LAL-1.2": "licence art libre 1.2|free art 1.2|lal 1.2|fal 1.2|fal-1.2",
    "DL-DE-BY-2.0": "dl-de/by-2-0|dl-de-by-2-0|datenlizenz deutschland - namensnennung - version 2.0"
    "|datenlizenz deutschland namensnennung 2.0|datenlizenz deutschland - namensnennung 2.0",
    "DL-DE-ZERO-2.0": "dl-de/zero-2-0|dl-de-zero-2-0|datenlizenz deutschland - zero - version 2.0"
    "|datenlizenz deutschland zero 2.0|datenlizenz deutschland - zero 2.0",
    "Apache-2.0": "apache|apache 2|apache2|apache 2.0|apache-2|apache software|apache software 2.0|apache v2"
    "|asl 2.0|apache2.0|apache-2.0",
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

_BY_NAME = {name: spdx for spdx, names in _NAMES.items() for name in names.split("|")} | {
    words: f"LicenseRef-rightsstatements-{name}" for name, words in _STATEMENTS.items()
}

_STATEMENT = re.compile(
    r"(?:licenseref-rightsstatements-|rightsstatements\.org/(?:vocab|page|data)/|rs:)("
    + "|".join(sorted(map(str.casefold, _STATEMENTS), key=len, reverse=True))
    + r")(?:/1\.0)?(?:/[a-z]{2})?"
)
_STATEMENT_IDS = {name.casefold(): f"LicenseRef-rightsstatements-{name}" for name in _STATEMENTS}

_PAGES: tuple[tuple[str, str], ...] = (
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

_SPDX_PAGE = re.compile(
    r"(?:spdx\.org/licenses|opensource\.org/licen[cs]es?|choosealicense\.com/licenses)/([\w.+-]+)"
)
_CC_PAGE = re.compile(
    r"creativecommons\.org/licenses/(?P<kind>[a-z-]+)(?:/(?P<version>\d\.\d)(?:/(?P<port>[a-z]{2,4}))?)?(?:/[a-z-]{2,7})?"
)

_WORDS_OF_PARTS: tuple[tuple[str, str], ...] = (
    (r"non[ -]?commercial(?:e|ly)?(?: use)?|nicht[ -]?kommerziell|(?:pas|sans) d[' ]?utilisations? commerciales?"
     r"|utilisation non commerciale|no[ -]?comercial|nao[ -]?comercial|uso nao[ -]?comercial"
     r"|niet[ -]?commercieel", "nc"),
    (r"no[ -]?deriv(?:ative)?s?(?: works?)?|keine bearbeitung(?:en)?|pas de modifications?|sans modifications?"
     r"|sin (?:obras? )?derivadas?|sinobraderivada|sem[ -]?deriva(?:coes|dos)|sem[ -]?derivacoes"
     r"|non opere derivate|geen[ -]?afgeleide[ -]?werken", "nd"),
    (r"share[ -]?alike|weitergabe unter gleichen bedingungen|partage (?:dans les memes conditions|a l'identique)"
     r"|(?:compartir|compartilha|partilha)[ -]?igual|partilha nos mesmos termos|condividi allo stesso modo"
     r"|gelijk[ -]?delen", "sa"),
    (r"namensnennung|paternite|atribucion|reconocimiento|atribuicao|attribuzione|naamsvermelding"
     r"|attribution", "by"),
    (r"creative[ _-]?commons", "cc"),
)  # fmt: skip
_PARTS = tuple((re.compile(rf"\b(?:{words})(?![a-z])"), part) for words, part in _WORDS_OF_PARTS)
_CREATIVE_COMMONS = re.compile(
    r"(?:cc[\s:_-]*|(?=by\b.*\b\d))"
    r"(?P<parts>by(?:[\s_/-]*(?:nc|nd|sa))*)"
    r"[\s/_,-]*(?P<version>\d(?:\.\d)?)?"
    r"(?:[\s/_-]*(?P<port>(?!nc|nd|sa|no[nt])[a-z]{2,3}|international|internacional|internazionale|internationaal|unported|generic|intl|deutschland|france"
    r"|nederland"
    r"|espana|italia|portugal|brasil|scotland|england(?: and| &) wales))?"
)
_PORTS = {
    "deutschland": "de",
    "france": "fr",
    "nederland": "nl",
    "espana": "es",
    "italia": "it",
    "portugal": "pt",
    "brasil": "br",
    "scotland": "scotland",
}
_VERSIONS = frozenset({"1.0", "2.0", "2.1", "2.5", "3.0", "4.0"})
_GNU_DOCUMENTATION = re.compile(
    r"(?:gnu )?(?:gfdl|fdl|free documentation)[\s-]*(?:v)?(1\.[123])?(?P<later>\+| or (?:any )?later| oder spater)?"
    r"(?P<free>,? ?\(?(?:with )?no[ -]invariants?(?: sections?)?(?:, (?:no|with no) front-cover texts,? (?:and"
    r"|or) no back-cover"
    r" texts)?\)?)?"
)
_GNU_PUBLIC = re.compile(
    r"(?:gnu )?(?P<kind>a|l|affero |lesser )?(?:gpl|general)[\s-]*v?(?P<version>[23](?:\.[01])?)"
    r"(?P<later>\+| ?or (?:any )?later| oder spater)?"
)

_LICENSED_UNDER = re.compile(
    r"^(?P<what>[\w '-]{0,60}?)\b(?:licen[cs]ed|distributed|released|published|made available"
    r"|available) under (?:the )?"
    r"(?:(?:terms|conditions)(?: and conditions)? of )?(?:an? |the )?(?=\S)"
    r"|^dieses werk ist lizenziert unter einer "
    r"|^(?:cette œuvre|ce document) est mise? a disposition (?:selon les termes de la |sous )"
)
_HOLDER = re.compile(r"^(?:©|\(c\)|copyright\b).{0,120}?[.,;:] (?=this|licen[cs]ed|cc[ -](?:by|0)|cc0|creative)")
"""Whose the copyright is: holders are who license."""
_SAVING = re.compile(r"\b(?:not?|non|never|longer|except|unless|code|software|images?|metadata|part|some)\b")
"""What may take back a sentence that begins so."""
_FREE_USE = re.compile(
    r",? which permits (?:unrestricted|unlimited) use, distribution,? and reproduction in any medium"
    r"(?:,? provided (?:that )?the original [a-z() ]{4,30} (?:is|are) (?:properly )?(?:cited|credited|attributed))?"
)
_WORD_FOR_LICENCE = re.compile(
    r"\b(?:public )?(?:licen[cs]e|lizenz|lizenzvertrag|licencia|licenza|licenca|licentie)\b(?! (?:ouverte|art"
    r"|du|for|etalab|arte|libera|freie))"
)
_SHORT_FORM = re.compile(r"(?P<long>.+?) \((?P<short>[^()]+)\)")
_OWN_REFERENCE = re.compile(r"LicenseRef-[A-Za-z0-9.-]+")
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−", "-"))


@lru_cache(maxsize=65_536)
def normalise(stated: str) -> str | None:
    """The SPDX expression that a source's words mean, or None where they state no licence that is known."""
    stated = stated.strip()
    if single := _single(stated):
        return single
    return _expression(stated)


def _single(stated: str) -> str | None:
    said = _fold(stated)
    readers: tuple[Callable[[str], str | None], ...] = (_page, _name, _spdx_id)
    for reader in readers:
        if spdx := reader(said):
            return spdx
    if _OWN_REFERENCE.fullmatch(stated):
        return _own_reference(stated)
    return None


def _fold(words: str) -> str:
    """Small letters without accents, plain hyphens and quotes, single spaces, no full stop at the end."""
    words = unicodedata.normalize("NFKD", words.translate(_DASHES).replace("’", "'"))
    words = "".join(c for c in words if not unicodedata.combining(c)).casefold()
    return " ".join(words.split()).strip(" .;,\"'<>")


def _page(said: str) -> str | None:
    """A licence by its address."""
    address = re.sub(r"^(?:https?:)?//(?:www\.)?|^www\.", "", said)
    address = re.split(r"[?#]", address)[0]
    address = re.sub(r"/(?:deed|legalcode)(?:[.-][a-z_-]+)?(?:\.html)?$|\.html?$|/$", "", address).rstrip("/")
    if "/" not in address and "." not in address:
        return None
    if match := _STATEMENT.fullmatch(address):
        return _STATEMENT_IDS[match[1]]
    for pattern, spdx in _PAGES:
        if match := re.fullmatch(pattern, address):
            return _spdx_id(match.expand(spdx).replace("aGPL", "AGPL").replace("lGPL", "LGPL"))
    if match := _CC_PAGE.fullmatch(address):
        return _cc_page(match)
    if match := _SPDX_PAGE.fullmatch(address):
        return _single(match[1])
    return None


def _cc_page(match: re.Match[str]) -> str | None:
    parts = match["kind"].split("-")
    if not set(parts) <= {"by", "nc", "nd", "sa"}:
        return None
    return _creative_commons(set(parts), match["version"], match["port"])


def _name(said: str) -> str | None:
    """A licence by its name."""
    if match := _STATEMENT.fullmatch(said):
        return _STATEMENT_IDS[match[1]]
    holder = _HOLDER.match(said)
    if holder and "reserved" not in holder[0]:
        said = said[holder.end() :]
    sentence = _LICENSED_UNDER.match(said)
    if sentence and not _SAVING.search(sentence["what"] or ""):
        said = said[sentence.end() :]
    said = _FREE_USE.sub("", said)
    if match := _SHORT_FORM.fullmatch(said):
        return _agreeing(match["long"], match["short"]) or _bare_name(said)
    return _bare_name(said)


def _agreeing(long: str, short: str) -> str | None:
    """The one licence of `Creative Commons Attribution (CC BY 4.0)`; none where the two are not the same."""
    names = [_name(long), _name(short)]
    if None in names:
        return None
    first, second = sorted((str(n) for n in names), key=lambda n: n.startswith("LicenseRef-"))
    same = first == second or (second.startswith("LicenseRef-CC-") and _VERSION.sub("", first) == second[11:])
    return first if same else None


_VERSION = re.compile(r"-\d\.\d(?:-[A-Z]+)?$")


def _bare_name(said: str) -> str | None:
    for name in (said, _without_filler(said)):
        if name in _BY_NAME:
            return _BY_NAME[name]
    said = _without_filler(said)
    if said.startswith("licenseref-"):
        if (rest := said.removeprefix("licenseref-")) in _BY_NAME:
            return _BY_NAME[rest]
        said = rest if rest.startswith("cc-by") else said
    return _creative_commons_name(said) or _gnu(said) or _spdx_id(said)


def _without_filler(said: str) -> str:
    said = re.sub(r"[,\s]*\b(?:version|v\.?)\s?(?=\d)", " ", _WORD_FOR_LICENCE.sub(" ", said))
    said = " ".join(re.sub(r"^the ", "", said).split())
    return re.sub(r"\s*,\s*$|[.\s]+$|^[-\s]+", "", said)


def _creative_commons_name(said: str) -> str | None:
    for words, part in _PARTS:
        said = words.sub(part, said)
    said = re.sub(r"\((\d(?:\.\d)?)\)", r"\1", re.sub(r"\s*-\s*", "-", said))
    match = _CREATIVE_COMMONS.fullmatch(said)
    if not match:
        return None
    version = match["version"]
    if version and "." not in version:
        version += ".0"
    port = match["port"]
    return _creative_commons(set(re.findall(r"by|nc|nd|sa", match["parts"])), version, _PORTS.get(port, port))


def _creative_commons(parts: set[str], version: str | None, port: str | None) -> str | None:
    """The id of a Creative Commons licence; a port is kept where SPDX knows it."""
    name = "-".join(["CC", *(p.upper() for p in ("by", "nc", "nd", "sa") if p in parts)])
    if version is None:
        return f"LicenseRef-{name}" if "by" in parts or parts & {"nc", "nd"} else None
    if version not in _VERSIONS:
        return None
    ported = f"{name}-{version}-{port.upper()}" if port else ""
    if ported in _known():
        return ported
    plain = f"{name}-{version}"
    return plain if plain in _known() else f"LicenseRef-{plain}"


def _gnu(said: str) -> str | None:
    if match := _GNU_DOCUMENTATION.fullmatch(said):
        if not match[1]:
            return "LicenseRef-GFDL"
        invariants = "-no-invariants" if match["free"] else ""
        return f"GFDL-{match[1]}{invariants}-{'or-later' if match['later'] else 'only'}"
    if match := _GNU_PUBLIC.fullmatch(said):
        kind = (match["kind"] or "")[:1].upper()
        version = match["version"] if "." in match["version"] else f"{match['version']}.0"
        return _spdx_id(f"{kind}GPL-{version}-{'or-later' if match['later'] else 'only'}")
    return None


def _spdx_id(said: str) -> str | None:
    """An id of SPDX's list, in any case, or one of its deprecated ids."""
    if re.search(r"\s", said) or said.casefold() in {"and", "or", "with", ""}:
        return None
    if said.startswith("LicenseRef-"):
        return said
    try:
        found = str(_spdx().parse(said, validate=True))
    except (ExpressionError, ValueError, AttributeError):
        return None
    return PUBLIC_DOMAIN_MARK if found == "CC-PDM-1.0" else found if found in _known() else None


def _own_reference(stated: str) -> str:
    """A LicenseRef- as it is, that of ours in our spelling."""
    for spdx in _NAMES:
        if spdx.casefold() == stated.casefold():
            return spdx
    return stated


def _expression(stated: str) -> str | None:
    """A compound of licences in any spelling (`MIT OR Apache 2`), or None where one side is unknown."""
    text = re.sub(r"\s*;\s*", " AND ", stated)
    pieces = re.split(r"(\(|\)|\s+(?:AND|OR|and|or|And|Or|And/Or)\s+|\s+(?:WITH|with)\s+[\w.-]+)", f" {text} ")
    if len(pieces) == 1:
        return None
    parsed = []
    for place, piece in enumerate(pieces):
        if place % 2 or not piece.strip():
            parsed.append(piece)
        elif spdx := _single(piece.strip()):
            parsed.append(f" {spdx} ")
        else:
            return None
    try:
        tree = _spdx().parse(" ".join("".join(parsed).split()))
    except (ExpressionError, ValueError, AttributeError, TypeError):
        return None
    return str(tree) if tree is not None else None


@cache
def _spdx() -> Licensing:
    return get_spdx_licensing()


@cache
def _known() -> frozenset[str]:
    return frozenset(key for key in _spdx().known_symbols if key)


_CLOSED = re.compile(
    r"©|\bcopyright(?:ed)?\b(?!,? (?:free|undetermined|not|expired))|\(c\)|all rights reserved|some rights reserved"
    r"|rights? (?:are )?reserved|tous (?:les )?droits (?:sont )?reserves|droits reserves|alle rechte (?:bei"
    r"|vorbehalten)"
    r"|todos (?:los|os) (?:derechos|direitos) reservados|tutti i diritti (?:sono )?riservati"
    r"|alle rechten voorbehouden"
    r"|omnia iura reservata|in copyright|urheberrechtlich geschutzt|protege par (?:le )?droit d'auteur|proprietary"
    r"|non-? ?commerci|nicht-? ?kommerziell|no-? ?comercial|nao-? ?comercial|niet-? ?commercieel"
    r"|pas d'utilisation commerciale"
    r"|\bnc\b|\bnd\b|no-? ?deriv|(?:personal|private|educational|research|academic"
    r"|scholarly)(?: \w+){0,3} (?:use|purposes?)"
    r"|uso (?:personal|privato|privado|pessoal)|usage (?:prive|personnel)|privatgebrauch|eigen gebruik"
    r"|research only|no reproduction|without permission|not be (?:reproduced|redistributed)"
)


@lru_cache(maxsize=65_536)
def reserves_rights(stated: str) -> bool:
    """Whether words that name no licence plainly keep rights back (all rights reserved, personal use only)."""
    return normalise(stated) is None and bool(_CLOSED.search(_fold(stated)))


@cache
def is_allowed(spdx: str, allow: tuple[str, ...]) -> bool:
    """Whether an SPDX expression passes an allow-list: of OR one side must, of AND every side.

    A final `-*` in the list stands for any version, so that CC-BY-* takes CC-BY-4.0 and never CC-BY-NC-4.0.
    """
    if re.search(r"\s(?:OR|AND)\s", spdx):
        expression = _spdx().parse(spdx)
        sides = (is_allowed(str(side), allow) for side in expression.args)
        return any(sides) if expression.operator.strip() == "OR" else all(sides)
    return any(_matches(spdx, pattern) for pattern in allow)


def _matches(spdx: str, pattern: str) -> bool:
    if pattern.endswith("-*"):
        name = re.escape(pattern[:-2].removeprefix("LicenseRef-"))
        return bool(re.fullmatch(rf"{name}-[0-9.]+(?:-[A-Z]+)?|LicenseRef-{name}(?:-[0-9.]+(?:-[A-Z]+)?)?", spdx))
    return spdx == pattern or {spdx, pattern} == {PUBLIC_DOMAIN_MARK, "CC-PDM-1.0"}


_ASKING: tuple[Obligation, ...] = ("none", "attribution", "share-alike")
_ASK_NOTHING = frozenset(
    {
        PUBLIC_DOMAIN,
        PUBLIC_DOMAIN_MARK,
        NO_COPYRIGHT_US,
        NO_KNOWN_COPYRIGHT,
        *NOTHING_STATED,
        "CC-PDDC",
        "CC0-1.0",
        "PDDL-1.0",
        "Unlicense",
        "0BSD",
        "MIT-0",
        "DL-DE-ZERO-2.0",
    }
)
_ASK_THE_SAME = re.compile(r"-SA\b|ODbL|GFDL|GPL|\bLAL-|\bFAL|\bMPL-|\bEUPL-|CDLA-Sharing")


@cache
def obligation(spdx: str, allow: tuple[str, ...] = ()) -> Obligation:
    """What a licence asks of those who pass the text on: nothing, attribution, or the same licence.

    Of AND the most that a side asks; of OR the least, as one may choose: among the sides that `allow`
    takes, where it takes one.
    """
    if re.search(r"\s(?:OR|AND)\s", spdx):
        expression = _spdx().parse(spdx)
        sides = [str(side) for side in expression.args]
        if expression.operator.strip() == "AND":
            return max((obligation(side, allow) for side in sides), key=_ASKING.index)
        open_ones = [side for side in sides if is_allowed(side, allow)]
        return min((obligation(side, allow) for side in open_ones or sides), key=_ASKING.index)
    if _ASK_THE_SAME.search(spdx):
        return "share-alike"
    return "none" if spdx in _ASK_NOTHING else "attribution"
