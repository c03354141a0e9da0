"""How much faster a model is measured on many texts at once than on one after the other, and whether both agree.

    python benchmarks/evaluation.py RUN                       # bits per byte, on the run's held-out works
    python benchmarks/evaluation.py MODEL --held-out PATH     # of any model that octavo evaluates, any documents
    python benchmarks/evaluation.py RUN --whole               # and the whole evaluation of a run, some minutes

The same texts are scored by `octavo.evaluation.scoring`, which batches them, and in the same rounds one by one:
each window alone, with the logits of all its positions in float32. Whole documents are one case; the other is
short texts, the documents' lines, as benchmarks of answers have them. The whole evaluation is that of `octavo
evaluate`, with all that the model writes, once as it is and once with one text in each batch. Figures are of this
machine and this moment; it refuses to time beside other work unless told (--busy).
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from figures import Figure, figure, idle_machine, show

from octavo.evaluation import scoring
from octavo.evaluation.evaluate import evaluate
from octavo.evaluation.held_out_text import read_held_out
from octavo.evaluation.model_files import open_model
from octavo.evaluation.scoring import Bits, text_bits, windows
from octavo.evaluation.speaker import Speaker
from octavo.modeling import continuations
from octavo.progress import Progress
from octavo.recipe.file import load
from octavo.stages import trained_model

ROUNDS = 3


@torch.inference_mode()
def one_by_one(speaker: Speaker, texts: list[list[int]]) -> Bits:
    bits = np.zeros(len(texts))
    for n, ids in enumerate(texts):
        for row in windows([speaker.begin, *ids], speaker.context):
            tokens = torch.tensor([row.tokens])
            scores = speaker.model(tokens[:, :-1]).float().log_softmax(-1)[0, row.first - 1 :]
            chosen = scores.gather(-1, tokens[0, row.first :, None])
            bits[n] -= float(chosen.double().sum()) / math.log(2)
    return bits


def measure(speaker: Speaker, name: str, texts: list[list[int]]) -> dict[str, Figure]:
    rounds = [
        (
            timed(lambda: text_bits(speaker.model, texts, speaker.begin)),
            timed(lambda: one_by_one(speaker, texts)),
        )
        for _ in range(ROUNDS)
    ]
    tokens = sum(map(len, texts))
    fast, slow = (tokens / statistics.median(found[way][0] for found in rounds) for way in (0, 1))
    ratio = statistics.median(alone[0] / batch[0] for batch, alone in rounds)
    batch, alone = rounds[0][0][1], rounds[0][1][1]
    apart = abs(float(batch.sum() / alone.sum()) - 1)
    how = f"{len(texts)} texts, {tokens:,} tokens, median of {ROUNDS} rounds"
    return {
        f"{name}, at once": figure(fast, "tokens/s", "", True, how),
        f"{name}, one by one": figure(slow, "tokens/s", "", True, how),
        f"{name}, ratio": figure(ratio, "times", ">= 3", ratio >= 3, how),
        f"{name}, apart": figure(apart * 1e6, "millionths of all bits", "<= 1", apart <= 1e-6, how),
    }


def measure_whole(run: Path) -> dict[str, Figure]:
    recipe = load(run / "recipe.yaml")

    def seconds() -> tuple[float, dict[str, Any]]:
        with tempfile.TemporaryDirectory() as home:
            started = time.perf_counter()
            found = evaluate(recipe, run, trained_model(recipe, run), Path(home), Progress())
            return time.perf_counter() - started, found

    at_once, found = seconds()
    with patch.object(continuations, "BATCH_ROWS", 1), patch.object(scoring, "_BATCH_TOKENS", 1):
        one_by_one, alone = seconds()
    ratio, same = one_by_one / at_once, found["writing"] == alone["writing"]
    how = "octavo evaluate RUN, once each way"
    return {
        "the whole, at once": figure(at_once, "s", "", True, how),
        "the whole, one by one": figure(one_by_one, "s", "", True, how),
        "the whole, ratio": figure(ratio, "times", ">= 3", ratio >= 3, how),
        "the whole, what is written": figure(float(same), "the same", "1", same, how),
    }


def timed(scored: Callable[[], Bits]) -> tuple[float, Bits]:
    started = time.perf_counter()
    bits = scored()
    return time.perf_counter() - started, bits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--held-out", type=Path, help="by default those of the run")
    parser.add_argument("--bytes", type=int, default=20_000, help="of each language")
    parser.add_argument("--threads", type=int, help="of torch; by default as many as there are cores")
    parser.add_argument("--whole", action="store_true", help="the whole evaluation of a run, too")
    parser.add_argument("--busy", action="store_true", help="measure although the machine is at work")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    machine = idle_machine(options.busy)
    if options.threads:
        torch.set_num_threads(options.threads)
    speaker = open_model(options.model)
    documents = [text.text for text in read_held_out(options.held_out or options.model, options.bytes)]
    lines = [line for text in documents for line in text.splitlines() if line.strip()]
    machine |= {
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "parameters": f"{speaker.model.config.parameters:,}",
        "context": speaker.context,
        "entries": f"{speaker.model.config.vocab_size:,}",
    }
    found = measure(speaker, "documents", speaker.encode(documents))
    found |= measure(speaker, "lines", speaker.encode(lines))
    if options.whole:
        found |= measure_whole(options.model)
    show(found, machine, options.json)


if __name__ == "__main__":
    main()
