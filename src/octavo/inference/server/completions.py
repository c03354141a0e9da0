"""What a request may hold, and the shape of OpenAI's answers to /v1/completions."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Annotated, Any, Final, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from octavo.inference.server.limits import (
    LONGEST_STOP,
    MOST_ALTERNATIVES,
    MOST_CHOICES,
    MOST_FIELDS,
    MOST_SEED,
    MOST_STOPS,
)
from octavo.inference.server.vocabulary import Vocabulary
from octavo.modeling.decoding import Decoding, Finish, Piece

_SHOWN: Final = 60

# Millions of entries fit into a body: that the first is wrong is enough, and each mistake would cost memory.
Tokens = Annotated[list[Annotated[int, Field(ge=0)]], Field(fail_fast=True)]
Stop = Annotated[str, Field(min_length=1, max_length=LONGEST_STOP)]


class Body(BaseModel):
    """An object of a request: what it may hold is named, and all else is refused."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _few(cls, given: Any) -> Any:
        if isinstance(given, dict) and len(given) > MOST_FIELDS:  # each would be told as a mistake of its own
            raise ValueError(f"found {len(given):,} fields, expected at most {MOST_FIELDS}")
        return given


class StreamOptions(Body):
    """How to stream."""

    include_usage: bool | None = Field(False, description="Send the counts of tokens at the end.")
    include_obfuscation: bool | None = Field(None, description="Not used.")


class TextRequest(Body):
    """A text."""

    text: str = Field(description="The text.")


class CompletionRequest(Body):
    """A text to continue, or several. A field that is null is as if it were missing."""

    prompt: (
        str
        | Annotated[list[str], Field(max_length=MOST_CHOICES, fail_fast=True)]
        | Tokens
        | Annotated[list[Tokens], Field(max_length=MOST_CHOICES, fail_fast=True)]
    ) = Field(
        description="A text, several, its tokens, or those of several. Tokens are read as they are; a text's "
        "follow the begin-of-text token."
    )
    model: str | None = Field(None, description="The model's name as /v1/models tells it.")
    max_tokens: int | None = Field(None, ge=0, description="Tokens to write at most.")
    temperature: float | None = Field(
        None, ge=0, le=100, description="0 always takes the likeliest token. Defaults are told by /about."
    )
    top_k: int | None = Field(None, ge=0, le=2**31 - 1, description="Draw among so many likeliest; 0: among all.")
    top_p: float | None = Field(None, gt=0, le=1, description="Draw among the likeliest of this sum; 1: among all.")
    min_p: float | None = Field(
        None, ge=0, le=1, description="Draw among those of at least this share of the likeliest's probability."
    )
    repetition_penalty: float | None = Field(
        None, ge=1e-4, le=100, description="Over 1 makes what was said less likely."
    )
    seed: int | None = Field(
        None,
        ge=-(2**63),
        lt=2**63,
        description="Of the draw; one by chance by default. The i-th of n takes seed + i. Its last 31 bits count.",
    )
    stop: Stop | Annotated[list[Stop], Field(max_length=MOST_STOPS, fail_fast=True)] | None = Field(
        None, description="Where writing ends; not written."
    )
    n: int | None = Field(None, ge=1, le=MOST_ALTERNATIVES, description="Texts to write for each prompt.")
    stream: bool | None = Field(None, description="Send the text as it comes.")
    stream_options: StreamOptions | None = None
    logprobs: int | None = Field(
        None, ge=0, le=MOST_ALTERNATIVES, description="Tell each token's log-probability and so many likeliest."
    )
    echo: bool | None = Field(None, description="Begin with the prompt; with logprobs, weigh its tokens too.")
    user: str | None = Field(None, description="Not used.")
    best_of: int | None = Field(None, description="Not supported but for n.")
    suffix: str | None = Field(None, description="Not supported.")
    presence_penalty: float | None = Field(None, description="Not supported but for 0.")
    frequency_penalty: float | None = Field(None, description="Not supported but for 0.")
    logit_bias: dict[str, Any] | None = Field(None, description="Not supported.")

    @model_validator(mode="after")
    def _only_what_is_done(self) -> Self:
        penalty = "octavo has repetition_penalty instead"
        for name, neutral, instead in (
            ("best_of", (None, 1, self.n), "octavo writes what is asked for, and chooses nothing"),
            ("suffix", (None, ""), "octavo continues texts"),
            ("presence_penalty", (None, 0), penalty),
            ("frequency_penalty", (None, 0), penalty),
            ("logit_bias", (None, {}), "octavo changes no token's odds"),
        ):
            if getattr(self, name) not in neutral:
                raise RefusedFieldError(name, getattr(self, name), instead)
        if self.stream_options is not None and not self.stream:
            raise RefusedFieldError("stream_options", "it without stream", "it goes with stream: true")
        return self

    def prompts(self) -> Sequence[str | list[int]]:
        """The prompts, one or more, as texts or as tokens."""
        if isinstance(self.prompt, str):
            return [self.prompt]
        if self.prompt and isinstance(self.prompt[0], int):
            return [self.prompt]
        return self.prompt  # type: ignore[return-value]

    def decoding(self, defaults: Decoding, drawn: int, number: int) -> Decoding:
        """The settings of the `number`-th text for a prompt; `drawn` is the seed where the request has none."""
        names = ("max_tokens", "temperature", "top_k", "top_p", "min_p", "repetition_penalty")
        given = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        stops = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())
        seed = (drawn if self.seed is None else self.seed % (MOST_SEED + 1)) + number
        return replace(defaults, **given, seed=seed, stop=stops)


class RefusedFieldError(ValueError):
    """A field of OpenAI's that octavo does not follow; to ignore it would answer another question."""

    def __init__(self, field: str, found: object, why: str) -> None:
        super().__init__(f"{field}: found {shown(found)}, expected none: {why}")
        self.field = field


def shown(value: object) -> str:
    """A wrong value as an error repeats it, not to the end."""
    return repr(value)[:_SHOWN]


class Usage(NamedTuple):
    """Tokens read and written."""

    read: int
    written: int

    def as_json(self) -> dict[str, int]:
        """As OpenAI names them."""
        return {
            "prompt_tokens": self.read,
            "completion_tokens": self.written,
            "total_tokens": self.read + self.written,
        }


class Part(NamedTuple):
    """Some of a choice: what came at a time, or all of it."""

    number: int
    text: str
    logprobs: dict[str, list[Any]] | None
    finish: Finish | None

    def as_json(self) -> dict[str, Any]:
        """As a choice of OpenAI's. A full context is `length` to OpenAI; octavo's own word stands beside it."""
        choice = {
            "index": self.number,
            "text": self.text,
            "logprobs": self.logprobs,
            "finish_reason": "length" if self.finish == "context" else self.finish,
        }
        return choice | ({"octavo_finish": self.finish} if self.finish else {})


def logprobs_json(pieces: Iterable[Piece], offset: int, most: int, vocabulary: Vocabulary) -> dict[str, list[Any]]:
    """Tokens and their log-probabilities as OpenAI's completions have them; `offset` characters came before.

    Of each token's alternatives `most` are told, and the token itself beside them. Of those that read alike it is
    the likeliest that counts.
    """
    told: dict[str, list[Any]] = {"tokens": [], "token_logprobs": [], "top_logprobs": [], "text_offset": []}
    for piece in pieces:
        label = vocabulary.label(piece.token)
        told["tokens"].append(label)
        told["token_logprobs"].append(piece.logprob)
        told["text_offset"].append(offset)
        offset += len(piece.text)
        likeliest: dict[str, float] = {}
        for other in piece.alternatives[:most]:
            likeliest.setdefault(vocabulary.label(other.token), other.logprob)
        if piece.logprob is not None:
            likeliest.setdefault(label, piece.logprob)
        told["top_logprobs"].append(likeliest or None)
    return told


class Answer(NamedTuple):
    """What all parts of an answer share."""

    identifier: str
    created: int
    model: str

    def as_json(self, parts: Iterable[Part]) -> dict[str, Any]:
        """An answer, or an event of one that is streamed, without the counts of tokens."""
        return {
            "id": self.identifier,
            "object": "text_completion",
            "created": self.created,
            "model": self.model,
            "choices": [part.as_json() for part in parts],
        }


def new_answer(model: str) -> Answer:
    """An answer with a name of its own."""
    return Answer(f"cmpl-{secrets.token_hex(12)}", int(time.time()), model)
