"""Decoding: a model writes on, token by token; the same settings mean the same in every engine."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Generator, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import torch
from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream
from torch import Tensor

from octavo.errors import InputError
from octavo.modeling.llama import Cache, Llama

Finish = Literal["stop", "length", "context"]
"""Why writing ended: the end of the text or a stop string, the tokens asked for, or a context that is full."""

_RANGES: Final[dict[str, tuple[Callable[[float], bool], str]]] = {
    "max_tokens": (lambda n: n >= 0, "0 or more"),
    "temperature": (lambda n: n == 0 or n >= 1e-4, "0, or 0.0001 or more"),  # less is more than float32 holds
    "top_k": (lambda n: n >= 0, "0 or more"),
    "top_p": (lambda n: 0 < n <= 1, "over 0 and up to 1"),
    "min_p": (lambda n: 0 <= n <= 1, "from 0 to 1"),
    "repetition_penalty": (lambda n: 1e-4 <= n <= 1e4, "from 0.0001 to 10,000"),  # as float32 holds
    "seed": (lambda n: -(2**63) <= n < 2**63, "a number of 64 bits"),
}


@dataclass(frozen=True)
class Decoding:
    """What a person may set of a continuation; the defaults are what small base models are best used with.

    Temperature 0 always takes the likeliest token. Over 0 one is drawn: of the `top_k` likeliest (0: of all), of
    the likeliest that together make `top_p` of the probability, and of those at least `min_p` times as likely as
    the likeliest. Writing ends before the first of the strings in `stop`. Raises InputError for a value out of
    its range.
    """

    max_tokens: int = 128
    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.1
    seed: int = 0
    stop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, (holds, expected) in _RANGES.items():
            value = getattr(self, name)
            whole = name in ("max_tokens", "top_k", "seed")
            if not isinstance(value, int if whole else (int, float)):
                raise InputError(f"{name}: found {value!r}, expected a {'whole ' if whole else ''}number")
            if not holds(value) or (isinstance(value, float) and math.isinf(value)):
                raise InputError(f"{name}: found {value}, expected {expected}")
        if "" in self.stop:
            raise InputError("stop: found an empty string, expected one character at least")

    @property
    def settings(self) -> dict[str, Any]:
        """What is set, as JSON has it: without the seed, and without what shapes no draw and stops nothing."""
        always = ("max_tokens", "temperature", "repetition_penalty")
        plain = asdict(self) | {"stop": list(self.stop)}
        return {
            field.name: plain[field.name]
            for field in fields(self)
            if field.name in always or (field.name != "seed" and getattr(self, field.name) != field.default)
        }

    @property
    def filters(self) -> bool:
        """Whether some tokens are never drawn."""
        return self.temperature > 0 and (self.top_k > 0 or self.top_p < 1 or self.min_p > 0)


class Alternative(NamedTuple):
    """A token that might have come, and the natural logarithm of its probability by the model itself.

    Its text is empty where it is a special entry, and U+FFFD where it is a part of a character.
    """

    token: int
    text: str
    logprob: float


@dataclass(frozen=True)
class Piece:
    """A token of a continuation, and the text that it completes (none in the middle of a character).

    Where asked for: the natural logarithm of its probability by the model itself, before penalty and temperature,
    and the likeliest tokens in its place, the first first.
    """

    token: int
    text: str
    logprob: float | None = None
    alternatives: tuple[Alternative, ...] = ()


Pieces = Generator[Piece, None, Finish]
"""A text as it is written; what the generator returns says why it ended. Closing it ends the work."""


class Written(NamedTuple):
    """A continuation as a whole."""

    text: str
    tokens: int
    finish: Finish


Allowed = Callable[[Sequence[int]], Collection[int]]
"""Of the tokens written so far, which may come next; one at least."""


def continuation(
    model: Llama, tokenizer: Tokenizer, tokens: list[int], end: int, decoding: Decoding, alternatives: int = 0
) -> Pieces:
    """What follows a prompt's tokens, in float32, up to the `end` token, a stop string, the limit or the context.

    With the logarithm of each token's probability and so many alternatives, where these are any.
    """
    return until_stop(_pieces(model, tokenizer, tokens, end, decoding, alternatives), decoding.stop)


def _pieces(
    model: Llama, tokenizer: Tokenizer, tokens: list[int], end: int, decoding: Decoding, alternatives: int
) -> Pieces:
    decoder = DecodeStream(ids=tokens, skip_special_tokens=True)
    steps = _steps(model, tokens, end, decoding, None)
    while True:
        try:
            token, logits = next(steps)
        except StopIteration as ended:
            finish: Finish = ended.value
            return finish
        text = decoder.step(tokenizer, token) or ""
        if not alternatives:
            yield Piece(token, text)
            continue
        logprobs = logits.log_softmax(-1)
        best = logprobs.topk(min(alternatives, len(logprobs)))
        likeliest = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        others = tuple(Alternative(other, _token_text(tokenizer, other), logprob) for other, logprob in likeliest)
        yield Piece(token, text, float(logprobs[token]), others)


def _token_text(tokenizer: Tokenizer, token: int) -> str:
    # Behind another text, as some tokenizers take away the space that a text begins with.
    before = tokenizer.encode("a", add_special_tokens=False).ids
    taken = len(tokenizer.decode(before, skip_special_tokens=True))
    text: str = tokenizer.decode([*before, token], skip_special_tokens=True)[taken:]
    return text


class Stopping:
    """Ends a text where the first of some strings begins, as its pieces come.

    Pieces that may hold the beginning of such a string wait until it is seen whether they do; none is lost.
    """

    def __init__(self, stop: Sequence[str]) -> None:
        self.stop = stop
        self.held: list[Piece] = []
        self.ended = False

    def take(self, piece: Piece) -> list[Piece]:
        """Of the next piece and those that waited, which are certain; `ended` after the last."""
        self.held.append(piece)
        text = "".join(held.text for held in self.held)
        certain = len(cut(text, self.stop))
        self.ended = certain < len(text) or text in self.stop
        if self.ended:
            return list(_first(self.held, certain))
        certain -= _begun(text, self.stop)
        ready = []
        while self.held and len(self.held[0].text) <= certain:
            certain -= len(self.held[0].text)
            ready.append(self.held.pop(0))
        return ready


def until_stop(pieces: Pieces, stop: Sequence[str]) -> Pieces:
    """A text up to where the first of some strings begins, which ends it with "stop"; see `Stopping`."""
    if not stop:
        return (yield from pieces)
    stopping = Stopping(stop)
    try:
        while True:
            try:
                piece = next(pieces)
            except StopIteration as ended:
                yield from stopping.held
                finish: Finish = ended.value
                return finish
            yield from stopping.take(piece)
            if stopping.ended:
                return "stop"
    finally:
        pieces.close()


def whole(pieces: Pieces) -> Written:
    """A text once it is written."""
    written: list[str] = []
    while True:
        try:
            written.append(next(pieces).text)
        except StopIteration as ended:
            return Written("".join(written), len(written), ended.value)


def _first(pieces: Sequence[Piece], characters: int) -> Generator[Piece, None, None]:
    """The pieces of the first so many characters, the last cut where these end."""
    for piece in pieces:
        if characters <= 0:
            return
        text = piece.text[:characters]
        yield Piece(piece.token, text, piece.logprob, piece.alternatives)
        characters -= len(text)


def _begun(text: str, stop: Sequence[str]) -> int:
    """How many characters at the end of a text are the beginning of one of the strings."""
    longest = min(len(text), max(map(len, stop)) - 1)
    return next((n for n in range(longest, 0, -1) if any(s.startswith(text[-n:]) for s in stop)), 0)


def cut(text: str, stop: Sequence[str]) -> str:
    """A text up to the first place where one of some strings begins."""
    return text[: min((at for string in stop if (at := text.find(string)) >= 0), default=len(text))]


def next_tokens(
    model: Llama, tokens: list[int], end: int, decoding: Decoding, allowed: Allowed | None = None
) -> Generator[int, None, Finish]:
    """The tokens of a continuation, whatever strings they make; where it says so, of those `allowed` alone."""
    steps = _steps(model, tokens, end, decoding, allowed)
    while True:
        try:
            yield next(steps)[0]
        except StopIteration as ended:
            finish: Finish = ended.value
            return finish


def _steps(
    model: Llama, tokens: list[int], end: int, decoding: Decoding, allowed: Allowed | None
) -> Generator[tuple[int, Tensor], None, Finish]:
    """Each token with the logits (vocabulary) that it was chosen by."""
    device = model.output.weight.device
    room = model.config.max_position_embeddings - len(tokens)
    cache = Cache(model.config, 1, device, torch.float32)
    generators = [drawing(decoding.seed)]
    unread = torch.tensor([tokens], device=device)
    seen = seen_entries([tokens], model.config.vocab_size, device)
    written: list[int] = []
    for _ in range(min(decoding.max_tokens, room)):
        with torch.inference_mode():
            logits = model.output(model.hidden(unread, cache=cache)[:, -1])
            if allowed is not None:
                logits = only(logits, [allowed(written)])
            unread = choose(logits, seen, decoding, generators)[0][:, None]
            seen.scatter_(1, unread, True)
        token = int(unread)
        if token == end:
            return "stop"
        written.append(token)
        yield token, logits[0]
    # Positions past the learnt length are none that the model was trained on: it is not led there, nor does it
    # forget its beginning on the way.
    return "length" if decoding.max_tokens <= room else "context"


def only(logits: Tensor, allowed: Sequence[Collection[int]]) -> Tensor:
    """Logits (rows, vocabulary) with those of all tokens that a row may not have at minus infinity."""
    mask = torch.full(logits.shape, -torch.inf)
    for row, tokens in zip(mask, allowed, strict=True):
        row[list(tokens)] = 0
    return logits + mask.to(logits.device)


def seen_entries(rows: Sequence[Sequence[int]], vocab_size: int, device: torch.device) -> Tensor:
    """Which entries of the vocabulary stand in each row of tokens, (rows, vocabulary)."""
    seen = torch.zeros(len(rows), vocab_size, dtype=torch.bool)
    for row, tokens in zip(seen, rows, strict=True):
        row[torch.tensor(tokens)] = True
    return seen.to(device)


def drawing(seed: int) -> np.random.Generator:
    """What a text is drawn by, of any seed that `Decoding` may have."""
    return np.random.Generator(np.random.PCG64(seed % 2**64))


def choose(
    logits: Tensor, seen: Tensor, decoding: Decoding, generators: Sequence[np.random.Generator]
) -> tuple[Tensor, Tensor]:
    """The next token of each row, and how far its score lies over the second best.

    `logits` and `seen`, which entries stand in all tokens so far, the prompt's among them: (rows, vocabulary).
    Each row draws with its own generator. Temperature 0 is greedy; over 0 the draw is the highest score after
    noise of Gumbel's distribution, minus the logarithm of an exponential one's, is added (Maddison et al., 2014).
    Where a token lies so near to the edge of what may be drawn that the least error of rounding would take it in
    or leave it out, and that would change the choice, the score is said to be 0 ahead.
    """
    scores = shaped(logits, seen, decoding)
    if decoding.temperature == 0:
        return _best(scores)
    # By NumPy, in a quarter of torch's time and on one thread; in float64 at first, as a zero would always win.
    drawn = np.empty(scores.shape, np.float32)
    for row, generator in zip(drawn, generators, strict=True):
        row[:] = generator.standard_exponential(len(row))
    noise = -torch.from_numpy(drawn).to(scores.device).log()
    if not decoding.filters:
        return _best(scores + noise)
    (token, _), (loose, ahead), (tight, _) = (
        _best(filtered(scores, decoding, slack) + noise) for slack in (0.0, EDGE, -EDGE)
    )
    return token, torch.where((token == loose) & (token == tight), ahead, 0.0)


EDGE: Final = 1e-4
"""How far scores and probabilities may move by rounding; see continuations.MARGIN."""


def _best(scores: Tensor) -> tuple[Tensor, Tensor]:
    (first, second), (token, _) = (two.unbind(-1) for two in scores.topk(2, dim=-1))
    return token, first - second


def shaped(logits: Tensor, seen: Tensor, decoding: Decoding) -> Tensor:
    """Scores (rows, vocabulary) after repetition penalty and temperature.

    The penalty is that of CTRL (Keskar et al., 2019) on all tokens so far, as transformers applies it.
    """
    scores = logits.float()
    if decoding.repetition_penalty != 1.0:
        penalty = decoding.repetition_penalty
        scores = torch.where(seen, torch.where(scores > 0, scores / penalty, scores * penalty), scores)
    return scores / decoding.temperature if decoding.temperature > 0 else scores


def filtered(scores: Tensor, decoding: Decoding, slack: float = 0.0) -> Tensor:
    """Scores (rows, vocabulary) with those that are never drawn at minus infinity.

    Top-k (Fan et al., 2018), then top-p (Holtzman et al., 2020), then min-p (Nguyen et al., 2024), in this order
    as in transformers: each sees what the one before left. The likeliest always stays. With `slack` over 0 more
    is kept, by so much in scores or probabilities; under 0 less.
    """
    if 0 < decoding.top_k < scores.shape[-1]:
        least = scores.topk(decoding.top_k + (slack < 0), dim=-1).values[:, -1:]
        scores = _keep(scores, scores >= least - slack)
    if decoding.top_p < 1:
        ascending, order = scores.sort(dim=-1)
        kept = ascending.softmax(-1).cumsum(-1) > 1 - decoding.top_p - slack
        scores = _keep(scores, kept.scatter(-1, order, kept))
    if decoding.min_p > 0:
        probabilities = scores.softmax(-1)
        floor = decoding.min_p * (1 - slack) * probabilities.amax(-1, keepdim=True)
        scores = _keep(scores, probabilities >= floor)
    return scores


def _keep(scores: Tensor, kept: Tensor) -> Tensor:
    """Scores of what is kept, the best among it in any case."""
    best = scores == scores.amax(-1, keepdim=True)
    return scores.masked_fill(~(kept | best), -torch.inf)
