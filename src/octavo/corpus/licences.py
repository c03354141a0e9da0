"""Licences as sources spell them, read into SPDX expressions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache, lru_cache

from license_expression import ExpressionError, Licensing, get_spdx_licensing

from octavo.corpus.licence_names import BY_NAME, NAMES, PAGES, PUBLIC_DOMAIN_MARK, STATEMENTS

_STATEMENT = re.compile(
    r"(?:licenseref-rightsstatements-|rightsstatements\.org/(?:vocab|page|data)/|rs:)("
    + "|".join(sorted(map(str.casefold, STATEMENTS), key=len, reverse=True))
    + r")(?:/1\.0)?(?:/[a-z]{2})?"
)
_STATEMENT_IDS = {name.casefold(): f"LicenseRef-rightsstatements-{name}" for name in STATEMENTS}
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
    r"(?:[\s/_-]*(?P<port>(?!nc|nd|sa|no[nt])[a-z]{2,3}|international|internacional|internazionale|internationaal"
    r"|unported|generic|intl|deutschland|france|nederland|espana|italia|portugal|brasil|scotland"
    r"|england(?: and| &) wales))?"
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
_VERSION = re.compile(r"-\d\.\d(?:-[A-Z]+)?$")
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
_WHOLE = re.compile(
    r"(?:(?:all|this|these|the|our|is|an?) )*(?:(?:open|free)[ -]access )?"
    r"(?:(?:e-?)?(?:book|text|work|article|content|document|publication|edition|file|site|website|page|material|paper"
    r"|chapter|report|corpus|transcription|collection|item|volume|resource|thesis|dissertation|issue|journal)s?"
    r"(?: on this (?:web)?site)? ?)?(?:(?:is|are|was|were|has been|have been|being|freely|hereby|may be) ?)*"
)
"""What a licence is said of, where it is a document's; it may be of its pictures, data or abstract alone."""
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


_LONGEST = 2_000
"""Characters of a statement that is read; what is longer is a text, and some patterns would take minutes for it."""


@lru_cache(maxsize=65_536)
def normalise(stated: str) -> str | None:
    """The SPDX expression that a source's words mean, or None where they state no licence that is known."""
    stated = stated.strip()
    if len(stated) > _LONGEST:
        return None
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
    for pattern, spdx in PAGES:
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
    if sentence and _WHOLE.fullmatch((sentence["what"] or "").strip()):
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


def _bare_name(said: str) -> str | None:
    for name in (said, _without_filler(said)):
        if name in BY_NAME:
            return BY_NAME[name]
    said = _without_filler(said)
    if said.startswith("licenseref-"):
        if (rest := said.removeprefix("licenseref-")) in BY_NAME:
            return BY_NAME[rest]
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
    if ported in known_ids():
        return ported
    plain = f"{name}-{version}"
    return plain if plain in known_ids() else f"LicenseRef-{plain}"


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
        found = str(spdx_licensing().parse(said, validate=True))
    except (ExpressionError, ValueError, AttributeError):
        return None
    return PUBLIC_DOMAIN_MARK if found == "CC-PDM-1.0" else found if found in known_ids() else None


def _own_reference(stated: str) -> str:
    """A LicenseRef- as it is, that of ours in our spelling."""
    for spdx in NAMES:
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
        tree = spdx_licensing().parse(" ".join("".join(parsed).split()))
    except (ExpressionError, ValueError, AttributeError, TypeError):
        return None
    return str(tree) if tree is not None else None


@cache
def spdx_licensing() -> Licensing:
    """SPDX's list of licences, with a parser of expressions."""
    return get_spdx_licensing()


@cache
def known_ids() -> frozenset[str]:
    """The ids of SPDX's list."""
    return frozenset(key for key in spdx_licensing().known_symbols if key)


_HELD = re.compile(r"©|\bcopyright(?:ed)?\b(?!,? (?:free|undetermined|not|expired))|\(c\)")
_CLOSED = re.compile(
    r"all rights reserved|some rights reserved"
    r"|rights? (?:are )?reserved|tous (?:les )?droits (?:sont )?reserves|droits reserves"
    r"|alle rechte (?:bei|vorbehalten)|todos (?:los|os) (?:derechos|direitos) reservados"
    r"|tutti i diritti (?:sono )?riservati|alle rechten voorbehouden|omnia iura reservata|in copyright"
    r"|urheberrechtlich geschutzt|protege par (?:le )?droit d'auteur|proprietary"
    r"|non-? ?commerci|nicht-? ?kommerziell|no-? ?comercial|nao-? ?comercial|niet-? ?commercieel"
    r"|pas d'utilisation commerciale|not for commercial|sin fines comerciales|\bnc\b|\bnd\b|no-? ?deriv"
    r"|keine-? ?bearbeitung|(?:pas|sans) (?:de |d')?(?:modification|(?:oe|œ)uvre derivee)|sin (?:obras? )?derivad"
    r"|non opere derivate|geen-? ?afgeleide|sem (?:obras? )?deriva"
    r"|(?:personal|private|educational|research|academic|scholarly)(?: \w+){0,3} (?:use|purposes?)"
    r"|uso (?:personal|privato|privado|pessoal)|usage (?:prive|personnel)|privatgebrauch|eigen gebruik"
    r"|research only|no reproduction|without permission|not be (?:reproduced|redistributed)"
)


@lru_cache(maxsize=65_536)
def reserves_rights(stated: str) -> bool:
    """Whether words that name no licence plainly keep rights back (all rights reserved, personal use only)."""
    return normalise(stated) is None and (keeps_back(stated) or bool(_HELD.search(_fold(stated))))


def keeps_back(words: str) -> bool:
    """Whether words keep rights back, beside saying whose the copyright is."""
    return bool(_CLOSED.search(_fold(words)))
