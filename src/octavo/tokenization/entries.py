"""The entries of a vocabulary that are no text, named here and nowhere else.

A model learns its vocabulary once, so what a later tune will need must have its place from the beginning. The
entries for documents below are reserved: pretraining never shows them, and a tune that uses them trains them.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final, NamedTuple

from tokenizers import Tokenizer

from octavo.errors import InputError

PAD = "<|pad|>"
BEGIN = "<|begin_of_text|>"
END = "<|end_of_text|>"

OCR_ENTRIES = ("<|ocr|>", "<|corrected|>")
"""OCR correction: <|ocr|> text as recognised <|corrected|> text as printed."""

TRANSLATION_ENTRIES = ("<|original|>", "<|translation|>")
"""Translation: <|original|> text <|translation|> the same in another language, whose name stands first."""

SOURCE_ENTRIES = (
    "<|question|>",
    "<|source|>",
    "<|source_text|>",
    "<|end_of_source|>",
    "<|answer|>",
    "<|quote|>",
    "<|cited|>",
    "<|end_of_quote|>",
)
"""Answers from sources: <|question|> text, then for each source <|source|> its number or identifier
<|source_text|> its text <|end_of_source|>, then <|answer|> text, in which <|quote|> words of a source <|cited|>
its number or identifier <|end_of_quote|> is a citation."""

TASK_ENTRIES = OCR_ENTRIES + TRANSLATION_ENTRIES + SOURCE_ENTRIES

SPARE_ENTRIES = tuple(f"<|spare_{number}|>" for number in range(32 - 3 - len(TASK_ENTRIES)))
"""For tasks that nobody has thought of; they make the special entries 32."""

SPECIAL_ENTRIES = (PAD, BEGIN, END, *TASK_ENTRIES, *SPARE_ENTRIES)
"""In the order of their ids: pad 0, begin 1, end 2, as in the published model, then the reserved ones."""

UNUSED_ID = 65_535
"""The id that no entry has where ids take two bytes, so that files of tokens can mark with it where a document
begins."""

_BYTE: Final = re.compile(r"<0x([0-9A-F]{2})>")
_BEGIN_NAMES = (BEGIN, "<s>", "<|startoftext|>", "<|bos|>", "[BOS]")
_END_NAMES = (END, "</s>", "<|endoftext|>", "<|eos|>", "[EOS]", "<|im_end|>")


class Edges(NamedTuple):
    """The entries between which a document's tokens stand; one may do for both."""

    begin: int
    end: int


def begin_and_end(tokenizer: Tokenizer, name: str) -> Edges:
    """The ids of begin and end of text in a tokenizer, ours or another's.

    One that has no begin uses its end, and so does one that puts its end before a text. Raises InputError where it
    has no end under a known name.
    """

    def first(names: tuple[str, ...]) -> int | None:
        return next((i for n in names if (i := tokenizer.token_to_id(n)) is not None), None)

    end = first(_END_NAMES)
    begin = first(_BEGIN_NAMES)
    if end is None:
        raise InputError(f"{name}: found no end-of-text entry, expected one of {', '.join(_END_NAMES)}")
    own = (
        tokenizer.token_to_id(BEGIN) is not None
    )  # a begin that was added later has no place in what is put before
    if begin is None or (not own and tokenizer.encode("a").ids[:1] == [end]):
        begin = end
    return Edges(begin, end)


def check_ids(tokenizer: Tokenizer, name: str) -> None:
    """Raise InputError where ids have gaps: a model has a row for each number under that of the entries."""
    entries = tokenizer.get_vocab_size()
    highest = max(tokenizer.get_vocab().values(), default=-1)
    if highest >= entries:
        raise InputError(
            f"{name}: found an entry of id {highest}, expected ids under {entries}, the number of its entries"
        )


def letters_of_bytes() -> list[str]:
    """The letter that stands for each byte in byte-level BPE, as GPT-2 chose them."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = iter(range(0x100, 0x200))
    return [chr(byte if byte in plain else next(others)) for byte in range(256)]


def bytes_of_entry(entry: str, byte_level: bool) -> bytes:
    """What an entry that is no special one stands for, in byte-level BPE or as SentencePiece writes entries."""
    if byte_level:
        byte_of = _bytes_of_letters()
        return b"".join(byte_of.get(letter) or letter.encode() for letter in entry)
    byte = _BYTE.fullmatch(entry)
    return bytes.fromhex(byte[1]) if byte else entry.replace("▁", " ").encode()


@cache
def _bytes_of_letters() -> dict[str, bytes]:
    return {letter: bytes([byte]) for byte, letter in enumerate(letters_of_bytes())}
