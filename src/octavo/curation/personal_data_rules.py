"""What personal data looks like: the shape of each kind, and the check digits, label or language that it needs."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

Condition = Callable[[re.Match[str], str | None], bool]
"""Whether what has the shape is personal data, in a text of a language (ISO 639-1)."""

LABEL_REACH = 40
"""Characters before a number in which its label may stand."""


def _always(match: re.Match[str], lang: str | None) -> bool:
    return True


def _digits(match: re.Match[str]) -> str:
    return re.sub(r"\D", "", match["data"])


def _label_before(label: re.Pattern[str], match: re.Match[str]) -> bool:
    line = match.string[max(0, match.start("data") - LABEL_REACH) : match.start("data")].rpartition("\n")[2]
    return bool(label.search(line))


# Addresses on the net


_CREDENTIALS = re.compile(r"(?<=://)(?P<data>[^\s/:@\[\]<>`\"']+:[^\s/@\[\]<>`\"']+)@(?=[\w\[])")
_EMAIL = re.compile(
    r"(?<![\w.+%/:@=-])(?:mailto:)?(?P<data>[\w.+%'-]{0,63}\w@(?:[\w-]+\.)+(?P<top>[A-Za-z]{2,24}))(?![\w@-])"
)
_EMAIL_OF_URL = re.compile(r"mailto:(?P<data>[\w.+%-]+@[\w.-]+\w)")
_AT = r"(?:at|arroba|chez|ät|bei|chiocciola|apenstaartje)"
_DOT = r"(?:dot|punkt|punto|point|ponto|punt)"
_SPELT_EMAIL = re.compile(
    rf"(?P<data>\b\w[\w.+-]{{0,60}}[ ]?(?:\({_AT}\)|\[{_AT}\]|\( ?{_AT} ?\))[ ]?[\w-]{{1,60}}"
    rf"(?:(?:[ ]?\({_DOT}\)[ ]?|[ ]?\[{_DOT}\][ ]?|\.)[\w-]{{1,60}}){{1,4}})\b",
    re.IGNORECASE,
)
_NOT_DOMAINS = frozenset(("png", "jpg", "jpeg", "gif", "svg", "webp", "py", "js", "css", "html"))
_UNITS = frozenset(("service", "timer", "socket", "target", "mount", "slice", "path", "scope"))
"""systemd names its instances like mail addresses: getty@tty1.service."""
_PLACEHOLDER_USERS = frozenset(
    ("user", "username", "usuario", "usuário", "utilisateur", "utente", "benutzer", "gebruiker", "git", "name")
)


def _is_credential(match: re.Match[str], lang: str | None) -> bool:
    return match["data"].partition(":")[0].lower() not in _PLACEHOLDER_USERS


def _is_email(match: re.Match[str], lang: str | None) -> bool:
    user = match["data"].partition("@")[0]
    follows = match.string[match.end() : match.end() + 2]
    remote = follows[:1] == ":" and follows[1:] not in ("", " ", "\n")  # scp and git: user@host.org:path
    return match["top"].lower() not in _NOT_DOMAINS | _UNITS and not (remote and user.lower() in _PLACEHOLDER_USERS)


_IP_LABEL = re.compile(r"\b(?:ip|ipv4|ipv6|server|host|ping|ssh|dns|gateway)\b\W*(?:\w+\W+){0,2}$", re.IGNORECASE)
_SECTION_LABEL = re.compile(
    r"(?:§+|\bart(?:\.|icle|ikel|ículo|icolo|igo)?|\bsec(?:tion|c|t)?\.?|\bn[ro°º]\.?|\bnum(?:mer|ber|éro)?\.?|\bv(?:er(?:sion|sión"
    r"|sione|são|sie)?)?\.?|\bkap(?:itel)?\.?|\bch(?:apter)?\.?|\babs(?:chnitt)?\.?|\bcap\.?|\bpunkt|\bpunto|\bparagraph)\s*$",
    re.IGNORECASE,
)
_IPV4 = re.compile(r"(?<![\w.§/:-])(?P<data>(?:[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3})(?![\w-]|\.\w)")
_IPV6 = re.compile(r"(?<![\w:.])(?P<data>(?:[0-9A-Fa-f]{0,4}:){3,7}[0-9A-Fa-f]{0,4})(?![\w:.])")
_NOBODYS_ADDRESSES = frozenset(("8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9", "1.2.3.4"))
_DOCUMENTATION = tuple(
    map(ipaddress.ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"))
)
"""Set aside to write about (RFC 5737, 3849, 9637), as example.org is for mail: they stand for somebody's."""


def _could_be_somebodys(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address leads beyond its own network, or stands for one that does."""
    return address.is_global or any(address in network for network in _DOCUMENTATION)


def _is_ipv4(match: re.Match[str], lang: str | None) -> bool:
    """An address of the net that is labelled, or whose numbers are too high for a section or a version."""
    octets = [int(octet) for octet in match["data"].split(".")]
    if max(octets) > 255 or match["data"] in _NOBODYS_ADDRESSES or _label_before(_SECTION_LABEL, match):
        return False
    address = ipaddress.IPv4Address(match["data"])
    if not _could_be_somebodys(address) or address.is_multicast:
        return False
    return sum(octet >= 32 for octet in octets) >= 3 or _label_before(_IP_LABEL, match)


def _is_ipv6(match: re.Match[str], lang: str | None) -> bool:
    try:
        address = ipaddress.IPv6Address(match["data"])
    except ValueError:
        return False
    groups = [group for group in match["data"].split(":") if group]
    return _could_be_somebodys(address) and len(groups) >= 3 and any(len(group) >= 3 for group in groups)


# Bank accounts and cards


_IBAN = re.compile(r"(?<![A-Za-z0-9])(?P<data>[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]){11,30})(?![A-Za-z0-9])")
_IBAN_CHARACTERS = {
    "AD": 24, "AT": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 24, "CZ": 24, "DE": 22, "DK": 18, "EE": 20, "ES": 24,
    "FI": 18, "FR": 27, "GB": 22, "GI": 23, "GR": 24, "HR": 21, "HU": 28, "IE": 22, "IS": 26, "IT": 27, "LI": 21,
    "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "RO": 24, "SE": 24,
    "SI": 19, "SK": 24, "SM": 27, "TR": 26, "UA": 29, "BR": 29, "BA": 20, "RS": 22, "ME": 22, "MK": 19, "AL": 28,
}  # fmt: skip
"""ISO 13616: the length of an IBAN by its country."""
_CARD = re.compile(
    r"(?<![\w.,+-])(?<!\d[ ])(?P<data>\d{4}([ -])\d{4}\2\d{4}\2\d{4}|3[47]\d{2}([ -])\d{6}\3\d{5}|\d{13,19})"
    r"(?![\w,-]|\.\d|[ ]\d)"
)
_CARD_LABEL = re.compile(
    r"\b(?:cards?|carte|karte|kreditkarte\w*|tarjeta|carta|kaart|cartão|visa|mastercard|amex)\b", re.IGNORECASE
)
_CARD_ISSUERS = re.compile(
    r"4(?:.{12}|.{15}|.{18})|(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720|6011|64[4-9]|65|35)\d*(?<=.{16})|3[47].{13}"
    r"|3[0689].{12}"
)
"""Issuers by the first digits, with the lengths of their numbers."""


def _is_iban(match: re.Match[str], lang: str | None) -> bool:
    """ISO 7064, mod 97-10: the country and check digits go to the end, A is 10, and the rest must be 1."""
    iban = match["data"].replace(" ", "")
    rest = "".join(str(int(c, 36)) for c in iban[4:] + iban[:4])
    return len(iban) == _IBAN_CHARACTERS.get(iban[:2]) and int(rest) % 97 == 1


def _is_card(match: re.Match[str], lang: str | None) -> bool:
    digits = _digits(match)
    grouped = digits != match["data"]
    return (
        bool(_CARD_ISSUERS.fullmatch(digits))
        and _passes_luhn(digits)
        and len(set(digits)) > 1
        and ((grouped and not _is_series(match["data"])) or _label_before(_CARD_LABEL, match))
    )


def _is_series(data: str) -> bool:
    """Figures of one size, as in a row of a table: no two alike, and all begin alike."""
    groups = data.split(" ")
    return len({group[0] for group in groups}) == 1 and len(set(groups)) == len(groups) > 1


def _passes_luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    doubled = [int(d) * (1 + n % 2) for n, d in enumerate(reversed(digits))]
    return sum(d // 10 + d % 10 for d in doubled) % 10 == 0


# National numbers


_NIR = re.compile(
    r"(?<![\w.,])(?<!\d[ ])(?P<data>[12][ ]?\d{2}[ ]?(?:0[1-9]|1[0-2]|[2-4]\d)"
    r"[ ]?(?:\d{2}|2[AB])[ ]?\d{3}[ ]?\d{3}[ ]?\d{2})"
    r"(?!\w|[.,]\d|[ ]\d)"
)
_DNI = re.compile(r"(?<![\w.-])(?P<data>(?:\d{8}|[XYZ]-?\d{7}|\d{2}\.\d{3}\.\d{3})-?[A-Z])(?!\w)")
_DNI_LABEL = re.compile(r"(?:\bD\.?N\.?I\b|\bN\.?I\.?[EF]\b|\bdocumento nacional)", re.IGNORECASE)
_FISCALE = re.compile(
    r"(?<!\w)(?P<data>[A-Z]{6}[0-9LMNP-V]{2}[A-EHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z])(?!\w)"
)
_STEUER_ID = re.compile(r"(?<![\w.,])(?P<data>[1-9]\d[ ]?\d{3}[ ]?\d{3}[ ]?\d{3})(?!\w|[.,]\d|[ ]\d)")
_STEUER_LABEL = re.compile(
    r"(?:steuer-?(?:id|identifikation)\w*|\bid-?nr|identifikationsnummer|steuerliche\w* id\w*)\W*(?:\w+\W+)?$",
    re.IGNORECASE,
)
_NINE = re.compile(
    r"(?<![\w.,])(?P<data>\d{8,9}|\d{4}[. ]\d{2}[. ]\d{3}|\d{3}[. ]\d{3}[. ]\d{3})(?!\w|[.,]\d|[ ]\d)"
)
_BSN_LABEL = re.compile(r"(?:\bbsn\b|burgerservicen\w*|\bsofi-?n\w*)\W*(?:\w+\W+)?$", re.IGNORECASE)
_NIF_LABEL = re.compile(r"(?:\bn\.?i\.?(?:f|pc)\b|contribuinte|identificação fiscal)\W*(?:\w+\W+)?$", re.IGNORECASE)
_NINO = re.compile(
    r"(?<![\w-])(?P<data>(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]"
    r"[ ]?\d{2}[ ]?\d{2}[ ]?\d{2}[ ]?[A-D])(?![\w-])"
)
_NINO_LABEL = re.compile(r"\b(?:nino|ni (?:number|no)|national insurance)\b", re.IGNORECASE)
_SSN = re.compile(r"(?<![\w-])(?P<data>(?!000|666|9)\d{3}[- ](?!00)\d{2}[- ](?!0000)\d{4})(?![\w-])")
_SSN_LABEL = re.compile(r"\b(?:ssn|social security|soc\. sec)", re.IGNORECASE)


def _is_nir(match: re.Match[str], lang: str | None) -> bool:
    """INSEE's key: 97 less the number mod 97, Corsica's 2A and 2B counting as 19 and 18."""
    nir = match["data"].replace(" ", "").replace("2A", "19").replace("2B", "18")
    return 97 - int(nir[:13]) % 97 == int(nir[13:])


def _is_dni(match: re.Match[str], lang: str | None) -> bool:
    """Spain's letter is the number mod 23 (Real Decreto 1553/2005); X, Y, Z of a foreigner are 0, 1, 2."""
    number = re.sub(r"[-.]", "", match["data"])
    value = int(number[:-1].translate(str.maketrans("XYZ", "012")))
    return number[-1] == "TRWAGMYFPDXBNJZSQVHLCKE"[value % 23] and (
        lang == "es" or _label_before(_DNI_LABEL, match)
    )


_FISCALE_ODD = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)


def _is_fiscale(match: re.Match[str], lang: str | None) -> bool:
    """Italy's check letter (Decreto 23 December 1976): odd places by a table, even ones by value, mod 26."""
    values = [int(c) if c.isdigit() else ord(c) - ord("A") for c in match["data"]]
    total = sum(_FISCALE_ODD[v] if place % 2 == 0 else v for place, v in enumerate(values[:15]))
    return total % 26 == values[15]


def _is_steuer_id(match: re.Match[str], lang: str | None) -> bool:
    """ISO 7064, mod 11,10; among the first ten digits one or two occur more than once (§ 139b AO)."""
    if not _label_before(_STEUER_LABEL, match):
        return False
    *digits, check = map(int, _digits(match))
    product = 10
    for digit in digits:
        product = ((digit + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == check and len(set(digits)) in (8, 9)


def _is_bsn(match: re.Match[str], lang: str | None) -> bool:
    """The Dutch 11-test: places 9 to 2, and the last one counted -1."""
    digits = _digits(match).zfill(9)
    total = sum(int(d) * w for d, w in zip(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1), strict=True))
    return total % 11 == 0 and _label_before(_BSN_LABEL, match)


def _is_nif(match: re.Match[str], lang: str | None) -> bool:
    """Portugal's check digit: places 9 to 2, 11 less the sum mod 11, and 0 for 10 and 11."""
    digits = _digits(match)
    if len(digits) != 9 or not _label_before(_NIF_LABEL, match):
        return False
    check = 11 - sum(int(d) * (9 - n) for n, d in enumerate(digits[:8])) % 11
    return int(digits[8]) == (0 if check > 9 else check)


def _is_nino(match: re.Match[str], lang: str | None) -> bool:
    """The United Kingdom's has no check digit: in its printed groups it is unmistakable, else it needs a label."""
    printed = re.fullmatch(r"[A-Z]{2} \d{2} \d{2} \d{2} [A-D]", match["data"])
    return bool(printed) or _label_before(_NINO_LABEL, match)


def _is_ssn(match: re.Match[str], lang: str | None) -> bool:
    return _label_before(_SSN_LABEL, match)


# Telephones


_NUMBER = r"\(?\d(?:[ \t./()\u2011-]{0,3}\d){5,14}"
_INTERNATIONAL = re.compile(
    r"(?<![\w+=^*/.])(?P<data>\+\(?[1-9]\d{0,2}\)?(?:[ \t./()\u2011-]{0,3}\d){6,14})(?![\w]|[.,]\d)"
)
_ZERO_ZERO = re.compile(
    r"(?<![\w.,/-])(?<!\d[ ])(?P<data>00[ ]?(?:3[0-46-9]|4[013-9])(?:[ ./()-]{1,3}\d{1,4}){3,6})(?![\w]|[.,]\d)"
)
_COUNTRY = re.compile(
    r"1|7|2[07]|2[1-69]\d|3[0-469]|3[578]\d|4[013-9]|42[013]|5[1-8]|5[09]\d|6[0-6]|6[7-9]\d|8[1246]|8[058]\d|9[0-58]|9[679]\d"
)
_LABELLED = re.compile(
    r"(?<![\w])(?:t[eé]l[eé]?(?:f(?:on|oon|ono|oni|one|oonnummer|onnummer)?|phone)?|fono|phone|fax|telefax|mobil|mobile|mobiel|móvil"
    r"|m[oó]bile?|cellulare|cell|portable|telem[oó]vel|handy|gsm|whatsapp)(?:nummer|nr)?(?!\w)"
    rf"(?:[ ]?(?:no|nr|n[°º]|number))?[ \t.:;=()°º/-]{{0,6}}(?P<data>\+?{_NUMBER})(?![\w]|[.,]\d)",
    re.IGNORECASE,
)
_CALL = re.compile(
    r"\b(?:call|dial|ring|phone|appel[ae]z?"
    r"|llam[ae]r?|chiam[ai]re?|liga[r]?|ligue|bel|anrufen|composez)[ ](?:\w+[ ])?"
    r"(?P<data>(?:\(?[2-9]\d{2}\)?[ .-])?\d{3}[-.]\d{4})(?![\w-])",
    re.IGNORECASE,
)
_NATIONAL = {
    "fr": re.compile(
        r"(?<![\w.,/+-])(?<!\d[ ])(?P<data>0[1-9](?:([ .])\d{2})(?:\2\d{2}){3})(?![\w]|[.,/-]?\d|[ ]\d)"
    ),
    "de": re.compile(r"(?<![\w.,/+-])(?P<data>\(0[1-9]\d{1,4}\)[ ]?\d{3}[\d ]{2,7}\d)(?!\w|[.,/]\d)"),
    "nl": re.compile(
        r"(?<![\w.,/+-])(?P<data>06[- ][1-9]\d{7}|0[1-57]\d-[1-9]\d{6}|0[1-57]\d{2}-[1-9]\d{5}"
        r"|0[1-57]\d[ ]?-?[ ]?\d{3}[ ](?:\d{4}|\d{2}[ ]\d{2}))(?![\w-]|[.,/]\d|[ ]\d)"
    ),
    "en": re.compile(
        r"(?<![\w.,/+-])(?P<data>\([2-9]\d{2}\)[ ]?[2-9]\d{2}-\d{4}|[2-9]\d{2}-[2-9]\d{2}-\d{4}"
        r"|020[ ]\d{4}[ ]\d{4}|07\d{3}[ ]\d{6}|01\d{3}[ ]\d{6})(?![\w-]|[ ]\d)"
    ),
    "es": re.compile(
        r"(?<![\w.,/+-])(?<!\d[ ])(?P<data>[6789]\d{2}[ ]\d{2}[ ]\d{2}[ ]\d{2})(?![\w]|[.,/-]?\d|[ ]\d)"
    ),
    "it": re.compile(r"(?<![\w.,/+-])(?<!\d[ ])(?P<data>3[2-9]\d[ -/]\d{3}[ -]?\d{4})(?![\w-]|[.,]\d|[ ]\d)"),
    "pt": re.compile(r"(?<![\w.,/+-])(?P<data>\([1-9]\d\)[ ]?9?\d{4}-\d{4})(?![\w-])"),
}
_DATE_OR_YEARS = re.compile(
    r"\(?1\d{3}\)?[ ]?[-/][ ]?(?:1\d{3}|\d{2})|\d{1,2}[./-]\d{1,2}[./-](?:\d{2}|\d{4})"
    r"|(?:1[5-9]|20)\d{2}-\d{2}-\d{2}"
)

_FIGURES = re.compile(
    r"\d{1,2}\.\d+(?: +\d{1,2}\.\d+)+|\d\.\d+|\d{1,3}(?:[ .]000)+|(?:1[5-9]|20)\d\d(?: (?:1[5-9]|20)\d\d)+"
)
"""Decimals, round amounts, years."""
_UNIT = re.compile(r" ?(?:[€$£%]|(?:F|fr|frs|francs?|livres?|euros?|dollars?|marks?|lire|pesetas|km|kg|ha)\b)")
_OTHER_SENSES = re.compile(r"tel|(?i:mobil|mobile|mobiel|móvil|m[oó]bile?|cell|portable|handy)")
_LIKE_A_TELEPHONE = re.compile(
    r"[+(0]|[2-9]\d{2}[-. ]\d{3}[-. ]\d{4}$|\d{3}-\d{4}$|[67]\d{2} ?\d{3} ?\d{3}$|[67]\d{2}(?: \d\d){3}$"
)


def _is_international(match: re.Match[str], lang: str | None) -> bool:
    """ITU-T E.164: a country's code, whole, and at most 15 digits; North America has exactly 11."""
    digits, data = _digits(match), match["data"].lstrip("+(")
    if digits.startswith("1"):
        return len(digits) == 11
    return (
        9 <= len(digits) <= 15
        and bool(_COUNTRY.match(data))
        and not re.search(r"\.\d{3}\.\d{3}|(?:[ .]000){2}$|^\d\.\d+$", data)
        and not _UNIT.match(match.string, match.end("data"))
    )


def _is_labelled_phone(match: re.Match[str], lang: str | None) -> bool:
    """A number that is no date, no amount and no row of figures; behind a word that has other senses, too, it is
    written as telephones are."""
    digits, data = _digits(match), match["data"].strip()
    said = match.string[match.start() : match.start("data")]
    plain = _OTHER_SENSES.fullmatch(said.strip()) and not _LIKE_A_TELEPHONE.match(data)
    return (
        6 <= len(digits) <= 15 and not plain and not _DATE_OR_YEARS.fullmatch(data) and not _FIGURES.fullmatch(data)
    )


def _is_call(match: re.Match[str], lang: str | None) -> bool:
    """A library's call number has a point in it."""
    return "." not in match["data"] or not re.search(r"(?i)numbers?[ ]$", match.string[: match.start("data")])


Rule = tuple[str, re.Pattern[str], Condition]
"""A kind, its shape, and what must hold of it."""

GROUPS: tuple[tuple[str, tuple[Rule, ...]], ...] = (
    (
        "@",
        (
            ("CREDENTIALS", _CREDENTIALS, _is_credential),
            ("EMAIL", _EMAIL_OF_URL, _always),
            ("EMAIL", _EMAIL, _is_email),
        ),
    ),
    (rf"(?i)[(\[] ?{_AT} ?[)\]]", (("EMAIL", _SPELT_EMAIL, _always),)),
    (r"[A-Z]{2}\d{2} ?[A-Z0-9]{4} ?\d", (("IBAN", _IBAN, _is_iban),)),
    (r"[A-Z]{6}[0-9L-V]{2}[A-Z][0-9L-V]{2}[A-Z]", (("NATIONAL-ID", _FISCALE, _is_fiscale),)),
    (r"[A-Z]{2} ?\d\d ?\d\d ?\d\d ?[A-D]", (("NATIONAL-ID", _NINO, _is_nino),)),
    (r"\d{7}-?[A-Z]|\d\.\d{3}-?[A-Z]", (("NATIONAL-ID", _DNI, _is_dni),)),
    (r"[12] ?\d\d ?\d\d ?\d[\dAB] ?\d{3} ?\d{3} ?\d\d", (("NATIONAL-ID", _NIR, _is_nir),)),
    (
        r"(?i)steuer-?id|\bid-?nr|identifikationsn|steuerliche\w* id",
        (("NATIONAL-ID", _STEUER_ID, _is_steuer_id),),
    ),
    (
        r"(?i)\bbsn\b|burgerservicen|sofi-?n|\bn\.?i\.?(?:f|pc)\b|contribuinte|identificação fiscal",
        (("NATIONAL-ID", _NINE, _is_bsn), ("NATIONAL-ID", _NINE, _is_nif)),
    ),
    (r"(?i)ssn|social security|soc\. sec", (("NATIONAL-ID", _SSN, _is_ssn),)),
    (r"\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{4}|\d{13}|3[47]\d\d[ -]\d{6}[ -]\d{5}", (("CARD", _CARD, _is_card),)),
    (r"\d\.\d{1,3}\.\d{1,3}\.\d", (("IP", _IPV4, _is_ipv4),)),
    (r"[0-9A-Fa-f]{1,4}:[0-9A-Fa-f:]{4}", (("IP", _IPV6, _is_ipv6),)),
    (r"\+\(?[1-9]", (("PHONE", _INTERNATIONAL, _is_international),)),
    (r"00 ?[34]\d[ ./()-]", (("PHONE", _ZERO_ZERO, _always),)),
    (
        r"(?i)\b(?:t[eé]l|fono|phone|fax|m[oó](?:b|v)i|cell|portable|handy|gsm|whatsapp)",
        (("PHONE", _LABELLED, _is_labelled_phone),),
    ),
    (r"\d{3}[-.]\d{4}", (("PHONE", _CALL, _is_call),)),
    (
        r"0[1-9][ .]\d\d[ .]\d\d[ .]\d\d[ .]\d\d|\(0[1-9]\d|06[- ]\d{8}|0\d{2,3}-\d{6}|0\d\d ?-? ?\d{3} \d\d"
        r"|\d{3}-\d{4}|\(\d{3}\) ?\d{3}-|020 \d{4} |07\d{3} \d{6}|01\d{3} \d{6}|[6-9]\d\d \d\d \d\d \d\d"
        r"|3[2-9]\d[ /.-]\d{3}[ -]?\d{4}|\(\d\d\) ?9?\d{4}-",
        (),  # by language, in NATIONAL_RULES
    ),
)
"""What RE2 finds in every line that rules change, and the rules."""

NATIONAL_RULES: dict[str | None, list[Rule]] = {lang: [("PHONE", p, _always)] for lang, p in _NATIONAL.items()}
ALL_RULES = [rule for _, group in GROUPS for rule in group]
KINDS = dict.fromkeys(kind for kind, _, _ in ALL_RULES)
