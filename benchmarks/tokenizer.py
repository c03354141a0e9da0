"""The tokenizer on works that it was not trained on, beside another vocabulary, and whether its readers agree.

    python benchmarks/tokenizer.py FOLDER_WITH_PARQUET [--set vocab_size=32768] [--given tokenizer.json]
        [--beside o200k_base.tiktoken.json.xz] [--identity] [--json]

A tenth of the works, by a hash of their identifiers, is held out: the tokenizer is trained on the others with the
recipe's defaults, or taken as `--given`, and measured on these. `--beside` is a vocabulary for tiktoken, as JSON
with pat_str, ranks (of tokens in base64) and special_tokens. With `--identity` all documents, held out and not, and
hard cases are encoded by Hugging Face tokenizers, by transformers' AutoTokenizer and by llama.cpp, from a GGUF file
made for it, and every text counts whose ids differ. The library's own trainer learns as many entries from the same
documents, split at words as GPT-2 does, to set the times side by side.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import lzma
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from figures import Figure, figure, print_table, show
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from octavo.corpus.schema import work_of
from octavo.recipe.schema import Tokenizer as Settings
from octavo.tokenization.encode import load_tokenizer
from octavo.tokenization.formats import write_tokenizer_files
from octavo.tokenization.train import train_tokenizer

HARD = (
    "",
    " ",
    "\n\n\n   \n",
    "\r\n\r\n\t x\r",
    "ſo thou haſt æther, œconomy & ﬁligree",
    "e\u0301te\u0301 \u0323\u0307a",
    "👩‍👩‍👧‍👦 🏳️‍🌈 🇦🇧",
    "שלום عليكم",
    "\x00\x01\x7f\u0085\u2028\ufeff\u200b",
    "l'ami d’Yves qu'on aujourd'hui 'tis don't 'LL",
    "1789 12,345.67 ½ ²³ 1234567890 ١٢٣٤٥ １２３４ 12½345",
    "日本語とラテン",
    "a" * 20_000,
    "ab " * 10_000,
    "1" * 2_000,
    "\n" * 5_000,
    "<|end_of_text|> <|ocr|>",
)


def held_out(table: pa.Table) -> list[bool]:
    """Whether each document is of a work in the tenth that is held out."""
    works = work_of(table.column("identifier")).to_pylist()
    return [hashlib.blake2b(work.encode(), digest_size=8).digest()[-1] % 10 == 0 for work in works]


def training_documents(files: list[Path]) -> Iterator[pa.Table]:
    """The documents of the other works, as training takes them."""
    for file in files:
        for batch in pq.ParquetFile(file).iter_batches(256, columns=["identifier", "text", "lang"]):
            table = pa.Table.from_batches([batch])
            table = table.append_column("work", work_of(table.column("identifier")))
            yield table.filter(pa.array([not held for held in held_out(table)])).drop_columns("identifier")


def library_seconds(files: list[Path], vocab_size: int) -> float:
    """Processor time that tokenizers' own trainer takes for a plain BPE on the same documents."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    texts = (table.column("text").to_pylist() for table in training_documents(files))
    start = time.process_time()
    tokenizer.train_from_iterator(texts, trainer)
    return time.process_time() - start


def held_out_texts(files: list[Path]) -> dict[str, list[str]]:
    """The held-out texts by language."""
    texts: dict[str, list[str]] = {}
    for file in files:
        table = pq.read_table(file, columns=["identifier", "text", "lang"])
        for row in table.filter(pa.array(held_out(table))).to_pylist():
            texts.setdefault(row["lang"], []).append(row["text"])
    return dict(sorted(texts.items()))


def beside(path: Path) -> Callable[[str], list[int]]:
    """The encoder of a vocabulary for tiktoken."""
    import tiktoken

    with lzma.open(path) as file:
        data = json.load(file)
    entries = (entry.rpartition(":") for entry in data["ranks"].split(" "))
    ranks = {base64.b64decode(key): int(value) for key, _, value in entries}
    return tiktoken.Encoding(
        path.name, pat_str=data["pat_str"], mergeable_ranks=ranks, special_tokens=data["special_tokens"]
    ).encode_ordinary


def fertility(
    texts: dict[str, list[str]], tokenizer: Tokenizer, other: Callable[[str], list[int]] | None
) -> dict[str, Figure]:
    """Print bytes a token by language, and return the figures."""
    rows, ours, saved = [], {}, {}
    for lang, own in texts.items():
        size = sum(len(text.encode()) for text in own)
        count = sum(len(e.ids) for e in tokenizer.encode_batch_fast(own, add_special_tokens=False))
        ours[lang] = count / size
        row = [lang, len(own), size, round(size / count, 3)]
        if other:
            theirs = sum(len(other(text)) for text in own)
            saved[lang] = 1 - count / theirs
            row += [round(size / theirs, 3), round(100 * saved[lang], 1)]
        rows.append(row)
    heads = ("", "texts", "bytes", "bytes a token", *(("beside", "% fewer tokens") if other else ()))
    print_table(heads, rows)
    spread = max(ours.values()) / min(ours.values())
    how = f"{sum(row[2] for row in rows):,} bytes of held-out works"
    found = {"worst language to best": figure(spread, "tokens a byte", "<= 1.25", spread <= 1.25, how)}
    if saved:
        least, mean = min(saved.values()), sum(saved.values()) / len(saved)
        found["fewer tokens, least of all languages"] = figure(least, "of 1", ">= 0.10", least >= 0.10, how)
        found["fewer tokens, mean of languages"] = figure(mean, "of 1", ">= 0.25", mean >= 0.25, how)
    return found


def identity(files: list[Path], path: Path) -> dict[str, Figure]:
    """Encode everything with the three readers and count the texts whose ids differ."""
    from transformers import AutoTokenizer

    from octavo.inference.llama_cpp import LlamaCppEngine
    from octavo.modeling.gguf.writing import save_gguf
    from octavo.modeling.init import initialise
    from octavo.modeling.llama import LlamaConfig

    tokenizer = load_tokenizer(path)
    texts, size = 0, 0
    differing = {"transformers": 0, "llama.cpp": 0}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        write_tokenizer_files(home, path, tokenizer, 64)
        model = initialise(LlamaConfig(tokenizer.get_vocab_size(), 32, 1, 1, 1, 32, 64), 1)
        save_gguf(model, home / "model.gguf", "F32", "identity", "CC0-1.0", tokenizer, 1, 2)
        theirs = AutoTokenizer.from_pretrained(home, split_special_tokens=True)
        engine = LlamaCppEngine(home / "model.gguf")

        def batches() -> Iterator[list[str]]:
            yield list(HARD)
            for file in files:
                for batch in pq.ParquetFile(file).iter_batches(64, columns=["text"]):
                    yield batch.column("text").to_pylist()

        for batch in batches():
            expected = [[1, *e.ids] for e in tokenizer.encode_batch_fast(batch, add_special_tokens=False)]
            found = {"transformers": theirs(batch)["input_ids"], "llama.cpp": [engine.encode(t) for t in batch]}
            for name, ids in found.items():
                differing[name] += sum(a != b for a, b in zip(expected, ids, strict=True))
            texts, size = texts + len(batch), size + sum(len(t.encode()) for t in batch)
    how = f"{texts:,} texts, {size:,} bytes"
    return {
        f"texts that {name} reads otherwise than tokenizers": figure(count, "texts", "0", count == 0, how)
        for name, count in differing.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE")
    parser.add_argument("--given", type=Path)
    parser.add_argument("--beside", type=Path)
    parser.add_argument("--identity", action="store_true")
    parser.add_argument("--keep", type=Path, help="where to write the tokenizer.json that was trained")
    parser.add_argument("--json", action="store_true")
    settings = parser.parse_args()
    files = sorted(settings.folder.glob("*.parquet"))
    found: dict[str, Figure] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = settings.given or settings.keep or Path(folder) / "tokenizer.json"
        if not settings.given:
            fields = dict(item.split("=", 1) for item in settings.set)
            wanted = Settings(**{name: yaml.safe_load(value) for name, value in fields.items()})
            start = time.process_time()
            train_tokenizer(training_documents(files), wanted).save(str(path))
            seconds = time.process_time() - start
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
            found["peak memory"] = figure(memory, "GiB", "", True, "the whole process")
            theirs = library_seconds(files, wanted.vocab_size)
            how = f"{seconds:.0f} s for {wanted.vocab_size:,} entries, the library {theirs:.0f} s"
            found["processor time to train"] = figure(seconds / theirs, "of the library's", "", True, how)
        other = beside(settings.beside) if settings.beside else None
        found |= fertility(held_out_texts(files), load_tokenizer(path), other)
        if settings.identity:
            found |= identity(files, path)
    show(found, {"cores": os.cpu_count()}, settings.json)


if __name__ == "__main__":
    main()
