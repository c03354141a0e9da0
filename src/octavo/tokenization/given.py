"""Token files that another run or program made: whether they are what the recipe takes them for.

That a tokenizer made them cannot be read from the files, so it is tried: beginnings of documents are decoded, and
must encode into the same tokens again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer, processors

from octavo.errors import InputError
from octavo.progress import Progress
from octavo.tokenization.entries import Edges, begin_and_end
from octavo.tokenization.shards import Shard, check_ends, open_shards, read_metadata

TRIED_DOCUMENTS, TRIED_TOKENS = 64, 64
"""Of a folder so many documents are encoded again, up to so many tokens of each."""

SAME = 0.5
"""The share of those tokens that must come out again. Another tokenizer's hardly ever do; its own may differ where
it changes texts before it encodes them, and where a document was cut off."""

CHUNK = 1 << 24
"""Tokens that are looked at together."""


def open_given(folders: list[str]) -> dict[str, list[Shard]]:
    """The token files of each folder; InputError where one has none, and for two names of one folder."""
    names: dict[str, str] = {}
    found = {}
    for folder in folders:
        place = os.path.realpath(folder)
        if place in names:
            raise InputError(
                f"training.data: found {folder}, which is {names[place]} by another name, expected one name for it"
            )
        names[place] = folder
        if not Path(folder).is_dir():
            raise InputError(f"{folder}: no such folder, expected one of training.data, with token files (.ds)")
        found[folder] = open_shards(Path(folder))
        if not found[folder]:
            raise InputError(f"{folder}: found no token files (.ds), expected some, as training.data names it")
    return found


def token_files(folders: list[str]) -> list[Path]:
    """All that is read of token files in folders: tokens, indices, and where they are metadata and documents."""
    beside = ("", ".index", ".metadata", ".documents.arrow")
    shards = [shard for folder in folders for shard in sorted(Path(folder).glob("*.ds"))]
    files = [shard.with_name(f"{shard.name}{ending}") for shard in shards for ending in beside]
    return [file for file in files if file.is_file()]


def check_given(folders: list[str], tokenizer: Tokenizer, path: str) -> Edges:
    """Look whether a tokenizer (of tokenizer.json `path`) made the token files, and how their documents begin.

    Most programs end documents and do not begin them: then the end of one begins the next. Raises InputError where
    files do not fit their index, hold no documents, are another tokenizer's, or begin documents in different ways.
    """
    begins: dict[int, str] = {}
    edges = begin_and_end(tokenizer, path)
    for folder, shards in open_given(folders).items():
        documents = list(_documents(shards))
        if not documents:
            raise InputError(f"{folder}: found no documents in its token files, expected some")
        highest = max(int(tokens.max()) for tokens in documents)
        if highest >= tokenizer.get_vocab_size():
            raise _outside(folder, highest, tokenizer.get_vocab_size())
        begins.setdefault(_begin(documents, edges, folder), folder)
        _check_made_by(tokenizer, path, documents, folder, _names(shards))
    if len(begins) > 1:
        (first, one), (second, other) = list(begins.items())[:2]
        raise InputError(
            f"{other}: documents begin with {tokenizer.id_to_token(second)}, expected "
            f"{tokenizer.id_to_token(first)}, as in {one}: a training has one way to begin a document"
        )
    return Edges(next(iter(begins)), edges.end)


def begin_with(tokenizer: Tokenizer, edges: Edges) -> None:
    """Make a tokenizer say how documents begin where its own begin of text is not in the token files."""
    if begin_and_end(tokenizer, "tokenizer.json")[0] != edges.begin:
        name = tokenizer.id_to_token(edges.begin)
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{name} $A", pair=f"{name} $A {name} $B", special_tokens=[(name, edges.begin)]
        )


def count_given(folders: list[str], entries: int, progress: Progress) -> dict[str, dict[str, Any]]:
    """Read the token files of folders through: figures by folder.

    Raises InputError for ids that a vocabulary of so many `entries` has not, and an index that goes backwards.
    """
    opened = open_given(folders)
    total = sum(len(shard.tokens) for shards in opened.values() for shard in shards)
    done, figures = 0, {}
    for folder, shards in opened.items():
        highest = 0
        for shard in shards:
            for start in range(0, len(shard.tokens), CHUNK):
                progress.check()
                progress.update(done, total, folder)
                chunk = shard.tokens[start : start + CHUNK]
                top = int(chunk.max())
                if top >= entries:
                    raise _outside(f"{shard.path}: token {start + int(np.argmax(chunk)):,}", top, entries)
                highest, done = max(highest, top), done + len(chunk)
            check_ends(shard)
        figures[folder] = {
            "files": len(shards),
            "tokens": sum(len(shard.tokens) for shard in shards),
            "documents": sum(len(shard.document_ends) for shard in shards),
            "highest_id": highest,
            "tokenizers": _names(shards),
        }
    return figures


def _outside(where: str, found: int, entries: int) -> InputError:
    return InputError(f"{where}: found id {found:,}, expected ids under {entries:,}, the entries of tokenizer.path")


def _names(shards: list[Shard]) -> list[str]:
    """The tokenizers that metadata names, each once."""
    return list(dict.fromkeys(stated[0] for shard in shards if (stated := read_metadata(shard.path))))


def _documents(shards: list[Shard]) -> Iterator[np.ndarray]:
    """Tokens of documents from places all over the files, each with its first token and its last."""
    counts = np.cumsum([len(shard.document_ends) for shard in shards])
    total = int(counts[-1])
    for number in sorted({int(n) for n in np.linspace(0, total - 1, min(total, TRIED_DOCUMENTS))}):
        file = int(np.searchsorted(counts, number, side="right"))
        within = number - (int(counts[file - 1]) if file else 0)
        ends = shards[file].document_ends
        start = int(ends[within - 1]) if within else 0
        tokens = shards[file].tokens[start : int(ends[within])]
        if len(tokens):
            yield np.array(tokens, np.int64)


def _begin(documents: list[np.ndarray], edges: Edges, folder: str) -> int:
    """The entry that begins documents: the tokenizer's own, or the end of the document before."""
    begun = sum(int(tokens[0]) == edges.begin for tokens in documents)
    ended = sum(int(tokens[-1]) == edges.end for tokens in documents)
    begins, ends = (any((tokens == edge).any() for tokens in documents) for edge in edges)
    pieces = ended < len(documents)  # of documents, which some programs mix, with an index of the pieces
    if begun == len(documents) or (begins and (pieces or edges.begin == edges.end)):
        return edges.begin
    if ends and not begins:
        return edges.end
    raise InputError(
        f"{folder}: of {len(documents)} documents, {begun} begin with id {edges.begin} and {ended} end with id "
        f"{edges.end}, expected all to begin so, or none to begin but all to end so: else nothing tells them apart"
    )


def _check_made_by(
    tokenizer: Tokenizer, path: str, documents: list[np.ndarray], folder: str, names: list[str]
) -> None:
    """Raise InputError where documents do not come out again as the tokens that they are."""
    if tokenizer.decoder is None:  # it cannot give texts back
        return
    special = np.array([i for i, entry in tokenizer.get_added_tokens_decoder().items() if entry.special], np.int64)
    tried = same = 0
    for document in documents:
        tokens = document[~np.isin(document, special)][:TRIED_TOKENS]
        try:
            text = tokenizer.decode(tokens.tolist(), skip_special_tokens=False)
        except Exception:  # the library raises bare Exception
            text = ""
        again = np.array(tokenizer.encode(text, add_special_tokens=False).ids, np.int64)[: len(tokens)]
        differs = np.flatnonzero(again != tokens[: len(again)])
        tried += len(tokens)
        same += int(differs[0]) if len(differs) else len(again)
    if same < SAME * tried:
        named = f" (by their metadata of {', '.join(names)})" if names else ""
        raise InputError(
            f"{folder}: found tokens{named} of which {same / tried:.0%} come out again when they are decoded and "
            f"encoded by {path}, expected over {SAME:.0%}: another tokenizer made them"
        )
