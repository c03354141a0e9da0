"""Historical orthography: whether a continuation keeps the spelling of its prompt, as the true text does.

Of held-out texts in old spelling a window is read: its beginning is the prompt, the rest the true continuation.
Three things are measured of each feature (spelling_features.py): how often the old form stands where either could;
how near the model's rate comes to that of the true text; and, word by word in the true text, whether the model
finds the old form likelier than the modern one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from octavo.evaluation.bootstrap import ratio
from octavo.evaluation.openings import Document, draw
from octavo.evaluation.scoring import continuation_bits
from octavo.evaluation.speaker import Speaker
from octavo.evaluation.spelling_features import LANGUAGES, LONG_S, Feature, common_length, features_of
from octavo.modeling.decoding import Decoding
from octavo.progress import Progress

FILE: Final = "orthography.json"
PROMPT_TOKENS: Final = 96
DECODINGS: Final = {"greedy": Decoding(), "drawn": Decoding(temperature=1.0, repetition_penalty=1.0)}
"""As the model is best used, and by its own distribution, where no penalty weighs on a letter that comes often."""
LEAST_SITES: Final = 2
"""Sites that a prompt needs, half of them old, for a feature to apply."""
WORDS: Final = 4
"""Of a feature in a window whose two spellings are weighed."""

_OLD_SITES: Final = 3
"""In a prompt of a text in old spelling, of features that tell its age."""
_TRIES: Final = 12
_SPAN: Final = re.compile(r"\W{0,3}\w+")
"""The word after one, weighed together with it: only there does the model tell that the word is over."""


class Window(NamedTuple):
    """A stretch of a text in old spelling."""

    document: Document
    prompt: str
    truth: str
    tokens: list[int]
    """Of the prompt."""


class Word(NamedTuple):
    """A word of a true continuation in two spellings, with what stands before it and the word after it."""

    window: int
    feature: Feature
    before: str
    old: str
    modern: str


def measure_orthography(
    speaker: Speaker, documents: Sequence[Document], seed: int, prompts: int, max_tokens: int, progress: Progress
) -> dict[str, Any]:
    """Rates, agreement and preference of each feature by language, with the continuations.

    `prompts` works of each language at most, of those that are in old spelling.
    """
    windows = find_windows(speaker, documents, seed, prompts, max_tokens)
    decodings = {name: replace(d, max_tokens=max_tokens, seed=seed) for name, d in DECODINGS.items()}
    said = {}
    for name, decoding in decodings.items():
        ids = [f"{w.document.id} spelling" for w in windows]
        tokens = speaker.say([w.tokens for w in windows], ids, decoding, progress, f"orthography, {name}")
        said[name] = speaker.decode(tokens)
    words = [word for number, window in enumerate(windows) for word in old_words(window, number)]
    progress.check()
    weighed = _weigh(speaker, words)
    return {
        "settings": {
            "prompt_tokens": PROMPT_TOKENS,
            "decodings": {n: d.settings for n, d in decodings.items()},
            "seed": seed,
            "prompts": prompts,
            "interval": "percentile bootstrap over works, 95 %; null under five works",
        },
        "works": {lang: sum(w.document.lang == lang for w in windows) for lang in LANGUAGES},
        "features": list(_rows(windows, said, words, weighed)),
        "continuations": [
            {
                "id": window.document.id,
                "lang": window.document.lang,
                "prompt": window.prompt,
                "truth": window.truth,
                **{name: texts[number] for name, texts in said.items()},
            }
            for number, window in enumerate(windows)
        ],
    }


def find_windows(
    speaker: Speaker, documents: Sequence[Document], seed: int, count: int, after: int
) -> list[Window]:
    """Of each language `count` works at most that are in old spelling, each with the first such window found."""
    length = min(PROMPT_TOKENS, speaker.context // 2)
    after = min(after, speaker.context - 1 - length)

    def excerpt(document: Document) -> Window | None:
        for start in _starts(document.text):
            piece = document.text[start : start + 12 * (length + after)]
            if not is_old(piece, document.lang):
                continue
            [tokens] = speaker.encode([piece])
            if len(tokens) < length + after:
                continue
            prompt, truth = speaker.decode([tokens[:length], tokens[length : length + after]])
            if is_old(prompt, document.lang):
                return Window(document, prompt, truth, tokens[:length])
        return None

    wanted = [document for document in documents if document.lang in LANGUAGES]
    return [window for _, window in draw(wanted, count, seed, excerpt)]


def is_old(text: str, lang: str) -> bool:
    """Whether a text has old forms that no modern one has, and more of them than new ones."""
    rates = [feature.rates(text) for feature in features_of(lang) if feature.tells_age]
    old, sites = sum(r[0] for r in rates), sum(r[1] for r in rates if r[0])
    return old >= _OLD_SITES and 2 * old >= sites


def old_words(window: Window, number: int) -> Iterator[Word]:
    """Words of the true continuation that have the old form, the first WORDS of each feature that applies."""
    text = window.prompt + window.truth
    for feature in features_of(window.document.lang):
        if not applies(feature, window.prompt):
            continue
        taken = 0
        last = len(window.prompt)
        for site in sorted(feature.sites(text)):
            if not site.old or site.start < last or taken == WORDS:
                continue
            start, end = site.start, site.end
            while start > 0 and _in_word(text[start - 1]):
                start -= 1
            while end < len(text) and _in_word(text[end]):
                end += 1
            following = _SPAN.match(text, end)
            word = text[start:end]
            modern = feature.modernised(word)
            if start >= len(window.prompt) and following and modern != word:
                yield Word(number, feature, text[:start], word + following[0], modern + following[0])
                taken += 1
            last = end


def applies(feature: Feature, prompt: str) -> bool:
    """Whether a prompt shows a feature: sites enough, half of them old; that a round s ends words, beside an ſ."""
    old, sites = feature.rates(prompt)
    return sites >= LEAST_SITES and 2 * old >= sites and (feature.name != f"{LONG_S}_end" or "ſ" in prompt)


def agreement(first: tuple[int, int], second: tuple[int, int]) -> float:
    """1 less the difference between two rates, each old sites of sites."""
    return 1 - abs(first[0] / first[1] - second[0] / second[1])


def _starts(text: str) -> list[int]:
    """Where windows are looked for: at equal distances, at the beginning of a word, from the middle on.

    Front matter is seldom like the text.
    """
    places = [len(text) * n // _TRIES for n in range(_TRIES)]
    places = places[_TRIES // 2 :] + places[: _TRIES // 2]
    return [
        0 if place == 0 else found.end() for place in places if (found := re.compile(r"\s").search(text, place))
    ]


def _in_word(sign: str) -> bool:
    return sign.isalnum() or sign in "ͤ&"


def _weigh(speaker: Speaker, words: Sequence[Word]) -> list[tuple[float, float]]:
    """Bits of each word, and the one after it, in the old and in the modern spelling, after the same text."""
    found = []
    for forms in ([w.old for w in words], [w.modern for w in words]):
        found.append(speaker.encode([w.before + form for w, form in zip(words, forms, strict=True)]))
    prompts, rests = [], []
    for old, modern in zip(*found, strict=True):
        same = common_length(old, modern)
        prompts += [[speaker.begin, *old[:same]]] * 2
        rests += [old[same:], modern[same:]]
    bits = continuation_bits(speaker.model, prompts, rests)
    return list(zip(bits[::2].tolist(), bits[1::2].tolist(), strict=True))


def _rows(
    windows: Sequence[Window],
    said: dict[str, list[str]],
    words: Sequence[Word],
    weighed: Sequence[tuple[float, float]],
) -> Iterator[dict[str, Any]]:
    for lang in LANGUAGES:
        for feature in features_of(lang):
            places = [n for n, w in enumerate(windows) if w.document.lang == lang and applies(feature, w.prompt)]
            if not places:
                continue
            rates = {
                "prompt": [feature.rates(windows[n].prompt) for n in places],
                "truth": [feature.rates(windows[n].truth) for n in places],
                **{name: [feature.rates(texts[n]) for n in places] for name, texts in said.items()},
            }
            row: dict[str, Any] = {"lang": lang, "feature": feature.name, "works": len(places)}
            row["rates"] = {
                name: ratio([old for old, _ in found], [of for _, of in found])._asdict()
                | {"sites": sum(s for _, s in found)}
                for name, found in rates.items()
            }
            row["agreement"] = {
                name: ratio(
                    [agreement(a, b) for a, b in zip(rates[name], rates["truth"], strict=True) if a[1] and b[1]]
                )._asdict()
                for name in ("prompt", *said)
            }
            row["agreement"]["modern"] = ratio([1 - old / of for old, of in rates["truth"] if of])._asdict()
            row["preference"] = _preference(
                [n for n, w in enumerate(words) if w.feature is feature], words, weighed
            )
            yield row


def _preference(
    places: Sequence[int], words: Sequence[Word], weighed: Sequence[tuple[float, float]]
) -> dict[str, Any] | None:
    """How often the old form costs fewer bits, how many it saves, and bits of both, each with the word after it."""
    if not places:
        return None
    by_work: dict[int, list[int]] = {}
    for place in places:
        by_work.setdefault(words[place].window, []).append(place)
    groups = list(by_work.values())
    counts = [float(len(group)) for group in groups]

    def bits(form: int) -> dict[str, Any]:
        return ratio([sum(weighed[p][form] for p in group) for group in groups], counts)._asdict()

    return {
        "words": len(places),
        "old_likelier": ratio(
            [sum(weighed[p][0] < weighed[p][1] for p in group) for group in groups], counts
        )._asdict(),
        "bits_saved": ratio(
            [sum(weighed[p][1] - weighed[p][0] for p in group) for group in groups], counts
        )._asdict(),
        "bits": {"old": bits(0), "modern": bits(1)},
    }
