"""Features of old spelling that can be counted without a dictionary: where one stands, and what became of it.

Of each feature there is an old and a new form, and a pattern that finds either where the other could stand: a site.
The patterns leave out places where usage wavered, or where a form is both an old and a new word.
Where they come from: docs/explanation/evaluation.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

LONG_S: Final = "long_s"


_ANY_AGE: Final = frozenset(
    {"long_s_end", "v_initial", "i_initial", "ampersand", "et_cetera", "small_nouns", "ae_ligature"}
)


class Site(NamedTuple):
    """A place where a feature shows: what the old or new form takes up."""

    start: int
    end: int
    old: bool


class Feature(NamedTuple):
    """A feature of a language's spelling."""

    name: str
    lang: str
    old: re.Pattern[str]
    """Its group x is what changed."""
    new: re.Pattern[str]
    modern: Callable[[str], str]
    """What x became."""

    @property
    def tells_age(self) -> bool:
        """Whether the old form is seldom seen in a modern text; Latin is printed with u and i to this day."""
        return self.name not in _ANY_AGE and (self.name, self.lang) != ("u_between", "la")

    def sites(self, text: str) -> Iterator[Site]:
        """All sites of a text, old ones and new ones."""
        text = text if self.name.startswith(LONG_S) else text.replace("ſ", "s")
        for pattern, old in ((self.old, True), (self.new, False)):
            for found in pattern.finditer(text):
                yield Site(*found.span("x"), old)

    def rates(self, text: str) -> tuple[int, int]:
        """How many sites are old, and how many there are."""
        found = [site.old for site in self.sites(text)]
        return sum(found), len(found)

    def modernised(self, word: str) -> str:
        """A word with each old form replaced, and each ſ at once."""
        if self.name == LONG_S:
            return word.replace("ſ", "s")
        folded = word if self.name.startswith(LONG_S) else word.replace("ſ", "s")
        for start, end, old in sorted(self.sites(word), reverse=True):
            if old:
                became = self.modern(folded[start:end])
                same = common_length(folded[start:end], became)  # an ſ in there stays
                word = word[: start + same] + became[same:] + word[end:]
        return word


def _feature(
    name: str, langs: str, old: str, new: str, modern: str | dict[str, str] | Callable[[str], str]
) -> list[Feature]:
    def became(form: str) -> str:
        if isinstance(modern, str):
            return modern
        return modern[form] if isinstance(modern, dict) else modern(form)

    compiled = re.compile(old), re.compile(new)
    return [Feature(name, lang, *compiled, became) for lang in langs.split()]


_CONSONANT: Final = "[bcdfghkmnpqstxz]"
"""Not l and r, before which v is a consonant itself (French vray), nor w."""


def _long_s(lang: str, before: str, after: str) -> list[Feature]:
    old, new = (f"{before}(?P<x>{letter}){after}" for letter in "ſs")
    return _feature(LONG_S, lang, old, new, "s")


def _words(name: str, lang: str, pairs: str) -> list[Feature]:
    """Words as old=new; those that end in - are beginnings of words."""
    modern: dict[str, str] = {}
    patterns: list[list[str]] = [[], []]
    for pair in pairs.split():
        forms = pair.split("=")
        for pattern, form in zip(patterns, forms, strict=True):
            stem = form.rstrip("-")
            pattern.append(f"[{stem[0]}{stem[0].upper()}]{stem[1:]}" + ("" if form.endswith("-") else r"\b"))
        old, new = (form.rstrip("-") for form in forms)
        modern |= {old: new, old.capitalize(): new.capitalize()}
    old, new = (rf"\b(?P<x>{'|'.join(sorted(pattern, key=len, reverse=True))})" for pattern in patterns)
    return _feature(name, lang, old, new, modern)


_NO_IMPERFECT_OLD: Final = (
    "soit|soient|doit|voit|voient|croit|croient|boit|reçoit|conçoit|aperçoit|déçoit|perçoit|droit|endroit|adroit|"
    "maladroit|étroit|estroit|détroit|destroit|exploit|revoit|prévoit|prevoit|pourvoit|surcroit"
)
_NO_IMPERFECT_NEW: Final = (
    "trait|attrait|extrait|portrait|retrait|abstrait|distrait|soustrait|parfait|imparfait|bienfait|forfait|méfait|"
    "satisfait|refait|défait|contrefait|stupéfait|plait|souhait"
)

_NOUN: Final = r"\w{2,}(?:ung|heit|heyt|keit|keyt|schaft|schafft)(?:en)?\b"

_UMLAUTS: Final = {f"{letter}ͤ": new for letter, new in zip("aouAOU", "äöüÄÖÜ", strict=True)}

FEATURES: Final = [
    # The first s of two, before a letter other than b, f, h or k, and not after f.
    *_long_s("en fr la", r"(?<![fsſ])", r"(?=[^\W\d_bfhk])"),
    # At the beginning of a word, between vowels except after au, and in st and sch at the end.
    *_long_s(
        "de",
        "",
        r"(?:(?<=\b.)(?=[^\W\d_])|(?<=[aeiouäöüy].)(?<!au.)(?=[aeiouäöü])|(?<=[^\W\d_sſ].)(?=t\b|ch\b))",
    ),
    # Round at the end of a word, unless that is broken there.
    *_feature("long_s_end", "en fr de la", r"(?<=\w)(?P<x>s)\b(?!['’⸗-])", r"(?<=\w)(?P<x>ſ)\b(?!['’⸗-])", "s"),
    *_feature("v_initial", "en fr de la", rf"\b(?P<x>v)(?={_CONSONANT})", rf"\b(?P<x>u)(?={_CONSONANT})", "u"),
    # Not in queue and Louis.
    *_feature(
        "u_between",
        "en la",
        r"(?<!que)(?<!Lo)(?<=[aeio])(?P<x>u)(?=[aeiou])",
        r"(?<=[aeio])(?P<x>v)(?=[aeiou])",
        "v",
    ),
    *_feature("u_between", "fr", r"(?<=[ai])(?P<x>u)(?=[aeoiéè])", r"(?<=[ai])(?P<x>v)(?=[aeoiéè])", "v"),
    *_feature("i_initial", "en fr de la", r"\b(?P<x>i)(?=[aeouäöü])", r"\b(?P<x>j)(?=[aeouäöü])", "j"),
    *_feature("ampersand", "en", r"(?P<x>&)(?!c)", r"\b(?P<x>and)\b", "and"),
    *_feature("ampersand", "fr la", r"(?P<x>&)(?!c)", r"\b(?P<x>et)\b", "et"),
    *_feature("et_cetera", "en fr de la", r"(?P<x>&c)(?!\w)", r"\b(?P<x>etc)\b", "etc"),
    *_words(
        "final_e",
        "en",
        "finde=find kinde=kind minde=mind blinde=blind behinde=behind selfe=self himselfe=himself itselfe=itself "
        "halfe=half booke=book bookes=books tooke=took looke=look againe=again owne=own certaine=certain "
        "mountaine=mountain thinke=think worke=work workes=works soule=soul soules=souls poore=poor doore=door "
        "speake=speak beene=been seene=seen onely=only farre=far warre=war "
        "yeere=year yeeres=years heauen=heaven musicke=music publique=public",
    ),
    *_feature(
        "nesse",
        "en",
        r"\b(?!finesse)[a-zA-Z]{2,}ness(?P<x>e)\b",
        r"\b(?!business|witness|harness)[a-zA-Z]{2,}ness(?P<x>)\b",
        "",
    ),
    *_feature("ick", "en", r"\b[a-zA-Z]*[aeiouy][a-z]+ic(?P<x>k)\b", r"\b[a-zA-Z]*[aeiouy][a-z]+ic(?P<x>)\b", ""),
    *_words(
        "mute_s",
        "fr",
        "estoi-=étai- esté=été estre=être mesme-=même- teste-=tête- beste-=bête- feste-=fête- maistre-=maître- "
        "paroistre-=paraître- naistre-=naître- connoistre-=connaître- nostre=notre vostre=votre tousiours=toujours "
        "tousjours=toujours forest-=forêt- interest-=intérêt- isle-=île- arrest-=arrêt- honneste-=honnête- "
        "chasteau-=château- prestre-=prêtre- evesque-=évêque- desja=déjà aussitost=aussitôt plustost=plutôt "
        "bientost=bientôt costé-=côté- aoust=août",
    ),
    *_feature(
        "imperfect_oi",
        "fr",
        rf"\b(?!(?:{_NO_IMPERFECT_OLD})\b)\w{{2,}}(?P<x>oi)(?=(?:en)?t\b)",
        rf"\b(?!(?:{_NO_IMPERFECT_NEW})\b)\w{{2,}}(?P<x>ai)(?=(?:en)?t\b)",
        "ai",
    ),
    *_words(
        "th",
        "de",
        "thun=tun thut=tut that=tat thaten=taten gethan=getan theil-=teil- thier-=tier- thal=tal thür=tür thor=tor "
        "thurm=turm thräne-=träne- roth=rot rothe=rote rothen=roten noth=not muth=mut werth=wert rath=rat "
        "wirth=wirt nöthig-=nötig-",
    ),
    *_words(
        "y",
        "de",
        "sey=sei bey=bei beyde-=beide- dabey=dabei frey-=frei- zwey=zwei zweyt-=zweit- drey=drei meynung-=meinung-",
    ),
    *_words(
        "double_consonant",
        "de",
        "auff=auf darauff=darauf krafft=kraft werck-=werk- volck-=volk- danck-=dank- starck-=stark- offt=oft "
        "schrifft-=schrift- lufft=luft hertz-=herz- gantz-=ganz- holtz-=holz- schmertz-=schmerz- kranck-=krank- "
        "gedancken=gedanken",
    ),
    *_feature("umlaut_e", "de", r"(?P<x>[aouAOU]ͤ)", r"(?P<x>[äöüÄÖÜ])", _UMLAUTS),
    *_feature("small_nouns", "de", rf"\b(?P<x>[a-zäöü]){_NOUN}", rf"\b(?P<x>[A-ZÄÖÜ]){_NOUN}", str.upper),
    # Words that have no second meaning without the accent, as quod and quo have.
    *_words(
        "grave",
        "la",
        "à=a verò=vero modò=modo tàm=tam adeò=adeo ideò=ideo planè=plane malè=male benè=bene ferè=fere "
        "maximè=maxime praecipuè=praecipue præcipuè=præcipue suprà=supra contrà=contra infrà=infra certè=certe "
        "minùs=minus potiùs=potius facilè=facile nimirùm=nimirum",
    ),
    *_feature("ae_ligature", "la", r"(?P<x>[æÆ])", r"(?!\b[aA]er)(?P<x>[aA]e)", {"æ": "ae", "Æ": "Ae"}),
]


def features_of(lang: str) -> list[Feature]:
    """The features of a language."""
    return [feature for feature in FEATURES if feature.lang == lang]


def common_length(first: Sequence[object], second: Sequence[object]) -> int:
    """How far two sequences are the same from the beginning."""
    at = 0
    while at < min(len(first), len(second)) and first[at] == second[at]:
        at += 1
    return at


LANGUAGES: Final = tuple(dict.fromkeys(feature.lang for feature in FEATURES))
