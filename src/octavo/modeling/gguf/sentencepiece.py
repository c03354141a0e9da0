"""A SentencePiece vocabulary out of a GGUF file (tokenizer.ggml.model "llama"), as a tokenizer of Hugging Face's.

llama.cpp joins the two neighbours whose join has the highest score, from the characters of a text on, and writes
characters without an entry as bytes. Byte-pair encoding does the same with merges in the order of those scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gguf import TokenType
from tokenizers import Tokenizer, decoders, models, normalizers

from octavo.errors import InputError

_SPACE: Final = "▁"
"""Stands for a space in the entries."""


def sentencepiece_bpe(
    path: Path, entries: Sequence[str], types: Sequence[int], scores: Sequence[float], begins_with_space: bool
) -> Tokenizer:
    """Build the tokenizer, without its special entries and those that a user added.

    `begins_with_space` is whether a space comes before each text. Decoding leaves that space where it is, as
    llama.cpp does. Raises InputError where an entry is missing without which texts would be cut in another way.
    """
    if not len(entries) == len(types) == len(scores):
        raise InputError(
            f"{path}: tokenizer.ggml: found {len(entries):,} tokens, {len(types):,} token types and "
            f"{len(scores):,} scores, expected as many of each"
        )
    ids = {entry: number for number, entry in enumerate(entries) if types[number] != TokenType.UNUSED}
    missing = [byte for byte in (f"<0x{n:02X}>" for n in range(256)) if byte not in ids]
    # Only plain entries are joined. llama.cpp would join "<" and "s>" to the token that begins a text.
    plain = {entry: number for entry, number in ids.items() if types[number] == TokenType.NORMAL}
    missing += sorted({letter for entry in plain for letter in entry if letter not in plain})
    if missing:
        named = ", ".join(map(repr, missing[:3]))
        raise InputError(
            f"{path}: tokenizer.ggml.tokens: found no {named}, expected an entry for each byte, and one for each "
            "character that stands in a longer entry"
        )
    merges = [
        (entry[:cut], entry[cut:])
        for entry in sorted(plain, key=lambda entry: (-scores[plain[entry]], plain[entry]))
        for cut in range(1, len(entry))
        if entry[:cut] in plain and entry[cut:] in plain
    ]
    tokenizer = Tokenizer(models.BPE(vocab=ids, merges=merges, byte_fallback=True))
    before = [normalizers.Prepend(_SPACE)] if begins_with_space else []
    tokenizer.normalizer = normalizers.Sequence([*before, normalizers.Replace(" ", _SPACE)])
    tokenizer.decoder = decoders.Sequence([decoders.Replace(_SPACE, " "), decoders.ByteFallback(), decoders.Fuse()])
    return tokenizer
