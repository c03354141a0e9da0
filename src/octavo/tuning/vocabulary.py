"""A tokenizer with the entries that document work is written in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tokenizers import Tokenizer

from octavo.tokenization.entries import TASK_ENTRIES, begin_and_end


@dataclass(frozen=True)
class Vocabulary:
    """The tokens of texts and of what stands between them."""

    tokenizer: Tokenizer
    begin: int
    end: int
    entries: dict[str, int]
    """The ids of the entries for tasks, by name."""

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of texts; one that has an entry's name in it is text there, too."""
        return [found.ids for found in self.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of tokens, without entries that are no text."""
        text: str = self.tokenizer.decode(list(tokens), skip_special_tokens=True)
        return text


def task_vocabulary(tokenizer: Tokenizer, name: str) -> Vocabulary:
    """The vocabulary of a tokenizer that has all entries for tasks; of its own, as it is set to read none in texts.

    Raises InputError where it has no end of text.
    """
    own = Tokenizer.from_str(tokenizer.to_str())
    own.encode_special_tokens = True
    begin, end = begin_and_end(tokenizer, name)
    ids = {entry: own.token_to_id(entry) for entry in TASK_ENTRIES}
    missing = [entry for entry, number in ids.items() if number is None]
    assert not missing, missing
    return Vocabulary(own, begin, end, {entry: number for entry, number in ids.items() if number is not None})
