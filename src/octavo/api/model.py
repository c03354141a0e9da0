"""A model from Python: opened once, it continues texts and says what of a text its corpus has."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypedDict, Unpack, get_args, overload

from octavo.errors import InputError
from octavo.inference.defaults import default_decoding
from octavo.inference.engine import Engine, EngineName, open_engine, prompt_tokens
from octavo.inference.llama_cpp import idle_threads
from octavo.inference.server.corpus_index import needed_index
from octavo.modeling.decoding import Decoding, Pieces, Written
from octavo.tracing.index.reading import Index, open_index
from octavo.tracing.trace import Traced
from octavo.tracing.trace import trace as trace_text


class DecodingSettings(TypedDict, total=False):
    """What may be said of a continuation; the rest is the model's own, or octavo's where the model says nothing."""

    max_tokens: int
    """Tokens to write at most; 128 where it is not said."""
    temperature: float
    """0 always takes the likeliest token; over 0 one is drawn."""
    top_k: int
    """Draw of so many likeliest tokens; 0: of all."""
    top_p: float
    """Draw of the likeliest that make so much of the probability."""
    min_p: float
    """Draw of those so many times as likely as the likeliest."""
    repetition_penalty: float
    """Over 1 makes what was said less likely."""
    seed: int
    """Of the draw at a temperature over 0."""
    stop: str | Sequence[str]
    """End before this text, or the first of these."""


class Model:
    """A model that is open for writing; `octavo.load` opens it.

    It holds memory until it is closed, at the end of a `with`, or when nothing refers to it any more.
    """

    def __init__(self, path: Path, engine: Engine) -> None:
        self.path = path
        self._engine: Engine | None = engine
        self._defaults = default_decoding(path)

    def __repr__(self) -> str:
        return f"octavo.load({str(self.path)!r})"

    @property
    def engine(self) -> str:
        """What computes: llama.cpp or torch."""
        return self._open.name

    @property
    def context(self) -> int:
        """Tokens that a text may have, its prompt among them."""
        return self._open.context

    @overload
    def generate(self, prompt: str, **settings: Unpack[DecodingSettings]) -> Written: ...

    @overload
    def generate(self, prompt: list[str], **settings: Unpack[DecodingSettings]) -> list[Written]: ...

    def generate(self, prompt: str | list[str], **settings: Unpack[DecodingSettings]) -> Written | list[Written]:
        """Continue a text, or each of several side by side: what follows, its tokens, and why it ended.

        It ends with "stop" at the end of the text or a stop string, with "length" at `max_tokens`, and with
        "context" where the model's context is full. Raises InputError where a prompt fills the context, or a
        setting is out of its range.

        >>> model = octavo.load("runs/starter")
        >>> model.generate("Once upon a time", max_tokens=16, temperature=0)
        Written(text='...', tokens=16, finish='length')
        >>> [len(text) > 0 for text, tokens, finish in model.generate(["Once upon a time", "Erat olim"])]
        [True, True]
        """
        engine, decoding = self._open, self._decoding(settings)
        prompts = [prompt] if isinstance(prompt, str) else prompt
        written = engine.texts([prompt_tokens(engine, one) for one in prompts], decoding)
        return written[0] if isinstance(prompt, str) else written

    def stream(self, prompt: str, **settings: Unpack[DecodingSettings]) -> Pieces:
        """Continue a text, piece by piece as it is written; closing the generator ends the work.

        What it returns at its end says why the text ended.

        >>> with octavo.load("runs/starter") as model:
        ...     "".join(piece.text for piece in model.stream("Once upon a time", max_tokens=16))
        '...'
        """
        engine, decoding = self._open, self._decoding(settings)
        return engine.stream(prompt_tokens(engine, prompt), decoding)

    def trace(self, text: str) -> Traced:
        """What of a text stands word for word in the corpus of the run that the model is of.

        Raises InputError where the index of the corpus is not beside the model.

        >>> model = octavo.load("runs/starter")
        >>> written = model.generate("The old keeper", max_tokens=32)
        >>> traced = model.trace("The old keeper" + written.text)
        >>> 0 <= traced.covered <= traced.words
        True
        """
        self._open  # noqa: B018 raises where the model is closed
        return trace_text(self._index, text)

    def close(self) -> None:
        """Free what the model holds; a text that is being streamed is written to its end.

        >>> model = octavo.load("runs/starter")
        >>> model.close()
        >>> model.generate("Once upon a time")
        Traceback (most recent call last):
        octavo.errors.InputError: runs/starter: found a model that is closed, expected an open one
        """
        self._engine = None
        self.__dict__.pop("_index", None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, place: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _open(self) -> Engine:
        if self._engine is None:
            raise InputError(f"{self.path}: found a model that is closed, expected an open one")
        return self._engine

    @functools.cached_property
    def _index(self) -> Index:
        return needed_index(self.path)

    def _decoding(self, settings: DecodingSettings) -> Decoding:
        given: dict[str, Any] = {**settings}
        stop = given.pop("stop", ())
        return replace(self._defaults, **given, stop=(stop,) if isinstance(stop, str) else tuple(stop))


def load(model: str | PathLike[str], engine: EngineName = "auto", slots: int = 1) -> Model:
    """Open a run, a release, a Hugging Face directory or a .gguf file for writing, as `octavo generate` does.

    `auto` takes llama.cpp wherever it reads text as the model's tokenizer does, else torch. With llama.cpp as many
    texts are written side by side as there are `slots`; each takes memory for a whole context. Raises InputError
    where the model cannot be opened.

    >>> model = octavo.load("runs/starter")
    >>> model.engine, model.context
    ('llama.cpp', 128)
    >>> model.close()
    """
    if engine not in get_args(EngineName):
        raise InputError(f"engine: found {engine!r}, expected one of {', '.join(get_args(EngineName))}")
    if slots < 1:
        raise InputError(f"slots: found {slots}, expected 1 or more")
    path = Path(model)
    return Model(path, open_engine(path, engine, slots, idle_threads()))


def trace(folder: str | PathLike[str], text: str) -> Traced:
    """What of a text stands word for word in a training corpus, in which documents, under which licence.

    The folder is a run, its trace index, or has several of these. Raises InputError where there is none.

    >>> traced = octavo.trace("runs/starter", "So he stood on the flat stone and shouted.")
    >>> traced.words, traced.covered
    (9, 7)
    >>> [(span.text, span.documents[0].title, span.documents[0].licence) for span in traced.spans]
    [('stood on the flat stone and shouted', 'The Ferryman’s Penny', 'CC0-1.0')]
    """
    return trace_text(open_index(Path(folder)), text)
