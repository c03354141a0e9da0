"""The corpus as a dataset of a hub: Parquet files by split, streamed from the kept documents."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from octavo.corpus.readers.parquet import BATCH_ROWS, BUFFER_BYTES
from octavo.corpus.schema import KEPT_SCHEMA
from octavo.progress import Progress
from octavo.release.manifest import File

DATA = "data"
SHARD_BYTES = 512 * 1024**2
"""Of documents in a file, before compression."""
GROUP_BYTES = 32 * 1024**2
"""Of documents in a row group: held in memory for each split, and read at once by who streams."""


class Shards(NamedTuple):
    """The files of a dataset."""

    files: list[File]
    """By their paths in the dataset's folder, sorted."""
    documents: dict[str, int]
    """By split, in the name that a hub takes."""


def write_shards(kept: Sequence[Path], folder: Path | None, progress: Progress) -> Shards:
    """Write the kept documents, in their order, to `folder`/data/SPLIT-NNNNN-of-NNNNN.parquet.

    Without a folder nothing is written, but the files are made all the same, so that their sizes are known. The
    same documents give the same bytes. Memory is bounded by a row group of each split, whatever the corpus's size.
    """
    splits: dict[str, _Split] = {}
    documents: Counter[str] = Counter()
    whole = sum(pq.read_metadata(file).num_rows for file in kept)
    if folder:
        (folder / DATA).mkdir(parents=True)
    for batch in _batches(kept):
        progress.check()
        for value in pc.unique(batch["split"]).to_pylist():
            name = split_name(value)
            rows = batch.filter(pc.equal(batch["split"], value))
            splits.setdefault(name, _Split(name, folder)).add(rows)
            documents[name] += rows.num_rows
        progress.update(documents.total(), whole, "dataset")
    files = [file for name in sorted(splits) for file in splits[name].close()]
    return Shards(files, dict(sorted(documents.items())))


def split_name(split: str) -> str:
    """A split in the name that a hub takes, which has no hyphen: `held_out`."""
    return split.replace("-", "_")


def _batches(kept: Sequence[Path]) -> Iterator[pa.RecordBatch]:
    for path in kept:
        with pq.ParquetFile(path, buffer_size=BUFFER_BYTES, pre_buffer=False) as file:
            yield from file.iter_batches(BATCH_ROWS)


class _Split:
    """The files of one split, written one after the other."""

    def __init__(self, name: str, folder: Path | None) -> None:
        self.name, self.folder = name, folder
        self.waiting: list[pa.RecordBatch] = []
        self.waiting_bytes = 0
        self.shard: _Shard | None = None
        self.done: list[_Shard] = []

    def add(self, rows: pa.RecordBatch) -> None:
        self.waiting.append(rows)
        self.waiting_bytes += rows.nbytes
        if self.waiting_bytes >= GROUP_BYTES:
            self._write_group()

    def close(self) -> list[File]:
        """End the last file, and name them all by how many there are."""
        self._write_group()
        self._end_shard()
        files = []
        for number, shard in enumerate(self.done):
            path = f"{DATA}/{self.name}-{number:05d}-of-{len(self.done):05d}.parquet"
            if self.folder and shard.path:
                shard.path.rename(self.folder / path)
            files.append(File(path=path, bytes=shard.sink.bytes, sha256=shard.sink.digest.hexdigest()))
        return files

    def _write_group(self) -> None:
        if not self.waiting:
            return
        if self.shard is None:
            path = self.folder / DATA / f"{self.name}-{len(self.done):05d}.partial" if self.folder else None
            self.shard = _Shard(path)
        self.shard.write(pa.Table.from_batches(self.waiting))
        self.waiting, self.waiting_bytes = [], 0
        if self.shard.size >= SHARD_BYTES:
            self._end_shard()

    def _end_shard(self) -> None:
        if self.shard:
            self.shard.close()
            self.done.append(self.shard)
            self.shard = None


class _Shard:
    """A Parquet file that is being written."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.size = 0
        self.sink = _Sink(path.open("wb") if path else None)
        self.writer = pq.ParquetWriter(pa.PythonFile(self.sink, "w"), KEPT_SCHEMA, compression="zstd")

    def write(self, rows: pa.Table) -> None:
        self.writer.write_table(rows, row_group_size=rows.num_rows)
        self.size += rows.nbytes

    def close(self) -> None:
        self.writer.close()
        self.sink.close()


class _Sink:
    """Takes a file's bytes in order: keeps count and SHA-256 of them, and writes them where there is a file."""

    def __init__(self, file: BinaryIO | None) -> None:
        self.file = file
        self.bytes = 0
        self.digest = hashlib.sha256()
        self.closed = False

    def write(self, content: bytes) -> int:
        self.digest.update(content)
        self.bytes += len(content)
        return self.file.write(content) if self.file else len(content)

    def tell(self) -> int:
        return self.bytes

    def flush(self) -> None:
        if self.file:
            self.file.flush()

    def close(self) -> None:
        if self.file:
            self.file.close()
        self.closed = True
