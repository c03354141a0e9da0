"""What turns texts into token ids: the fastest encoder that gives the ids of the reference, Hugging Face's.

Octavo has one of its own for superwords (octavo.tokenization.superword_encoder). For other tokenizers there is
fastokens, which knows the commonest splits by heart and takes any other for the regular expression that it is. By
heart it reads some texts otherwise than the reference: where a split ignores case, 's matches 'ſ too. So each way
is tried on hard texts and on a sample of the corpus, and the first is taken that gives the same ids throughout.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from itertools import pairwise
from typing import Any

import fastokens  # type: ignore[import-untyped]
import numpy as np
from tokenizers import Tokenizer

Encode = Callable[[list[str]], list[np.ndarray]]
"""Takes texts and gives the ids of each in uint32, without begin and end; special entries' names are text."""


@dataclass(frozen=True)
class Encoder:
    """An encoder that was found to give the reference's ids."""

    name: str
    encode: Encode
    refused: str | None = None
    """Of the reference: why no faster one was taken."""


def fastest_encoder(tokenizer: Tokenizer, texts: list[str]) -> Encoder:
    """The fastest encoder whose ids are those of the reference on `texts` and on hard cases."""
    reference = reference_encoder(tokenizer)
    tested = [*_hard_texts(), *texts]
    expected = reference.encode(tested)
    refused = None
    for name, load in _candidates(tokenizer, reference.encode):
        try:
            encode = load()
        except ValueError as error:  # what it has no code for
            refused = f"{name} cannot read this tokenizer ({str(error).splitlines()[0]})"
            continue
        differing = next((n for n, ids in enumerate(encode(tested)) if not np.array_equal(ids, expected[n])), None)
        if differing is None:
            return Encoder(name, encode)
        refused = f"{name} gives other ids, first on {_excerpt(tested[differing])}"
    return Encoder(reference.name, reference.encode, refused)


def reference_encoder(tokenizer: Tokenizer) -> Encoder:
    """Hugging Face's own encoder."""

    def encode(texts: list[str]) -> list[np.ndarray]:
        return [np.array(e.ids, np.uint32) for e in tokenizer.encode_batch_fast(texts, add_special_tokens=False)]

    return Encoder(f"tokenizers {version('tokenizers')}", encode)


def _candidates(tokenizer: Tokenizer, reference: Encode) -> Iterator[tuple[str, Callable[[], Encode]]]:
    """Names of encoders and what loads them, the fastest first."""
    from octavo.tokenization.superword_encoder import superword_encoder

    plain = json.loads(tokenizer.to_str())
    yield "octavo", lambda: superword_encoder(plain, reference)
    name = f"fastokens {version('fastokens')}"
    yield name, lambda: _fastokens(plain, reference)
    yield f"{name}, regular expressions", lambda: _fastokens(_not_by_heart(plain), reference)


def _fastokens(content: dict[str, Any], reference: Encode) -> Encode:
    fast = fastokens.Tokenizer.from_json_str(json.dumps(content))

    def encode(texts: list[str]) -> list[np.ndarray]:
        try:
            flat, bounds = fast.encode_batch_flat(texts, add_special_tokens=False, split_special_tokens=True)
        except ValueError:  # its regular expressions gave up on one of them
            return reference(texts) if len(texts) == 1 else [encode([text])[0] for text in texts]
        ids, ends = np.frombuffer(flat, "<u4"), np.frombuffer(bounds, "<u8").tolist()
        return [ids[start:end] for start, end in pairwise(ends)]

    return encode


def _not_by_heart(content: Any) -> Any:
    """A tokenizer.json with its splits in parentheses, which mean the same and are known to nobody by heart."""
    if isinstance(content, list):
        return [_not_by_heart(item) for item in content]
    if not isinstance(content, dict):
        return content
    if content.get("type") == "Split" and "Regex" in content["pattern"]:
        return content | {"pattern": {"Regex": f"(?:{content['pattern']['Regex']})"}}
    return content | {
        key: _not_by_heart(content[key]) for key in ("pre_tokenizer", "pretokenizers") if key in content
    }


@cache
def _hard_texts() -> tuple[str, ...]:
    """What encoders are likely to read in different ways, the same at each call."""
    pieces = (
        *"aéÉſßæœﬁſtABz019½²١۳ \t\n\r\x00\x0b\x1c\x85\u00a0\u2003\u2028\u200b\u200d\ufeff\u0301\u0323",
        *"'’\"«»—-.,;:!?()[]{}<|>/\\@#$%^&*_+=~`שלوع日本한👩🏳\ufe0f🇦🇧ǅʰªıİẞΩΩKÅ\ufffd\uffff𝔘𐌰\U0010ffff",
        *("'s", "'S", "'ſ", "'t", "'RE", "'ll", "l'", "qu’", "\r\n", "\n\n", "  ", "e\u0301", "<|end_of_text|>"),
    )
    lot = random.Random(1789)
    mixed = ("".join(lot.choices(pieces, k=lot.randint(1, 40))) for _ in range(2000))
    letters = [chr(c) for c in (*range(0x3400), *range(0xA000, 0xAC00), *range(0xF900, 0x10000))]
    runs = (piece * count for piece in (*"aſ1 \n.-👩", "ab", " a", "a ", "a\n", "'ſ") for count in (700, 6000))
    return (
        "",
        *mixed,
        *(f"{c}a {c}1{c} 'S{c}" for c in letters),
        *runs,
        *("".join(lot.choices(pieces, k=20_000)) for _ in range(2)),
    )


def _excerpt(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
