"""How fast a trace index is made and searched, beside infini-gram on the same tokens.

    python benchmarks/tracing.py RUN [--tokens 100_000_000] [--tokenizer FILE] [--json] [--busy]

RUN is a run with its token files. Where they have fewer tokens than asked for, they are taken again and again with
a fifth of the tokens changed for others drawn by their frequency, so that the copies have no long stretches in
common; the real files come first. octavo's index holds texts and finds whole words; infini-gram's holds
tokens. Each is made by its own command in a process of its own, whose peak memory is told. Searched are texts of
100 tokens: passages of the corpus with some of their words changed. Equality with a scan is looked up for
stretches of real documents. It refuses to time beside other work unless told (--busy).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import unicodedata
from difflib import SequenceMatcher
from pathlib import Path
from statistics import median

import numpy as np
from figures import Figure, figure, idle_machine, show

from octavo.tokenization.encode import load_tokenizer
from octavo.tokenization.shards import open_shards, write_shard
from octavo.tracing.index.reading import TEXT, open_index
from octavo.tracing.trace import trace

TEXTS = 200
TEXT_TOKENS = 100
SPANS = 200
CHANGED = 0.2
SHARD = 20_000_000

BUILD = """
import json, resource, sys, time
from pathlib import Path
from octavo.progress import Progress
from octavo.recipe.file import load
from octavo.tracing.index.building import build_index
run = Path(sys.argv[1])
recipe = load(run / "recipe.yaml")
started = time.perf_counter()
figures = build_index(recipe, run, run / "trace", Progress())
seconds = time.perf_counter() - started
print(json.dumps(figures | {"seconds": seconds, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
"""

PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""

FIRST = """
import sys, time
from pathlib import Path
from octavo.tracing.index.reading import open_index
from octavo.tracing.trace import trace
trace(open_index(Path(sys.argv[2])), sys.argv[3])  # loads the code
started = time.perf_counter()
trace(open_index(Path(sys.argv[1])), sys.argv[3])
print(time.perf_counter() - started)
"""


def grown(run: Path, most: int, folder: Path) -> None:
    """A run's token files, and as many changed copies of them as make `most` tokens."""
    (folder / "tokens").mkdir(parents=True)
    for name in ("tokenizer", "corpus"):
        (folder / name).symlink_to((run / name).resolve())
    shutil.copy(run / "recipe.yaml", folder)
    draw = np.random.default_rng(1789)
    total, number = 0, 0
    for copy in range(1000):
        for shard in open_shards(run / "tokens"):
            if total >= most:
                return
            ends = shard.document_ends.astype(np.int64)
            documents = int(np.searchsorted(ends, most - total, side="right"))
            ends = ends[: max(documents, 1)]
            tokens = np.array(shard.tokens[: ends[-1]])
            name = shard.path.name
            if copy:
                edges = np.concatenate(([0], ends[:-1], ends - 1))  # begin and end of documents stay
                other = draw.random(len(tokens)) < CHANGED
                other[edges] = False
                tokens[other] = tokens[draw.permutation(np.flatnonzero(other))]
                name = f"copy-{number:05d}.ds"
            write_shard(
                folder / "tokens" / name, iter([np.split(tokens, ends[:-1])]), shard.tokens.dtype, "tokenizer"
            )
            if not copy and len(ends) == len(shard.document_ends):
                for beside in run.glob(f"tokens/{name}.documents.arrow"):
                    shutil.copy(beside, folder / "tokens")
            total, number = total + len(tokens), number + 1


def infini_gram(folder: Path, place: Path) -> tuple[float, int, int]:
    """Seconds, peak memory and bytes of infini-gram's index over a run's token files."""
    place.mkdir()
    offsets, size = [], 0
    with (place / "tokenized.0").open("wb") as file:
        for shard in open_shards(folder / "tokens"):
            start = 0
            for end in shard.document_ends.astype(np.int64).tolist():
                document = np.concatenate(([0xFFFF], shard.tokens[start:end])).astype("<u2").tobytes()
                offsets.append(size)
                size += len(document)
                file.write(document)
                start = end
    np.array(offsets, "<u8").tofile(place / "offset.0")
    command = [sys.executable, "-m", "infini_gram.indexing", "--data_dir", str(place), "--save_dir", str(place)]
    command += ["--token_dtype", "u16", "--tokenizer", "gpt2", "--cpus", str(os.cpu_count()), "--mem", "8"]
    command += ["--ulimit", str(resource.getrlimit(resource.RLIMIT_NOFILE)[1])]
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", PEAK, *command], capture_output=True, text=True)
    seconds = time.perf_counter() - started
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    made = sum(file.stat().st_size for file in place.iterdir())
    return seconds, int(done.stdout.split()[-1]) * 1024, made


def texts_to_trace(run: Path, draw: np.random.Generator) -> list[str]:
    """Passages of the corpus with a word in seven changed."""
    tokenizer = load_tokenizer(run / "tokenizer" / "tokenizer.json")
    shard = max(open_shards(run / "tokens"), key=lambda shard: len(shard.tokens))
    texts = []
    for at in draw.integers(0, len(shard.tokens) - TEXT_TOKENS, TEXTS):
        words = tokenizer.decode([int(token) for token in shard.tokens[at : at + TEXT_TOKENS]]).split(" ")
        for n in np.flatnonzero(draw.random(len(words)) < 1 / 7):
            words[n] = str(words[draw.integers(len(words))])
        texts.append(" ".join(words))
    return texts


def forget(folder: Path) -> None:
    """Have the system drop a folder's files from its memory."""
    for file in folder.rglob("*"):
        if file.is_file():
            with file.open("rb") as opened:
                os.fsync(opened.fileno())
                os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def letter(text: bytes, at: int) -> bool:
    """Whether a letter, digit or mark begins at a byte."""
    size = 1 if text[at] < 0x80 else 2 if text[at] < 0xE0 else 3 if text[at] < 0xF0 else 4
    return unicodedata.category(text[at : at + size].decode("utf-8", "replace"))[0] in "LNM"


def scanned(text: bytes, passage: bytes) -> int:
    """How often a passage stands in a text as whole words."""
    count = 0
    for found in re.finditer(re.escape(passage), text):
        before = found.start() - 1
        while before > 0 and text[before] & 0xC0 == 0x80:
            before -= 1
        alone = before < 0 or not letter(text, before)
        count += alone and not letter(text, found.end())
    return count


def equal_to_a_scan(folder: Path, draw: np.random.Generator) -> int:
    """How many of SPANS stretches of real documents are found whole, as often as a scan of all texts finds them."""
    index = open_index(folder)
    texts = [file.read_bytes().replace(b"\n", b" ") for file in sorted(folder.glob(f"*/{TEXT}"))]
    equal, asked = 0, 0
    while asked < SPANS:
        text = texts[int(draw.integers(len(texts)))]
        at = int(draw.integers(len(text) - 400))
        words = text[at : at + 400].partition(b"\0")[0].split(b" ")[1:-1]
        passage = b" ".join(words[: int(draw.integers(8, 40))]).decode("utf-8", "replace")
        inner = re.search(r"[^\W_].*[^\W_]", passage)
        if len(words) < 8 or "\ufffd" in passage or inner is None or unicodedata.combining(inner[0][0]):
            continue
        asked += 1
        told = [span for span in trace(index, inner[0]).spans if span.text == inner[0]]
        equal += len(told) == 1 and told[0].count == sum(scanned(one, inner[0].encode()) for one in texts)
    return equal


def lost_by_tokens(run: Path, file: Path, draw: np.random.Generator) -> list[int]:
    """Of quoted passages the words that a search for the longest row of tokens in common does not find."""
    own, tokenizer = (load_tokenizer(name) for name in (run / "tokenizer" / "tokenizer.json", file))
    shard = max(open_shards(run / "tokens"), key=lambda shard: len(shard.tokens))
    lost = []
    for at in draw.integers(0, len(shard.tokens) - 2 * TEXT_TOKENS, TEXTS):
        text = own.decode([int(token) for token in shard.tokens[at : at + 2 * TEXT_TOKENS]])
        words = [*re.finditer(r"[^\W_]+", text)]
        if len(words) >= 30:
            first, count = int(draw.integers(5, 10)), int(draw.integers(8, 20))
            passage = text[words[first].start() : words[first + count - 1].end()]
            there, here = (
                tokenizer.encode(t, add_special_tokens=False).ids for t in (text, f"And then he said: {passage}.")
            )
            row = SequenceMatcher(None, here, there, autojunk=False).find_longest_match()
            same = tokenizer.decode(here[row.a : row.a + row.size]).strip()
            inside = range(start := max(passage.find(same), 0), start + len(same) + 1)
            found = [w for w in re.finditer(r"[^\W_]+", passage) if w.start() in inside and w.end() in inside]
            lost.append(count - len(found))
    return lost


def measure(run: Path, most: int, file: Path) -> dict[str, Figure]:
    found: dict[str, Figure] = {}
    draw = np.random.default_rng(1789)
    lost = lost_by_tokens(run, file, draw)
    share = sum(1 for words in lost if words) / len(lost)
    how = f"{len(lost)} passages, up to {max(lost)} words each"
    found["passages that lose words by tokens"] = figure(100 * share, "%", "", True, how)
    with tempfile.TemporaryDirectory(dir=run.parent) as name:
        folder = Path(name) / "run"
        grown(run, most, folder)
        told = subprocess.run([sys.executable, "-c", BUILD, str(folder)], capture_output=True, text=True)
        if told.returncode:
            sys.exit(told.stderr)
        made = json.loads(told.stdout)
        rate = made["tokens"] / made["seconds"]
        on = f"{made['tokens']:,} tokens, {made['text_bytes']:,} bytes of text, {made['parts']} parts"
        found["building"] = figure(rate / 1e6, "M tokens/s", ">= 1", rate >= 1e6, on)
        found["memory of building"] = figure(made["peak"] / 1e9, "GB", "", True, "peak, parts of 256 MB")
        found["size"] = figure(made["index_bytes"] / made["tokens"], "bytes a token", "", True, "texts included")
        theirs, peak, size = infini_gram(folder, Path(name) / "infini-gram")
        ratio = theirs / made["seconds"]
        found["infini-gram builds"] = figure(made["tokens"] / theirs / 1e6, "M tokens/s", "", True, "its command")
        found["building, times infini-gram"] = figure(ratio, "", ">= 1", ratio >= 1, "the same tokens")
        found["infini-gram's memory"] = figure(peak / 1e9, "GB", "", True, "peak")
        found["infini-gram's size"] = figure(size / made["tokens"], "bytes a token", "", True, "tokens included")
        texts = texts_to_trace(run, draw)
        index = open_index(folder)
        trace(index, texts[0])
        seconds = []
        for text in texts:
            started = time.perf_counter()
            trace(index, text)
            seconds.append(time.perf_counter() - started)
        middle, last = median(seconds) * 1e3, sorted(seconds)[int(0.95 * len(seconds))] * 1e3
        how = f"{TEXTS} texts of {TEXT_TOKENS} tokens, documents and passages told"
        found["tracing, median"] = figure(middle, "ms", "< 50", middle < 50, how)
        found["tracing, 95 of 100"] = figure(last, "ms", "< 50", last < 50, how)
        forget(folder / "trace")
        small = Path(name) / "small"
        grown(run, 100_000, small)
        subprocess.run([sys.executable, "-c", BUILD, str(small)], capture_output=True, check=True)
        first = subprocess.run(
            [sys.executable, "-c", FIRST, str(folder), str(small), texts[1]],
            capture_output=True,
            text=True,
            check=True,
        )
        cold = float(first.stdout) * 1e3
        found["first text, nothing in memory"] = figure(cold, "ms", "", True, "opening the index included")
        equal = equal_to_a_scan(folder / "trace", draw)
        found["equal to a scan"] = figure(equal / SPANS, "", "1", equal == SPANS, f"{SPANS} stretches")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--tokens", type=int, default=100_000_000)
    parser.add_argument("--tokenizer", type=Path, help="look up with another one what is lost by tokens")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--busy", action="store_true", help="time beside other work")
    asked = parser.parse_args()
    machine = idle_machine(asked.busy)
    tokenizer = asked.tokenizer or asked.run / "tokenizer" / "tokenizer.json"
    show(measure(asked.run, asked.tokens, tokenizer), machine, asked.json)


if __name__ == "__main__":
    main()
