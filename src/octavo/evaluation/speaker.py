"""A model that is made to write: with its tokenizer, and the tokens that begin and end a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from blake3 import blake3
from tokenizers import Tokenizer

from octavo.evaluation.continuations import continue_prompts
from octavo.modeling.decoding import Decoding
from octavo.modeling.llama import Llama
from octavo.progress import Progress


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
        """Texts of tokens; the bytes of a character that the first or last token cut are left out."""
        texts = self.tokenizer.decode_batch([list(ids) for ids in tokens], skip_special_tokens=True)
        return [text.strip("\ufffd") for text in texts]

    def say(
        self,
        prompts: Sequence[list[int]],
        ids: Sequence[str],
        decoding: Decoding,
        progress: Progress,
        note: str,
    ) -> list[list[int]]:
        """What follows each prompt's tokens; where it is drawn, by a seed that hangs on the prompt's id alone."""
        return continue_prompts(
            self.model,
            [[self.begin, *prompt] for prompt in prompts],
            self.end,
            decoding,
            [_seed(name, decoding.seed) for name in ids],
            progress,
            note,
        )


def _seed(name: str, seed: int) -> int:
    return int.from_bytes(blake3(f"{name} {seed}".encode()).digest(7))
