"""What the OCR rule measures of a text: its words, how its letters follow each other, and its odd signs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

import numpy as np
import numpy.typing as npt

from octavo.compiled import compiled
from octavo.curation.spelling import (
    ABBREVIATION,
    HASH_BITS,
    I64,
    SIGN,
    SPACE,
    U8,
    U32,
    U64,
    code_points,
    hash_of,
    kinds_of,
    normal_form,
    rest_sums,
    sum_before,
    word_hashes,
)

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]

STATISTICS: Final = "ocr_statistics.npz"

GRAM_SIDE: Final = 27
"""Letters a to z, and the edge of a word."""

STEPS_PER_NAT: Final = 16
"""Surprises are stored as bytes, in such steps."""


@dataclass(frozen=True)
class Statistics:
    """What is known of a language."""

    lexicon: U8
    """A bit for each possible hash of a word."""
    short: U32
    """Sorted hashes of the words of up to three letters that running text has."""
    surprise: U8
    """Of a letter after three others: its negative log-probability."""


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


MEASURES: Final = ("unknown", "implausible", "surprise", "sharp", "stray", "signs")
"""What is measured of a text. Shares of the letters in words of four letters and more: `unknown`, of words that
the lexicon lacks, and `implausible`, of those among them whose letters do not follow each other as in the
language. Of all letters: `surprise`, nats a letter, and `sharp`, the share that hardly ever follows those before
it. `stray`: the share of words that have two or three letters and are none of the language's short words.
`signs`: the share of characters that print has not. Digits and capitals inside words and lone letters were
tried too; beside these six they added nothing on real OCR."""

PLAUSIBLE: Final = 3.0
"""Nats a letter up to which an unknown word could be one of the language."""

SHARP: Final = 6.0
"""Nats from which a letter is not expected after those before it."""

_PLAUSIBLE_STEPS: Final = int(PLAUSIBLE * STEPS_PER_NAT)
_SHARP_STEPS: Final = int(SHARP * STEPS_PER_NAT)

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
_LONGEST_STEM: Final = 13
_LONGEST_FIRST: Final = 15
"""Letters before an ending, and of the first half of a compound."""


@cache
def _endings(language: str) -> U32:
    return word_hashes(_ENDINGS[language].split(), language)[0]


# The columns of what is counted of a text.
(_WORDS, _LONG, _UNKNOWN, _IMPLAUSIBLE, _LETTERS, _JUDGED, _SURPRISE, _SHARP, _STRAY, _ODD, _SOLID) = range(11)


def measure(samples: list[str], language: str) -> tuple[F64, F64]:
    """The MEASURES of each text, a row a text, and its number of words."""
    lengths = np.array([len(s) + 1 for s in samples], np.int64)
    points = code_points("\n".join(samples) + "\n")
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    known, kinds = statistics(language), kinds_of(language)
    counted = _count_signs(points, bounds, kinds)
    _count_words(
        counted,
        *normal_form(points, language),
        points,
        bounds,
        kinds,
        known.lexicon,
        known.short,
        known.surprise,
        _endings(language),
        language in ("de", "nl"),
    )
    count = counted.T.astype(np.float64)
    columns = {
        "unknown": _share(count[_UNKNOWN], count[_LONG]),
        "implausible": _share(count[_IMPLAUSIBLE], count[_LONG]),
        "surprise": _share(count[_SURPRISE] / STEPS_PER_NAT, count[_LETTERS] + count[_JUDGED]),
        "sharp": _share(count[_SHARP], count[_LETTERS] + count[_JUDGED]),
        "stray": _share(count[_STRAY], count[_WORDS]),
        "signs": _share(count[_ODD], count[_SOLID]),
    }
    return np.stack([columns[name] for name in MEASURES], axis=1), count[_WORDS]


def _share(part: F64, whole: F64) -> F64:
    return np.asarray(part / np.maximum(whole, 1), np.float64)


@compiled
def _count_signs(points: U32, bounds: I64, kinds: U8) -> I64:
    counted = np.zeros((len(bounds) - 1, 11), np.int64)
    for text in range(len(counted)):
        for at in range(bounds[text], bounds[text + 1]):
            kind = kinds[points[at]]
            counted[text, _ODD] += kind == SIGN
            counted[text, _SOLID] += kind != SPACE
    return counted


@compiled
def _count_words(
    counted: I64,
    codes: U8,
    starts: I64,
    ends: I64,
    places: I64,
    points: U32,
    bounds: I64,
    kinds: U8,
    lexicon: U8,
    short: U32,
    surprise: U8,
    endings: U32,
    compounds: bool,
) -> None:
    sums, following = rest_sums(codes), grams(codes)
    text = 0
    for word in range(len(starts)):
        while bounds[text + 1] <= places[word]:
            text += 1
        count = counted[text]
        count[_WORDS] += 1
        last = places[word + 1] if word + 1 < len(places) else len(points)
        if _is_abbreviated(points, kinds, places[word] + 1, last):
            continue
        start, end = starts[word], ends[word]
        length = end - start
        steps = 0
        for at in range(start, end + 1):
            step = int(surprise[following[at]])
            steps += step
            count[_SHARP] += step >= _SHARP_STEPS
        count[_LETTERS] += length
        count[_JUDGED] += 1
        count[_SURPRISE] += steps
        if length > 3:
            count[_LONG] += length
            if not _is_word(sums, start, end, lexicon, endings, compounds):
                count[_UNKNOWN] += length
                count[_IMPLAUSIBLE] += length * (steps > _PLAUSIBLE_STEPS * (length + 1))
        elif length > 1:
            count[_STRAY] += not _is_listed(hash_of(sums[start]), short)


@compiled
def _is_abbreviated(points: U32, kinds: U8, first: int, last: int) -> bool:
    """Whether a sign for letters left out stands in or behind a word, after its first letter."""
    while first < last and kinds[points[first]] != ABBREVIATION:
        first += 1
    return first < last


@compiled
def grams(codes: U8) -> I32:
    """Of each place in words in normal form, and the one after: its letter or end with the three before it."""
    numbers = np.empty(len(codes) + 1, np.int32)
    one = two = three = 0
    for at in range(len(codes)):
        here = int(codes[at])
        numbers[at] = here + GRAM_SIDE * three
        if here > 0:
            one, two, three = here, here + GRAM_SIDE * one, here + GRAM_SIDE * two
        else:
            one = two = three = 0
    numbers[len(codes)] = GRAM_SIDE * three
    return numbers


@compiled
def _is_word(sums: U64, start: int, end: int, lexicon: U8, endings: U32, compounds: bool) -> bool:
    """Whether a word is in the lexicon: whole, with an ending of _ENDINGS taken off, or as a compound."""
    if _is_known(hash_of(sums[start]), lexicon):
        return True
    longest = _LONGEST_FIRST if compounds else _LONGEST_STEM
    for length in range(3, min(longest + 1, end - start)):
        rest = sums[start + length]
        likely = _is_listed(hash_of(rest), endings) or (
            compounds and length > 3 and end - start - length > 3 and _is_known(hash_of(rest), lexicon)
        )
        if likely and _is_known(hash_of(sum_before(sums[start], rest, length)), lexicon):
            return True
    return False


@compiled
def _is_known(word: np.uint32, lexicon: U8) -> bool:
    """Whether the lexicon has the word of a hash."""
    return bool(lexicon[word >> np.uint32(3)] >> (np.uint32(7) - (word & np.uint32(7))) & np.uint32(1))


@compiled
def _is_listed(word: np.uint32, listed: U32) -> bool:
    """Whether a hash is in a sorted list."""
    at = np.searchsorted(listed, word)
    return bool(at < len(listed) and listed[at] == word)
