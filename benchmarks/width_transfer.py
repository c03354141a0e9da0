"""Whether a learning rate found for a narrow model holds for wide ones (training.optimizer.width).

    octavo run recipes/starter.yaml --out RUN --until tokenization
    python benchmarks/width_transfer.py RUN [--optimizers adamw muon] [--steps 80] [--json]

Two things, on the run's own tokens in its own order, with and without scaling from the narrowest width:

- The coordinate check: root mean square by which ten steps change what comes out of each layer, and the logits,
  over widths of 64 to 512. It should be the same at all widths.
- A sweep of learning rates, each twice the one before, at widths of 64 and 256: the loss over the last fifth of a
  short training with warm-up and decay to zero, on the first ten steps' sequences over and over, as so few steps
  would else learn hardly more than which tokens are common. The best rate should be the same at both widths. It is
  the lowest point of the parabola through the lowest loss and its neighbours, over the logarithm of the rate.

Models have two layers, heads of 16, feed-forward layers of 2.5 times the width and tied embeddings; steps are of
4 sequences of 64 tokens, in bfloat16 over float32, not compiled; one seed.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from figures import figure, print_table, show
from torch import Tensor, nn

from octavo.modeling.init import initialise
from octavo.modeling.llama import Llama, LlamaConfig
from octavo.recipe.file import load
from octavo.recipe.schema import Recipe
from octavo.recipe.training import Optimizer, Schedule, Training
from octavo.tokenization.encode import load_tokenizer
from octavo.tokenization.entries import Edges, begin_and_end
from octavo.training.data import open_data
from octavo.training.loop import make_pass
from octavo.training.memory import keep_freed_memory
from octavo.training.optimizers import make_optimizers, step_unless
from octavo.training.schedule import learning_rate_factor

FOUND_AT, LAYERS, SEQUENCES, LENGTH = 64, 2, 4, 64
CHECKED, WIDE = (64, 128, 256, 512), 256
SEEN = CHECK_STEPS = 10
CHECK_RATE = 2**-8
RATES = {"adamw": [2.0**n for n in range(-13, -7)], "muon": [2.0**n for n in range(-8, -2)]}


class Text(NamedTuple):
    """Token rows of each step, and the token that begins a document."""

    recipe: Recipe
    run: Path
    vocabulary: int
    begin: int

    def steps(self, count: int) -> Iterator[Tensor]:
        """(4, 65) tokens for each step, the first ones again and again."""
        data = open_data(self.recipe, self.run / "tokens")
        for step in range(count):
            first = step % SEEN * SEQUENCES
            rows = data.read(data.at(np.arange(first, first + SEQUENCES)))
            yield torch.from_numpy(rows[:, : LENGTH + 1].copy())


def shape(width: int, vocabulary: int) -> LlamaConfig:
    return LlamaConfig(vocabulary, width, LAYERS, width // 16, width // 16, width * 5 // 2, LENGTH)


def losses(model: Llama, settings: Optimizer, schedule: Schedule, text: Text, steps: int) -> list[float]:
    """Train, and give each step's loss in nats a token."""
    optimizers = make_optimizers(model, settings)
    run = make_pass(model, Edges(text.begin, text.begin + 1), Training(), compiled=False)
    found = []
    for step, rows in enumerate(text.steps(steps)):
        loss = run(rows) / int((rows[:, 1:] != text.begin).sum())
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), settings.gradient_clip)
        rate = settings.learning_rate * learning_rate_factor(schedule, step, steps)
        for group in (group for optimizer in optimizers for group in optimizer.param_groups):
            group["lr"] = rate * group.get("scale", 1.0)
        step_unless(torch.zeros(()), optimizers)
        found.append(float(loss.detach()))
    return found


def coordinates(model: Llama, rows: Tensor) -> list[Tensor]:
    """What comes out of each layer, and the logits."""
    seen: list[Tensor] = []
    hooks = [layer.register_forward_hook(lambda _m, _i, out: seen.append(out)) for layer in model.layers]
    with torch.no_grad():
        seen.append(model(rows[:, :-1]))
    for hook in hooks:
        hook.remove()
    return seen


def changes(width: int, settings: Optimizer, text: Text) -> list[float]:
    """Root mean square by which training changes them."""
    model = initialise(shape(width, text.vocabulary), 1, settings.width)
    rows = next(text.steps(1))
    before = coordinates(model, rows)
    constant = Schedule(name="warmup-stable-decay", warmup_steps=0, decay_fraction=0.0)
    losses(model, settings, constant, text, CHECK_STEPS)
    after = coordinates(model, rows)
    return [float((new - old).square().mean().sqrt()) for old, new in zip(before, after, strict=True)]


def final_loss(width: int, settings: Optimizer, text: Text, steps: int) -> float:
    """Mean loss over the last fifth of a training."""
    model = initialise(shape(width, text.vocabulary), 1, settings.width)
    schedule = Schedule(name="cosine", warmup_steps=steps // 10, final_ratio=0.0)
    last = losses(model, settings, schedule, text, steps)[-(steps // 5) :]
    return sum(last) / len(last)


def best_rate(rates: Sequence[float], found: Sequence[float]) -> float:
    """The lowest point of the parabola through the lowest loss and its neighbours, as log2 of the rate."""
    lowest = min(range(len(rates)), key=lambda i: found[i])
    if lowest in (0, len(rates) - 1) or not math.isfinite(found[lowest - 1] + found[lowest + 1]):
        return math.log2(rates[lowest])
    left, middle, right = found[lowest - 1 : lowest + 2]
    return math.log2(rates[lowest]) + (left - right) / (2 * (left - 2 * middle + right))


def sweep(width: int, settings: Optimizer, text: Text, steps: int) -> list[float]:
    """The final loss of each learning rate."""
    rates = RATES[settings.name]
    return [final_loss(width, settings.model_copy(update={"learning_rate": rate}), text, steps) for rate in rates]


def shown(
    as_json: bool, title: str, heads: Sequence[object], rows: Iterable[tuple[object, Sequence[float]]]
) -> None:
    """Print a table of widths as soon as it is there."""
    if as_json:
        return
    print(title)
    cells = [(width, *(round(value, 4) for value in row)) for width, row in rows]
    print_table(("width", *map(str, heads)), cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of a run that has its tokens")
    parser.add_argument("--optimizers", nargs="+", choices=list(RATES), default=list(RATES))
    parser.add_argument("--steps", type=int, default=80)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    keep_freed_memory()
    tokenizer = load_tokenizer(options.run / "tokenizer" / "tokenizer.json")
    recipe = load(options.run / "recipe.yaml", [])
    text = Text(recipe, options.run, tokenizer.get_vocab_size(), begin_and_end(tokenizer, "tokenizer.json")[0])
    found = {}
    for name in options.optimizers:
        narrow = sweep(FOUND_AT, Optimizer(name=name), text, options.steps)
        shown(options.json, f"{name}, loss after {options.steps} steps", RATES[name], [(FOUND_AT, narrow)])
        for width in (None, FOUND_AT):
            how = f"{name}, " + (f"scaled from {FOUND_AT}" if width else "as it is")
            settings = Optimizer(name=name, learning_rate=CHECK_RATE, width=width)
            checked = [changes(wide, settings, text) for wide in CHECKED]
            heads = [*(f"layer {n}" for n in range(1, LAYERS + 1)), "logits"]
            shown(options.json, f"{how}, change by {CHECK_STEPS} steps", heads, zip(CHECKED, checked, strict=True))
            growth = max(
                abs(math.log(wide / least)) for row in checked for wide, least in zip(row, checked[0], strict=True)
            )
            wide_losses = sweep(WIDE, settings, text, options.steps)
            shown(options.json, f"{how}, loss after {options.steps} steps", RATES[name], [(WIDE, wide_losses)])
            moved = best_rate(RATES[name], wide_losses) - best_rate(RATES[name], narrow)
            scaled = width is not None
            found[f"{how}: change, {CHECKED[0]} to {CHECKED[-1]}"] = figure(
                math.exp(growth), "times at most", "<= 2" if scaled else "", growth <= math.log(2) or not scaled, ""
            )
            found[f"{how}: best rate at {WIDE}"] = figure(
                2**moved,
                f"of that at {FOUND_AT}",
                "0.7 to 1.4" if scaled else "",
                abs(moved) <= 0.5 or not scaled,
                "",
            )
    show(found, {"cores": os.cpu_count(), "threads": torch.get_num_threads()}, options.json)


if __name__ == "__main__":
    main()
