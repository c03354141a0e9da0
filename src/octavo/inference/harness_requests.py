"""What lm-eval asks for, as tokens: pairs to weigh, windows of long texts, and how to write.

The tokens are those of lm-eval's own class for transformers, so that figures compare, but for one thing: an entry
of the vocabulary that reaches from the context into the continuation (see `pair`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any, Final, NamedTuple

from octavo.errors import InputError
from octavo.modeling.decoding import Decoding

MAX_TOKENS: Final = 256
"""What lm-eval lets a model write where a task does not say; half the context where that is less."""

_LENGTHS: Final = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")
"""Names of the same thing; the first that is given counts."""

_WITHOUT_EFFECT_IF_GREEDY: Final = {"top_p", "top_k", "min_p", "typical_p"}


class Pair(NamedTuple):
    """The log-likelihood of a continuation is that of `scored` after `before`, minus that of `less` after it.

    `less` has tokens only where `scored` begins with an entry that reaches back into the context.
    """

    before: list[int]
    scored: list[int]
    less: list[int]


def pair(encode: Callable[[str], list[int]], begin: int, begins: bool, context: str, continuation: str) -> Pair:
    """The tokens of a continuation after its context.

    `encode` gives a text's tokens without the begin token, which stands before a context where `begins`, and
    wherever there is no other token. White space at the end of a context belongs to the continuation.

    Both are encoded as one text. Where its tokens begin with the context's own, the rest is the continuation. An
    entry over several words may reach from one into the other; then the ratio of the whole text's likelihood to the
    context's stands for the continuation, from where the two part. Choices after one context stay comparable so,
    and the model sees nothing but texts as it learnt them.
    """
    stripped = context.rstrip()
    text, continuation = stripped, context[len(stripped) :] + continuation
    start = [begin] if begins or not text else []
    alone, whole = [*start, *encode(text)], [*start, *encode(text + continuation)]
    shared = sum(1 for _ in takewhile(lambda two: two[0] == two[1], zip(alone, whole, strict=False)))
    if shared == 0:
        alone, whole, shared = [begin, *alone], [begin, *whole], 1
    return Pair(whole[:shared], whole[shared:], alone[shared:])


def windows(tokens: Sequence[int], begin: int, window: int) -> Iterator[tuple[list[int], list[int]]]:
    """A long text as (before, scored): each token is scored once, after `window` tokens at most.

    The first follows the begin token. The last window reaches back as far as it may.
    """
    text = [begin, *tokens]
    for start in range(0, len(tokens), window):
        end = min(start + window, len(tokens))
        yield text[max(0, end - window) : start + 1], text[start + 1 : end + 1]


def writing(arguments: Mapping[str, Any], context: int, repetition_penalty: float) -> Decoding:
    """A task's `generation_kwargs`, for a model of this context and, where none is said, this penalty.

    Greedy, unless `temperature` is over 0 and `do_sample` is not false. Raises InputError for a setting that the
    engines do not know.
    """
    asked = dict(arguments)
    lengths = [asked.pop(name, None) for name in _LENGTHS]
    found = next((length for length in lengths if length is not None), min(MAX_TOKENS, context // 2))
    length = _whole("max_gen_toks", found)
    if not 1 <= length < context:
        raise _refused("max_gen_toks", found, f"1 or more, and fewer than the model's context of {context}")
    until = asked.pop("until", None) or []
    stops = [until] if isinstance(until, str) else until
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
        raise _refused("until", until, "a text or a list of texts")
    sampled = asked.pop("do_sample", None) is not False
    temperature = _number("temperature", asked.pop("temperature", None) or 0.0) * sampled
    penalty = _number("repetition_penalty", asked.pop("repetition_penalty", repetition_penalty))
    seed = _whole("seed", asked.pop("seed", 0))
    drawn: dict[str, Any] = {}
    if temperature:
        drawn["top_k"] = _whole("top_k", asked.pop("top_k", 0))
        drawn |= {name: _number(name, asked.pop(name, usual)) for name, usual in (("top_p", 1.0), ("min_p", 0.0))}
    if asked.get("num_beams") == 1:
        del asked["num_beams"]
    unknown = sorted(asked.keys() - (set() if temperature else _WITHOUT_EFFECT_IF_GREEDY))
    if unknown:
        known = ["until", _LENGTHS[0], "do_sample", "temperature", *drawn, "repetition_penalty", "seed"]
        raise _refused(unknown[0], asked[unknown[0]], f"of the settings only {', '.join(known)}")
    shape = {"temperature": temperature, "repetition_penalty": penalty, "seed": seed, **drawn}
    try:
        return Decoding(length, **shape, stop=tuple(stop for stop in stops if stop))
    except InputError as error:
        raise InputError(f"generation_kwargs: {error}") from None


def _whole(name: str, value: object) -> int:
    number = _number(name, value)
    if number != int(number):
        raise _refused(name, value, "a whole number")
    return int(number)


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise _refused(name, value, "a number")
    return float(value)


def _refused(name: str, found: object, expected: str) -> InputError:
    return InputError(f"generation_kwargs: {name}: found {found!r}, expected {expected}")
