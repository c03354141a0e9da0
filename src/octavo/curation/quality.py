"""Text quality: the published rules of Gopher, C4 and FineWeb, with thresholds by genre.

Gopher (Rae et al., 2021, table A1), C4 (Raffel et al., 2020, section 2.2) and FineWeb (Penedo et al., 2024,
section 3.6) wrote their rules for prose from the web. Verse has short lines without a full stop, a play
repeats its speakers' names, a statute its formulas, a table has no sentence at all: so the genre is told
from the layout first, and a rule holds for the genres that it was made for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa

from octavo.compiled import Flags, Hashes, Ints, are_among, came_before
from octavo.curation.repetition import repeated_ngrams, top_ngrams
from octavo.curation.words import CHARACTER, DIGIT, Floats, Spans, Words, hashes_of
from octavo.recipe.curation import Quality

VERDICT = pa.struct(
    [
        ("genre", pa.large_string()),
        ("rule", pa.large_string()),
        ("value", pa.float64()),
        ("threshold", pa.float64()),
    ]
)

STOP_WORDS = {
    "de": "der die das und in zu den dem von mit ist nicht ein eine er sie es ich auf auch vnd vnnd daſ iſt",
    "en": "the and of to in a that is was it for with as his he be not by but had which thou hath this you",
    "es": "de la que el en y a los se del las un por con no una su para es al lo como más é",
    "fr": "de la le et les des en un une que qui dans est il à pour du ne pas je vous ce se sur eſt &",
    "it": "di e che la il un a per in una non è si del con i le da al sono della lo gli & più",
    "la": "et in est non ad ut cum quod qui sed si quae ex ab aut ac enim eius nec hoc per autem eſt &",
    "nl": "de het een en van in is dat op te zijn met voor die niet aan ende der den of ick ik hij je",
    "pt": "de a o que e do da em um para com não uma os no se na por mais as dos como é ao",
}
"""Words that any running text of a language holds, old spellings among them; Gopher asks for two."""

LAW_WORDS = (
    "artikel article artículo articolo artigo articulus art. artt. § §§ absatz abs. lid onderdeel alinéa al. comma"
)
"""Words by which statutes and treaties count their parts."""

FEW_LINES = 5
"""With fewer lines, how they end tells nothing: a passage may be cut anywhere."""

_PUNCTUATION = np.isin(np.arange(256), [*b".!?:;\"')]"])
_HASH = np.arange(256) == ord("#")
_BRACES = np.isin(np.arange(256), [*b"{}"])
_SYMBOL = np.isin(np.arange(256), [*b"#<>=_|\\{}[]~^`*$@+/"])


@dataclass(frozen=True)
class Statistics:
    """What is counted of each text; shares are of its words, lines or characters."""

    words: Ints
    mean_word_length: Floats
    alphabetic_words: Floats
    symbols_per_word: Floats
    stop_words: Ints
    bullet_lines: Floats
    ellipsis_lines: Floats
    punctuated_lines: Floats
    short_lines: Floats
    mean_line_length: Floats
    capital_lines: Floats
    lower_case_lines: Floats
    marked_lines: Floats
    speaker_lines: Floats
    law_words: Floats
    digits: Floats
    symbols: Floats
    braces: Floats
    duplicate_lines: Floats
    duplicate_line_characters: Floats
    duplicate_paragraphs: Floats
    duplicate_paragraph_characters: Floats
    top_ngrams: dict[int, Floats]
    duplicate_ngrams: dict[int, Floats]


def judge(words: Words, lang: pa.Array, settings: Quality) -> pa.Array:
    """The genre of each text, and the first rule that it breaks, with its value and the threshold."""
    found = statistics(words, lang)
    genre = genres(found)
    languages = np.array([known or "" for known in lang.to_pylist()], dtype=object)
    rule = np.full(words.texts, "", dtype=object)
    value, threshold = np.zeros(words.texts), np.zeros(words.texts)
    for check in RULES:
        measured = check.measure(found).astype(float)
        limit = _limits(check, settings, languages, genre)
        broken = check.breaks(measured, limit) & (rule == "")
        rule[broken], value[broken], threshold[broken] = check.name, measured[broken], limit[broken]
    passes = rule == ""
    return pa.StructArray.from_arrays(
        [
            pa.array(genre, pa.large_string()),
            pa.array(rule, pa.large_string(), mask=passes),
            pa.array(value, mask=passes),
            pa.array(threshold, mask=passes),
        ],
        fields=list(VERDICT),
    )


@dataclass(frozen=True)
class Rule:
    """A published rule: what it measures, and the field of the recipe (and place in it) that limits it."""

    name: str
    source: str
    measure: Callable[[Statistics], Floats | Ints]
    breaks: Callable[[Floats, Floats], Flags]
    field: str
    place: int | None = None


def _limits(rule: Rule, settings: Quality, languages: np.ndarray, genre: np.ndarray) -> Floats:
    """The limit of a rule for each text: its genre's, else its language's, else the general one."""

    def number(limit: Any) -> float:
        return float(limit if rule.place is None else limit[rule.place])

    limits = np.full(len(genre), number(getattr(settings, rule.field)))
    for own, names in ((settings.by_language, languages), (settings.by_genre, genre)):
        for name, fields in own.items():
            if rule.field in fields:
                limits[names == name] = number(fields[rule.field])
    return limits


TOP = (2, 3, 4)
REPEATED = (5, 6, 7, 8, 9, 10)

RULES = (
    Rule("too-short", "Gopher", lambda s: s.words, np.less, "min_words"),
    Rule("short-words", "Gopher", lambda s: s.mean_word_length, np.less, "min_word_length"),
    Rule("long-words", "Gopher", lambda s: s.mean_word_length, np.greater, "max_word_length"),
    Rule("symbols", "Gopher", lambda s: s.symbols_per_word, np.greater, "max_symbols_per_word"),
    Rule("alphabetic-words", "Gopher", lambda s: s.alphabetic_words, np.less, "min_alphabetic_words"),
    Rule("stop-words", "Gopher", lambda s: s.stop_words, np.less, "min_stop_words"),
    Rule("bullets", "Gopher", lambda s: s.bullet_lines, np.greater, "max_bullet_lines"),
    Rule("ellipses", "Gopher", lambda s: s.ellipsis_lines, np.greater, "max_ellipsis_lines"),
    Rule("braces", "C4", lambda s: s.braces, np.greater, "max_braces"),
    Rule("line-punctuation", "FineWeb", lambda s: s.punctuated_lines, np.less, "min_punctuated_lines"),
    Rule("short-lines", "FineWeb", lambda s: s.short_lines, np.greater, "max_short_lines"),
    Rule("duplicate-lines", "Gopher", lambda s: s.duplicate_lines, np.greater, "max_duplicate_lines"),
    Rule(
        "duplicate-line-characters",
        "Gopher, FineWeb",
        lambda s: s.duplicate_line_characters,
        np.greater,
        "max_duplicate_line_characters",
    ),
    Rule(
        "duplicate-paragraphs", "Gopher", lambda s: s.duplicate_paragraphs, np.greater, "max_duplicate_paragraphs"
    ),
    Rule(
        "duplicate-paragraph-characters",
        "Gopher",
        lambda s: s.duplicate_paragraph_characters,
        np.greater,
        "max_duplicate_paragraph_characters",
    ),
    *(
        Rule(f"top-{n}-gram", "Gopher", lambda s, n=n: s.top_ngrams[n], np.greater, "max_top_ngrams", place)  # type: ignore[misc]
        for place, n in enumerate(TOP)
    ),
    *(
        Rule(
            f"duplicate-{n}-grams",
            "Gopher",
            lambda s, n=n: s.duplicate_ngrams[n],  # type: ignore[misc]
            np.greater,
            "max_duplicate_ngrams",
            place,
        )
        for place, n in enumerate(REPEATED)
    ),
)


def statistics(words: Words, lang: pa.Array) -> Statistics:
    """Count what the rules and the genre need."""
    spans, lines, paragraphs = words.words, words.lines, words.paragraphs
    count = np.maximum(words.count, 1)
    total = np.maximum(words.length, 1)
    line_characters = lines.characters
    line_count = np.maximum(np.bincount(lines.doc, minlength=words.texts), 1)

    def of_lines(flags: Flags) -> Floats:
        return words.sum(flags, lines.doc) / line_count

    first, last = words.data[lines.start], words.data[lines.end - 1]
    long = line_characters >= 20
    ellipsis = (last == ord(".")) & (words.data[lines.end - 2] == ord(".")) & (line_characters > 2)
    ellipsis |= _ends_with(words, lines, "…")
    punctuated = _PUNCTUATION[last] | ellipsis
    for mark in ("”", "’", "»", "“", "·"):
        punctuated |= _ends_with(words, lines, mark)
    bullet = np.isin(first, [*b"-*"]) | _begins_with(words, lines, "•") | _begins_with(words, lines, "●")
    capital = (
        np.isin(first, np.arange(0x41, 0x5B)) | ~CHARACTER[words.data[np.minimum(lines.start + 1, lines.end - 1)]]
    )
    speaker = (line_characters < 40) & (last == ord("."))
    duplicate_line, duplicate_paragraph = _repeats(words, lines), _repeats(words, paragraphs)
    paragraph_characters = paragraphs.characters
    long_paragraph = paragraph_characters >= 20
    hashes, digits, symbols, braces = words.holds(_HASH, DIGIT, _SYMBOL, _BRACES)
    tops, repeated = _ngrams(words, total)
    return Statistics(
        words=words.count,
        mean_word_length=words.length / count,
        alphabetic_words=words.sum(words.alphabetic, spans.doc) / count,
        symbols_per_word=hashes / count,
        stop_words=_stop_words(words, lang),
        bullet_lines=of_lines(bullet),
        ellipsis_lines=of_lines(ellipsis),
        punctuated_lines=np.where(line_count < FEW_LINES, 1.0, of_lines(punctuated)),
        short_lines=of_lines(line_characters < 30),
        mean_line_length=words.sum(line_characters, lines.doc) / line_count,
        capital_lines=of_lines(capital),
        lower_case_lines=of_lines(np.isin(first, np.arange(0x61, 0x7B))),
        marked_lines=of_lines(np.isin(first, [*b"#>`|*-"])),
        law_words=words.sum(are_among(spans.hash, _law_hashes()), spans.doc) / count,
        speaker_lines=of_lines(speaker & duplicate_line),
        digits=digits / total,
        symbols=symbols / total,
        braces=braces / total,
        duplicate_lines=words.sum(duplicate_line & long, lines.doc) / np.maximum(words.sum(long, lines.doc), 1),
        duplicate_line_characters=words.sum(line_characters * duplicate_line, lines.doc)
        / np.maximum(words.sum(line_characters, lines.doc), 1),
        duplicate_paragraphs=words.sum(duplicate_paragraph & long_paragraph, paragraphs.doc)
        / np.maximum(words.sum(long_paragraph, paragraphs.doc), 1),
        duplicate_paragraph_characters=words.sum(paragraph_characters * duplicate_paragraph, paragraphs.doc)
        / np.maximum(words.sum(paragraph_characters, paragraphs.doc), 1),
        top_ngrams=tops,
        duplicate_ngrams=repeated,
    )


def genres(s: Statistics) -> np.ndarray:
    """Tell the genre of each text from its layout; what is nothing else is prose."""
    short = s.mean_line_length < 90
    return np.select(
        [
            (s.symbols > 0.06) | ((s.marked_lines > 0.4) & (s.symbols > 0.02) & short),
            s.digits > 0.2,
            s.law_words > 0.004,
            (s.speaker_lines > 0.04) & short,
            short & (s.capital_lines > 0.6) & (s.words > 0),
            s.digits + s.symbols > 0.03,
            short & (s.lower_case_lines > 0.2),
        ],
        ["code", "table", "law", "drama", "verse", "technical", "wrapped"],
        "prose",
    ).astype(object)


def _repeats(words: Words, spans: Spans) -> Flags:
    """Which spans have come before in their text."""
    return came_before(spans.hash, spans.bounds(words.texts))


def _ngrams(words: Words, total: Ints) -> tuple[dict[int, Floats], dict[int, Floats]]:
    """Shares of characters in each text's commonest n-gram, and in n-grams that came before.

    Longer n-grams are looked at only in texts where shorter ones leave room for a broken rule: no n-gram is
    commoner than the one within it, and what repeated longer ones cover repeated shorter ones cover too.
    """
    tops: dict[int, Floats] = {}
    among = np.ones(words.texts, bool)
    for n in TOP:
        characters, times = top_ngrams(words.words.hash, words.words.characters, words.bounds, n, among)
        tops[n] = characters / total
        among = times * LONG_NGRAM > LEAST_TOP * total
    repeated: dict[int, Floats] = {}
    among = np.ones(words.texts, bool)
    for n in REPEATED:
        repeated[n] = repeated_ngrams(words.words.hash, words.words.characters, words.bounds, n, among) / total
        among = repeated[REPEATED[0]] > LEAST_REPEATED
    return tops, repeated


LEAST_TOP, LONG_NGRAM = 0.1, 60
"""A text whose commonest n-gram, were it of 60 characters, had less than this share is not looked at further."""
LEAST_REPEATED = 0.05
"""Share of repeated 5-grams under which no longer n-gram is looked at."""


def _stop_words(words: Words, lang: pa.Array) -> Ints:
    """How many different stop words of its language each text has; texts in other languages have enough."""
    found = np.full(words.texts, 99, np.int64)
    languages = np.array([known or "" for known in lang.to_pylist()], dtype=object)
    for code, hashes in _stop_hashes().items():
        texts = languages == code
        if texts.any():
            hits = np.flatnonzero(texts[words.words.doc] & are_among(words.words.hash, hashes))
            doc = words.words.doc[hits]
            again = came_before(words.words.hash[hits], np.searchsorted(doc, np.arange(words.texts + 1)))
            found[texts] = np.bincount(doc[~again], minlength=words.texts)[texts]
    return found


@cache
def _law_hashes() -> Hashes:
    return hashes_of(LAW_WORDS)


@cache
def _stop_hashes() -> dict[str, Hashes]:
    return {lang: hashes_of(line) for lang, line in STOP_WORDS.items()}


def _ends_with(words: Words, spans: Spans, mark: str) -> Flags:
    encoded = mark.encode()
    found = spans.end - spans.start >= len(encoded)
    for place, byte in enumerate(encoded):
        found &= words.data[np.maximum(spans.end - len(encoded) + place, 0)] == byte
    return found


def _begins_with(words: Words, spans: Spans, mark: str) -> Flags:
    encoded = mark.encode()
    found = spans.end - spans.start >= len(encoded)
    for place, byte in enumerate(encoded):
        found &= words.data[np.minimum(spans.start + place, len(words.data) - 1)] == byte
    return found
