"""Open a model for writing: llama.cpp for speed, torch as the reference; both write the same."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

from octavo.errors import InputError
from octavo.inference.belonging import belonging
from octavo.inference.converting import NoEqualGgufError, converted
from octavo.inference.llama_cpp import LlamaCppEngine
from octavo.inference.torch_engine import TorchEngine
from octavo.modeling.decoding import Decoding, Pieces, Written

EngineName = Literal["auto", "llama.cpp", "torch"]


class Engine(Protocol):
    """A model ready to write."""

    @property
    def name(self) -> str:
        """What computes."""
        ...

    @property
    def slots(self) -> int:
        """Texts that are written side by side."""
        ...

    context: int
    """Tokens that a text may have, its prompt among them."""

    def encode(self, text: str) -> list[int]:
        """A prompt's tokens, after the begin-of-text token."""
        ...

    def stream(self, tokens: list[int], decoding: Decoding, alternatives: int = 0) -> Pieces:
        """What follows; with each token's logarithm of its probability and so many alternatives, if any."""
        ...

    def texts(
        self, prompts: Sequence[list[int]], decoding: Decoding, seeds: Sequence[int] | None = None
    ) -> list[Written]:
        """What follows each prompt, many at once; each draws by its own seed, if given."""
        ...


def prompt_tokens(engine: Engine, prompt: str) -> list[int]:
    """A prompt's tokens; InputError where it is no text, or fills the context."""
    try:
        prompt.encode()
    except UnicodeEncodeError:
        raise InputError("prompt: found bytes that are no UTF-8, expected text") from None
    tokens = engine.encode(prompt)
    if len(tokens) >= engine.context:
        raise InputError(
            f"prompt: found {len(tokens)} tokens, expected fewer than the model's context of {engine.context}"
        )
    if not tokens:
        raise InputError("prompt: found an empty text, expected one: this model puts no token before it")
    return tokens


def open_engine(
    model: Path, engine: EngineName = "auto", slots: int = 1, compute_threads: int | None = None
) -> Engine:
    """Open a run, a release, a Hugging Face directory or a .gguf file for writing, `slots` texts side by side.

    `auto` takes llama.cpp wherever it can: on the GGUF file that is there, BF16 before others, else on one made of
    the weights. Where none of it would read text alike, it takes torch and says so on stderr. llama.cpp computes
    with as many threads as are said, else with one fewer than there are cores. Raises InputError where the model
    cannot be opened so.
    """
    if model.suffix == ".gguf":
        return TorchEngine(model) if engine == "torch" else LlamaCppEngine(model, slots, compute_threads)
    if not model.is_dir():
        raise InputError(f"{model}: found no such folder, expected a release, a model directory or a .gguf file")
    folder = belonging(model).release or model
    if engine == "torch":
        return TorchEngine(folder)
    if ggufs := sorted((folder / "gguf").glob("*.gguf"), key=lambda p: ("BF16" not in p.name, p.name)):
        return LlamaCppEngine(ggufs[0], slots, compute_threads)
    try:
        return LlamaCppEngine(converted(folder), slots, compute_threads)
    except NoEqualGgufError as error:
        if engine == "llama.cpp":
            raise
        print(f"{error}; so torch writes, which is slower", file=sys.stderr)
        return TorchEngine(folder)
