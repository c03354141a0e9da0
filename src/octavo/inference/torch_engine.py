"""The reference engine: octavo's own model, in float32."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tokenizers.decoders import DecodeStream

from octavo.evaluation.model_files import edges_of
from octavo.modeling.continuations import continue_prompts
from octavo.modeling.decoding import (
    Decoding,
    Finish,
    Pieces,
    Written,
    continuation,
    cut,
)
from octavo.modeling.gguf.header import gguf_settings
from octavo.modeling.gguf.reading import load_gguf
from octavo.modeling.hf import load_hf
from octavo.tokenization.encode import load_tokenizer


class TorchEngine:
    """Octavo's own model, of a Hugging Face directory or a GGUF file."""

    name: Final = "torch"
    slots: Final = 1

    def __init__(self, model: Path) -> None:
        begins = True
        if model.suffix == ".gguf":
            settings = gguf_settings(model)
            # Where the file does not say, llama.cpp begins a text for a tokenizer of SentencePiece's alone.
            begins = bool(
                settings.get("tokenizer.ggml.add_bos_token", settings.get("tokenizer.ggml.model") == "llama")
            )
            self.model, self.tokenizer, self.begin, self.end = load_gguf(model)
        else:
            self.model = load_hf(model)
            self.tokenizer = load_tokenizer(model / "tokenizer.json")
            self.begin, self.end = edges_of(model, self.tokenizer)
        self.before = [self.begin] if begins else []
        self.context = self.model.config.max_position_embeddings

    def encode(self, text: str) -> list[int]:
        """A prompt's tokens, after the begin-of-text token where the model has one there."""
        return [*self.before, *self.tokenizer.encode(text, add_special_tokens=False).ids]

    def stream(self, tokens: list[int], decoding: Decoding, alternatives: int = 0) -> Pieces:
        """What follows."""
        return continuation(self.model, self.tokenizer, tokens, self.end, decoding, alternatives)

    def texts(
        self, prompts: Sequence[list[int]], decoding: Decoding, seeds: Sequence[int] | None = None
    ) -> list[Written]:
        """What follows each prompt, many at once; each draws by its own seed, if given. The same as alone."""

        def stopped(tokens: list[int]) -> bool:
            text: str = self.tokenizer.decode(tokens, skip_special_tokens=True) if decoding.stop else ""
            return any(stop in text for stop in decoding.stop)

        found = continue_prompts(self.model, prompts, self.end, decoding, seeds, stop=stopped)
        return [self._written(prompt, tokens, decoding) for prompt, tokens in zip(prompts, found, strict=True)]

    def _written(self, prompt: list[int], tokens: list[int], decoding: Decoding) -> Written:
        decoder = DecodeStream(ids=prompt, skip_special_tokens=True)
        text = "".join(decoder.step(self.tokenizer, token) or "" for token in tokens)
        kept = cut(text, decoding.stop)
        finish: Finish = "stop"
        if kept == text and len(tokens) == decoding.max_tokens:
            finish = "length"
        elif kept == text and len(prompt) + len(tokens) >= self.context:
            finish = "context"
        return Written(kept, len(tokens), finish)
