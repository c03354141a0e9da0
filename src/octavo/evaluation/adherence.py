"""Language adherence: whether a continuation is in the language of its prompt.

Two detectors that share neither training text nor features must agree: CLD2 (Sites, 2013: sequences of four
letters) and langid (Lui and Baldwin, 2012: sequences of up to four bytes, chosen to tell languages, not subjects,
apart). Where they do not, the continuation is undecided, which is told beside the share. The true continuations are
judged alike: what they do not reach is the detectors' doing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import pycld2
import yaml

from octavo.evaluation.intervals import share
from octavo.evaluation.openings import Document, Opening, beginnings, sentences
from octavo.evaluation.prompts import read_prompts
from octavo.evaluation.speaker import Speaker
from octavo.modeling.decoding import Decoding
from octavo.progress import Progress

FILE: Final = "adherence.json"
LENGTHS: Final = (16, 32, 64)
"""Tokens of the prompts, beside whole opening sentences."""
TEMPERATURES: Final = (0.0, 0.7, 1.0)
PENALTY: Final = 1.2
"""Of repetition, as in the figures published of other models of this kind."""
UNDECIDED: Final = "und"
ALL: Final = "all"
OWN: Final = "own"
"""Prompts of our own, the same for each model."""
VARIED: Final = ("32 tokens", OWN)
"""Kinds of prompts that are continued at each temperature; the others greedily alone."""

_LEAST_LETTERS: Final = 20
"""Below, no detector is to be believed."""
_CODE: Final = re.compile(r"`[^`\n]*`|<[^<>\n]*>|https?://\S+|www\.\S+")
"""In no language."""
_CODES: Final = {"iw": "he", "jw": "jv", "zh-Hant": "zh"}

Verdict = Literal["kept", "left", "undecided"]


class Switch(NamedTuple):
    """A prompt in two languages."""

    id: str
    kind: str
    """closed: the quotation is over; open: a text in the second language has just begun."""
    lang: str
    """Of the prompt as a whole."""
    second: str
    expected: str
    """In which the continuation should be."""
    why: str
    text: str


class _Said(NamedTuple):
    opening: Opening
    temperature: float | None
    """None of the true continuation."""
    text: str
    lang: str


def detect(text: str) -> str:
    """The language on which both detectors agree (ISO 639-1), or UNDECIDED; old spelling is read with s for ſ."""
    text = " ".join(_CODE.sub(" ", text).replace("ſ", "s").split())
    if sum(map(str.isalpha, text)) < _LEAST_LETTERS:
        return UNDECIDED
    try:
        first = pycld2.detect(text, isPlainText=True, bestEffort=True)[2][0][1]
    except pycld2.error:  # control characters
        return UNDECIDED
    return first if _CODES.get(first, first) == _langid().classify(text)[0] else UNDECIDED


def measure_adherence(
    speaker: Speaker,
    documents: Sequence[Document],
    languages: Sequence[str],
    seed: int,
    prompts: int,
    max_tokens: int,
    progress: Progress,
) -> dict[str, Any]:
    """The shares of continuations in the prompt's language, with the continuations.

    Prompts are the beginnings of held-out works, `prompts` of each language at most, and as many of our own.
    """
    openings = _openings(speaker, documents, languages, seed, prompts, max_tokens)
    switches = [s for s in read_switches() if {s.lang, s.second} <= set(languages)]
    decodings = {t: Decoding(max_tokens, t, repetition_penalty=PENALTY, seed=seed) for t in TEMPERATURES}
    truths = [o for o in openings if o.truth]
    said = [
        _Said(o, None, text, detect(text))
        for o, text in zip(truths, speaker.decode([o.truth for o in truths]), strict=True)
    ]
    switched: dict[float, list[tuple[Switch, str, str]]] = {}
    for temperature, decoding in decodings.items():
        asked = [o for o in openings if temperature == 0 or o.kind in VARIED]
        ids = [f"{o.id} {o.kind}" for o in asked]
        texts = _say(speaker, [o.prompt for o in asked], ids, decoding, progress)
        said += [_Said(o, temperature, text, detect(text)) for o, text in zip(asked, texts, strict=True)]
        both = speaker.encode([s.text for s in switches])
        texts = _say(speaker, both, [s.id for s in switches], decoding, progress)
        switched[temperature] = [(s, text, detect(text)) for s, text in zip(switches, texts, strict=True)]
    prompts_of = speaker.decode([o.prompt for o in openings])
    shown = dict(zip([(o.id, o.kind) for o in openings], prompts_of, strict=True))
    return {
        "settings": {
            "detectors": ["CLD2", "langid"],
            "decodings": [d.settings for d in decodings.values()],
            "seed": seed,
            "prompts": prompts,
            "interval": "Wilson, 95 %",
        },
        "adherence": list(_shares(said)),
        "code_switching": list(_switch_shares(switched)),
        "continuations": [
            {
                "id": s.opening.id,
                "lang": s.opening.lang,
                "prompts": s.opening.kind,
                "temperature": s.temperature,
                "prompt": shown[s.opening.id, s.opening.kind],
                "continuation": s.text,
                "found": s.lang,
            }
            for s in said
        ],
        "switched": [
            {
                "id": s.id,
                "expected": s.expected,
                "temperature": temperature,
                "prompt": s.text,
                "continuation": text,
                "found": lang,
            }
            for temperature, rows in switched.items()
            for s, text, lang in rows
        ],
    }


@cache
def read_switches() -> list[Switch]:
    """The prompts in two languages, of our own."""
    file = Path(__file__).with_name("code_switching.yaml")
    rows = yaml.safe_load(file.read_text(encoding="utf-8"))
    return [Switch(f"switch-{number}", **row) for number, row in enumerate(rows, 1)]


def _openings(
    speaker: Speaker,
    documents: Sequence[Document],
    languages: Sequence[str],
    seed: int,
    prompts: int,
    max_tokens: int,
) -> list[Opening]:
    found = sentences(speaker, documents, prompts, seed, max_tokens)
    for length in LENGTHS:
        if length < speaker.context - 1:
            after = min(max_tokens, speaker.context - 1 - length)
            found += beginnings(speaker, documents, prompts, seed, length, after)
    own = [p for p in read_prompts(languages) if p.kind == "neutral"]
    first = [p for lang in languages for p in [p for p in own if p.lang == lang][:prompts]]
    encoded = speaker.encode([p.text for p in first])
    found += [Opening(p.id, p.lang, OWN, tokens, []) for p, tokens in zip(first, encoded, strict=True)]
    return found


def _say(
    speaker: Speaker, prompts: Sequence[list[int]], ids: Sequence[str], decoding: Decoding, progress: Progress
) -> list[str]:
    note = f"adherence, temperature {decoding.temperature:g}"
    return speaker.decode(speaker.say(prompts, ids, decoding, progress, note))


def verdict(found: str, expected: str) -> Verdict:
    """What a language found says of the one expected."""
    if found == UNDECIDED:
        return "undecided"
    return "kept" if found == expected else "left"


def _shares(said: Sequence[_Said]) -> Iterator[dict[str, Any]]:
    """Of each language, and all, by kind of prompt and temperature."""
    groups: dict[tuple[str, str, float | None], list[Verdict]] = {}
    for s in said:
        for lang in (ALL, s.opening.lang):
            groups.setdefault((lang, s.opening.kind, s.temperature), []).append(verdict(s.lang, s.opening.lang))
    for (lang, kind, temperature), verdicts in groups.items():
        yield {"lang": lang, "prompts": kind, "temperature": temperature, **counted(verdicts)}


def counted(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """How many there are of each, and the share that kept the language of those that are decided, with bounds.

    `kept_of_all` takes the undecided ones for such as left it: the lowest that the share can be.
    """
    kept, undecided = verdicts.count("kept"), verdicts.count("undecided")
    decided = len(verdicts) - undecided
    found: dict[str, Any] = {"n": len(verdicts), "kept": kept, "left": decided - kept, "undecided": undecided}
    for name, of in (("share", decided), ("kept_of_all", len(verdicts))):
        if of:
            interval = share((np.arange(of) < kept)[:, None])
            found[name] = {key: round(value, 4) for key, value in interval._asdict().items()}
        else:
            found[name] = None
    return found


def _switch_shares(switched: dict[float, list[tuple[Switch, str, str]]]) -> Iterator[dict[str, Any]]:
    for temperature, rows in switched.items():
        for kind in dict.fromkeys(switch.kind for switch, _, _ in rows):
            found = [(s, lang) for s, _, lang in rows if s.kind == kind]
            other = sum(lang != s.expected and lang in (s.lang, s.second) for s, lang in found)
            yield {
                "kind": kind,
                "temperature": temperature,
                **counted([verdict(lang, s.expected) for s, lang in found]),
                "in_the_other_language": other,
            }


@cache
def _langid() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE)
