"""Stage tokenization: a tokenizer, trained or given, and the training documents as token files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tokenizers import Tokenizer

from octavo.corpus.parts import parts_of
from octavo.errors import InputError
from octavo.lineage import write_atomically, write_json
from octavo.progress import Progress
from octavo.recipe.schema import Recipe
from octavo.tokenization.encoders import Encode, fastest_encoder, reference_encoder
from octavo.tokenization.entries import begin_and_end
from octavo.tokenization.given import begin_with, check_given, count_given
from octavo.tokenization.index import rows_file, training_documents, write_documents
from octavo.tokenization.sample import balanced_sample
from octavo.tokenization.shards import open_shards, shard_files, token_dtype, write_shard
from octavo.tokenization.train import train_tokenizer

BATCH_BYTES = 4 * 1024**2
"""Text that a thread holds at once, about."""

THREADS = 4
"""Parts in work at once: the encoder has threads of its own, and these read and write meanwhile."""

SAMPLE_GROUPS, SAMPLE_TEXTS, SAMPLE_CHARACTERS = 32, 2, 20_000
"""Encoders are tried on the corpus in so many places, on so many texts in each, up to so long."""

_MOST_ENTRIES = 1 << 24
"""No vocabulary comes near; what is known of entries is held in lists by their ids."""


def load_tokenizer(path: Path) -> Tokenizer:
    """Read a tokenizer.json; InputError where it is none. A special entry's name inside a text is text.

    What it says of cutting and filling up texts is left out: octavo encodes whole texts.
    """
    try:
        content = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: no such tokenizer") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: found no tokenizer.json that can be read ({error})") from None
    return parse_tokenizer(content, path)


def parse_tokenizer(content: str, path: Path) -> Tokenizer:
    """A tokenizer of the content of a tokenizer.json, as of load_tokenizer."""
    try:
        tokenizer = Tokenizer.from_str(content)
    except Exception as error:  # the library raises bare Exception
        raise InputError(f"{path}: found no tokenizer.json that can be read ({error})") from None
    highest = max(tokenizer.get_vocab().values(), default=0)
    if highest >= _MOST_ENTRIES:
        raise InputError(f"{path}: found an entry of id {highest:,}, expected ids under {_MOST_ENTRIES:,}")
    tokenizer.encode_special_tokens = True
    tokenizer.no_truncation()
    tokenizer.no_padding()
    try:
        tokenizer.encode("\U0010ffff", add_special_tokens=False)  # no vocabulary has it by itself
    except Exception as error:
        raise InputError(
            f"{path}: found a tokenizer that cannot read all texts ({error}), expected an entry for what is unknown"
        ) from None
    return tokenizer


def tokenize(
    recipe: Recipe, corpus: Path, tokenizer_home: Path, tokens_home: Path, progress: Progress
) -> dict[str, Any]:
    """Train or take the tokenizer, write token files of the training documents, and return the figures."""
    tokenizer_home.mkdir(parents=True, exist_ok=True)
    tokens_home.mkdir(parents=True, exist_ok=True)
    kept = parts_of(corpus / "kept")
    file = tokenizer_home / "tokenizer.json"
    if not progress.has(file):
        progress.update(0, len(kept) + 1, "tokenizer")
        write_atomically(file, _make_tokenizer(recipe, kept).to_str(pretty=True).encode())
        progress.made(file)
    tokenizer = load_tokenizer(file)
    folders = count_given(recipe.token_folders, tokenizer.get_vocab_size(), progress)
    report = _encode_all(recipe, tokenizer, kept, tokens_home, progress) if kept else {"bytes_per_token": {}}
    report = {"vocab_size": tokenizer.get_vocab_size()} | report
    write_json(tokenizer_home / "report.json", report)
    shards = open_shards(tokens_home)
    return report | {
        "tokens": sum(len(s.tokens) for s in shards),
        "documents": sum(len(s.document_ends) for s in shards),
        "folders": folders,
    }


def _encode_all(
    recipe: Recipe, tokenizer: Tokenizer, kept: list[Path], tokens_home: Path, progress: Progress
) -> dict[str, Any]:
    """Write the token files of the kept documents, and return what the report says of the encoding."""
    encoder = fastest_encoder(tokenizer, sample_texts(kept))
    if encoder.refused:
        progress.message(f"tokenization: encodes with {encoder.name}, as {encoder.refused}")
    name = recipe.tokenizer.path or "tokenizer.json"
    write_token_files(tokenizer, encoder.encode, kept, tokens_home, name, progress)
    return {
        "bytes_per_token": bytes_per_token(encoder.encode, kept),
        "encoder": encoder.name,
        "faster_refused": encoder.refused,
    }


def _make_tokenizer(recipe: Recipe, kept: list[Path]) -> Tokenizer:
    if recipe.tokenizer.path:
        tokenizer = load_tokenizer(Path(recipe.tokenizer.path))
        begin_and_end(tokenizer, recipe.tokenizer.path)
        if recipe.token_folders:
            begin_with(tokenizer, check_given(recipe.token_folders, tokenizer, recipe.tokenizer.path))
        return tokenizer
    return train_tokenizer(balanced_sample(kept, recipe.tokenizer), recipe.tokenizer)


def write_token_files(
    tokenizer: Tokenizer, encode: Encode, kept: list[Path], home: Path, name: str, progress: Progress
) -> None:
    """Write a token file with its index for each part in `kept` that has none yet, several at once.

    A part's files depend on the part alone, so that they are the same however often this was interrupted.
    """
    dtype = token_dtype(_highest_id(tokenizer, begin_and_end(tokenizer, name)))
    if dtype.itemsize > 2:
        progress.message("tokenization: token files have four bytes a token, as not all ids fit into two")

    def write(part: Path, shard: Path) -> None:
        write_documents(part, shard)
        texts = _checking(_training_texts(part), progress)
        write_shard(shard, encode_documents(tokenizer, texts, name, encode), dtype, "tokenizer.json")

    shards = {part: home / f"{part.stem}.ds" for part in kept}
    pending = [part for part in kept if not progress.has(shard_files(shards[part])[0])]
    pool = ThreadPoolExecutor(min(THREADS, os.cpu_count() or 1))
    try:
        futures = {pool.submit(write, part, shards[part]): part for part in pending}
        for done, future in enumerate(as_completed(futures), len(kept) - len(pending) + 1):
            future.result()
            part = futures[future]
            progress.made(*shard_files(shards[part]), rows_file(shards[part]))
            progress.update(done, len(kept) + 1, part.name)
    finally:
        pool.shutdown(cancel_futures=True)


def encode_documents(
    tokenizer: Tokenizer, batches: Iterator[list[str]], name: str, encode: Encode | None = None
) -> Iterator[list[np.ndarray]]:
    """Tokens of documents in uint32, each between begin and end of text; `encode` is the reference by default."""
    encode = encode or reference_encoder(tokenizer).encode
    begin, end = (np.array([i], np.uint32) for i in begin_and_end(tokenizer, name))
    for texts in batches:
        yield [np.concatenate((begin, ids, end)) for ids in encode(texts)]


def sample_texts(kept: list[Path]) -> list[str]:
    """Beginnings of texts from places all over the corpus, the same ones for the same files."""
    chosen = [kept[n] for n in _spread(len(kept))]
    groups = [(part, group) for part in chosen for group in range(pq.read_metadata(part).num_row_groups)]
    texts = []
    for part, group in (groups[n] for n in _spread(len(groups))):
        batches = _open(part).iter_batches(SAMPLE_TEXTS, row_groups=[group], columns=["text"])
        texts += [text[:SAMPLE_CHARACTERS] for text in next(batches).column("text").to_pylist()]
    return texts


def _spread(count: int) -> list[int]:
    """All numbers under `count`, or SAMPLE_GROUPS of them at equal distances."""
    return sorted({int(n) for n in np.linspace(0, count - 1, min(count, SAMPLE_GROUPS))})


def _training_texts(part: Path) -> Iterator[list[str]]:
    """The texts to train on, each as often as the mixture takes it."""
    file = _open(part)
    size = sum(file.metadata.row_group(n).total_byte_size for n in range(file.num_row_groups))
    rows = max(1, BATCH_BYTES * file.metadata.num_rows // max(size, 1))
    for batch in file.iter_batches(rows, columns=["text", "split", "repeats"]):
        texts = batch.column("text").take(pa.array(training_documents(batch))).to_pylist()
        if texts:
            yield texts


def _open(part: Path) -> pq.ParquetFile:
    # Without a buffer, Arrow holds a whole row group.
    return pq.ParquetFile(part, buffer_size=1024**2, pre_buffer=False)


def _checking(texts: Iterator[list[str]], progress: Progress) -> Iterator[list[str]]:
    for batch in texts:
        progress.check()
        yield batch


def _highest_id(tokenizer: Tokenizer, always: tuple[int, int]) -> int:
    """The highest id in a token file: of a text, where no special entry comes from, or of begin and end."""
    special = {i for i, entry in tokenizer.get_added_tokens_decoder().items() if entry.special}
    return max(*always, *(i for i in tokenizer.get_vocab().values() if i not in special))


def bytes_per_token(encode: Encode, kept: list[Path]) -> dict[str, float]:
    """Bytes a token on the held-out documents, by language."""
    sizes: dict[str, int] = {}
    tokens: dict[str, int] = {}
    for part in kept:
        table = pq.read_table(part, columns=["text", "lang"], filters=pc.field("split") == "held-out")
        for lang in pc.unique(table.column("lang")).to_pylist():
            texts = table.filter(pc.equal(table.column("lang"), lang)).column("text").to_pylist()
            tokens[lang] = tokens.get(lang, 0) + sum(map(len, encode(texts)))
            sizes[lang] = sizes.get(lang, 0) + sum(len(t.encode()) for t in texts)
    return {lang: round(sizes[lang] / tokens[lang], 4) for lang in sorted(sizes) if tokens[lang]}
