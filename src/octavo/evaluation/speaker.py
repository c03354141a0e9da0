"""A model that is made to write: with its tokenizer, and the tokens that begin and end a text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from blake3 import blake3
from tokenizers import Tokenizer

from octavo.modeling.continuations import continue_prompts
from octavo.modeling.decoding import Allowed, Decoding
from octavo.modeling.llama import Llama
from octavo.progress import Progress

_BEFORE: Final = "a"


@dataclass(frozen=True)
class Speaker:
    """The model under measurement."""

    model: Llama
    tokenizer: Tokenizer
    begin: int
    end: int

    @property
    def context(self) -> int:
        """Tokens that the model can read and write."""
        return self.model.config.max_position_embeddings

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of texts, without the one that begins a text."""
        return [found.ids for found in self.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]

    def decode(self, tokens: Sequence[Sequence[int]]) -> list[str]:
        """Texts of tokens; the bytes of a character that the first or last token cut are left out.

        Each is decoded behind another text, as some tokenizers take away the space that a text begins with.
        """
        [before] = self.encode([_BEFORE])
        texts = self.tokenizer.decode_batch([[*before, *ids] for ids in tokens], skip_special_tokens=True)
        taken = len(self.tokenizer.decode(before, skip_special_tokens=True))
        return [text[taken:].strip("\ufffd") for text in texts]

    def say(
        self,
        prompts: Sequence[list[int]],
        ids: Sequence[str],
        decoding: Decoding,
        progress: Progress,
        note: str,
        stop: Callable[[list[int]], bool] = lambda tokens: False,
        allowed: Sequence[Allowed] | None = None,
    ) -> list[list[int]]:
        """What follows each prompt's tokens, up to where `stop` says so of these, and of those `allowed` alone.

        Where it is drawn, it is by a seed that hangs on the prompt's id alone.
        """
        return continue_prompts(
            self.model,
            [[self.begin, *prompt] for prompt in prompts],
            self.end,
            decoding,
            [_seed(name, decoding.seed) for name in ids],
            progress,
            note,
            stop,
            allowed,
        )


def _seed(name: str, seed: int) -> int:
    return int.from_bytes(blake3(f"{name} {seed}".encode()).digest(7))
