"""llama.cpp as an engine: many texts at once, each in a slot of its own that holds the model's whole context."""

from __future__ import annotations

import json
import os
import queue
import secrets
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import replace
from http.client import HTTPConnection
from itertools import groupby
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import psutil
import xllamacpp

from octavo.errors import InputError, OctavoError
from octavo.modeling.decoding import Alternative, Decoding, Finish, Piece, Pieces, Written, until_stop, whole
from octavo.modeling.gguf.header import Setting, gguf_settings
from octavo.tokenization.train import LLAMA_CPP_SPLIT

CONTEXT_LIMIT: Final = 8192
"""Longest context that llama.cpp is asked to keep, whatever the model could."""

LONGEST_RUN: Final = 10_000
"""Digits in a row that llama.cpp is given at most: it calls itself for each, and 60,000 end the process. Where it
knows a tokenizer's split by an expression alone, so it does for letters, spaces and signs."""

_SPLITS_BY_CODE: Final = frozenset(
    {LLAMA_CPP_SPLIT, "llama-bpe", "llama3", "qwen2", "gpt-2", "smollm", "starcoder"}
)

CERTAIN: Final = 10_000.0
"""Added to a token's logit: more than any two logits lie apart."""

_RANDOM_SEED: Final = 2**32 - 1
"""What llama.cpp takes for 'another seed each time'."""

_LOOK: Final = 0.1
"""Seconds for which the cores are looked at."""
_IDLE: Final = 30.0
"""Percent of a core's time under which it has nothing to do."""

_MOST: Final = 2**31 - 1
"""What its whole numbers hold."""


def threads() -> int:
    """Threads that compute: they spin at barriers, and with no core left for others are a tenth as fast.

    Only those cores count that this process may use, fewer than the machine's in many a container.
    """
    return max(1, len(_cores()) - 1)


def idle_threads() -> int:
    """As many threads as there are cores with nothing to do just now; of more than two cores one is left.

    For one who writes alone: two cores read a prompt twice as fast as one.
    """
    own = _cores()
    idle = sum(
        1 for core, load in enumerate(psutil.cpu_percent(_LOOK, percpu=True)) if core in own and load < _IDLE
    )
    return max(1, min(idle, len(own) - 1 if len(own) > 2 else len(own)))


def _cores() -> set[int]:
    """The cores that this process may use."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 2))


class LlamaCppEngine:
    """llama.cpp, on a GGUF file; up to `slots` texts are read and written side by side.

    Its own HTTP server listens at `address` on this machine alone, and answers who knows the `key`.
    """

    name: Final = "llama.cpp"

    def __init__(self, gguf: Path, slots: int = 1, compute_threads: int | None = None) -> None:
        settings = gguf_settings(gguf)
        self.context = min(context_length(gguf, settings), CONTEXT_LIMIT)
        self.gguf, self.slots = gguf, slots
        # SentencePiece splits nothing.
        self._by_code = settings.get("tokenizer.ggml.model") == "llama" or (
            settings.get("tokenizer.ggml.pre") in _SPLITS_BY_CODE
        )
        self.key = secrets.token_urlsafe(32)
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(gguf)
        parameters.n_parallel = slots
        parameters.n_ctx = slots * self.context
        parameters.kv_unified = False  # a long text in one slot takes no room from another
        parameters.cont_batching = True
        # A full context ends a text. To shift it would lead the model to positions that it never learnt, behind a
        # beginning that it was never trained to do without.
        parameters.ctx_shift = False
        parameters.cache_prompt = True
        parameters.cache_ram_mib = 0  # a slot keeps its last text, and memory is bounded; by default 8 GiB more
        parameters.api_keys = [self.key]
        parameters.ui = False
        parameters.cpuparams.n_threads = compute_threads or threads()
        parameters.warmup = False
        parameters.verbosity = -1
        try:
            self.server = xllamacpp.Server(parameters)
        except RuntimeError:
            raise InputError(f"{gguf}: found a file that llama.cpp cannot load, expected a GGUF model") from None
        self.address: str = self.server.listening_address
        # A server that is dropped before its loop has begun waits for ever: an answer shows that it has.
        self.next_token_logprobs([0], 1)

    def stream(self, tokens: list[int], decoding: Decoding, alternatives: int = 0) -> Pieces:
        """What follows; closing it frees the slot at the next token.

        Bytes at the end that make no whole character are left out, and so are their tokens.
        """
        return until_stop(self._pieces(tokens, decoding, alternatives, threading.Event()), decoding.stop)

    def texts(
        self, prompts: Sequence[list[int]], decoding: Decoding, seeds: Sequence[int] | None = None
    ) -> list[Written]:
        """What follows each prompt, as many at once as there are slots; each draws by its own seed, if given.

        Sums of many rows are rounded otherwise than those of one: where two tokens are all but equally likely, the
        choice may hang on what is written beside.
        """
        settings = [replace(decoding, seed=seed) for seed in seeds or [decoding.seed] * len(prompts)]
        broken = threading.Event()

        def write(prompt: list[int], own: Decoding) -> Written:
            return whole(until_stop(self._pieces(prompt, own, 0, broken), own.stop))

        with ThreadPoolExecutor(self.slots) as slots:
            texts = [slots.submit(write, *one) for one in zip(prompts, settings, strict=True)]
            try:
                wait(texts, return_when=FIRST_EXCEPTION)
                return [text.result() for text in texts if text.done()]
            finally:  # one failed, or a person has had enough: nobody waits for the others
                broken.set()
                slots.shutdown(wait=False, cancel_futures=True)

    def request(self, tokens: list[int], decoding: Decoding, alternatives: int = 0) -> dict[str, Any]:
        """The body of a request to {address}/v1/completions, for one who streams it through `pieces_of`.

        Stop strings are not in it: at the end llama.cpp loses text that might have been the beginning of one. Who
        streams looks for them with `modeling.decoding.Stopping`, and closes the connection.
        """
        return {
            "prompt": tokens,
            "max_tokens": max(0, min(decoding.max_tokens, self.context - len(tokens))),
            "temperature": decoding.temperature,
            "seed": decoding.seed % _RANDOM_SEED,
            "repeat_penalty": decoding.repetition_penalty,
            "repeat_last_n": self.context,
            "top_k": min(decoding.top_k, _MOST),
            "top_p": decoding.top_p,
            "min_p": decoding.min_p,
            # Nothing else shapes the distribution, and in the order of transformers.
            "samplers": ["penalties", "temperature", "top_k", "top_p", "min_p"],
            "n_probs": max(1, alternatives),  # without, it does not tell its tokens
        }

    def _pieces(self, tokens: list[int], decoding: Decoding, alternatives: int, broken: threading.Event) -> Pieces:
        if not decoding.max_tokens:  # llama.cpp writes one token at least
            return "length"
        request = self.request(tokens, decoding, alternatives) | {"stream": True}
        answers: queue.Queue[dict[str, Any] | None] = queue.Queue()
        closed = threading.Event()

        def take(answer: dict[str, Any]) -> bool:
            answers.put(answer)
            return closed.is_set() or broken.is_set()  # true ends the work

        def ask() -> None:
            try:
                self.server.handle_completions(request, take)
            except RuntimeError as error:
                answers.put({"error": {"message": str(error)}})
            answers.put(None)

        # At the end of the process it is waited for: were it stopped inside of llama.cpp, all would be aborted.
        threading.Thread(target=ask).start()
        silent: list[Piece] = []  # a token without text may be that of the end, which is no part of the text
        try:
            while (answer := answers.get()) is not None:
                if "error" in answer:
                    raise OctavoError(f"llama.cpp: {answer['error']['message']}")
                if reason := answer["choices"][0]["finish_reason"]:
                    finish = finish_of(reason, answer["usage"]["completion_tokens"], decoding)
                    yield from silent[:-1] if finish == "stop" else silent
                    return finish
                for piece in pieces_of(answer, alternatives):
                    if piece.text:
                        yield from silent
                        yield piece
                        silent = []
                    else:
                        silent.append(piece)
        finally:
            closed.set()
        raise OctavoError("llama.cpp: found the end of its answer, expected a reason for it")

    def next_token_logprobs(self, tokens: list[int], vocab_size: int) -> dict[int, float]:
        """Natural logarithms of the next token's probabilities, by token."""
        request = self.request(tokens, Decoding(max_tokens=1, repetition_penalty=1.0), vocab_size)
        first = self._ask(request)["logprobs"]["content"][0]
        return {entry["id"]: entry["logprob"] for entry in first["top_logprobs"]}

    def logprob(self, tokens: list[int], following: int) -> tuple[float, bool]:
        """Natural logarithm of the probability of the token `following`, and whether it is the likeliest.

        llama.cpp tells it of the token that it chose, as it was before any bias; a bias makes it choose this one.
        """
        request = self.request(tokens, Decoding(max_tokens=1, repetition_penalty=1.0))
        answer = self._ask(request | {"logit_bias": [[following, CERTAIN]]})
        chosen = answer["logprobs"]["content"][0]
        if chosen["id"] != following:
            raise OctavoError(f"llama.cpp: found token {chosen['id']} chosen, expected {following}")
        return chosen["logprob"], chosen["top_logprobs"][0]["id"] == following

    def encode(self, text: str) -> list[int]:
        """A prompt's tokens by llama.cpp's own tokenizer, after the begin-of-text token.

        Raises InputError for a number or a word so long that llama.cpp's expression for it would end the process.
        """
        longest = max((sum(1 for _ in run) for kind, run in groupby(text, self._kind) if kind), default=0)
        if longest > LONGEST_RUN:
            what = "digits" if self._by_code else "characters of one kind"
            raise InputError(f"prompt: found {longest:,} {what} in a row, expected at most {LONGEST_RUN:,}")
        asked = {"content": text, "add_special": True, "parse_special": False}
        tokens: list[int] = self._post("/tokenize", asked)["tokens"]
        return tokens

    def _kind(self, character: str) -> str | None:
        """Of what a character makes a run with those beside it; None where the length of that is no matter."""
        if character.isnumeric():
            return "digit"
        if self._by_code:
            return None
        return "space" if character.isspace() else "letter" if character.isalpha() else "sign"

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        connection = HTTPConnection(urlsplit(self.address).netloc)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"}
        try:
            connection.request("POST", path, json.dumps(body), headers)
            response = connection.getresponse()
            answer: dict[str, Any] = json.load(response)
        finally:
            connection.close()
        if response.status != 200:
            raise OctavoError(f"llama.cpp: {answer.get('error', {}).get('message', response.status)}")
        return answer

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        answer = self.server.handle_completions(request)
        if "error" in answer:
            raise OctavoError(f"llama.cpp: {answer['error']['message']}")
        choice: dict[str, Any] = answer["choices"][0]
        return choice


def pieces_of(answer: dict[str, Any], alternatives: int) -> list[Piece]:
    """The pieces of one line of a streamed answer: several where tokens lie within a character.

    The last without text is that of the end, no part of the text, where the answer ends with "stop".
    """
    choice = answer["choices"][0]
    *silent, last = (choice["logprobs"] or {}).get("content") or [None]
    pieces = []
    for entry in [*silent, last] if last else []:
        text = choice["text"] if entry is last else ""
        if alternatives:
            pieces.append(
                Piece(entry["id"], text, entry["logprob"], tuple(map(_alternative, entry["top_logprobs"])))
            )
        else:
            pieces.append(Piece(entry["id"], text))
    return pieces


def _alternative(entry: dict[str, Any]) -> Alternative:
    # Where the bytes are a part of a character, it tells no text.
    text = entry["token"] or bytes(entry["bytes"]).decode(errors="replace")
    return Alternative(entry["id"], text, entry["logprob"])


def finish_of(reason: str, tokens: int, decoding: Decoding) -> Finish:
    """Why writing ended, of llama.cpp's `finish_reason` and the tokens that it wrote."""
    if reason == "stop":
        return "stop"
    return "length" if tokens >= decoding.max_tokens else "context"


def context_length(gguf: Path, settings: Mapping[str, Setting]) -> int:
    """The context length that a GGUF file states; InputError where it states none."""
    found = settings.get(f"{settings.get('general.architecture')}.context_length")
    if not isinstance(found, int) or found < 1:
        raise InputError(f"{gguf}: found no context length, expected a GGUF model")
    return found
