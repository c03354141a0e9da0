"""What lm-eval needs of octavo's engines: texts as tokens, log-likelihoods, and writing up to a stop."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import torch
from tokenizers import Tokenizer

from octavo.errors import InputError
from octavo.inference.belonging import belonging
from octavo.inference.defaults import generation_settings
from octavo.inference.engine import EngineName, open_engine
from octavo.inference.llama_cpp import LlamaCppEngine
from octavo.inference.torch_engine import TorchEngine
from octavo.modeling.decoding import Decoding
from octavo.tokenization.encode import load_tokenizer

_BATCH_TOKENS: Final = 8192


class Likelihood(NamedTuple):
    """What a model makes of some tokens after others."""

    nats: float
    """The logarithm of their probability; 0 of none."""
    likeliest: bool
    """Whether each is the likeliest after those before it."""


Row = tuple[Sequence[int], Sequence[int]]
"""Tokens to read before, one at least, and tokens to weigh."""


class Reader(Protocol):
    """An engine as lm-eval is answered by it."""

    name: str
    context: int
    window: int
    """Tokens that may be read at once."""
    begin: int
    begins: bool
    """Whether the tokenizer puts the begin token before a text."""

    def encode(self, text: str) -> list[int]:
        """A text's tokens, without the begin token; a special entry's name in it is text."""
        ...

    def weigh(self, rows: Sequence[Row]) -> list[Likelihood]:
        """The likelihood of each row's tokens; what does not fit into the window is cut at the beginning."""
        ...

    def write(self, prompts: Sequence[list[int]], decoding: Decoding, seeds: Sequence[int]) -> list[str]:
        """The text after each prompt, drawn by its own seed."""
        ...


class TorchReader:
    """Octavo's own model: many at once, in float32."""

    name = "torch"

    def __init__(self, engine: TorchEngine) -> None:
        self.engine = engine
        self.model, self.begin = engine.model, engine.begin
        self.context = self.window = engine.context
        self.begins = _puts(engine.tokenizer, engine.begin)

    def encode(self, text: str) -> list[int]:
        """A text's tokens."""
        ids: list[int] = self.engine.tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    @torch.inference_mode()
    def weigh(self, rows: Sequence[Row]) -> list[Likelihood]:
        """The likelihood of each row's tokens."""
        found = [Likelihood(0.0, True)] * len(rows)
        texts = [[*before, *weighed][-(self.window + 1) :] for before, weighed in rows]
        order = sorted((n for n, (_, weighed) in enumerate(rows) if weighed), key=lambda n: len(texts[n]))
        while order:
            longest = len(texts[order[-1]])
            batch = order[-max(1, _BATCH_TOKENS // longest) :]
            del order[-len(batch) :]
            tokens = torch.tensor([texts[n] + [0] * (longest - len(texts[n])) for n in batch])
            hidden = self.model.hidden(tokens[:, :-1])
            for row, n in enumerate(batch):
                last = len(texts[n])
                first = last - min(len(rows[n][1]), last - 1)
                logits = self.model.output(hidden[row, first - 1 : last - 1]).float()
                targets = tokens[row, first:last]
                nats = logits.gather(-1, targets[:, None])[:, 0] - logits.logsumexp(-1)
                likeliest = bool((logits.argmax(-1) == targets).all())
                found[n] = Likelihood(float(nats.double().sum()), likeliest)
        return found

    def write(self, prompts: Sequence[list[int]], decoding: Decoding, seeds: Sequence[int]) -> list[str]:
        """The text after each prompt."""
        return [written.text for written in self.engine.texts(prompts, decoding, seeds)]


class LlamaCppReader:
    """llama.cpp, one request after another; it keeps what it has read, so that those with one beginning go fast."""

    name = "llama.cpp"

    def __init__(self, engine: LlamaCppEngine, model: Path) -> None:
        self.engine = engine
        self.context = engine.context
        self.window = engine.context - 1  # it refuses a prompt that fills the context
        begin = engine.encode("")
        if not begin:
            raise InputError(
                f"{model}: found a GGUF file that puts no token before a text, expected one: use engine=torch on "
                "the model directory"
            )
        self.begin, self.begins = begin[0], _begins(model, begin[0])

    def encode(self, text: str) -> list[int]:
        """A text's tokens, by llama.cpp's own tokenizer."""
        return self.engine.encode(text)[1:]

    def weigh(self, rows: Sequence[Row]) -> list[Likelihood]:
        """The likelihood of each row's tokens."""
        found = [Likelihood(0.0, True)] * len(rows)
        # In the order of what comes before, so that it is read once for all that follows it.
        for n in sorted(range(len(rows)), key=lambda n: list(rows[n][0])):
            before, weighed = rows[n]
            text = [*before, *weighed][-(self.window + 1) :]
            first = len(text) - min(len(weighed), len(text) - 1)
            steps = [self.engine.logprob(text[:place], text[place]) for place in range(first, len(text))]
            found[n] = Likelihood(sum(nats for nats, _ in steps), all(likeliest for _, likeliest in steps))
        return found

    def write(self, prompts: Sequence[list[int]], decoding: Decoding, seeds: Sequence[int]) -> list[str]:
        """The text after each prompt."""
        return [written.text for written in self.engine.texts(prompts, decoding, seeds)]


def _begins(model: Path, begin: int) -> bool:
    """Whether the tokenizer beside the GGUF file puts the begin token before a text: llama.cpp always does."""
    folder = belonging(model).release
    file = folder / "tokenizer.json" if folder else None
    return _puts(load_tokenizer(file), begin) if file and file.is_file() else True


def _puts(tokenizer: Tokenizer, begin: int) -> bool:
    return bool(tokenizer.encode("a").ids[:1] == [begin])


def open_reader(model: Path, engine: EngineName) -> Reader:
    """Open a run, a release, a Hugging Face directory or a .gguf file; InputError where it cannot be."""
    opened = open_engine(model, engine)
    if isinstance(opened, LlamaCppEngine):
        return LlamaCppReader(opened, model)
    assert isinstance(opened, TorchEngine)
    return TorchReader(opened)


def usual_penalty(model: Path) -> float:
    """The repetition penalty of a model's generation_config.json, which transformers applies too; else 1."""
    try:
        return float(generation_settings(model).get("repetition_penalty") or 1.0)
    except (ValueError, TypeError):
        raise InputError(f"{model}: generation_config.json: found no number as repetition_penalty") from None
