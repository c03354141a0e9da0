"""Repetition: how varied a continuation is, the longest span that comes twice, and whether it ends in a loop.

Measured at several temperatures and repetition penalties, beside the true continuations of the same prompts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from octavo.evaluation.adherence import counted, detect, verdict
from octavo.evaluation.bootstrap import ratio
from octavo.evaluation.intervals import share
from octavo.evaluation.openings import Document, Opening, beginnings
from octavo.evaluation.prompts import read_prompts
from octavo.evaluation.report.repetition_plot import repetition_plot
from octavo.evaluation.scoring import continuation_bits
from octavo.evaluation.speaker import Speaker
from octavo.lineage import write_atomically
from octavo.modeling.decoding import Decoding
from octavo.progress import Progress

FILE: Final = "repetition.json"
PLOT: Final = "repetition.svg"
TEMPERATURES: Final = (0.0, 0.7, 1.0)
PENALTIES: Final = (1.0, 1.1, 1.2, 1.3)
PROMPT_TOKENS: Final = 32
N: Final = (1, 2, 3, 4)

LOOP_TIMES: Final = 3
"""A loop comes so often at least, the last time perhaps in part."""
LOOP_TOKENS: Final = 8
"""And takes up so many tokens at least."""


class Loop(NamedTuple):
    """A span with which a text ends, over and over."""

    period: int
    """Its length."""
    length: int
    """Of all its repeats together."""


class Measured(NamedTuple):
    """Repetition in a continuation."""

    distinct: list[float]
    """For each n of N."""
    longest_tokens: int
    longest_characters: int
    loop: Loop | None


def measure_text(tokens: Sequence[int], text: str) -> Measured:
    """All figures of a continuation, by its tokens and its text."""
    signs = "".join(map(_sign, tokens))
    return Measured(
        [distinct(tokens, n) for n in N], longest_repeat(signs), longest_repeat(text), loop_at_end(tokens)
    )


def distinct(tokens: Sequence[int], n: int) -> float:
    """Different n-grams by all n-grams (Li et al., 2016); 1 where there is none."""
    grams = [tuple(tokens[at : at + n]) for at in range(len(tokens) - n + 1)]
    return len(set(grams)) / len(grams) if grams else 1.0


def longest_repeat(text: str) -> int:
    """Length of the longest span that comes twice, perhaps overlapping itself.

    The beginnings of a span that comes twice do so too, so that its length can be found by halving.
    """
    low, high = 0, max(0, len(text) - 1)
    while low < high:
        length = (low + high + 1) // 2
        places = len(text) - length + 1
        if len({text[at : at + length] for at in range(places)}) < places:
            low = length
        else:
            high = length - 1
    return low


def loop_at_end(tokens: Sequence[int]) -> Loop | None:
    """The loop with the shortest period: LOOP_TIMES times and LOOP_TOKENS tokens at least, up to the end."""
    for period in range(1, len(tokens) // LOOP_TIMES + 1):
        length = period
        while length < len(tokens) and tokens[-1 - length] == tokens[-1 - length + period]:
            length += 1
        if length >= max(LOOP_TIMES * period, LOOP_TOKENS):
            return Loop(period, length)
    return None


def measure_repetition(
    speaker: Speaker,
    documents: Sequence[Document],
    languages: Sequence[str],
    seed: int,
    prompts: int,
    max_tokens: int,
    home: Path,
    progress: Progress,
) -> dict[str, Any]:
    """The figures at each temperature and penalty, with the continuations; writes `home`/repetition.svg.

    Prompts are the beginnings of held-out works, `prompts` of each language at most; where there are fewer, prompts
    of our own make up the number, which have no true continuation.
    """
    openings = _openings(speaker, documents, languages, seed, prompts, max_tokens)
    ids = [f"{o.id} repetition" for o in openings]
    truths = [o for o in openings if o.truth]
    rows = [_row({"temperature": None, "repetition_penalty": None}, speaker, truths, [o.truth for o in truths])]
    continuations: list[dict[str, Any]] = []
    for temperature in TEMPERATURES:
        for penalty in PENALTIES:
            decoding = Decoding(max_tokens, temperature, repetition_penalty=penalty, seed=seed)
            note = f"repetition, temperature {temperature:g}, penalty {penalty:g}"
            said = speaker.say([o.prompt for o in openings], ids, decoding, progress, note)
            setting = {k: v for k, v in asdict(decoding).items() if k in ("temperature", "repetition_penalty")}
            rows.append(_row(setting, speaker, openings, said))
            texts = speaker.decode(said)
            continuations += [
                {"id": o.id, **setting, "continuation": text} for o, text in zip(openings, texts, strict=True)
            ]
    figures = [row for row in rows if row["n"]]
    if any(row["temperature"] is not None for row in figures):
        write_atomically(home / PLOT, repetition_plot(figures).encode())
    shown = speaker.decode([o.prompt for o in openings])
    return {
        "settings": {
            "prompt_tokens": PROMPT_TOKENS,
            "max_tokens": max_tokens,
            "seed": seed,
            "loop": {"times": LOOP_TIMES, "tokens": LOOP_TOKENS},
            "intervals": "95 %; of loops Wilson, else percentile bootstrap over prompts",
        },
        "repetition": figures,
        "prompts": [{"id": o.id, "lang": o.lang, "prompt": text} for o, text in zip(openings, shown, strict=True)],
        "continuations": continuations,
    }


def _openings(
    speaker: Speaker,
    documents: Sequence[Document],
    languages: Sequence[str],
    seed: int,
    prompts: int,
    max_tokens: int,
) -> list[Opening]:
    length = min(PROMPT_TOKENS, speaker.context // 2)
    after = min(max_tokens, speaker.context - 1 - length)
    found = beginnings(speaker, documents, prompts, seed, length, after)
    own = [p for p in read_prompts(languages) if p.kind == "neutral"]
    for lang in languages:
        lacking = prompts - sum(o.lang == lang for o in found)
        added = [p for p in own if p.lang == lang][: max(0, lacking)]
        encoded = speaker.encode([p.text for p in added])
        found += [Opening(p.id, lang, "own", tokens, []) for p, tokens in zip(added, encoded, strict=True)]
    return found


def _row(
    setting: dict[str, Any], speaker: Speaker, openings: Sequence[Opening], said: Sequence[list[int]]
) -> dict[str, Any]:
    """The figures of one setting; empty continuations do not count."""
    some = [(o, tokens) for o, tokens in zip(openings, said, strict=True) if tokens]
    texts = speaker.decode([tokens for _, tokens in some])
    found = [measure_text(tokens, text) for (_, tokens), text in zip(some, texts, strict=True)]
    row: dict[str, Any] = {**setting, "n": len(found), "empty": len(said) - len(some)}
    if not found:
        return row
    for place, n in enumerate(N):
        row[f"distinct_{n}"] = ratio([m.distinct[place] for m in found])._asdict()
    row["longest_tokens"] = ratio([m.longest_tokens for m in found])._asdict()
    row["longest_characters"] = ratio([m.longest_characters for m in found])._asdict()
    looping = share(np.array([[m.loop is not None] for m in found]))
    row["loops"] = {key: round(value, 4) for key, value in looping._asdict().items()}
    periods = [m.loop.period for m in found if m.loop]
    row["loop_periods"] = {"median": float(np.median(periods)), "most": max(periods)} if periods else None
    bits = continuation_bits(
        speaker.model, [[speaker.begin, *o.prompt] for o, _ in some], [tokens for _, tokens in some]
    )
    kept = [verdict(detect(text), o.lang) for (o, _), text in zip(some, texts, strict=True)]
    row["language_kept"] = counted(kept)["kept_of_all"]
    row["bits_per_byte"] = ratio(bits.tolist(), [len(text.encode()) for text in texts])._asdict()
    return row


def _sign(token: int) -> str:
    """One character for a token, none of them a surrogate."""
    return chr(token if token < 0xD800 else token + 0x800)
