"""How fast a model of the published shape reads and writes here, beside llama.cpp's own functions and the memory.

    python benchmarks/inference.py RUN [--minutes 10] [--json] [--busy]

The model has the shape of recipes/pleias-350m.yaml (353 million parameters, 65,536 entries, context 2,048), random
weights, and the tokenizer of RUN. It is written in BF16 and Q8_0, and each is measured, in processes of their own:

- llama.cpp's own rate: its C functions called in a loop, a token at a time and 512 at once, with as many threads as
  `octavo generate` gives it: what its own bench does. Nothing is sampled.
- octavo's rate: the engine that `octavo generate` uses, with the recommended settings.
- the memory's limit: what all cores together read of a gigabyte in a second, by the bytes of the weights.

Then `octavo serve` is asked by one client and by 16 at once, and by 16 for --minutes, while its memory is looked
at. It refuses to time beside other work unless told (--busy).
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import httpx2
import psutil
import torch
from figures import Figure, figure, idle_machine, show

from octavo.inference.llama_cpp import LlamaCppEngine, idle_threads
from octavo.modeling.decoding import Decoding
from octavo.modeling.gguf.writing import save_gguf
from octavo.modeling.init import initialise
from octavo.recipe.file import load
from octavo.tokenization.encode import load_tokenizer
from octavo.tokenization.entries import begin_and_end
from octavo.training.memory import llama_config

SHAPE = Path(__file__).parent.parent / "recipes" / "pleias-350m.yaml"
WRITTEN, READ, AT_ONCE = 128, 1536, 512
TIMES = 3
CLIENTS = 16
PROMPT = "In the year of our Lord one thousand six hundred and sixty-six"


def write_models(run: Path, folder: Path) -> dict[str, Path]:
    """The model in BF16 and Q8_0."""
    file = run / "tokenizer" / "tokenizer.json"
    tokenizer = load_tokenizer(file)
    begin, end = begin_and_end(tokenizer, str(file))
    model = initialise(llama_config(load(SHAPE), 65_536), seed=1789)
    made = {kind: folder / f"model-{kind}.gguf" for kind in ("BF16", "Q8_0")}
    for kind, path in made.items():
        save_gguf(model, path, kind, "model", "Apache-2.0", tokenizer, begin, end)
    return made


class Bare:
    """llama.cpp by its C functions. Its settings are structures passed by value, of which only the beginning is
    read here: there is room for more than they take."""

    class Settings(ctypes.Structure):
        _fields_ = [("numbers", ctypes.c_uint32 * 128)]

    def __init__(self, gguf: Path, threads: int) -> None:
        import xllamacpp.xllamacpp as library

        self.lib = ctypes.CDLL(library.__file__)
        self.silent = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(lambda *_: None)
        self.lib.llama_log_set(self.silent, None)
        self.lib.llama_backend_init()
        for name in ("llama_model_default_params", "llama_context_default_params", "llama_batch_get_one"):
            getattr(self.lib, name).restype = self.Settings
        for name in ("llama_model_load_from_file", "llama_init_from_model", "llama_get_memory"):
            getattr(self.lib, name).restype = ctypes.c_void_p
        self.lib.llama_model_load_from_file.argtypes = [ctypes.c_char_p, self.Settings]
        self.lib.llama_init_from_model.argtypes = [ctypes.c_void_p, self.Settings]
        self.lib.llama_decode.argtypes = [ctypes.c_void_p, self.Settings]
        self.lib.llama_batch_get_one.argtypes = [ctypes.c_void_p, ctypes.c_int32]
        self.lib.llama_get_memory.argtypes = [ctypes.c_void_p]
        self.lib.llama_memory_clear.argtypes = [ctypes.c_void_p, ctypes.c_bool]
        self.lib.llama_synchronize.argtypes = [ctypes.c_void_p]
        model = self.lib.llama_model_load_from_file(str(gguf).encode(), self.lib.llama_model_default_params())
        settings = self.lib.llama_context_default_params()
        at = list(settings.numbers[:8]).index(4)  # threads to write with, and to read with: 4 by default
        if list(settings.numbers[: at + 2]) != [512, 2048, 512, *settings.numbers[3:at], 4, 4]:
            sys.exit("llama.cpp's settings are laid out in another way than this script knows")
        settings.numbers[0] = 2048
        settings.numbers[at] = settings.numbers[at + 1] = threads
        self.context = self.lib.llama_init_from_model(model, settings)

    def seconds(self, tokens: int, at_once: int) -> float:
        """To pass so many tokens through the model, so many at once."""
        self.lib.llama_memory_clear(self.lib.llama_get_memory(self.context), True)
        ids = (ctypes.c_int32 * at_once)(*range(100, 100 + at_once))
        started = time.perf_counter()
        for _ in range(0, tokens, at_once):
            if self.lib.llama_decode(self.context, self.lib.llama_batch_get_one(ids, at_once)):
                sys.exit("llama.cpp: llama_decode failed")
        self.lib.llama_synchronize(self.context)
        return time.perf_counter() - started


def memory_rate() -> float:
    """Bytes that all cores together read of the memory in a second."""
    torch.set_num_threads(os.cpu_count() or 1)
    block = torch.ones(2**28)
    seconds = []
    for _ in range(TIMES):
        started = time.perf_counter()
        block.sum()
        seconds.append(time.perf_counter() - started)
    return block.nbytes / min(seconds)


def rates_of(gguf: Path, whose: str) -> dict[str, list[float]]:
    """Tokens a second of llama.cpp's functions (`bare`) or of octavo's engine, with the threads that they had."""
    threads = idle_threads()
    writes, reads = [], []
    prompts = [[1, *range(200 + turn * READ, 199 + READ + turn * READ)] for turn in range(TIMES)]  # none is cached
    if whose == "bare":
        bare = Bare(gguf, threads)
        bare.seconds(16, 1)
        writes = [WRITTEN / bare.seconds(WRITTEN, 1) for _ in range(TIMES)]
        reads = [READ / bare.seconds(READ, AT_ONCE) for _ in range(TIMES)]
    else:
        engine = LlamaCppEngine(gguf, compute_threads=threads)
        for prompt in prompts:
            stream = engine.stream(engine.encode(PROMPT), Decoding(max_tokens=WRITTEN + 1))
            next(stream)
            started = time.perf_counter()
            count = sum(1 for _ in stream)
            writes.append(count / (time.perf_counter() - started))
            started = time.perf_counter()
            next(engine.stream(prompt, Decoding(max_tokens=1)))
            reads.append(READ / (time.perf_counter() - started))
    return {"writes": writes, "reads": reads, "threads": [threads]}


def in_a_process(gguf: Path, whose: str) -> dict[str, list[float]]:
    """The same in a process of its own: two that compute in one wait for one another's threads."""
    done = subprocess.run([sys.executable, __file__, "--of", whose, str(gguf)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    rates: dict[str, list[float]] = json.loads(done.stdout.splitlines()[-1])
    return rates


def measure_engine(gguf: Path, kind: str) -> dict[str, Figure]:
    bare, ours, again = (in_a_process(gguf, whose) for whose in ("bare", "octavo", "bare"))
    bare = {name: own + again[name] for name, own in bare.items()}
    rate, size = memory_rate(), gguf.stat().st_size
    threads = "/".join(str(int(number)) for number in sorted({*bare["threads"], *ours["threads"]}))
    how = f"medians of {TIMES} and {2 * TIMES}, {threads} threads"
    writes, reads = (median(ours[name]) / median(bare[name]) for name in ("writes", "reads"))
    memory = median(ours["writes"]) * size / rate
    return {
        f"{kind} writes": figure(median(ours["writes"]), "tokens/s", "", True, _spread(ours["writes"])),
        f"{kind} writes, llama.cpp's own": figure(
            median(bare["writes"]), "tokens/s", "", True, _spread(bare["writes"])
        ),
        f"{kind} writes, of llama.cpp's own": figure(writes, "", ">= 0.95", writes >= 0.95, how),
        f"{kind} writes, of the memory's limit": figure(
            memory, "", ">= 0.7", memory >= 0.7, f"{rate / 1e9:.1f} GB/s, {size / 1e6:,.0f} MB a token"
        ),
        f"{kind} reads": figure(median(ours["reads"]), "tokens/s", "", True, _spread(ours["reads"])),
        f"{kind} reads, of llama.cpp's own": figure(reads, "", ">= 0.95", reads >= 0.95, f"{READ:,} tokens, {how}"),
    }


def _spread(rates: list[float]) -> str:
    return f"{min(rates):.1f} to {max(rates):.1f}"


async def one(client: httpx2.AsyncClient, number: int, tokens: int) -> tuple[float, float, int]:
    """Seconds to the first token, seconds in all, and tokens of a completion."""
    started = time.perf_counter()
    first, count = None, 0
    asked: dict[str, Any] = {"prompt": f"{PROMPT}, number {number}", "max_tokens": tokens, "stream": True}
    asked["stream_options"] = {"include_usage": True}
    async with client.stream("POST", "/v1/completions", json={"model": "model", **asked}) as answer:
        if answer.status_code != 200:
            raise RuntimeError(f"{answer.status_code}: {await answer.aread()!r}")
        async for line in answer.aiter_lines():
            if line.startswith("data: {"):
                first = first or time.perf_counter() - started
                count = (json.loads(line.removeprefix("data: ")).get("usage") or {}).get("completion_tokens", count)
    return first or 0.0, time.perf_counter() - started, count


async def load_of(address: str, clients: int, tokens: int, seconds: float) -> tuple[float, list[float]]:
    """Tokens a second that so many clients get together, and their seconds to the first token."""
    firsts: list[float] = []
    total = 0
    async with httpx2.AsyncClient(base_url=address, timeout=600) as client:
        started = time.perf_counter()

        async def ask(number: int) -> None:
            nonlocal total
            while True:
                first, _, count = await one(client, number, tokens)
                firsts.append(first)
                total += count
                if time.perf_counter() - started >= seconds:
                    return

        await asyncio.gather(*(ask(number) for number in range(clients)))
        return total / (time.perf_counter() - started), firsts


def measure_server(gguf: Path, minutes: float) -> dict[str, Figure]:
    command = [sys.executable, "-m", "octavo", "serve", str(gguf), "--port", "0", "--slots", str(CLIENTS), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        address = json.loads(server.stdout.readline())["address"]
        process = psutil.Process(server.pid)
        asyncio.run(load_of(address, 1, 8, 0))
        alone, first_alone = asyncio.run(load_of(address, 1, WRITTEN, 0))
        together, firsts = asyncio.run(load_of(address, CLIENTS, WRITTEN, 0))
        before = process.memory_info().rss
        _, long_firsts = asyncio.run(load_of(address, CLIENTS, WRITTEN, 60 * minutes))
        grown = process.memory_info().rss - before
        server.terminate()
    ratio = together / alone
    every = sorted([*firsts, *long_firsts])
    return {
        "one client": figure(alone, "tokens/s", "", True, f"first token after {first_alone[0] * 1e3:.0f} ms"),
        f"{CLIENTS} clients": figure(together, "tokens/s", "", True, f"{WRITTEN} tokens each, all together"),
        f"{CLIENTS} clients, times one": figure(ratio, "", ">= 2", ratio >= 2, gguf.stem),
        "first token, median": figure(
            median(every) * 1e3, "ms", "", True, f"{CLIENTS} clients, {len(every)} texts"
        ),
        "first token, 95 of 100": figure(every[int(0.95 * len(every))] * 1e3, "ms", "", True, "of these"),
        "memory grown": figure(
            grown / 1e6, "MB", "< 50", grown < 50e6, f"in {minutes:g} minutes, from {before / 1e6:,.0f} MB"
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="?")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--busy", action="store_true", help="time beside other work")
    parser.add_argument("--of", help=argparse.SUPPRESS)
    asked: Any = parser.parse_args()
    if asked.of:
        print(json.dumps(rates_of(asked.run, asked.of)))
        return
    if asked.run is None:
        parser.error("RUN: found none, expected a run whose tokenizer is used")
    machine = idle_machine(asked.busy)
    found: dict[str, Figure] = {}
    with tempfile.TemporaryDirectory() as name:
        models = write_models(asked.run, Path(name))
        for kind, gguf in models.items():
            found |= measure_engine(gguf, kind)
        found |= measure_server(models["Q8_0"], asked.minutes)
    show(found, machine, asked.json)


if __name__ == "__main__":
    main()
