"""Bits per byte on held-out text, by language, century, collection and source, beside two floors on the same text.

A bit per byte is comparable between tokenizers, as a loss per token is not.
"""

from __future__ import annotations

import lzma
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from octavo.evaluation.bootstrap import Estimate, mean_of_ratios, ratio
from octavo.evaluation.held_out_text import Text, digest
from octavo.evaluation.scoring import text_bits
from octavo.evaluation.speaker import Speaker
from octavo.progress import Progress
from octavo.tokenization.shards import Shard

FILE: Final = "bits_per_byte.json"
ALL: Final = "all"
"""Stands for all languages together."""

_BY: Final[dict[str, Callable[[Text], Any]]] = {
    "century": lambda text: text.century,
    "collection": lambda text: text.collection,
    "source": lambda text: text.source,
}

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Floors:
    """What the text costs without a model."""

    xz: dict[str, float]
    """Bits of each language's text, compressed by xz -9."""
    unigram: Floats | None = None
    """Bits of each entry of the vocabulary by its frequency in training; None where that is not known."""


class _Scored(NamedTuple):
    text: Text
    bytes: int
    tokens: int
    bits: float
    unigram: float | None


def measure(speaker: Speaker, texts: Sequence[Text], floors: Floors, progress: Progress) -> dict[str, Any]:
    """The figures of bits_per_byte.json; `texts` are ordered by language."""
    scored: list[_Scored] = []
    restored: dict[str, int] = {}
    for lang, group in groupby(texts, key=lambda text: text.lang):
        progress.check()
        progress.update(len(scored), len(texts), f"bits per byte, {lang}")
        part = list(group)
        encoded = speaker.encode([text.text for text in part])
        restored[lang] = _restored(speaker, part, encoded)
        bits = text_bits(speaker.model, encoded, speaker.begin)
        scored += [
            _Scored(text, len(text.text.encode()), len(ids), float(cost), _unigram(floors, ids))
            for text, ids, cost in zip(part, encoded, bits, strict=True)
        ]
    languages = {lang: list(found) for lang, found in groupby(scored, key=lambda one: one.text.lang)}
    rows = {
        lang: _with_xz(_row(found), floors.xz[lang]) | {"restored": restored[lang]}
        for lang, found in languages.items()
    }
    mean = mean_of_ratios({lang: _ratio_over_works(found) for lang, found in languages.items()})
    return {
        "settings": {
            "context": speaker.context,
            "overlap": speaker.context - max(speaker.context // 2, 1),
            "precision": "float32",
            "interval": "bootstrap over works, 95 %",
        },
        "text": {"blake3": digest(texts), "documents": len(scored), "bytes": sum(one.bytes for one in scored)},
        "languages": rows,
        "mean": _mean(rows),
        "mean_interval": _interval(mean),
        "groups": list(_groups(scored)),
        "works": list(_works(scored)),
    }


def in_short(figures: dict[str, Any]) -> dict[str, Any]:
    """The figures by language and their mean."""
    return {name: figures[name] for name in ("languages", "mean", "mean_interval")}


def xz_bits(texts: Iterable[Text]) -> dict[str, float]:
    """Bits of each language's text, its documents joined by line breaks, as xz -9 compresses it."""
    return {
        lang: 8.0 * len(lzma.compress("\n".join(text.text for text in group).encode(), preset=9))
        for lang, group in groupby(texts, key=lambda text: text.lang)
    }


def unigram_bits(shards: list[Shard], vocab_size: int) -> Floats:
    """Bits of each entry by its frequency in the training tokens, with one added to each count."""
    counts = np.ones(vocab_size, np.float64)
    for shard in shards:
        for start in range(0, len(shard.tokens), 1 << 24):
            counts += np.bincount(shard.tokens[start : start + (1 << 24)], minlength=vocab_size)
    bits: Floats = -np.log2(counts / counts.sum())
    return bits


def difference(figures: dict[str, Any], other: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """How many more bits per byte the first model needs than the second on the same text, by language.

    Each work is taken with both models' bits, so that what makes a work hard for both cancels out.
    """
    theirs = {(work["lang"], work["work"]): work["bits"] for work in other["works"]}
    by_language: dict[str, tuple[list[float], list[float]]] = {}
    for work in figures["works"]:
        parts, wholes = by_language.setdefault(work["lang"], ([], []))
        parts.append(work["bits"] - theirs[work["lang"], work["work"]])
        wholes.append(work["bytes"])
    found = {lang: ratio(parts, wholes) for lang, (parts, wholes) in by_language.items()}
    return {lang: one._asdict() for lang, one in {**found, "mean": mean_of_ratios(by_language)}.items()}


def _restored(speaker: Speaker, texts: Sequence[Text], encoded: Sequence[list[int]]) -> int:
    """How many texts come back from their tokens; a space that a tokenizer puts before a text is no loss."""
    decoded = speaker.tokenizer.decode_batch(list(encoded), skip_special_tokens=False)
    return sum(a.lstrip(" ") == b.text.lstrip(" ") for a, b in zip(decoded, texts, strict=True))


def _unigram(floors: Floors, ids: list[int]) -> float | None:
    return None if floors.unigram is None else float(floors.unigram[np.array(ids, np.int64)].sum())


def _groups(scored: Sequence[_Scored]) -> Iterator[dict[str, Any]]:
    """By each division, over all languages and within each."""
    for by, value_of in _BY.items():
        found: dict[tuple[Any, str], list[_Scored]] = {}
        for one in scored:
            for lang in (ALL, one.text.lang):
                found.setdefault((value_of(one.text), lang), []).append(one)
        order = sorted(
            found, key=lambda key: (key[1] != ALL, key[1], key[0] is None, "" if key[0] is None else key[0])
        )
        for value, lang in order:
            yield {"by": by, "value": value, "lang": lang, **_row(found[value, lang])}


def _row(scored: Sequence[_Scored]) -> dict[str, Any]:
    size = sum(one.bytes for one in scored)
    parts, wholes = _ratio_over_works(scored)
    found = ratio(parts, wholes)
    bits: dict[str, float | None] = {"model": found.value}
    if scored[0].unigram is not None:
        bits["unigram"] = round(sum(one.unigram or 0.0 for one in scored) / size, 4)
    return {
        "works": found.works,
        "documents": len(scored),
        "bytes": size,
        "tokens": sum(one.tokens for one in scored),
        "bits_per_byte": bits,
        "interval": _interval(found),
    }


def _with_xz(row: dict[str, Any], bits: float) -> dict[str, Any]:
    return row | {"bits_per_byte": row["bits_per_byte"] | {"xz": round(bits / row["bytes"], 4)}}


def _ratio_over_works(scored: Iterable[_Scored]) -> tuple[list[float], list[float]]:
    """Bits and bytes of each work."""
    works = list(_works(scored))
    return [work["bits"] for work in works], [work["bytes"] for work in works]


def _works(scored: Iterable[_Scored]) -> Iterator[dict[str, Any]]:
    """By work and language, as a work may be in several."""
    works: dict[tuple[str, str], dict[str, Any]] = {}
    for one in scored:
        empty = {"lang": one.text.lang, "work": one.text.work, "documents": 0, "bytes": 0, "tokens": 0, "bits": 0.0}
        work = works.setdefault((one.text.lang, one.text.work), empty)
        work["documents"] += 1
        work["bytes"] += one.bytes
        work["tokens"] += one.tokens
        work["bits"] += one.bits
    for work in works.values():
        yield work | {"bits": round(work["bits"], 3)}


def _interval(found: Estimate) -> dict[str, float | None]:
    return {"low": found.low, "high": found.high}


def _mean(languages: dict[str, Any]) -> dict[str, float]:
    """Mean over the languages, each counting alike."""
    if not languages:
        return {}
    names = next(iter(languages.values()))["bits_per_byte"]
    return {
        name: round(sum(v["bits_per_byte"][name] for v in languages.values()) / len(languages), 4) for name in names
    }
