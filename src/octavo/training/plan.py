"""What a run will take, reckoned before it: FLOPs, memory, hours, energy, CO2eq, disk and curation.

Nothing here is measured on the machines that are asked about: what is assumed stands in the plan itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from octavo.energy import co2eq_grams
from octavo.errors import InputError
from octavo.recipe.schema import Recipe
from octavo.recipe.training import OWN_TOKENS
from octavo.tokenization.encode import load_tokenizer
from octavo.tokenization.shards import open_shards, token_dtype
from octavo.training.data import named_folders, order_stages
from octavo.training.memory import available, estimate, llama_config, sharded
from octavo.training.order import Order
from octavo.training.sequences import Windows
from octavo.training.throughput import GPUS, Hardware, flops_per_token, matmul_rate

HardwareName = Literal["h100", "h200", "a100", "l40s", "cpu"]

AI_ACT_FLOPS = 1e23
"""From this training compute on, the Commission's guidelines of July 2025 on Regulation (EU) 2024/1689 take a
model that makes text for a general-purpose one: an indicative criterion among others."""

PUE = 1.2
"""Assumed: energy of a computing centre for each unit that its machines take."""

USABLE = 0.9
"""Assumed: the share of a GPU's memory that tensors can have, beside the driver, NCCL and fragments."""

BYTES_PER_TOKEN = 4.0
"""Assumed: UTF-8 text that becomes one token, about what 65,536 entries make of eight languages."""

CURATION_BYTES_PER_CORE_SECOND = 4_800_000
"""Measured: benchmarks/curation.py, the default, which scores harmful text too, over 147 MB of open text, by CPU
time of all processes (docs/performance.md)."""

COUNTRIES = ("FRA", "DEU", "ESP", "FIN", "ITA", "NLD", "USA")
"""Countries for whose electricity the CO2eq is told, beside the provider's."""


@dataclass(frozen=True)
class Memory:
    """Bytes that each GPU needs with one layout of the training state."""

    parts: dict[str, int]
    """At the recipe's sequences_per_pass, or at a GPU's whole share of a step where that is less."""
    fits: bool
    sequences_per_pass: int | None
    """The most sequences in a pass that fit; None where not even one does."""

    @property
    def total(self) -> int:
        """All parts together."""
        return sum(self.parts.values())


@dataclass(frozen=True)
class Folder:
    """What training draws from a folder of token files."""

    tokens: int | None
    """Tokens in it; None where it is not on this machine, or is still to be made."""
    sequences: int | None
    drawn: int | None
    """Sequences that training sees; None where weights go by the sizes of folders that are not known."""

    @property
    def epochs(self) -> float | None:
        """How often training passes over it."""
        return None if self.drawn is None or not self.sequences else self.drawn / self.sequences


@dataclass(frozen=True)
class Plan:
    """What a run will take."""

    name: str
    hardware: Hardware
    gpus: int
    parameters: int
    flops_per_token: int
    tokens: int
    own_tokens: int
    """Those of the tokens that come from the recipe's own documents; all where that cannot be told, and none where
    pairs teach."""
    folders: dict[str, Folder]
    """By the recipe's names of them, where it names any."""
    steps: int
    memory: dict[str, Memory]
    """By layout: `alone` for one process; `ddp`, the whole state in each, and `fsdp`, spread over all."""
    mfu: float
    co2eq_grams_per_kwh: dict[str, float]
    """By country (ISO 3166-1 alpha-3), the provider's first."""
    token_file_bytes: int
    checkpoint_bytes: int
    """One checkpoint."""
    checkpoints: int
    """How many stay."""

    @property
    def flops(self) -> int:
        """FLOPs of the training, attention counted whole."""
        return self.flops_per_token * self.tokens

    @property
    def hours(self) -> float:
        """Hours of the training at the MFU, on all GPUs."""
        return self.flops / (self.gpus * self.hardware.flops * self.mfu) / 3600

    @property
    def kilowatt_hours(self) -> float | None:
        """Energy at the GPUs' full power, with the computing centre's share; None where the power is not known."""
        if self.hardware.watts is None:
            return None
        return self.hours * self.gpus * self.hardware.watts * PUE / 1000

    @property
    def curation_core_hours(self) -> float:
        """Hours of one core to curate as much text as is trained on of the own documents, each token seen once."""
        return self.own_tokens * BYTES_PER_TOKEN / CURATION_BYTES_PER_CORE_SECOND / 3600

    def figures(self) -> dict[str, Any]:
        """All figures, as plain data."""
        kwh = self.kilowatt_hours
        return {
            "name": self.name,
            "gpus": self.gpus,
            "gpu": self.hardware.name,
            "parameters": self.parameters,
            "flops_per_token": self.flops_per_token,
            "tokens": self.tokens,
            "folders": {name: vars(folder) | {"epochs": folder.epochs} for name, folder in self.folders.items()},
            "steps": self.steps,
            "flops": self.flops,
            "flops_6nd": 6 * self.parameters * self.tokens,
            "ai_act_flops": AI_ACT_FLOPS,
            "memory": {
                layout: {
                    "bytes": memory.parts | {"total": memory.total},
                    "fits": memory.fits,
                    "sequences_per_pass": memory.sequences_per_pass,
                }
                for layout, memory in self.memory.items()
            },
            "mfu": self.mfu,
            "tokens_per_second": round(self.tokens / self.hours / 3600, 1),
            "hours": round(self.hours, 3),
            "gpu_hours": round(self.hours * self.gpus, 3),
            "kwh": None if kwh is None else round(kwh, 3),
            "co2eq_kg": {
                country: None if kwh is None else round(kwh * grams / 1000, 3)
                for country, grams in self.co2eq_grams_per_kwh.items()
            },
            "disk_bytes": {
                "token_files": self.token_file_bytes,
                "checkpoint": self.checkpoint_bytes,
                "checkpoints": self.checkpoints * self.checkpoint_bytes,
            },
            "curation_core_hours": round(self.curation_core_hours, 3),
            "assumed": {
                "peak_flops": self.hardware.flops,
                "memory_bytes": self.hardware.memory,
                "usable_memory": USABLE,
                "watts": self.hardware.watts,
                "pue": PUE,
                "bytes_per_token": BYTES_PER_TOKEN,
                "curation_bytes_per_core_second": CURATION_BYTES_PER_CORE_SECOND,
            },
        }


def hardware(name: HardwareName) -> Hardware:
    """A GPU by its data sheet, or this machine's processor by its own matrix products and free memory."""
    if name != "cpu":
        return GPUS[name]
    free = available(torch.device("cpu"))
    return Hardware("this machine's processor", matmul_rate(torch.bfloat16), round(free / USABLE), None)


def vocab_size_of(recipe: Recipe) -> int:
    """Entries of the model's vocabulary: as the given tokenizer has, or as the recipe's shall be trained to."""
    entries = recipe.tokenizer.vocab_size
    if recipe.tokenizer.path is not None:
        entries = load_tokenizer(Path(recipe.tokenizer.path)).get_vocab_size()
    return llama_config(recipe, entries).vocab_size


def plan_run(recipe: Recipe, vocab_size: int, on: Hardware, gpus: int, mfu: float) -> Plan:
    """Reckon what the recipe's run takes on so many GPUs, at a model FLOPs utilisation between 0 and 1.

    Raises InputError where a step cannot be shared out evenly, and for a country that is not known.
    """
    if on.watts is None and gpus > 1:
        raise InputError(f"--gpus {gpus}: found --gpu cpu, expected a GPU")
    config, training = llama_config(recipe, vocab_size), recipe.training
    share, rest = divmod(training.sequences_per_step, gpus)
    if rest or not share:
        raise InputError(
            f"training.sequences_per_step: found {training.sequences_per_step}, expected a multiple of the {gpus} "
            "GPUs, which take equal shares of each step"
        )
    device = "cpu" if on.watts is None else "cuda"

    def whole(per_pass: int) -> dict[str, int]:
        return estimate(recipe, config, device, gpus, per_pass)

    def spread(per_pass: int) -> dict[str, int]:
        return sharded(whole(per_pass), config, gpus)

    layouts = {"alone": whole} if gpus == 1 else {"ddp": whole, "fsdp": spread}
    countries = dict.fromkeys([*filter(None, [recipe.provider.country]), *COUNTRIES])
    tokens = recipe.steps * training.sequences_per_step * recipe.sequence_length
    parts = estimate(recipe, config, device)
    folders = _folders(recipe)
    by_pairs = recipe.is_taught
    own_tokens = 0 if by_pairs else _own_tokens(folders, tokens, recipe.sequence_length)
    return Plan(
        name=recipe.name,
        hardware=on,
        gpus=gpus,
        parameters=config.parameters,
        flops_per_token=flops_per_token(config, recipe.sequence_length),
        tokens=tokens,
        own_tokens=own_tokens,
        folders=folders,
        steps=recipe.steps,
        memory={name: _memory(layout, training.sequences_per_pass, share, on) for name, layout in layouts.items()},
        mfu=mfu,
        co2eq_grams_per_kwh={country: co2eq_grams(3.6e6, country) for country in countries},
        token_file_bytes=own_tokens * token_dtype(vocab_size - 2).itemsize,
        checkpoint_bytes=parts["weights"] + parts["optimizer"],
        checkpoints=training.checkpoint.keep_last,
    )


def _folders(recipe: Recipe) -> dict[str, Folder]:
    """The folders of token files that the recipe names, with what is known of them."""
    stages = recipe.training.data
    names = named_folders(stages)
    opened = {
        name: Windows(open_shards(Path(name)), recipe.sequence_length)
        for name in names
        if name != OWN_TOKENS and Path(name).is_dir()
    }
    sizes = {name: len(sequences) for name, sequences in opened.items()}
    by_size = [name for stage in stages for name, weight in stage.weights.items() if weight is None]
    drawn: dict[str, int | None] = dict.fromkeys(names)
    if names and all(sizes.get(name) for name in by_size):
        order = Order([0] * len(names), order_stages(recipe, dict.fromkeys(names, 0) | sizes), recipe.seed)
        positions = recipe.steps * recipe.training.sequences_per_step
        drawn |= zip(names, order.drawn(positions), strict=True)
    return {
        name: Folder(opened[name].tokens if name in opened else None, sizes.get(name), drawn[name])
        for name in names
    }


def _own_tokens(folders: dict[str, Folder], tokens: int, length: int) -> int:
    """Tokens from the recipe's own documents."""
    if not folders:
        return tokens
    drawn = folders[OWN_TOKENS].drawn if OWN_TOKENS in folders else 0
    return tokens if drawn is None else drawn * length


def _memory(bytes_of: Callable[[int], dict[str, int]], per_pass: int, share: int, on: Hardware) -> Memory:
    """The memory with one layout, by what the parts are at so many sequences in a pass."""
    parts = bytes_of(min(per_pass, share))
    usable = USABLE * on.memory
    fitting = (n for n in range(share, 0, -1) if share % n == 0 and sum(bytes_of(n).values()) <= usable)
    return Memory(parts, sum(parts.values()) <= usable, next(fitting, None))


def in_words(plan: Plan) -> str:
    """The plan, for a person."""
    f, on_gpus = plan.figures(), plan.hardware.watts is not None
    gpu_hours = f" on each of {plan.gpus} GPUs, {f['gpu_hours']:,.0f} GPU-hours" if plan.gpus > 1 else ""
    rows = [
        ("parameters", f"{plan.parameters:,}"),
        ("tokens", f"{plan.tokens:,} in {plan.steps:,} steps"),
        ("FLOPs", f"{plan.flops_per_token:,} a token, {plan.flops:.3g} in all ({f['flops_6nd']:.3g} as 6 N D)"),
        (
            "AI Act",
            f"{_times(plan.flops / AI_ACT_FLOPS)} {AI_ACT_FLOPS:.0e} FLOPs, the indicative mark of a "
            "general-purpose model",
        ),
        ("time", f"{_duration(plan.hours)} at an MFU of {plan.mfu:.1%}{gpu_hours}"),
        ("speed", f"{f['tokens_per_second']:,.0f} tokens/s"),
    ]
    if on_gpus:
        by_country = ", ".join(f"{country} {_few(kg)}" for country, kg in f["co2eq_kg"].items())
        rows += [
            ("energy", f"{_few(f['kwh'])} kWh, at {plan.hardware.watts:g} W a GPU and a PUE of {PUE:g}"),
            ("CO2eq", f"in kg, by where the electricity is from: {by_country}"),
        ]
    else:
        rows.append(("energy", "not known of a processor beforehand; octavo measures it as it trains"))
    for name, folder in plan.folders.items():
        rows.append(("data", _folder_in_words(name, folder)))
    checkpoints = f"{plan.checkpoints} checkpoints of {_size(plan.checkpoint_bytes)}, and one while it is written"
    if plan.own_tokens:
        text = _size(plan.own_tokens * BYTES_PER_TOKEN)
        rows += [
            ("disk", f"{_size(plan.token_file_bytes)} of token files, if no token is seen twice"),
            ("", checkpoints),
            ("curation", f"{_duration(plan.curation_core_hours)} of one core for {text} of text"),
        ]
    else:
        rows.append(("disk", checkpoints))
    for layout, memory in plan.memory.items():
        most = memory.sequences_per_pass
        fits = "fits" if memory.fits else "does not fit"
        rows.append((f"memory, {layout}", f"{_size(memory.total)} of {_size(plan.hardware.memory)}, {fits}"))
        rows.append(("", ", ".join(f"{part} {_size(size)}" for part, size in memory.parts.items() if size)))
        rows.append(("", f"largest sequences_per_pass that fits: {most}" if most else "not even one sequence fits"))
    on = f"{plan.gpus} {plan.hardware.name}" if on_gpus else plan.hardware.name
    return "\n".join([f"{plan.name} on {on}", *(f"{name:<14} {words}" for name, words in rows)])


def _folder_in_words(name: str, folder: Folder) -> str:
    there = "size not known" if folder.tokens is None else f"{folder.tokens:,} tokens"
    seen = "how much is seen depends on sizes" if folder.drawn is None else f"{folder.drawn:,} sequences seen"
    return f"{name}: {there}, {seen}" + ("" if folder.epochs is None else f", {folder.epochs:.3g} epochs")


def _few(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def _size(size: float) -> str:
    unit, name = next(((n, name) for n, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB")) if size >= n), (1e3, "kB"))
    return f"{size / unit:,.2f} {name}"


def _duration(hours: float) -> str:
    if hours >= 1:
        return f"{hours:,.1f} hours"
    return f"{hours * 60:.1f} minutes" if hours * 60 >= 1 else f"{hours * 3600:.1f} seconds"


def _times(share: float) -> str:
    return f"{1 / share:,.2g} times under" if share < 1 else f"{share:,.2g} times"
