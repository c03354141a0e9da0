"""How long a training step waits for a checkpoint, beside how long the checkpoint takes to be written.

    python benchmarks/checkpoint.py
    python benchmarks/checkpoint.py --parameters 350 --out FOLDER    # on the disk that it should be told of

The state is copied into memory beside the forward and backward pass of the next step, and written, synced and
hashed beside those that follow. A step waits to start this, and where the copy takes longer than its passes. The
first save is left out of the median, as it takes the memory for the copies. Figures are of this machine, its disk
and this moment; it refuses to time beside other work unless told (--busy).
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch
from figures import Figure, figure, idle_machine, show

from octavo.modeling.init import initialise
from octavo.modeling.llama import LlamaConfig
from octavo.recipe.training import Checkpoint, Guards, Optimizer
from octavo.training import checkpoint, checkpoint_files
from octavo.training.guards import Watch
from octavo.training.optimizers import make_optimizers, step_unless
from octavo.training.parallel import alone


def measure(config: LlamaConfig, home: Path, saves: int) -> dict[str, Figure]:
    processes = alone()
    model = initialise(config, seed=1).to(processes.device)
    optimizers = make_optimizers(model, Optimizer())
    state = checkpoint.State(model, optimizers, Watch(Guards(), processes.device))
    saver = checkpoint.Saver(home, Checkpoint(keep_last=1), processes)
    tokens = torch.randint(config.vocab_size, (4, config.max_position_embeddings), device=processes.device)
    zero = torch.zeros((), device=processes.device)
    waits: list[float] = []
    totals: list[float] = []
    for step in range(1, saves + 2):
        started = time.perf_counter()
        saver.save(step, state, [], (0.0, 0.0))
        waited = time.perf_counter() - started
        assert saver.pending
        saver.pending.add_done_callback(lambda _, started=started: totals.append(time.perf_counter() - started))
        model.loss(tokens[:, :-1], tokens[:, 1:]).backward()
        update = time.perf_counter()
        saver.copied()
        waits.append(waited + time.perf_counter() - update)
        step_unless(zero, optimizers)
        saver.finish()
    saver.close()
    size = sum(f.stat().st_size for f in checkpoint_files.path_of(home, saves + 1).iterdir())
    wait, total = statistics.median(waits[1:]), statistics.median(totals[1:])
    how = f"{config.parameters:,} parameters, {size / 1e6:,.0f} MB, median of {saves} saves"
    return {
        "first wait": figure(waits[0], "s", "", True, how),
        "wait": figure(wait, "s", "", True, how),
        "save": figure(total, "s", "", True, how),
        "written": figure(size / total / 1e6, "MB/s", "", True, how),
        "wait of a save": figure(100 * wait / total, "%", "< 5", wait < 0.05 * total, how),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parameters", type=int, default=50, help="millions, about")
    parser.add_argument("--saves", type=int, default=5)
    parser.add_argument("--out", type=Path, help="a folder to write to; a temporary one by default")
    parser.add_argument("--busy", action="store_true", help="measure although the machine is at work")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    machine = idle_machine(options.busy)
    layers = max(1, round((options.parameters * 1e6 - 8192 * 512) / 3_146_752))
    config = LlamaConfig(8192, 512, layers, 8, 8, 1365, 512)
    machine |= {"torch": torch.__version__}
    with tempfile.TemporaryDirectory(dir=options.out) as home:
        show(measure(config, Path(home), options.saves), machine, options.json)


if __name__ == "__main__":
    main()
