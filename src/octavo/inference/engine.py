"""The engines: given a prompt's tokens, each yields the tokens of its continuation."""

from __future__ import annotations

import json
import os
import queue
import threading
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, Protocol

from octavo.errors import InputError, OctavoError
from octavo.modeling.decoding import Decoding, Piece, continuation

EngineName = Literal["auto", "llama.cpp", "torch"]

CONTEXT_LIMIT = 8192
"""Longest context that llama.cpp is asked to keep, whatever the model could."""


class Engine(Protocol):
    """A model ready to write."""

    name: str
    context: int

    def encode(self, text: str) -> list[int]:
        """A prompt's tokens, after the begin-of-text token."""
        ...

    def stream(self, tokens: list[int], decoding: Decoding) -> Iterator[Piece]:
        """What follows, up to the end of text, the limit or the context's edge."""
        ...


def stream_text(engine: Engine, prompt: str, decoding: Decoding) -> Iterator[str]:
    """A prompt's continuation, piece by piece; InputError where the prompt fills the context."""
    tokens = engine.encode(prompt)
    if len(tokens) >= engine.context:
        raise InputError(
            f"prompt: found {len(tokens)} tokens, expected fewer than the model's context of {engine.context}"
        )
    for piece in engine.stream(tokens, decoding):
        if piece.text:
            yield piece.text


class TorchEngine:
    """The reference: octavo's own model, one sequence at a time, in float32."""

    name = "torch"

    def __init__(self, folder: Path) -> None:
        from octavo.modeling.hf import load_hf
        from octavo.tokenization.encode import load_tokenizer
        from octavo.tokenization.entries import begin_and_end

        self.model = load_hf(folder)
        self.context = self.model.config.max_position_embeddings
        self.tokenizer = load_tokenizer(folder / "tokenizer.json")
        self.begin, self.end = begin_and_end(self.tokenizer, str(folder / "tokenizer.json"))

    def encode(self, text: str) -> list[int]:
        """A prompt's tokens, after the begin-of-text token."""
        return [self.begin, *self.tokenizer.encode(text, add_special_tokens=False).ids]

    def stream(self, tokens: list[int], decoding: Decoding) -> Iterator[Piece]:
        """What follows."""
        return continuation(self.model, self.tokenizer, tokens, self.end, decoding)


LONGEST_NUMBER = 10_000
"""Digits in a row that llama.cpp is given at most: it calls itself for each, and 60,000 end the process."""


CERTAIN = 10_000.0
"""Added to a token's logit: more than any two logits lie apart."""


class LlamaCppEngine:
    """llama.cpp, on a GGUF file."""

    name = "llama.cpp"

    def __init__(self, gguf: Path) -> None:
        import xllamacpp

        self.context = min(context_length(gguf), CONTEXT_LIMIT)
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(gguf)
        parameters.n_ctx = self.context
        parameters.n_parallel = 1
        # Its threads spin at barriers: with no core left for others it falls to a tenth of its speed.
        parameters.cpuparams.n_threads = max(1, (os.cpu_count() or 2) - 1)
        parameters.warmup = False
        parameters.verbosity = -1
        try:
            self.server = xllamacpp.Server(parameters)
        except RuntimeError:
            raise InputError(f"{gguf}: found a file that llama.cpp cannot load, expected a GGUF model") from None
        # A server that is dropped before its loop has begun waits for ever: an answer shows that it has.
        self.next_token_logprobs([0], 1)

    def stream(self, tokens: list[int], decoding: Decoding) -> Iterator[Piece]:
        """What follows."""
        request = self._request(tokens, decoding) | {"stream": True, "n_probs": 1}
        answers: queue.Queue[dict[str, Any] | None] = queue.Queue()

        def ask() -> None:
            try:
                self.server.handle_completions(request, answers.put)
            except RuntimeError as error:
                answers.put({"error": {"message": str(error)}})
            answers.put(None)

        threading.Thread(target=ask, daemon=True).start()
        while (answer := answers.get()) is not None:
            if "error" in answer:
                raise OctavoError(f"llama.cpp: {answer['error']['message']}")
            choice = answer["choices"][0]
            *silent, last = (choice["logprobs"] or {}).get("content") or [None]
            for entry in silent:  # tokens that end within a character; the text comes with the last
                yield Piece(entry["id"], "")
            if last:
                yield Piece(last["id"], choice["text"])

    def next_token_logprobs(self, tokens: list[int], vocab_size: int) -> dict[int, float]:
        """Natural logarithms of the next token's probabilities, by token."""
        request = self._request(tokens, Decoding(max_tokens=1, repetition_penalty=1.0)) | {"n_probs": vocab_size}
        first = self._ask(request)["logprobs"]["content"][0]
        return {entry["id"]: entry["logprob"] for entry in first["top_logprobs"]}

    def logprob(self, tokens: list[int], following: int) -> tuple[float, bool]:
        """Natural logarithm of the probability of the token `following`, and whether it is the likeliest.

        llama.cpp tells it of the token that it chose, as it was before any bias; a bias makes it choose this one.
        """
        request = self._request(tokens, Decoding(max_tokens=1, repetition_penalty=1.0))
        answer = self._ask(request | {"n_probs": 1, "logit_bias": [[following, CERTAIN]]})
        chosen = answer["logprobs"]["content"][0]
        if chosen["id"] != following:
            raise OctavoError(f"llama.cpp: found token {chosen['id']} chosen, expected {following}")
        return chosen["logprob"], chosen["top_logprobs"][0]["id"] == following

    def text(self, tokens: list[int], decoding: Decoding, stops: Sequence[str]) -> str:
        """What follows as a whole, up to where the first of `stops` would begin."""
        answer: str = self._ask(self._request(tokens, decoding) | {"stop": list(stops)})["text"]
        return answer

    def encode(self, text: str) -> list[int]:
        """A prompt's tokens by llama.cpp's own tokenizer, after the begin-of-text token.

        Raises InputError for a number so long that llama.cpp's expression for digits would end the process.
        """
        import urllib.request

        longest = max((len([*run]) for number, run in groupby(text, str.isnumeric) if number), default=0)
        if longest > LONGEST_NUMBER:
            raise InputError(f"prompt: found {longest:,} digits in a row, expected at most {LONGEST_NUMBER:,}")

        body = json.dumps({"content": text, "add_special": True, "parse_special": False}).encode()
        request = urllib.request.Request(
            self.server.listening_address + "/tokenize", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as answer:
            tokens: list[int] = json.load(answer)["tokens"]
        return tokens

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        answer = self.server.handle_completions(request)
        if "error" in answer:
            raise OctavoError(f"llama.cpp: {answer['error']['message']}")
        choice: dict[str, Any] = answer["choices"][0]
        return choice

    def _request(self, tokens: list[int], decoding: Decoding) -> dict[str, Any]:
        return {
            "prompt": tokens,
            "max_tokens": min(decoding.max_tokens, self.context - len(tokens)),
            "temperature": decoding.temperature,
            "seed": decoding.seed,
            "repeat_penalty": decoding.repetition_penalty,
            "repeat_last_n": self.context,
            # Nothing but the temperature shapes the distribution.
            "top_k": 0,
            "top_p": 1.0,
            "min_p": 0.0,
            "samplers": ["penalties", "temperature"],
        }


def context_length(gguf: Path) -> int:
    """The context length that a GGUF file states; InputError where it is none."""
    from gguf import GGUFReader

    try:
        fields = GGUFReader(gguf).fields
        return int(fields[f"{fields['general.architecture'].contents()}.context_length"].contents())
    except FileNotFoundError:
        raise InputError(f"{gguf}: no such file") from None
    except (ValueError, KeyError, IndexError, OSError) as error:
        raise InputError(f"{gguf}: found no GGUF model that can be read ({error})") from None


def open_engine(model: Path, engine: EngineName = "auto") -> Engine:
    """Open a run, a release, a Hugging Face directory or a .gguf file for writing.

    `auto` takes llama.cpp where there is a GGUF file, BF16 before others, else torch. Raises InputError
    where the model cannot be opened so.
    """
    if model.suffix == ".gguf":
        if engine == "torch":
            raise InputError(f"{model}: found a GGUF file, expected a model directory for the torch engine")
        return LlamaCppEngine(model)
    if not model.is_dir():
        raise InputError(f"{model}: found no such folder, expected a release, a model directory or a .gguf file")
    if not (model / "config.json").exists() and (model / "release").is_dir():
        model = model / "release"
    ggufs = sorted((model / "gguf").glob("*.gguf"), key=lambda p: ("BF16" not in p.name, p.name))
    if engine == "llama.cpp" and not ggufs:
        raise InputError(f"{model}: found no gguf/*.gguf, expected one for the llama.cpp engine")
    if engine == "torch" or not ggufs:
        return TorchEngine(model)
    return LlamaCppEngine(ggufs[0])
