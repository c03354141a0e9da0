"""The entries of a GGUF file's vocabulary as bytes and as labels that people and programs read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gguf import GGUFReader, TokenType

from octavo.errors import InputError
from octavo.tokenization.entries import bytes_of_entry


class Vocabulary:
    """Entries by their ids."""

    def __init__(self, entries: list[bytes], special: dict[int, str]) -> None:
        self.entries = entries
        """Empty for special ones, which are no text."""
        self.special = special
        self.longest = max(map(len, entries))
        """Bytes of the longest entry."""

    def __len__(self) -> int:
        return len(self.entries)

    def label(self, token: int) -> str:
        """An entry as text; `bytes:\\xe2\\x80` where it ends within a character; a special one by its name."""
        return self.special.get(token) or label_of(self.entries[token])

    def text(self, tokens: Iterable[int]) -> str:
        """The text of tokens, special ones left out."""
        return b"".join(self.entries[token] for token in tokens).decode(errors="replace")


def label_of(entry: bytes) -> str:
    """Bytes as text, or, where they are not whole characters, spelled out as OpenAI's interface does it."""
    try:
        return entry.decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in entry)


def read_vocabulary(reader: GGUFReader, path: Path) -> Vocabulary:
    """The vocabulary in a GGUF file; InputError for a kind of tokenizer that octavo does not read."""
    fields = reader.fields
    try:
        kind = fields["tokenizer.ggml.model"].contents()
        entries: list[str] = fields["tokenizer.ggml.tokens"].contents()
        types: list[int] = fields["tokenizer.ggml.token_type"].contents()
    except KeyError as error:
        raise InputError(f"{path}: found no {error.args[0]}, expected it") from None
    if kind not in ("gpt2", "llama"):
        raise InputError(f"{path}: tokenizer.ggml.model: found {kind!r}, expected 'gpt2' or 'llama'")
    control = (TokenType.CONTROL, TokenType.UNKNOWN, TokenType.UNUSED)
    special = {n: entry for n, (entry, what) in enumerate(zip(entries, types, strict=True)) if what in control}

    def as_bytes(number: int, entry: str) -> bytes:
        if number in special:
            return b""
        if types[number] == TokenType.USER_DEFINED:
            return entry.encode()
        return bytes_of_entry(entry, kind == "gpt2")

    return Vocabulary([as_bytes(number, entry) for number, entry in enumerate(entries)], special)
