"""Speed of a training step on this CPU: octavo, transformers and litgpt, beside the machine's own matrix products.

    python benchmarks/training.py
    python benchmarks/training.py --shapes two-cores --rounds 5 --json

All take the same step: the same shape and random tokens, BF16 autocast over float32 weights, loss, backward pass,
clipping, fused AdamW; all are compiled with static shapes. Octavo's hides other documents, theirs do not.
Each trains in a process of its own, one at a time in turn, and the figures are medians over all steps with the
first and the third quartile. FLOPs are counted as in octavo.training.throughput, 6 N + 12 L H S a token, attention
whole though half of it is masked; N counts tied embeddings once. The rate of matrix products is that of the three
products (forward and both gradients) of each matrix of the model, in BF16, into memory that is there already.
litgpt needs other versions of huggingface-hub than transformers 5: it is measured where it can be imported
(`pip install --no-deps litgpt lightning lightning-utilities torchmetrics jsonargparse`) and left out elsewhere.
Figures are of this machine and this moment; it refuses to time beside other work unless told (--busy).
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import multiprocessing
import os
import resource
import statistics
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from figures import Figure, figure, idle_machine, show
from torch import Tensor, nn

from octavo.modeling.init import initialise
from octavo.modeling.llama import LlamaConfig
from octavo.recipe.training import Optimizer, Training
from octavo.tokenization.entries import Edges
from octavo.training.loop import make_pass
from octavo.training.memory import keep_freed_memory
from octavo.training.optimizers import make_optimizers, step_unless
from octavo.training.throughput import flops_per_token

BEGIN = 1


class Shape(NamedTuple):
    """A model, and sequences a step of so many tokens."""

    config: LlamaConfig
    sequences: int
    length: int

    @property
    def tokens(self) -> int:
        return self.sequences * self.length


SHAPES = {
    "two-cores": Shape(LlamaConfig(8_192, 256, 6, 4, 2, 640, 512), 4, 512),
    "hidden 512": Shape(LlamaConfig(8_192, 512, 6, 8, 4, 1_408, 512), 4, 512),
    "353M, 2 layers": Shape(LlamaConfig(65_536, 1_024, 2, 16, 8, 2_560, 2_048), 4, 512),
}

Step = Callable[[], float]


def batch(shape: Shape) -> Tensor:
    """Random tokens, with a document of some 200 tokens after another."""
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(3, shape.config.vocab_size, (shape.sequences, shape.length + 1), generator=generator)
    tokens[torch.rand(tokens.shape, generator=generator) < 1 / 200] = BEGIN
    return tokens


def octavo_step(shape: Shape) -> Step:
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False
    keep_freed_memory()
    model = initialise(shape.config, seed=1)
    optimizers = make_optimizers(model, Optimizer())
    pass_loss = make_pass(model, Edges(BEGIN, BEGIN + 1), Training(), compiled=True)
    tokens, fine = batch(shape), torch.zeros(())

    def step() -> float:
        loss = pass_loss(tokens) / shape.tokens
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        step_unless(fine, optimizers)
        return float(loss.detach())

    return step


def transformers_step(shape: Shape) -> Step:
    from transformers import LlamaConfig as TheirConfig
    from transformers import LlamaForCausalLM

    c = shape.config
    names = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads")
    names += ("intermediate_size", "max_position_embeddings", "rms_norm_eps", "tie_word_embeddings")
    model = LlamaForCausalLM(TheirConfig(**{name: getattr(c, name) for name in names}, use_cache=False))
    tokens = batch(shape)
    inputs, targets = tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()
    return _their_step(model, lambda m: m(inputs, labels=inputs, shift_labels=targets).loss)


def litgpt_step(shape: Shape) -> Step:
    from litgpt.config import Config
    from litgpt.model import GPT

    c = shape.config
    model = GPT(
        Config(
            block_size=c.max_position_embeddings,
            padded_vocab_size=c.vocab_size,
            vocab_size=c.vocab_size,
            n_layer=c.num_hidden_layers,
            n_head=c.num_attention_heads,
            n_query_groups=c.num_key_value_heads,
            n_embd=c.hidden_size,
            intermediate_size=c.intermediate_size,
            rotary_percentage=1.0,
            parallel_residual=False,
            bias=False,
            norm_class_name="RMSNorm",
            mlp_class_name="LLaMAMLP",
        )
    )
    model.transformer.wte.weight = model.lm_head.weight
    model.max_seq_length = shape.length
    tokens = batch(shape)
    inputs, targets = tokens[:, :-1].contiguous(), tokens[:, 1:].flatten()
    return _their_step(model, lambda m: F.cross_entropy(m(inputs).flatten(0, 1), targets))


def _their_step(model: nn.Module, loss_of: Callable[[Any], Tensor]) -> Step:
    compiled = torch.compile(model, dynamic=False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1, fused=True)

    def step() -> float:
        with torch.autocast("cpu", torch.bfloat16):
            loss = loss_of(compiled)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return float(loss.detach())

    return step


def products(shape: Shape) -> Step:
    """All products of a step that are no attention, one after the other."""
    c = shape.config
    kv = c.num_key_value_heads * c.head_dim
    matrices = [
        (c.hidden_size + 2 * kv, c.hidden_size, c.num_hidden_layers),
        (c.hidden_size, c.hidden_size, c.num_hidden_layers),
        (2 * c.intermediate_size, c.hidden_size, c.num_hidden_layers),
        (c.hidden_size, c.intermediate_size, c.num_hidden_layers),
        (c.vocab_size, c.hidden_size, 1),
    ]
    made = []
    for rows, columns, count in matrices:
        x, y = (torch.randn(shape.tokens, n).bfloat16() for n in (columns, rows))
        w, into_w = (torch.randn(rows, columns).bfloat16() for _ in range(2))
        made.append((x, w, y, torch.empty_like(x), into_w, count))

    def step() -> float:
        for x, w, y, into_x, into_w, count in made:
            for _ in range(count):
                torch.mm(x, w.T, out=y)
                torch.mm(y, w, out=into_x)
                torch.mm(y.T, x, out=into_w)
        return 0.0

    return step


MAKERS = {
    "octavo": octavo_step,
    "transformers": transformers_step,
    "litgpt": litgpt_step,
    "matrix products": products,
}


def work(name: str, shape: str, threads: int, pipe: Connection) -> None:
    """In a process of its own: build, warm up, then take so many steps whenever asked, and send their seconds."""
    torch.set_num_threads(threads)
    step = MAKERS[name](SHAPES[shape])
    losses = [step() for _ in range(3)]
    pipe.send((losses[0], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024))
    while count := pipe.recv():
        seconds = []
        for _ in range(count):
            start = time.perf_counter()
            step()
            seconds.append(time.perf_counter() - start)
        pipe.send(seconds)


def measure(name: str, rounds: int, steps: int, threads: int, rivals: list[str]) -> dict[str, Figure]:
    """Each in turn, round by round: tokens/s, and how octavo stands to the others and to the products."""
    context = multiprocessing.get_context("spawn")
    shape, pipes, seconds, peaks = SHAPES[name], {}, {}, {}
    with contextlib.ExitStack() as stack:
        for who in ["octavo", *rivals, "matrix products"]:
            here, there = context.Pipe()
            process = context.Process(target=work, args=(who, name, threads, there), daemon=True)
            process.start()
            stack.callback(process.join)
            stack.callback(here.send, 0)
            _, peaks[who] = here.recv()
            pipes[who], seconds[who] = here, []
        for _ in range(rounds):
            for who, pipe in pipes.items():
                pipe.send(steps)
                seconds[who] += pipe.recv()
    how = f"{shape.config.parameters:,} parameters, {shape.sequences} x {shape.length}, {rounds} x {steps} steps"
    found = {}
    median = {who: statistics.median(taken) for who, taken in seconds.items()}
    for who in ["octavo", *rivals]:
        first, _, third = statistics.quantiles(seconds[who], n=4)
        spread = f"{how}; {shape.tokens / third:,.0f} to {shape.tokens / first:,.0f}"
        found[f"{name}: {who}"] = figure(shape.tokens / median[who], "tokens/s", "", True, spread)
        found[f"{name}: {who}, memory"] = figure(peaks[who] / 1e6, "MB", "", True, "peak of the process")
    for who in rivals:
        ratio = median[who] / median["octavo"]
        wanted = who == "transformers"
        reach, holds = ("≥ 1.2", ratio >= 1.2) if wanted else ("", True)
        found[f"{name}: octavo to {who}"] = figure(ratio, "times", reach, holds, how)
    attention = 12 * shape.config.num_hidden_layers * shape.config.hidden_size * shape.length
    cost = flops_per_token(shape.config, shape.length) * shape.tokens
    rate = (cost - attention * shape.tokens) / median["matrix products"]
    share = cost / median["octavo"] / rate
    wide = shape.config.hidden_size >= 512
    found[f"{name}: matrix products"] = figure(rate / 1e9, "GFLOP/s", "", True, "the model's own, in BF16")
    found[f"{name}: octavo's share of that"] = figure(
        100 * share, "%", "≥ 80" if wide else "", not wide or share >= 0.8, "FLOPs of a step by that rate"
    )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=5, help="steps a round")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--busy", action="store_true", help="measure although the machine is at work")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    machine = idle_machine(options.busy)
    rivals = [who for who in ("transformers", "litgpt") if importlib.util.find_spec(who)]
    found: dict[str, Figure] = {}
    for name in options.shapes:
        found |= measure(name, options.rounds, options.steps, options.threads, rivals)
    machine |= {
        "threads": options.threads,
        "torch": torch.__version__,
    }
    show(found, machine, options.json)


if __name__ == "__main__":
    main()
