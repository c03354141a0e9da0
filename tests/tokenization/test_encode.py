"""The token files of a corpus: the same however often their writing was interrupted, and in however many parts."""

import json
import signal
import subprocess
import sys
from importlib import resources
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from octavo.errors import InputError
from octavo.progress import Progress, StoppedError
from octavo.tokenization import encode
from octavo.tokenization.encode import load_tokenizer, sample_texts, write_token_files
from octavo.tokenization.encoders import reference_encoder
from octavo.tokenization.index import open_documents
from octavo.tokenization.shards import open_shards, shard_files

TEXTS = pq.read_table(resources.files("octavo.corpus") / "starter.parquet", columns=["text"])["text"].to_pylist()


def byte_tokenizer(others: tuple[str, ...] = (), special: tuple[str, ...] = ()) -> Tokenizer:
    """One entry a byte, then begin and end, then others that no text gives but by their name."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {letter: number for number, letter in enumerate([*letters, "<s>", "</s>", *others, *special])}
    tokenizer = Tokenizer(models.BPE(vocab, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(name, normalized=False) for name in ("<s>", "</s>", *special)])
    tokenizer.encode_special_tokens = True
    return tokenizer


@pytest.fixture
def kept(tmp_path: Path) -> list[Path]:
    """The starter texts in five parts; every seventh is held out, every fifth taken twice."""
    folder = tmp_path / "kept"
    folder.mkdir()
    for number in range(5):
        texts = TEXTS[number::5]
        columns = {
            "identifier": pa.array([f"work-{number}-{n}" for n in range(len(texts))], pa.large_string()),
            "text": pa.array(texts, pa.large_string()),
            "split": pa.array(["held-out" if n % 7 == 6 else "train" for n in range(len(texts))]),
            "repeats": pa.array([2 if n % 5 == 4 else 1 for n in range(len(texts))], pa.int32()),
        }
        pq.write_table(pa.table(columns), folder / f"{number:03d}.parquet", row_group_size=4)
    return sorted(folder.glob("*.parquet"))


def written(
    kept: list[Path], home: Path, tokenizer: Tokenizer | None = None, progress: Progress | None = None
) -> Path:
    home.mkdir(exist_ok=True)
    tokenizer = tokenizer or byte_tokenizer()
    write_token_files(tokenizer, reference_encoder(tokenizer).encode, kept, home, "t.json", progress or Progress())
    return home


def files_of(home: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in home.iterdir()}


def test_the_training_documents_stand_in_order_as_often_as_the_mixture_takes_them(kept, tmp_path):
    home = written(kept, tmp_path / "tokens")
    tokens = np.concatenate([shard.tokens for shard in open_shards(home)])
    documents = open_documents(home)
    found = [(documents[n].identifier, documents[n].start, documents[n].end) for n in range(len(documents))]
    expected = [
        (row["identifier"], row["text"])
        for part in kept
        for row in pq.read_table(part).to_pylist()
        if row["split"] == "train"
        for _ in range(row["repeats"])
    ]
    tokenizer = byte_tokenizer()
    assert [(name, tokenizer.decode(tokens[a + 1 : b - 1].tolist())) for name, a, b in found] == expected
    begin, end = tokenizer.token_to_id("<s>"), tokenizer.token_to_id("</s>")
    assert all((tokens[a], tokens[b - 1]) == (begin, end) for _, a, b in found)


def test_batches_and_threads_change_nothing(kept, tmp_path, monkeypatch):
    expected = files_of(written(kept, tmp_path / "expected"))
    monkeypatch.setattr(encode, "BATCH_BYTES", 1)
    monkeypatch.setattr(encode, "THREADS", 1)
    assert files_of(written(kept, tmp_path / "found")) == expected


KILLED = """
import os, signal, sys
from pathlib import Path
from octavo.progress import Progress
from octavo.tokenization import encode
from octavo.tokenization.encoders import reference_encoder
encode.BATCH_BYTES, encode.THREADS = 1, 2
tokenizer = encode.load_tokenizer(Path(sys.argv[1]))
left = int(sys.argv[2])
def ids(texts):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return reference_encoder(tokenizer).encode(texts)
kept = sorted(Path(sys.argv[3]).glob("*.parquet"))
encode.write_token_files(tokenizer, ids, kept, Path(sys.argv[4]), "t.json", Progress())
"""


@pytest.mark.parametrize("batches", [1, 30, 75])
def test_a_killed_run_goes_on_and_ends_in_the_same_bytes(kept, tmp_path, batches):
    expected = files_of(written(kept, tmp_path / "expected"))
    (tmp_path / "tokenizer.json").write_text(byte_tokenizer().to_str())
    home = tmp_path / "found"
    home.mkdir()
    arguments = [tmp_path / "tokenizer.json", str(batches), kept[0].parent, home]
    killed = subprocess.run([sys.executable, "-c", KILLED, *arguments], capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert files_of(home) != expected
    assert files_of(written(kept, home)) == expected


def test_what_is_complete_is_not_written_again(kept, tmp_path):
    home = written(kept, tmp_path / "tokens")
    before = {file: file.stat().st_mtime_ns for file in home.iterdir()}
    (home / "002.ds.metadata").unlink()
    written(kept, home)
    changed = {file.name for file in home.iterdir() if before.get(file) != file.stat().st_mtime_ns}
    assert changed == {f"002.ds{ending}" for ending in ("", ".index", ".metadata", ".documents.arrow")}


def test_a_wish_to_stop_is_met_between_batches_and_leaves_no_shard_half_done(kept, tmp_path, monkeypatch):
    monkeypatch.setattr(encode, "BATCH_BYTES", 1)
    asked = iter(range(1000))
    with pytest.raises(StoppedError):
        written(kept, tmp_path / "tokens", progress=Progress(stopping=lambda: next(asked) > 40))
    complete = [shard for shard in (tmp_path / "tokens").glob("*.ds") if shard_files(shard)[0].exists()]
    assert len(complete) < len(kept)
    assert files_of(written(kept, tmp_path / "tokens")) == files_of(written(kept, tmp_path / "expected"))


@pytest.mark.parametrize(
    ("others", "special", "width"),
    [(65_277, 0, 2), (65_278, 0, 4), (65_277, 1, 2), (65_277, 40, 2), (65_400, 0, 4)],
)
def test_two_bytes_hold_a_token_as_long_as_no_text_gives_the_id_that_marks_documents(
    kept, tmp_path, others, special, width
):
    """Entry 65,535 may be there as a special one, which stands in no text."""
    said: list[str] = []
    names = tuple(f"entry {n}" for n in range(others)), tuple(f"<|spare_{n}|>" for n in range(special))
    home = written(kept[:1], tmp_path / "tokens", byte_tokenizer(*names), Progress(message=said.append))
    (shard,) = open_shards(home)
    assert shard.tokens.dtype.itemsize == width
    assert said == ["tokenization: token files have four bytes a token, as not all ids fit into two"] * (width == 4)


def test_a_tokenizer_without_an_end_of_text_is_refused_before_anything_is_written(kept, tmp_path):
    letters = {letter: n for n, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    with pytest.raises(InputError, match=r"t\.json: found no end-of-text entry"):
        written(kept, tmp_path / "tokens", Tokenizer(models.BPE(letters, [])))
    assert not any((tmp_path / "tokens").iterdir())


def test_what_a_given_tokenizer_says_of_cutting_and_filling_up_texts_is_left_out(tmp_path):
    tokenizer = byte_tokenizer()
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=8)
    file = tmp_path / "tokenizer.json"
    file.write_text(tokenizer.to_str())
    assert json.loads(file.read_text())["truncation"]
    assert len(load_tokenizer(file).encode("a long text").ids) == len("a long text")
    assert len(load_tokenizer(file).encode("a").ids) == 1


def test_the_sample_is_of_places_all_over_the_corpus_and_bounded(kept):
    sample = sample_texts(kept)
    assert sample == sample_texts(kept)
    assert len(sample) <= encode.SAMPLE_GROUPS * encode.SAMPLE_TEXTS
    for part in kept:
        texts = pq.read_table(part)["text"].to_pylist()
        assert any(text[: encode.SAMPLE_CHARACTERS] in sample for text in texts)
    assert sample_texts([]) == []
