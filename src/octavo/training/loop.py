"""The training loop: from token files to weights, resumable to the bit, on one process or many."""

from __future__ import annotations

import contextlib
import gc
import math
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor

from octavo.errors import InputError
from octavo.modeling.attention import document_starts
from octavo.modeling.init import initialise
from octavo.modeling.llama import Llama, LlamaConfig
from octavo.modeling.loss import IGNORE
from octavo.progress import Progress, StoppedError
from octavo.recipe.schema import Recipe
from octavo.recipe.training import Training
from octavo.tokenization.entries import Edges
from octavo.training import checkpoint, checkpoint_files
from octavo.training.data import Data
from octavo.training.guards import Readback, SpikeError, Watch
from octavo.training.incidents import act_on, incidents
from octavo.training.input import Input
from octavo.training.job import HeldOut, Job, read_share
from octavo.training.machine import this_machine
from octavo.training.memory import keep_freed_memory
from octavo.training.metrics import Metrics
from octavo.training.optimizers import make_optimizers, step_unless
from octavo.training.parallel import (
    Gradients,
    Processes,
    alone,
    choose_layout,
    gradients_of,
    place,
    sequences_a_pass,
    sequences_each,
    settle,
)
from octavo.training.schedule import learning_rate_factor
from octavo.training.sequences import split_targets
from octavo.training.stopping import Measured, best, is_over, measured
from octavo.training.throughput import flops_per_token, peak_flops


def train(
    recipe: Recipe,
    config: LlamaConfig,
    edges: Edges,
    data: Data[Any],
    run: Path,
    progress: Progress,
    processes: Processes | None = None,
    held_out: HeldOut | None = None,
    initial: Callable[[], Llama] | None = None,
    measured_from: int = 0,
) -> dict[str, Any]:
    """Train the recipe's model on `data` and return the stage's figures.

    Checkpoints go to `run`/checkpoints, the record to `run`/metrics.jsonl. A run that finds a checkpoint
    goes on from it and ends in the very weights of an unbroken one, as the data order and the learning
    rate depend on the step alone. `edges` stand around each document. With several `processes`
    each calls this alike; `held_out` is asked as often as the recipe says, after step `measured_from`. `initial`
    makes the model to begin with, in float32; by default its weights are drawn by the recipe's seed.
    """
    if recipe.training.patience and held_out is None:
        raise InputError("training.patience: found nothing held out, expected some by which to tell when to stop")
    # A compiled step would else add the embedding's gradients in the order in which threads come.
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS refuses to be deterministic
    processes = processes or alone()
    if processes.device.type == "cpu":
        keep_freed_memory()
    settings, steps = recipe.training, recipe.steps
    (run / "checkpoints").mkdir(parents=True, exist_ok=True)
    size, local_size, device = processes.size, processes.local_size, processes.device
    layout = choose_layout(recipe, config, size, local_size, device) if processes.leads else None
    layout = processes.from_leader(layout)
    fresh = partial(initialise, config, recipe.seed, settings.optimizer.width)
    job = Job(
        recipe, config, edges, run, data, processes, layout, progress, held_out, measured_from, initial or fresh
    )
    if processes.leads:
        several = f" on {size} processes ({layout})" if size > 1 else ""
        left_out = f"{data.discarded:.3%} of the tokens are in none"
        progress.message(f"training: {len(data):,} sequences{several}; {left_out}")
        warmup = settings.schedule.warmup_steps
        if warmup >= recipe.steps > 1:
            progress.message(
                f"training: training.schedule.warmup_steps: {warmup} of {recipe.steps} steps, so that the learning "
                "rate rises to the end"
            )
    while not _trained(job):
        pass
    logged, steps, over = processes.from_leader(_record(job) if processes.leads else None)
    last = logged[-1] if logged else {"loss": None, "tokens_per_second": None}
    passed_over = len({step for passed in over for step in passed if step < steps})
    seen = (steps - passed_over) * settings.sequences_per_step
    return {
        "parameters": config.parameters,
        "steps": steps,
        "chosen_step": best(measured(logged)) if settings.patience else steps,
        "tokens": seen * recipe.sequence_length,
        "epochs": round(seen / len(data), 3),
        "discarded_tokens": round(data.discarded, 6),
        "folders": data.figures(steps * settings.sequences_per_step) if settings.data else {},
        "passed_over_steps": passed_over,
        "skipped_steps": sum(len(line.get("skipped", ())) for line in logged),
        "flops": seen * recipe.sequence_length * flops_per_token(config, recipe.sequence_length),
        "loss": last["loss"],
        "tokens_per_second": last["tokens_per_second"],
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "processes": size,
        "machine": this_machine(),
    }


def _record(job: Job) -> tuple[list[dict[str, Any]], int, list[range]]:
    """What was logged, the step that training ended at, and the steps that were passed over."""
    return (
        Metrics.read(job.run),
        checkpoint_files.complete_steps(job.home)[-1],
        checkpoint_files.read_passed_over(job.home),
    )


def _trained(job: Job) -> bool:
    """Train from the last good checkpoint to the end; False where a spike takes it back before it gets there."""
    processes, settings = job.processes, job.recipe.training
    begun = processes.from_leader(_where_to_begin(job) if processes.leads else None)
    passed_over, first_step, known, since_logged = begun
    if first_step == job.recipe.steps or is_over(known, settings.patience):
        return True
    model = job.initial()
    group = place(model, job.layout, processes, settings.compile)
    precision = torch.bfloat16 if settings.precision == "bfloat16" else torch.float32
    optimizers = make_optimizers(model, settings.optimizer, precision, group)
    state = checkpoint.State(model, optimizers, Watch(settings.guards, processes.device))
    if first_step:
        checkpoint.load(job.home, first_step, state, processes)
    gradients = gradients_of(model, job.layout)
    metrics = Metrics(job.run, first_step, job.progress.message) if processes.leads else None
    saver = checkpoint.Saver(job.home, settings.checkpoint, processes)
    saver.kept_step = best(known) if settings.patience else None
    gc.collect()
    gc.freeze()  # what is there now stays, so that later collections have little to look at
    gc.disable()  # a collection in the middle of a step would stall it
    share = sequences_each(job.recipe, processes.size)
    learnt = (n for n in range(first_step, job.recipe.steps) if not any(n in passed for passed in passed_over))
    try:
        with Input(lambda step: read_share(job, step, share), learnt, processes.device) as ready:
            _steps(job, first_step, passed_over, known, since_logged, state, gradients, ready, saver, metrics)
    except SpikeError as spike:
        if processes.leads:
            checkpoint_files.pass_over(job.home, spike.passed)
        return False
    finally:
        gc.enable()
        gc.unfreeze()
        saver.close()
        if metrics:
            metrics.close()
    return True


def _where_to_begin(job: Job) -> tuple[list[range], int, list[Measured], checkpoint_files.SinceLogged]:
    passed_over = checkpoint_files.read_passed_over(job.home)
    message, logged = job.progress.message, Metrics.read(job.run)
    step = checkpoint_files.last_good(job.home, passed_over, message)
    if step == job.recipe.steps and step not in (line["step"] for line in logged):
        message(f"training: metrics.jsonl has lost its line of step {step:,}; the checkpoint before it is used")
        checkpoint_files.set_aside(checkpoint_files.path_of(job.home, step))
        step = checkpoint_files.last_good(job.home, passed_over, message)
    if step:
        job.progress.message(f"training: goes on from step {step:,} of {job.recipe.steps:,}")
    known = [one for one in measured(logged) if one.step <= step]
    return passed_over, step, known, checkpoint_files.since_logged(job.home, step) if step else (0.0, 0.0)


def _steps(
    job: Job,
    first_step: int,
    passed_over: list[range],
    found: list[Measured],
    since_logged: checkpoint_files.SinceLogged,
    state: checkpoint.State,
    gradients: Gradients,
    ready: Input,
    saver: checkpoint.Saver,
    metrics: Metrics | None,
) -> None:
    recipe, settings, processes = job.recipe, job.recipe.training, job.processes
    steps, device, model = recipe.steps, processes.device, state.model
    parameters = list(model.parameters())
    share = sequences_each(recipe, processes.size)
    pass_size = sequences_a_pass(recipe, processes.size)
    compiled = settings.compile and job.layout == "alone"  # else the layers are
    pass_loss = make_pass(model, job.edges, settings, compiled)
    step_tokens = settings.sequences_per_step * recipe.sequence_length
    cost, peak = flops_per_token(job.config, recipe.sequence_length), peak_flops(device)
    readback = Readback(device)
    loss_since, learnt_since = (torch.tensor(n, device=device, dtype=torch.float64) for n in since_logged)
    norm = torch.zeros((), device=device)
    asked_to_stop = False
    trained, logged_at = 0, time.perf_counter()
    model.train()
    for step in range(first_step, steps):
        factor = learning_rate_factor(settings.schedule, step, steps)
        if not any(step in passed for passed in passed_over):
            for group in (group for optimizer in state.optimizers for group in optimizer.param_groups):
                group["lr"] = settings.optimizer.learning_rate * factor * group.get("scale", 1.0)
            rows = ready.next()
            # Targets are counted over the whole step, so that its cut into processes and passes does not
            # change the loss.
            learnt_here = int((split_targets(rows, job.edges)[1] != IGNORE).sum())
            counts = torch.tensor([learnt_here, asked_to_stop], dtype=torch.float32)
            counted, stop = processes.add_up(counts.to(device))
            loss = torch.zeros((), device=device)
            for start in range(0, share, pass_size):
                if start + pass_size == share:
                    gradients.last_pass()
                tokens = rows[start : start + pass_size].to(device, non_blocking=True)
                part = pass_loss(tokens) / counted.clamp(min=1)
                part.backward()
                loss += part.detach()
            gradients.finish()
            processes.add_up(loss)
            norm = torch.nn.utils.clip_grad_norm_(parameters, settings.optimizer.gradient_clip)
            norm = norm.full_tensor() if isinstance(norm, DTensor) else norm
            saver.copied()  # the state may change from here on
            judged = state.watch.judge(loss, norm, stop)
            bad = judged[0]
            step_unless(bad.float(), state.optimizers, keep_gradients=job.layout == "ddp")
            loss_since += torch.where(bad > 0, 0.0, loss)
            learnt_since += 1 - bad
            readback.put(step, judged)
            trained += 1
        done = step + 1
        asked_to_stop = job.progress.stopping()
        measures = job.held_out is not None and done > job.measured_from
        evaluating = _is_due(done, steps, settings.evaluate_every_steps if measures else None)
        logging = evaluating or _is_due(done, steps, settings.log_every)
        saving = _is_due(done, steps, settings.checkpoint.every_steps)
        # Verdicts are read a step late, so that the device always has work. A logged step waits for it anyway; and
        # what is known of the steps before a checkpoint is in the record before it.
        known = readback.take(leave=0 if logging or saving else 1)
        stopping = asked_to_stop if processes.size == 1 else any(v.stop for v in known)
        if stopping or any(v.skipped or v.spike for v in known):
            known += readback.take(leave=0)
        if logging or any(v.skipped or v.spike for v in known):
            seconds = time.perf_counter() - logged_at
            speed = trained * step_tokens / seconds if trained else None
            learnt = float(learnt_since)
            line = {
                "step": done,
                "tokens": done * step_tokens,
                "loss": float(loss_since) / learnt if learnt else None,
                "lr": settings.optimizer.learning_rate * factor,
                "grad_norm": float(norm) if trained and math.isfinite(norm) else None,
                "tokens_per_second": speed and round(speed, 1),
                "mfu": round(speed * cost / (peak * processes.size), 4) if peak and speed else None,
                "joules": job.progress.joules(),
                **incidents(job, known),
            }
            if evaluating and job.held_out:
                with torch.compiler.set_stance("force_eager"):  # its batches have many shapes
                    bits = job.held_out(model)
                saver.finish()  # the messages of a save go the same way, in a thread of their own
                line["held_out"] = processes.from_leader(bits)
                settle(model)
                found += measured([line])
            if metrics:
                metrics.log(line)
            shown = "no loss" if line["loss"] is None else f"loss {line['loss']:.3f}"
            mfu = f" · MFU {line['mfu']:.0%}" if line["mfu"] is not None else ""
            pace = f" · {speed:,.0f} tokens/s" if speed else ""
            job.progress.update(done, steps, f"{shown}{pace}{mfu}")
            trained, logged_at = 0, time.perf_counter()
            loss_since.zero_()
            learnt_since.zero_()
        for verdict in known:
            act_on(job, verdict, saver, passed_over)
        saver.check()
        is_best = evaluating and settings.patience is not None and best(found) == done
        over = evaluating and is_over(found, settings.patience)
        if is_best:
            saver.kept_step = done
        if stopping or over or is_best or saving:
            with job.progress.saving():
                if metrics:
                    metrics.sync()
                saver.save(done, state, passed_over, (float(loss_since), float(learnt_since)))
                if stopping or over or done == steps:
                    saver.finish()
            gc.collect()
        if over or done == steps:
            return
        if stopping:
            raise StoppedError


def _is_due(done: int, steps: int, every: int | None) -> bool:
    return every is not None and (done % every == 0 or done == steps)


def make_pass(model: Llama, edges: Edges, settings: Training, compiled: bool) -> Callable[[Tensor], Tensor]:
    """The loss of one pass: (B, S + 1) tokens to a sum in nats, in which no position sees another document."""

    def pass_loss(tokens: Tensor) -> Tensor:
        inputs, targets = split_targets(tokens, edges)
        return model.loss(inputs, targets, document_starts(inputs, edges.begin), settings.z_loss)

    step = torch.compile(pass_loss, dynamic=False) if compiled else pass_loss
    device = next(model.parameters()).device.type

    def run(tokens: Tensor) -> Tensor:
        bfloat16 = settings.precision == "bfloat16"
        context = torch.autocast(device, torch.bfloat16) if bfloat16 else contextlib.nullcontext()
        with context:
            return step(tokens)

    return run
