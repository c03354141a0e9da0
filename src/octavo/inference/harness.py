"""EleutherAI's lm-eval on octavo's engines: its command line, with the model `octavo` in it.

    python -m octavo.inference.harness run --model octavo --model_args model=runs/starter --tasks TASK

lm-eval knows the models that were registered before its command line runs, and looks for no others.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

from blake3 import blake3

from octavo.errors import InputError, OctavoError
from octavo.inference.engine import EngineName
from octavo.inference.harness_engines import Row, open_reader, usual_penalty
from octavo.inference.harness_requests import pair, windows, writing
from octavo.modeling.decoding import Decoding
from octavo.terminal import plain

try:
    from lm_eval.api.instance import Instance
    from lm_eval.api.model import LM
    from lm_eval.api.registry import register_model
    from tqdm import tqdm
except ModuleNotFoundError as error:
    if __name__ != "__main__":
        raise
    sys.exit(f"octavo: found no {error.name}, expected lm-eval: pip install '.[harness]' in octavo's checkout")

Answer = TypeVar("Answer")

_AT_ONCE: Final = 512
"""Requests between two entries in lm-eval's cache."""


class OctavoLM(LM):  # type: ignore[misc]
    """A model that octavo's engines can open, as lm-eval wants it.

    `--model_args` are `model` (a run, a release, a Hugging Face directory or a .gguf file) and `engine`. What
    lm-eval hands over besides, the batch's size and the device, has no effect: the engines make batches that fit,
    and work on the processor.
    """

    def __init__(
        self,
        model: str | Path = "",
        engine: EngineName = "auto",
        batch_size: object = None,
        max_batch_size: object = None,
        device: object = None,
        **others: object,
    ) -> None:
        super().__init__()
        if others or not model:
            found = ", ".join(others) or "no model"
            raise InputError(f"model_args: found {found}, expected model=DIR and perhaps engine=NAME")
        if engine not in get_args(EngineName):
            raise InputError(
                f"model_args: engine: found {engine}, expected one of {', '.join(get_args(EngineName))}"
            )
        self.path = Path(str(model))
        self.reader = open_reader(self.path, engine)
        self.penalty = usual_penalty(self.path)

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """For each (context, continuation) its log-likelihood in nats, and whether greedy decoding writes it."""
        reader = self.reader

        def answer(asked: Sequence[tuple[str, str]]) -> list[tuple[float, bool]]:
            pairs = [pair(reader.encode, reader.begin, reader.begins, *texts) for texts in asked]
            found = reader.weigh([(p.before, p.scored) for p in pairs])
            less = reader.weigh([(p.before, p.less) for p in pairs])
            return [(f.nats - minus.nats, f.likeliest) for f, minus in zip(found, less, strict=True)]

        return self._answered("loglikelihood", requests, answer, disable_tqdm)

    def loglikelihood_rolling(self, requests: list[Instance], disable_tqdm: bool = False) -> list[float]:
        """For each text the log-likelihood of all of it after the begin token, in nats."""
        reader = self.reader

        def answer(asked: Sequence[tuple[str]]) -> list[float]:
            rows: list[Row] = []
            owners: list[int] = []
            for n, (text,) in enumerate(asked):
                for row in windows(reader.encode(text), reader.begin, reader.window):
                    rows.append(row)
                    owners.append(n)
            sums = [0.0] * len(asked)
            for n, found in zip(owners, reader.weigh(rows), strict=True):
                sums[n] += found.nats
            return sums

        return self._answered("loglikelihood_rolling", requests, answer, disable_tqdm)

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """For each (context, generation_kwargs) what follows, up to the first of the texts in `until`.

        A context is cut at its beginning, so that there is room for all that may be written.
        """
        reader = self.reader
        times: Counter[str] = Counter()

        def answer(asked: Sequence[tuple[str, dict[str, Any]]]) -> list[str]:
            alike: defaultdict[Decoding, list[int]] = defaultdict(list)
            for n, (_, arguments) in enumerate(asked):
                alike[writing(arguments, reader.context, self.penalty)].append(n)
            found = [""] * len(asked)
            for decoding, numbers in alike.items():
                contexts = [asked[n][0] for n in numbers]
                room = reader.context - decoding.max_tokens
                prompts = [self._prompt(context)[-room:] for context in contexts]
                seeds = []
                for context in contexts:
                    seeds.append(_seed(context, times[context], decoding.seed))
                    times[context] += 1
                texts = reader.write(prompts, decoding, seeds)
                for n, text in zip(numbers, texts, strict=True):
                    found[n] = text
            return found

        return self._answered("generate_until", requests, answer, disable_tqdm)

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """Refused: a base model has none."""
        raise InputError(
            "apply_chat_template: found a base model, which has no chat template; leave the option out"
        )

    def get_model_info(self) -> dict[str, Any]:
        """What lm-eval writes beside the results."""
        return {"octavo": version("octavo"), "engine": self.reader.name, "max_length": self.reader.context}

    def _prompt(self, context: str) -> list[int]:
        tokens = self.reader.encode(context)
        return [self.reader.begin, *tokens] if self.reader.begins or not tokens else tokens

    def _answered(
        self, kind: str, requests: list[Instance], answer: Callable[[Sequence[Any]], list[Answer]], quiet: bool
    ) -> list[Answer]:
        """All answers, in the requests' order, worked out some at a time, those of like lengths together."""
        asked: list[Any] = [request.args for request in requests]
        order = sorted(range(len(asked)), key=lambda n: (len("".join(map(str, asked[n]))), n), reverse=True)
        found: dict[int, Answer] = {}
        with tqdm(total=len(asked), desc=f"octavo: {kind}", disable=quiet) as bar:
            for numbers in _parts(order):
                for n, value in zip(numbers, answer([asked[n] for n in numbers]), strict=True):
                    found[n] = value
                    self.cache_hook.add_partial(kind, asked[n], value)
                bar.update(len(numbers))
        return [found[n] for n in range(len(asked))]


register_model("octavo")(OctavoLM)


def _parts(order: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(order), _AT_ONCE):
        yield order[start : start + _AT_ONCE]


def _seed(context: str, time: int, seed: int) -> int:
    """A context that is asked for several times is answered anew each time."""
    return int.from_bytes(blake3(f"{time} {seed} {context}".encode()).digest(4))


def main() -> None:
    """lm-eval's command line; a user's mistake ends with one clear message."""
    from lm_eval.__main__ import cli_evaluate

    try:
        cli_evaluate()
    except OctavoError as error:
        print(f"octavo: {plain(str(error))}", file=sys.stderr)
        sys.exit(2 if isinstance(error, InputError) else 1)


if __name__ == "__main__":
    main()
