"""Encoding into token files beside Hugging Face's encode_batch on the same text: MB/s, and whether the ids agree.

    python benchmarks/encoding.py TOKENIZER FOLDER_WITH_PARQUET

TOKENIZER is a tokenizer.json or a run. encode_batch is timed alone; its ids are then held against the encoder's and
against the token files', text by text. octavo's stage is timed from Parquet to the token files with their index.
Before it, octavo tries its encoders on hard texts and a sample: that takes the same time on any corpus, and is
shown by itself. It refuses to time beside other work unless told (--busy).
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from figures import Figure, figure, idle_machine, show

from octavo.progress import Progress
from octavo.tokenization.encode import load_tokenizer, sample_texts, write_token_files
from octavo.tokenization.encoders import fastest_encoder
from octavo.tokenization.index import open_documents
from octavo.tokenization.shards import open_shards


def parts_of(folder: Path, home: Path) -> list[Path]:
    """The files as parts that curation keeps, every document trained on once."""
    home.mkdir()
    for file in sorted(folder.glob("*.parquet")):
        table = pq.read_table(file, columns=["identifier", "text"]).cast(
            pa.schema([("identifier", pa.large_string()), ("text", pa.large_string())])
        )
        table = table.append_column("split", pa.array(["train"] * table.num_rows))
        table = table.append_column("repeats", pa.array([1] * table.num_rows, pa.int32()))
        pq.write_table(table, home / file.name, compression="zstd", row_group_size=500)
    return sorted(home.glob("*.parquet"))


def batches(parts: list[Path]) -> Iterator[list[str]]:
    for part in parts:
        for batch in pq.ParquetFile(part).iter_batches(128, columns=["text"]):
            yield batch.column("text").to_pylist()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--busy", action="store_true", help="measure beside other work all the same")
    parser.add_argument("--json", action="store_true")
    settings = parser.parse_args()
    machine = idle_machine(settings.busy)
    inside = settings.tokenizer / "tokenizer" / "tokenizer.json"
    tokenizer = load_tokenizer(inside if inside.exists() else settings.tokenizer)
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        parts = parts_of(settings.folder, home / "kept")
        sizes = [pc.sum(pc.binary_length(pq.read_table(part, columns=["text"])["text"])).as_py() for part in parts]
        size = sum(sizes) / 1e6
        started = time.perf_counter()
        encoder = fastest_encoder(tokenizer, sample_texts(parts))
        trial = time.perf_counter() - started
        encoder.encode(next(batches(parts)))
        started = time.perf_counter()
        tokens = home / "tokens"
        tokens.mkdir()
        write_token_files(tokenizer, encoder.encode, parts, tokens, str(settings.tokenizer), Progress())
        stage = time.perf_counter() - started
        reference, fast, differing, written, number = 0.0, 0.0, 0, 0, 0
        documents, stream = open_documents(tokens), np.concatenate([s.tokens for s in open_shards(tokens)])
        for texts in batches(parts):
            started = time.perf_counter()
            encoded = tokenizer.encode_batch(texts, add_special_tokens=False)
            reference += time.perf_counter() - started
            started = time.perf_counter()
            ours = encoder.encode(texts)
            fast += time.perf_counter() - started
            for theirs, ids in zip(encoded, ours, strict=True):
                expected = np.array(theirs.ids, np.uint32)
                document = documents[number]
                differing += not np.array_equal(ids, expected)
                written += not np.array_equal(stream[document.start + 1 : document.end - 1], expected)
                number += 1
    cores = os.cpu_count() or 1
    how = f"{size:.0f} MB in {number:,} texts, {cores} cores"
    found: dict[str, Figure] = {
        "Hugging Face's encode_batch": figure(size / reference, "MB/s", "", True, how),
        encoder.name: figure(size / fast, "MB/s", "", True, f"{how}, {encoder.refused or 'the encoder alone'}"),
        "octavo's stage": figure(size / stage, "MB/s", "", True, f"{how}, Parquet to token files and index"),
        "stage to encode_batch": figure(reference / stage, "x", ">= 10", reference >= 10 * stage, how),
        "texts with other ids": figure(differing, "", "0", not differing, how),
        "written with other ids": figure(written, "", "0", not written, how),
        "trial of the encoders": figure(trial, "s", "", True, "once a run, first compilation included"),
    }
    show(found, machine, settings.json)


if __name__ == "__main__":
    main()
