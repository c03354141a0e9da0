"""Training a byte-level BPE tokenizer (Sennrich et al., 2016) on a language-balanced sample.

The words are split as Qwen2 splits them, digits one by one: of the splits that llama.cpp knows by name it
is one that treats every script alike, so that a release reads the same in Hugging Face and llama.cpp.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from octavo.errors import InputError
from octavo.tokenization.entries import BEGIN, SPECIAL_ENTRIES

SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
LLAMA_CPP_SPLIT = "qwen2"
"""Name of SPLIT in llama.cpp (tokenizer.ggml.pre)."""


def train_tokenizer(texts: Iterator[str], vocab_size: int) -> Tokenizer:
    """Train a tokenizer of exactly `vocab_size` entries; InputError where the texts do not give as many."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=2,
        special_tokens=list(SPECIAL_ENTRIES),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    if tokenizer.get_vocab_size() < vocab_size:
        raise InputError(
            f"tokenizer.vocab_size: found {vocab_size}, expected at most {tokenizer.get_vocab_size()}, "
            "which is all that the sample gives; take more text or fewer entries"
        )
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A", pair=f"{BEGIN} $A {BEGIN} $B", special_tokens=[(BEGIN, tokenizer.token_to_id(BEGIN))]
    )
    return tokenizer


def balanced_sample(kept: list[Path], languages: dict[str, int], sample_bytes: int) -> Iterator[str]:
    """Training documents, of each language about `sample_bytes` / languages at most.

    `languages` gives the bytes of each language in the corpus. A document's lot is the hash of its text,
    so the sample depends neither on the order of the documents nor on how they are cut into files.
    """
    quota = sample_bytes / max(len(languages), 1)
    share = {lang: min(1.0, quota / size) for lang, size in languages.items() if size}
    for part in kept:
        for batch in pq.ParquetFile(part).iter_batches(1024, columns=["text", "lang", "split", "content_hash"]):
            table = pa.Table.from_batches([batch])
            table = table.filter(pc.equal(table.column("split"), "train"))
            lots = [int(h[:13], 16) / 16**13 for h in table.column("content_hash").to_pylist()]
            limits = [share.get(lang, 0.0) for lang in table.column("lang").to_pylist()]
            drawn = pc.less(pa.array(lots, pa.float64()), pa.array(limits, pa.float64()))
            yield from table.filter(drawn).column("text").to_pylist()
