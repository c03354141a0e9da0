"""A tokenizer with the entries that document work is written in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from octavo.errors import InputError
from octavo.evaluation.verbatim import entry_bytes
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

    def spell(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of texts sign by sign: a token for each character, or for each of its bytes.

        Raises InputError where the tokenizer has no entries for a character.
        """
        signs, places = np.unique(_points("".join(texts)), return_inverse=True)
        spelt = [self.spelling(chr(sign)) for sign in signs]
        lengths = np.array([len(tokens) for tokens in spelt], np.int64)
        starts = np.cumsum(lengths) - lengths
        counts = lengths[places]
        ends = np.cumsum(counts)
        of_spelt = np.repeat(starts[places] - ends + counts, counts) + np.arange(ends[-1] if len(ends) else 0)
        tokens = np.array([token for found in spelt for token in found], np.int64)[of_spelt].tolist()
        bounds = np.concatenate(([0], ends))[np.cumsum([0, *map(len, texts)])]
        return [tokens[start:end] for start, end in pairwise(bounds.tolist())]

    def spelling(self, sign: str) -> list[int]:
        """The tokens of one character; InputError as spell."""
        whole = sign.encode()
        known = self._entries_by_bytes
        if whole in known:
            return [known[whole]]
        if missing := [byte for byte in whole if bytes([byte]) not in known]:
            raise InputError(f"tokenizer.json: no entry for {sign!r}, nor for its byte 0x{missing[0]:02X}")
        return [known[bytes([byte])] for byte in whole]

    @cached_property
    def _entries_by_bytes(self) -> dict[bytes, int]:
        """Of those that stand for the same the last: SentencePiece has its bytes before its characters."""
        return {content: number for number, content in enumerate(entry_bytes(self.tokenizer))}

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of tokens, without entries that are no text."""
        text: str = self.tokenizer.decode(list(tokens), skip_special_tokens=True)
        return text


def _points(text: str) -> npt.NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le"), np.uint32)


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
