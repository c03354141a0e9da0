"""The training loop: from token files to weights, resumable to the bit."""

from __future__ import annotations

import contextlib
import gc
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from octavo.errors import OctavoError
from octavo.modeling.init import initialise
from octavo.modeling.llama import IGNORE, Llama, LlamaConfig, document_mask
from octavo.progress import Progress, StoppedError
from octavo.recipe import Recipe
from octavo.training import checkpoint
from octavo.training.metrics import Metrics
from octavo.training.optimizers import Optimizers, make_optimizers
from octavo.training.order import sequences_at
from octavo.training.schedule import learning_rate_factor
from octavo.training.sequences import Sequences, open_sequences
from octavo.training.throughput import flops_per_token, peak_flops

JoulesSoFar = Callable[[], float | None]


def training_device() -> torch.device:
    """The GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def train(
    recipe: Recipe,
    config: LlamaConfig,
    begin: int,
    tokens: Path,
    run: Path,
    progress: Progress,
    joules: JoulesSoFar = lambda: None,
) -> dict[str, Any]:
    """Train the recipe's model on the token files in `tokens` and return the stage's figures.

    Checkpoints go to `run`/checkpoints, the record to `run`/metrics.jsonl. A run that finds a checkpoint
    goes on from it and ends in the very weights of an unbroken one, as the data order and the learning
    rate depend on the step alone. `begin` is the token that starts each document.
    """
    # A compiled step would else add the embedding's gradients in the order in which threads come.
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    device = training_device()
    home = run / "checkpoints"
    home.mkdir(parents=True, exist_ok=True)
    settings, steps = recipe.training, recipe.steps
    sequences = open_sequences(tokens, recipe.sequence_length)
    model = initialise(config, recipe.seed).to(device)
    optimizers = make_optimizers(model, settings.optimizer)
    first_step = max(checkpoint.complete_steps(home), default=0)
    if first_step:
        checkpoint.load(home, first_step, model, optimizers)
        progress.message(f"training: goes on from step {first_step:,} of {steps:,}")
    if first_step < steps:
        metrics = Metrics(run, first_step)
        try:
            _steps(recipe, model, optimizers, sequences, begin, first_step, home, metrics, progress, joules)
        finally:
            metrics.close()
    logged = Metrics.read(run)
    return {
        "parameters": config.parameters,
        "steps": steps,
        "tokens": steps * settings.sequences_per_step * recipe.sequence_length,
        "epochs": round(steps * settings.sequences_per_step / len(sequences), 3),
        "discarded_tokens": round(sequences.discarded, 6),
        "flops": steps
        * settings.sequences_per_step
        * recipe.sequence_length
        * flops_per_token(config, recipe.sequence_length),
        "loss": logged[-1]["loss"] if logged else None,
        "tokens_per_second": logged[-1]["tokens_per_second"] if logged else None,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
    }


def _steps(
    recipe: Recipe,
    model: Llama,
    optimizers: Optimizers,
    sequences: Sequences,
    begin: int,
    first_step: int,
    home: Path,
    metrics: Metrics,
    progress: Progress,
    joules: JoulesSoFar,
) -> None:
    settings, steps, length = recipe.training, recipe.steps, recipe.sequence_length
    device = next(model.parameters()).device
    parameters = list(model.parameters())
    pass_loss = _make_pass(model, begin, settings.precision == "bfloat16", settings.compile)
    step_tokens = settings.sequences_per_step * length
    cost, peak = flops_per_token(model.config, length), peak_flops(device)
    loss_since = torch.zeros((), device=device)
    logged_step, logged_at = first_step, time.perf_counter()
    model.train()
    gc.collect()
    gc.disable()  # a collection in the middle of a step would stall it
    try:
        for step in range(first_step, steps):
            factor = learning_rate_factor(settings.schedule, step, steps)
            for group in (group for optimizer in optimizers for group in optimizer.param_groups):
                group["lr"] = settings.optimizer.learning_rate * factor
            rows = _read_step(sequences, step, recipe)
            # Targets are counted over the whole step, so that its cut into passes does not change the loss.
            counted = max(int((rows[:, 1:] != begin).sum()), 1)
            for start in range(0, len(rows), settings.sequences_per_pass):
                tokens = torch.from_numpy(rows[start : start + settings.sequences_per_pass]).to(device)
                loss = pass_loss(tokens) / counted
                loss.backward()  # type: ignore[no-untyped-call]
                loss_since += loss.detach()
            norm = torch.nn.utils.clip_grad_norm_(parameters, settings.optimizer.gradient_clip)
            for optimizer in optimizers:
                optimizer.step()
                optimizer.zero_grad(set_to_none=False)
            done = step + 1
            stopping = progress.stopping()
            if done % settings.log_every == 0 or done == steps or stopping:
                now = time.perf_counter()
                mean_loss = float(loss_since) / (done - logged_step)
                speed = (done - logged_step) * step_tokens / (now - logged_at)
                line = {
                    "step": done,
                    "tokens": done * step_tokens,
                    "loss": mean_loss,
                    "lr": settings.optimizer.learning_rate * factor,
                    "grad_norm": float(norm),
                    "tokens_per_second": round(speed, 1),
                    "mfu": round(speed * cost / peak, 4) if peak else None,
                    "joules": joules(),
                }
                metrics.log(line)
                if not math.isfinite(mean_loss):
                    raise OctavoError(
                        f"training: the loss is {mean_loss} at step {done}; the last good checkpoint "
                        "stays; try a lower training.optimizer.learning_rate"
                    )
                mfu = f" · MFU {line['mfu']:.0%}" if peak else ""
                progress.update(done, steps, f"loss {mean_loss:.3f} · {speed:,.0f} tokens/s{mfu}")
                logged_step, logged_at = done, now
                loss_since.zero_()
            if done % settings.checkpoint.every_steps == 0 or done == steps or stopping:
                checkpoint.save(home, done, model, optimizers, settings.checkpoint.keep_last)
                gc.collect()
            if stopping and done < steps:
                raise StoppedError
    finally:
        gc.enable()


def _read_step(sequences: Sequences, step: int, recipe: Recipe) -> np.ndarray:
    count = recipe.training.sequences_per_step
    positions = np.arange(step * count, (step + 1) * count)
    return sequences.read(sequences_at(positions, len(sequences), recipe.seed))


def _make_pass(model: Llama, begin: int, bfloat16: bool, compiled: bool) -> Callable[[Tensor], Tensor]:
    """The loss of one pass: (B, S + 1) tokens to a sum in nats, in which no position sees another document."""

    def pass_loss(tokens: Tensor) -> Tensor:
        inputs, targets = tokens[:, :-1], tokens[:, 1:]
        targets = torch.where(targets == begin, IGNORE, targets)  # nothing tells which document comes next
        return model.loss(inputs, targets, document_mask(inputs, begin))

    step = torch.compile(pass_loss, dynamic=False) if compiled else pass_loss
    device = next(model.parameters()).device.type

    def run(tokens: Tensor) -> Tensor:
        context = torch.autocast(device, torch.bfloat16) if bfloat16 else contextlib.nullcontext()
        with context:
            return step(tokens)

    return run
