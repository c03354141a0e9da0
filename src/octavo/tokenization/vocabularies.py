"""Tokenizers to compare, octavo's and others': where they are found, and how their tokens divide a text.

A reference vocabulary may also be a JSON file of ranks as tiktoken has them: `ranks`, entries in base64 and their
ranks as `ENTRY:RANK` with spaces between, `pat_str`, the split, and `special_tokens`.
"""

from __future__ import annotations

import base64
import binascii
import json
import lzma
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

from octavo.errors import InputError
from octavo.tokenization.encode import load_tokenizer, parse_tokenizer
from octavo.tokenization.encoders import fastest_encoder
from octavo.tokenization.entries import letters_of_bytes

Divide = Callable[[list[str]], list[tuple[np.ndarray, np.ndarray]]]
"""Takes texts; gives the ids of each, and the positions after each token in the text's UTF-8 bytes."""


@dataclass(frozen=True)
class Vocabulary:
    """A tokenizer to measure."""

    name: str
    path: Path
    size: int
    """Entries."""
    normalise: Callable[[str], str]
    """What the tokenizer makes of a text before it divides it."""
    divide: Divide
    """Of normalised texts."""


def open_vocabularies(paths: list[Path]) -> list[Vocabulary]:
    """The tokenizers of runs, releases, model directories, tokenizer.json files and files of ranks.

    Raises InputError where there is none, or none that can be read. Files may be compressed with xz.
    """
    files = [_file_of(path) for path in paths]
    names = [_name_of(path) for path in paths]
    clear = len(set(names)) == len(names)
    return [
        _vocabulary(name if clear else str(path), path, read_vocabulary(file))
        for name, path, file in zip(names, paths, files, strict=True)
    ]


def _file_of(path: Path) -> Path:
    if path.is_file():
        return path
    for inside in ("tokenizer/tokenizer.json", "tokenizer.json"):
        if (path / inside).is_file():
            return path / inside
    what = "a directory without one" if path.is_dir() else "nothing there"
    raise InputError(f"{path}: found {what}, expected a tokenizer.json, a run, a release or a model directory")


def _name_of(path: Path) -> str:
    path = path.resolve()
    if path.name.startswith("tokenizer.json"):
        path = path.parent
    return path.name.removesuffix(".xz").removesuffix(".json").removesuffix(".tiktoken").removesuffix(".tokenizer")


def read_vocabulary(file: Path) -> Tokenizer:
    """A tokenizer from its tokenizer.json or from a file of ranks."""
    if file.suffix != ".xz" and "ranks" not in (content := _json_of(file, file.read_bytes())):
        return load_tokenizer(file)
    if file.suffix == ".xz":
        try:
            content = _json_of(file, text := lzma.decompress(file.read_bytes()))
        except lzma.LZMAError:
            raise InputError(f"{file}: found a file that xz cannot read") from None
        if "ranks" not in content:
            return parse_tokenizer(text.decode(), file)
    try:
        return _of_ranks(content)
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
        raise InputError(f"{file}: found ranks that cannot be read ({error!r}), expected tiktoken's") from None


def _json_of(file: Path, content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InputError(f"{file}: found no JSON object, expected a tokenizer.json or ranks")
    return found


def _of_ranks(content: dict[str, Any]) -> Tokenizer:
    """Byte-level BPE from ranks: where two entries make a third, they merge at its rank."""
    letters = letters_of_bytes()
    pairs = (entry.rpartition(":") for entry in content["ranks"].split(" "))
    ranks = {base64.b64decode(name, validate=True): int(rank) for name, _, rank in pairs}
    merges = []
    for entry, _ in sorted(ranks.items(), key=lambda item: item[1]):
        halves = ((entry[:n], entry[n:]) for n in range(1, len(entry)))
        known = [
            (ranks[left], ranks[right], left, right) for left, right in halves if left in ranks and right in ranks
        ]
        merges += [(_spelt(left, letters), _spelt(right, letters)) for _, _, left, right in sorted(known)]
    vocab = {_spelt(entry, letters): rank for entry, rank in ranks.items()}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges, ignore_merges=True))
    split = pre_tokenizers.Split(Regex(content["pat_str"]), behavior="isolated")
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, byte_level])
    tokenizer.decoder = decoders.ByteLevel()
    names = sorted(content.get("special_tokens", {}).items(), key=lambda item: item[1])
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name, _ in names])
    tokenizer.encode_special_tokens = True
    return tokenizer


def _spelt(entry: bytes, letters: list[str]) -> str:
    return "".join(letters[byte] for byte in entry)


def _vocabulary(name: str, path: Path, tokenizer: Tokenizer) -> Vocabulary:
    normaliser = tokenizer.normalizer
    normalise: Callable[[str], str] = normaliser.normalize_str if normaliser else lambda text: text
    probe = "'Élan' vital, 1789\n  ſo — 日本 "
    divide = _by_bytes(tokenizer)
    ids, ends = divide([normalise(probe)])[0]
    if (
        not len(ends)
        or ends[-1] != len(normalise(probe).encode())
        or tokenizer.decode(ids.tolist()) != normalise(probe)
    ):
        normalise, divide = lambda text: text, _by_offsets(tokenizer)
    return Vocabulary(name, path, tokenizer.get_vocab_size(), normalise, divide)


def _by_bytes(tokenizer: Tokenizer) -> Divide:
    """For byte-level vocabularies, where an entry has a letter for each byte."""
    entries = tokenizer.get_vocab()
    lengths = np.zeros(max(entries.values()) + 1, np.int64)
    for entry, number in entries.items():
        lengths[number] = len(entry)
    for number, added in tokenizer.get_added_tokens_decoder().items():
        lengths[number] = len(added.content.encode())
    encode = fastest_encoder(tokenizer, []).encode
    return lambda texts: [(ids, np.cumsum(lengths[ids])) for ids in encode(texts)]


def _by_offsets(tokenizer: Tokenizer) -> Divide:
    """For all others, by the characters that the reference encoder says a token covers."""

    def divide(texts: list[str]) -> list[tuple[np.ndarray, np.ndarray]]:
        found = []
        for text, encoded in zip(texts, tokenizer.encode_batch(texts, add_special_tokens=False), strict=True):
            widths = [len(character.encode()) for character in text]
            starts = np.concatenate(([0], np.cumsum(widths, dtype=np.int64)))
            ends = np.array([end for _, end in encoded.offsets], np.int64)
            found.append((np.array(encoded.ids, np.uint32), starts[ends]))
        return found

    return divide
