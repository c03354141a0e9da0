"""The OCR rule: what share of a text's characters is right, judged from words, letter sequences and odd signs.

A linear model over measures that need no ground truth, as in Alex and Burns (2014) and Springmann, Fink and
Schulz (2016), with two differences. Words are compared in a normal form in which old and new spelling meet
(ſ and s, u and v, i, j and y, th and t, single and double letters, ...), so that age alone costs little; and a
word that the lexicon lacks costs less where its letters follow each other as they do in the language. The score
is 1 less the character error rate that the model expects, so a recipe's thresholds read as error rates.

Of a long text passages are read; what is measured of them is in `ocr_measures`.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import pyarrow as pa

from octavo.curation.ocr_measures import F64, MEASURES, measure

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


def _code(address: str) -> re.Pattern[str]:
    return re.compile(
        rf"```[^`]*```|`[^`\n]*`|(?:https?://|www\.)\S+{address}|</?\w[^<>\n]{{0,200}}>|\{{\{{[^{{}}\n]*\}}\}}"
        r"|^(?: {4}|\t)[^\n]*[{}=<>][^\n]*$|^\|[^\n]*\|$",
        re.MULTILINE,
    )


_CODE: Final = _code(r"|\S{1,64}@\S{1,64}")
_CODE_BUT_ADDRESSES: Final = _code("")
_SIGNS_OF_CODE: Final = ("`", "://", "www.", "<", ">", "{", "}", "=", "|")
_HYPHENATED: Final = re.compile(
    "[-‐‑⸗¬=\xad](?<=[^\\W\\d_].)(?:(?<!\xad)[^\\S\\n]*\\n[^\\S\\n]*|(?<=[\xad¬⸗])\\s*)(?=[^\\W\\d_])"
)
"""A hyphen is looked for first, and then the letter before it: that is ten times as fast."""


def prose(text: str) -> str:
    """The passages of a text that are judged, code left out and broken words joined; empty if mostly code."""
    if len(text) > PASSAGES * PASSAGE_CHARACTERS:
        step = (len(text) - PASSAGE_CHARACTERS) // (PASSAGES - 1)
        text = "\n".join(_whole_words(text, number * step) for number in range(PASSAGES))
    without = _without_code(text)
    if len(without) < (1 - MOST_CODE) * len(text):
        return ""
    return _HYPHENATED.sub("", without)


def _without_code(text: str) -> str:
    """A text with a space for each piece of code; one without an @ is spared the slow search for addresses."""
    if "@" in text:
        return _CODE.sub(" ", text)
    return _CODE_BUT_ADDRESSES.sub(" ", text) if any(sign in text for sign in _SIGNS_OF_CODE) else text


def _whole_words(text: str, start: int) -> str:
    passage = text[start : start + PASSAGE_CHARACTERS]
    words = passage.split(None, 1)
    return words[1].rpartition(" ")[0] if start and len(words) > 1 else passage


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

SCALES: Final = {"de": 1.12, "en": 1.1, "la": 0.94, "nl": 1.1}
"""By language, what the weighted sum is multiplied by so that it reads as an error rate: the weights are for all,
and a wrong letter makes a word unknown more often in one than in another. By least squares on those pairs; the
halves of their works gave 1.14 and 1.11 (de), 1.27 and 1.09 (en), 0.97 and 0.91 (la), 1.10 and 1.19 (nl). French
has none, as many of its pairs are charters and receipts; nor have the languages without pairs."""

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
    # Column by column: a matrix product adds in an order that hangs on the texts beside.
    wrong = np.maximum(sum(excess[:, place] * WEIGHTS[m] for place, m in enumerate(MEASURES)) + CONSTANT, 0.0)
    return np.asarray(1.0 - np.exp(-SCALES.get(language, 1.0) * wrong))


def _linear(found: F64) -> F64:
    linear = found.copy()
    linear[:, :2] = -np.log1p(-0.95 * found[:, :2])
    return linear
