"""Stage tokenization: a tokenizer, trained or given, and the training documents as token files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tokenizers import Tokenizer

from octavo.errors import InputError
from octavo.lineage import write_atomically, write_json
from octavo.progress import Progress
from octavo.recipe import Recipe
from octavo.tokenization.entries import begin_and_end
from octavo.tokenization.shards import open_shards, write_shard
from octavo.tokenization.train import balanced_sample, train_tokenizer


def load_tokenizer(path: Path) -> Tokenizer:
    """Read a tokenizer.json; InputError where it is none. A special entry's name inside a text is text."""
    try:
        tokenizer = Tokenizer.from_str(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such tokenizer") from None
    except Exception as error:  # the library raises bare Exception
        raise InputError(f"{path}: found no tokenizer.json that can be read ({error})") from None
    tokenizer.encode_special_tokens = True
    return tokenizer


def tokenize(
    recipe: Recipe, corpus: Path, tokenizer_home: Path, tokens_home: Path, progress: Progress
) -> dict[str, Any]:
    """Train or take the tokenizer, write token files of the training documents, and return the figures."""
    tokenizer_home.mkdir(parents=True, exist_ok=True)
    tokens_home.mkdir(parents=True, exist_ok=True)
    kept = sorted((corpus / "kept").glob("*.parquet"))
    file = tokenizer_home / "tokenizer.json"
    if not file.exists():
        progress.update(0, len(kept) + 1, "tokenizer")
        write_atomically(file, _make_tokenizer(recipe, corpus, kept).to_str(pretty=True).encode())
    tokenizer = load_tokenizer(file)
    for number, part in enumerate(kept):
        progress.check()
        progress.update(number + 1, len(kept) + 1, part.name)
        shard = tokens_home / f"{part.stem}.ds"
        if not shard.with_name(shard.name + ".metadata").exists():
            documents = encode_documents(tokenizer, _training_texts(part), recipe.tokenizer.path or str(file.name))
            write_shard(shard, documents, tokenizer.get_vocab_size(), file.name)
    shards = open_shards(tokens_home)
    report = {
        "vocab_size": tokenizer.get_vocab_size(),
        "bytes_per_token": _bytes_per_token(tokenizer, kept),
    }
    write_json(tokenizer_home / "report.json", report)
    return report | {
        "tokens": sum(len(s.tokens) for s in shards),
        "documents": sum(len(s.document_ends) for s in shards),
    }


def _make_tokenizer(recipe: Recipe, corpus: Path, kept: list[Path]) -> Tokenizer:
    if recipe.tokenizer.path:
        tokenizer = load_tokenizer(Path(recipe.tokenizer.path))
        begin_and_end(tokenizer, recipe.tokenizer.path)
        return tokenizer
    languages = json.loads((corpus / "report.json").read_text())["languages"]
    sizes = {lang: count["bytes"] for lang, count in languages.items()}
    sample = balanced_sample(kept, sizes, recipe.tokenizer.sample_bytes)
    return train_tokenizer(sample, recipe.tokenizer.vocab_size)


def encode_documents(tokenizer: Tokenizer, batches: Iterator[list[str]], name: str) -> Iterator[list[np.ndarray]]:
    """Tokens of documents, each between begin and end of text."""
    begin, end = begin_and_end(tokenizer, name)
    for texts in batches:
        encoded = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        yield [np.array([begin, *e.ids, end], np.uint32) for e in encoded]


def _training_texts(part: Path) -> Iterator[list[str]]:
    """The texts to train on, each as often as the mixture takes it."""
    for batch in pq.ParquetFile(part).iter_batches(256, columns=["text", "split", "repeats"]):
        train = batch.filter(pc.equal(batch.column("split"), "train"))
        often = np.repeat(np.arange(train.num_rows), train.column("repeats").to_numpy())
        texts = train.column("text").take(often).to_pylist()
        if texts:
            yield texts


def _bytes_per_token(tokenizer: Tokenizer, kept: list[Path]) -> dict[str, float]:
    """Bytes a token on the held-out documents, by language."""
    sizes: dict[str, int] = {}
    tokens: dict[str, int] = {}
    for part in kept:
        table = pq.read_table(part, columns=["text", "lang"], filters=pc.field("split") == "held-out")
        for lang in pc.unique(table.column("lang")).to_pylist():
            texts = table.filter(pc.equal(table.column("lang"), lang)).column("text").to_pylist()
            encoded = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
            tokens[lang] = tokens.get(lang, 0) + sum(len(e.ids) for e in encoded)
            sizes[lang] = sizes.get(lang, 0) + sum(len(t.encode()) for t in texts)
    return {lang: round(sizes[lang] / tokens[lang], 4) for lang in sorted(sizes) if tokens[lang]}
