"""The OCR rule: what share of a text's characters is right, judged from words, letter sequences and odd signs.

A linear model over measures that need no ground truth, as in Alex and Burns (2014) and Springmann, Fink and
Schulz (2016), with two differences. Words are compared in a normal form in which old and new spelling meet
(ſ and s, u and v, i, j and y, th and t, single and double letters, ...), so that age alone costs little; and a
word that the lexicon lacks costs less where its letters follow each other as they do in the language. The score
is 1 less the character error rate that the model expects, so a recipe's thresholds read as error rates.

A batch is judged as one array of code points; nothing loops over words.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
F64 = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

LANGUAGES: Final = ("de", "en", "es", "fr", "it", "la", "nl", "pt")
"""Languages with statistics; a text in another has no score."""

PASSAGE_CHARACTERS: Final = 1500
PASSAGES: Final = 6
"""Read of a long document: so many passages, evenly spread."""

LEAST_WORDS: Final = 20
"""A text with fewer words has no score."""

MOST_CODE: Final = 0.35
"""A text of which more than this share is code, markup or addresses has no score."""

TEXTS_AT_ONCE: Final = 64
"""Texts judged as one array, so that what they take fits in memory however large a batch is."""

STATISTICS: Final = "ocr_statistics.npz"

HASH_BITS: Final = 26
"""Of a word's hash that the lexicon keeps: one strange word in 57 (la) to 405 (en) is taken for known."""

GRAM_SIDE: Final = 27
"""Letters a to z, and the edge of a word."""

STEPS_PER_NAT: Final = 16
"""Surprises are stored as bytes, in such steps."""

_PRINTED, _LETTER, _MARK, _SPACE, _SIGN, _ABBREVIATION = range(6)

_FOLDED_SIGNS: Final = dict(
    zip(
        "ſßæÆœŒøØꝛʒđðłıþÞﬁﬂﬀﬃﬄﬅﬆĳĲꝺꝛƷ",
        "sseeeeoorzddlittfffffssiidrz",
        strict=True,
    )
)
_ABBREVIATIONS: Final = frozenset("ꝑꝐꝓꝒꝗꝖꝙꝘꝝꝫꝭꝯꝰ⁊᷑\u0303\u0304\u0305\u0306ƺ")
"""Signs for letters left out: no lexicon has such words, rightly read or not."""

_STROKED: Final = frozenset("ãẽĩõũñāēīōūÃẼĨÕŨÑ")
"""Letters with a stroke for a left-out n or m, except in languages that write them anyway."""

_POINTS: Final = frozenset(".,;:!?-–—'\"“”„‘’‚`´«»‹›()[]…¿¡/&*§°†·⸗‑\u00ad#%+=@")
"""Punctuation of print; all else that is no letter, digit or space counts as an odd sign."""


class Spelling(NamedTuple):
    """Words in the normal form in which they are looked up."""

    codes: U8
    """1 to 26 for a to z, 0 between words."""
    starts: I64
    ends: I64
    places: I64
    """Of each word: where its first letter stood before normalisation."""


@dataclass(frozen=True)
class Statistics:
    """What is known of a language."""

    lexicon: U8
    """A bit for each possible hash of a word."""
    short: U32
    """Sorted hashes of the words of up to three letters that running text has."""
    surprise: U8
    """Of a letter after three others: its negative log-probability."""


def score(text: pa.Array, lang: pa.Array) -> pa.Array:
    """Of each text, the share of its characters that is expected to be right, in [0, 1].

    Null for a text of fewer than LEAST_WORDS words, in a language without statistics, or mostly of code.
    """
    scores: list[float | None] = [None] * len(text)
    languages = lang.to_pylist()
    samples = [
        prose(t) if t and said in LANGUAGES else "" for t, said in zip(text.to_pylist(), languages, strict=True)
    ]
    for language in LANGUAGES:
        rows = [row for row, said in enumerate(languages) if said == language and samples[row]]
        for start in range(0, len(rows), TEXTS_AT_ONCE):
            group = rows[start : start + TEXTS_AT_ONCE]
            error, words = _judge([samples[row] for row in group], language)
            for row, value, count in zip(group, error.tolist(), words.tolist(), strict=True):
                if count >= LEAST_WORDS:
                    scores[row] = 1.0 - value
    return pa.array(scores, pa.float64())


DOUBTFUL: Final = 0.05
"""Expected error from which a text is judged as Latin too, and the better verdict counts."""

LATIN_HANDICAP: Final = 0.02
"""Added to the error of a text that is judged as Latin and was not said to be."""


def _judge(samples: list[str], language: str) -> tuple[F64, F64]:
    """Of each text, the character error rate to expect and its number of words.

    Charters, dedications and whole chapters of books that are in a modern language otherwise are in Latin.
    """
    found, words = measure(samples, language)
    error = expected_error(found, language)
    doubtful = np.flatnonzero(error > DOUBTFUL)
    if language != "la" and len(doubtful):
        as_latin = expected_error(measure([samples[at] for at in doubtful], "la")[0], "la")
        error[doubtful] = np.minimum(error[doubtful], as_latin + LATIN_HANDICAP)
    return error, words


_CODE: Final = re.compile(
    r"```[^`]*```|`[^`\n]*`|(?:https?://|www\.)\S+|\S{1,64}@\S{1,64}|</?\w[^<>\n]{0,200}>|\{\{[^{}\n]*\}\}"
    r"|^(?: {4}|\t)[^\n]*[{}=<>][^\n]*$|^\|[^\n]*\|$",
    re.MULTILINE,
)
_HYPHENATED: Final = re.compile(r"(?<=[^\W\d_])(?:[-‐‑⸗¬=][^\S\n]*\n[^\S\n]*|[\u00ad¬⸗]\s*)(?=[^\W\d_])")


def prose(text: str) -> str:
    """The passages of a text that are judged, code left out and broken words joined; empty if mostly code."""
    if len(text) > PASSAGES * PASSAGE_CHARACTERS:
        step = (len(text) - PASSAGE_CHARACTERS) // (PASSAGES - 1)
        text = "\n".join(_whole_words(text, number * step) for number in range(PASSAGES))
    without = _CODE.sub(" ", text)
    if len(without) < (1 - MOST_CODE) * len(text):
        return ""
    return _HYPHENATED.sub("", without)


def _whole_words(text: str, start: int) -> str:
    passage = text[start : start + PASSAGE_CHARACTERS]
    words = passage.split(None, 1)
    return words[1].rpartition(" ")[0] if start and len(words) > 1 else passage


def code_points(text: str) -> U32:
    """The code points of a text as an array, those outside the first plane as U+FFFD."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    return np.where(points < 0x10000, points, np.uint32(0xFFFD))


@cache
def _classes(language: str) -> U8:
    """Of every code point, what it is."""
    table = np.full(0x10000, _SIGN, np.uint8)
    own = {"pt": "ãõÃÕñÑ", "es": "ñÑ"}.get(language, "")
    for point in range(0x10000):
        sign = chr(point)
        if sign in _ABBREVIATIONS or (sign in _STROKED and sign not in own):
            table[point] = _ABBREVIATION
        elif sign.isalpha():
            table[point] = _LETTER
        elif unicodedata.combining(sign):
            table[point] = _MARK
        elif sign.isspace():
            table[point] = _SPACE
        elif sign.isdigit() or sign in _POINTS:
            table[point] = _PRINTED
    return table


_MERGED: Final = {"j": "i", "y": "i", "v": "u", "w": "u", "k": "c"}
_MERGED_IN: Final = {
    "es": {"z": "c", "x": "i"},
    "fr": {"z": "s"},
    "it": {"z": "t"},
    "nl": {"z": "s"},
    "pt": {"z": "s"},
}
"""Letters that old spelling does not tell apart: in all languages, and by language."""


@cache
def _folds(language: str) -> U8:
    """Of every code point, its letter without case, accent or age: 1 to 26; 0 for what is no Latin letter."""
    merged = _MERGED | _MERGED_IN.get(language, {})
    table = np.zeros(0x10000, np.uint8)
    for point in range(0x3000):
        table[point] = _fold(chr(point), merged)
    for sign in _FOLDED_SIGNS:
        table[ord(sign)] = _fold(sign, merged)
    return table


def _fold(sign: str, merged: dict[str, str]) -> int:
    letter = _FOLDED_SIGNS.get(sign) or unicodedata.normalize("NFKD", sign)[0].lower()
    letter = merged.get(letter, letter)
    return ord(letter) - 96 if "a" <= letter <= "z" and sign.isalpha() else 0


def _letter(sign: str) -> int:
    return ord(sign) - 96


_FALLING: Final = {
    "de": "t(h) r(h) p(h) (d)t a(e) o(e) u(e) u(o) (t)z (c)z s(z)",
    "en": "t(h) r(h) p(h)",
    "es": "t(h) r(h) p(h) (c)t (p)t",
    "fr": "t(h) r(h) p(h) c(h) (s)t (c)t n(g)",
    "it": "t(h) r(h) p(h) c(h) g(h) (c)t (p)t",
    "la": "t(h) r(h) p(h) c(h) (a)e (o)e",
    "nl": "t(h) r(h) p(h) g(h) (d)t a(e) u(e)",
    "pt": "t(h) r(h) p(h) (c)t (p)t",
}
"""By language, pairs of which the letter in brackets falls (after letters are merged): t(h)un, Sta(d)t."""

_TURNING: Final = {"de": {"ph": "f", "ai": "e"}, "fr": {"ph": "f", "oi": "a"}, "la": {"ph": "f", "ti": "c"}}
"""By language, pairs of which the first letter turns into another: (ph)ilosoph, (ai)n, fran(oi)s, ra(ti)o."""


class _Pairs(NamedTuple):
    """Of each two letters, as one number, what happens to them."""

    first_falls: Flags
    second_falls: Flags
    turned: U8


@cache
def _pairs(language: str) -> _Pairs:
    falls = np.zeros((2, 1024), np.bool_)
    turned = np.repeat(np.arange(32, dtype=np.uint8), 32)
    for rule in _FALLING[language].split():
        first, second = [sign for sign in rule if sign.isalpha()]
        falls[0 if rule[0] == "(" else 1, _letter(first) * 32 + _letter(second)] = True
    for pair, letter in _TURNING.get(language, {"ph": "f"}).items():
        turned[_letter(pair[0]) * 32 + _letter(pair[1])] = _letter(letter)
    return _Pairs(falls[0], falls[1], turned)


def normal_form(points: U32, language: str) -> Spelling:
    """Bring words to the form in which old and new spelling meet.

    Marks fall, letters are folded, pairs of the history of spelling lose one letter (_FALLING)
    or turn (_TURNING), and doubled letters become single ones.
    """
    kinds = _classes(language)[points]
    inside = np.flatnonzero(kinds != _MARK)
    codes = _folds(language)[points[inside]]
    codes, falls = _meet(codes, _pairs(language))
    codes, inside = codes[~falls], inside[~falls]
    repeated = np.zeros(len(codes), np.bool_)
    repeated[1:] = codes[1:] == codes[:-1]
    codes, inside = codes[~repeated], inside[~repeated]
    edges = np.zeros(len(codes) + 2, np.int8)
    edges[1:-1] = codes > 0
    turns = np.diff(edges)
    starts, ends = np.flatnonzero(turns == 1), np.flatnonzero(turns == -1)
    return Spelling(codes, starts, ends, inside[starts])


def _meet(codes: U8, pairs: _Pairs) -> tuple[U8, Flags]:
    """Letters turned by those after them, and which of them fall."""
    following = np.zeros_like(codes)
    following[:-1] = codes[1:]
    pair = codes.astype(np.int16) * 32 + following
    falls = pairs.first_falls[pair]
    falls[1:] |= pairs.second_falls[pair[:-1]]
    return pairs.turned[pair], falls


_BASE: Final = 0x9E3779B97F4A7C15
_INVERSE: Final = pow(_BASE, -1, 1 << 64)
_MIXER: Final = np.uint64(0xD6E8FEB86659FD93)


class Hashes:
    """Hashes of any stretch of a batch's letters: polynomials modulo 2**64, from sums over all before."""

    def __init__(self, codes: U8) -> None:
        powers = np.full(len(codes), _BASE, np.uint64)
        inverses = np.full(len(codes) + 1, _INVERSE, np.uint64)
        if len(codes):
            powers[0] = 1
        inverses[0] = 1
        values = (codes.astype(np.uint64) + np.uint64(1)) * _MIXER
        self._sums = np.zeros(len(codes) + 1, np.uint64)
        np.cumsum(values * np.cumprod(powers), out=self._sums[1:])
        self._inverses = np.cumprod(inverses)

    def of(self, starts: I64, ends: I64) -> U32:
        """The hashes, of HASH_BITS bits, of the stretches from each start to its end."""
        mixed = (self._sums[ends] - self._sums[starts]) * self._inverses[starts]
        mixed ^= mixed >> np.uint64(32)
        mixed *= _MIXER
        return (mixed >> np.uint64(64 - HASH_BITS)).astype(np.uint32)


def word_hashes(words: list[str], language: str) -> tuple[U32, I64]:
    """The distinct hashes of words in normal form, and their lengths there; for building the statistics."""
    spelling = normal_form(code_points("\n".join(words)), language)
    hashes = Hashes(spelling.codes).of(spelling.starts, spelling.ends)
    found, first = np.unique(hashes, return_index=True)
    return found, (spelling.ends - spelling.starts)[first]


@cache
def statistics(language: str) -> Statistics:
    """The statistics of a language, as shipped."""
    with resources.files("octavo.curation").joinpath(STATISTICS).open("rb") as file, np.load(file) as held:
        lexicon = np.zeros(1 << HASH_BITS, np.uint8)
        lexicon[_sums_of_gaps(held[f"{language}.gaps"])] = 1
        return Statistics(np.packbits(lexicon), held[f"{language}.short"], held[f"{language}.surprise"])


def _sums_of_gaps(steps: U8) -> I64:
    """Sorted hashes from the gaps between them in bytes, of which 255 says that the gap goes on in the next."""
    return np.asarray(np.cumsum(steps, dtype=np.int64)[steps < 255])


def is_known(lexicon: U8, hashes: U32) -> Flags:
    """Whether the lexicon has the word of each hash."""
    bits: U8 = lexicon[hashes >> np.uint32(3)] >> (np.uint32(7) - (hashes & np.uint32(7))).astype(np.uint8)
    return (bits & 1).astype(np.bool_)


MEASURES: Final = ("unknown", "implausible", "surprise", "sharp", "stray", "signs")
"""What is measured of a text. Shares of the letters in words of four letters and more: `unknown`, of words that
the lexicon lacks, and `implausible`, of those among them whose letters do not follow each other as in the
language. Of all letters: `surprise`, nats a letter, and `sharp`, the share that hardly ever follows those before
it. `stray`: the share of words that have two or three letters and are none of the language's short words.
`signs`: the share of characters that print has not. Digits and capitals inside words and lone letters were
tried too; beside these six they added nothing on real OCR."""


def measure(samples: list[str], language: str) -> tuple[F64, F64]:
    """The MEASURES of each text, a row a text, and its number of words."""
    lengths = np.array([len(s) + 1 for s in samples], np.int64)
    points = code_points("\n".join(samples) + "\n")
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    known = statistics(language)
    words = _Words(points, bounds, language, known)
    columns = words.measures() | {"signs": _odd_signs(points, bounds, language)}
    return np.stack([columns[name] for name in MEASURES], axis=1), words.counts


def _share(part: F64, whole: F64) -> F64:
    return np.asarray(part / np.maximum(whole, 1), np.float64)


PLAUSIBLE: Final = 3.0
"""Nats a letter up to which an unknown word could be one of the language."""

SHARP: Final = 6.0
"""Nats from which a letter is not expected after those before it."""


def grams(codes: U8) -> npt.NDArray[np.int32]:
    """Of each place in words in normal form: its letter or end with the three before it, as one number."""
    here = codes.astype(np.int32)
    number = here.copy()
    before = here
    for back in range(1, 4):
        shifted = np.zeros_like(here)
        shifted[back:] = here[:-back]
        before = shifted if back == 1 else shifted * (before > 0)
        number += before * GRAM_SIDE**back
    return number


class _Words:
    """What the words of a batch tell."""

    def __init__(self, points: U32, bounds: I64, language: str, known: Statistics) -> None:
        self._language, self._known = language, known
        self._spelling = normal_form(points, language)
        places = self._spelling.places
        abbreviated = np.cumsum(_classes(language)[points] == _ABBREVIATION)
        after = np.append(places[1:], len(points)) - 1
        self._judged = abbreviated[after] == (abbreviated[places] if len(places) else places)
        self._text = np.searchsorted(bounds, places, "right") - 1
        self._texts = len(bounds) - 1
        self._lengths = self._spelling.ends - self._spelling.starts
        self._hashes = Hashes(self._spelling.codes)
        self.counts = self._sum(np.ones(len(places)))

    def _sum(self, values: F64 | I64 | Flags) -> F64:
        return np.asarray(np.bincount(self._text, values.astype(np.float64), self._texts), np.float64)

    def measures(self) -> dict[str, F64]:
        long = self._judged & (self._lengths > 3)
        unknown = np.zeros(len(long), np.bool_)
        unknown[np.flatnonzero(long)] = ~self._is_word(np.flatnonzero(long))
        surprise, sharp = self._surprise()
        implausible = unknown & (surprise > PLAUSIBLE * (self._lengths + 1))
        hashes = self._hashes.of(self._spelling.starts, self._spelling.ends)
        at = np.minimum(np.searchsorted(self._known.short, hashes), len(self._known.short) - 1)
        short = self._judged & (self._lengths < 4) & (self._lengths > 1)
        stray = short & (self._known.short[at] != hashes)
        letters = self._sum(self._lengths * long)
        judged = self._sum(self._lengths * self._judged)
        return {
            "unknown": _share(self._sum(unknown * self._lengths), letters),
            "implausible": _share(self._sum(implausible * self._lengths), letters),
            "surprise": _share(self._sum(surprise * self._judged), judged + self._sum(self._judged)),
            "sharp": _share(self._sum(sharp * self._judged), judged + self._sum(self._judged)),
            "stray": _share(self._sum(stray), self.counts),
        }

    def _surprise(self) -> tuple[F64, F64]:
        """Of each word, the surprises of its letters and its end summed, and how many of them are sharp."""
        bits = self._known.surprise[grams(np.append(self._spelling.codes, np.uint8(0)))]
        sums = np.concatenate([[0], np.cumsum(bits.astype(np.int64))])
        sharps = np.concatenate([[0], np.cumsum(bits >= SHARP * STEPS_PER_NAT)])
        starts, ends = self._spelling.starts, self._spelling.ends + 1
        return (sums[ends] - sums[starts]) / STEPS_PER_NAT, (sharps[ends] - sharps[starts]).astype(np.float64)

    def _is_word(self, words: I64) -> Flags:
        """Whether words are in the lexicon: whole, with an ending of _ENDINGS taken off, or as a compound."""
        starts, ends = self._spelling.starts[words], self._spelling.ends[words]
        found = is_known(self._known.lexicon, self._hashes.of(starts, ends))
        endings = _endings(self._language)
        compounds = self._language in ("de", "nl")
        for at in range(3, 16 if compounds else 14):
            open_words = np.flatnonzero(~found & (ends - starts > at))
            if not len(open_words):
                continue
            first, last = starts[open_words], ends[open_words]
            rest = self._hashes.of(first + at, last)
            likely = np.isin(rest, endings, kind="sort") if len(rest) else np.zeros(0, np.bool_)
            if compounds and at > 3:
                likely |= (last - first - at > 3) & is_known(self._known.lexicon, rest)
            chosen = np.flatnonzero(likely)
            stems = self._hashes.of(first[chosen], first[chosen] + at)
            found[open_words[chosen]] |= is_known(self._known.lexicon, stems)
        return found


_ENDINGS: Final = {
    "de": "e en er es et em est ete eten s n st t te lich lichen bar bare ung ungen heit keit lein chen in innen",
    "en": "e es s ed d eth th est st ing er ers ly ness ne like man men",
    "es": "lo la los las le les se me te nos os selo mente s ito ita illo illa",
    "fr": "s x z e es ent ant ans ment ens ez oit oient ois ait aient",
    "it": "lo la li le gli ne mi ti si ci vi mente i e o glie gliene selo no",
    "la": "que ue ne cum m s",
    "nl": "e en n s t te ten de den lijk lijke lijcke heid heyd heden ing inghe je jes ken tje tjes er ers sche",
    "pt": "lo la los las o a os as lhe lhes se me te nos vos mente mos s inho inha",
}
"""By language, endings and enclitics that a lexicon's paradigms lack, old ones included."""


@cache
def _endings(language: str) -> U32:
    return word_hashes(_ENDINGS[language].split(), language)[0]


def _odd_signs(points: U32, bounds: I64, language: str) -> F64:
    kinds = _classes(language)[points]
    odd, solid = (
        np.add.reduceat(flags, bounds[:-1], dtype=np.float64) for flags in (kinds == _SIGN, kinds != _SPACE)
    )
    return _share(odd, solid)


WEIGHTS: Final = {
    "unknown": 0.135,
    "implausible": 0.055,
    "surprise": 0.051,
    "sharp": 0.251,
    "stray": 0.376,
    "signs": 0.645,
}
CONSTANT: Final = -0.006
"""Fitted, none negative, to half of the works of four sets: the English, French, German, Dutch and Latin pairs of
OCR and ground truth of ICDAR 2017, ICDAR 2019 and Overproof (those of a rate over 0.6 set two different
passages side by side, and were left out), their ground truth, clean texts in all eight languages, and passages
of these damaged at 5 to 40 %. The other half gave the figures in the reference."""

BASELINES: Final = {
    "de": (0.0442, 0.0035, 1.8527, 0.0053, 0.0099, 0.0),
    "en": (0.0463, 0.0106, 1.8082, 0.004, 0.0108, 0.0),
    "es": (0.0192, 0.0047, 1.9553, 0.0067, 0.0071, 0.0),
    "fr": (0.0432, 0.0144, 1.8047, 0.0043, 0.0042, 0.0),
    "it": (0.0714, 0.0122, 1.9363, 0.0078, 0.0088, 0.0),
    "la": (0.0165, 0.0024, 2.0098, 0.0069, 0.0056, 0.0),
    "nl": (0.1221, 0.0187, 1.905, 0.0062, 0.0183, 0.0),
    "pt": (0.055, 0.0152, 2.0193, 0.0073, 0.0076, 0.0),
}
"""By language, the measures' medians over clean texts of 1500 to today; what is above them counts."""


def expected_error(found: F64, language: str) -> F64:
    """The character error rate that the measures let expect, in [0, 1).

    With one character in n wrong at a rate, 1 - (1 - rate) ** n of the words of n letters are: the logarithm
    makes shares of words linear in the rate again.
    """
    excess = np.maximum(_linear(found) - _linear(np.array([BASELINES[language]])), 0.0)
    return np.asarray(1.0 - np.exp(-np.maximum(excess @ np.array([WEIGHTS[m] for m in MEASURES]) + CONSTANT, 0.0)))


def _linear(found: F64) -> F64:
    linear = found.copy()
    linear[:, :2] = -np.log1p(-0.95 * found[:, :2])
    return linear
