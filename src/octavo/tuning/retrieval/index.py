"""An index of a folder's documents on disk: what has changed is read anew, the rest stays as it is."""

from __future__ import annotations

import contextlib
import itertools
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
from pydantic import BaseModel, ValidationError

from octavo.corpus.locations import Location, expand, is_remote
from octavo.corpus.readers.reading import Unreadable, reader_for
from octavo.errors import InputError, OctavoError
from octavo.lineage import FileRecord, hash_file, write_atomically
from octavo.progress import Progress
from octavo.recipe.schema import Source
from octavo.tuning.retrieval.passages import passages
from octavo.tuning.retrieval.ranking import HEAP_BYTES, WORDS, check_installed
from octavo.tuning.retrieval.search import ROW, Index, Passage
from octavo.tuning.retrieval.words import search_words

if TYPE_CHECKING:
    import tantivy

FILES: Final = "files.json"
"""What the index was made of; an index without it, or of another version, is made anew."""
VERSION: Final = 1
"""Of how documents are cut and words are written; to be raised with either."""
FILE: Final = "file"
COMMIT_BYTES: Final = 64 * 1024**2
"""Of files, after which what is done so far is kept, whatever happens."""


class IndexedFile(BaseModel):
    """A file as it was when it was read, and what came of it."""

    record: FileRecord
    documents: int = 0
    passages: int = 0
    unreadable: list[str] = []
    """Where in it, and why, something could not be read."""


class Files(BaseModel):
    """The content of files.json."""

    version: int
    files: dict[str, IndexedFile] = {}


@dataclass(frozen=True)
class Built:
    """An index that is as its documents are."""

    index: Index
    files: Mapping[str, IndexedFile]
    read: list[str]
    """Files that were new or had changed."""
    gone: list[str]
    skipped: list[str]
    """Files of no format that is read."""


def beside(sources: Path) -> Path:
    """The folder that an index lies in where none is named: beside its documents."""
    whole = sources.expanduser().resolve()
    if not whole.name:
        raise InputError(f"--sources {sources}: found no name to put an index beside, expected --index")
    return whole.with_name(f"{whole.name}.index")


def build_index(sources: Path, home: Path, progress: Progress | None = None) -> Built:
    """The index of a file's or folder's documents, in the folder `home`, brought up to date.

    An interrupted build goes on with the files that are not in it. Raises InputError where there are no documents,
    or `home` holds something else; OctavoError where another process is writing the index.
    """
    check_installed()
    progress = progress or Progress()
    if is_remote(str(sources)):
        raise InputError(f"{sources}: found another machine's files, expected a file or folder of this one")
    places, skipped = expand(str(sources))
    known = _known(home)
    there = {place.name: place for place in places}
    records = {
        name: hash_file(Path(place.path), known.files[name].record if name in known.files else None)
        for name, place in there.items()
    }
    gone = sorted(known.files.keys() - there.keys())
    read = [n for n in there if n not in known.files or known.files[n].record.blake3 != records[n].blake3]
    index = _opened(home / "passages")
    if not (home / FILES).exists():  # so that a second process sees that this one is at it
        write_atomically(home / FILES, known.model_dump_json(indent=1).encode())
    if gone or read:
        _update(index, home, known, [there[name] for name in read], gone, records, progress)
    index.reload()
    return Built(Index(index.schema, index.searcher()), known.files, read, gone, skipped)


def _update(
    index: tantivy.Index,
    home: Path,
    known: Files,
    read: list[Location],
    gone: list[str],
    records: dict[str, FileRecord],
    progress: Progress,
) -> None:
    """Bring the index up to date with its files, and `known` with it."""
    try:
        writer = index.writer(HEAP_BYTES, num_threads=1)
    except ValueError as error:
        raise OctavoError(f"{home}: cannot be written, another process may be at it ({error})") from None
    for name in [*gone, *(place.name for place in read)]:
        writer.delete_documents(FILE, name)
        known.files.pop(name, None)
    waiting = 0
    total, done = sum(records[place.name].bytes for place in read), 0
    for place in read:
        progress.update(done, total, place.name)
        known.files[place.name] = _add(index.schema, writer, place, records[place.name], progress)
        done += place.size
        waiting += place.size
        if waiting >= COMMIT_BYTES:
            _keep(writer, home, known)
            waiting = 0
    _keep(writer, home, known)
    writer.wait_merging_threads()
    progress.update(total, total, "")


def _keep(writer: tantivy.IndexWriter, home: Path, known: Files) -> None:
    """The index first: files that it has and the list has not are read once more, and their passages replaced."""
    writer.commit()
    write_atomically(home / FILES, known.model_dump_json(indent=1).encode())


def _add(
    schema: tantivy.Schema, writer: tantivy.IndexWriter, place: Location, record: FileRecord, progress: Progress
) -> IndexedFile:
    import tantivy

    made = IndexedFile(record=record)
    try:
        for row in _documents(place, made):
            progress.check()
            made.documents += 1
            for passage in _passages(row, place.name, made.documents):
                made.passages += 1
                content: dict[str, Any] = {
                    FILE: place.name,
                    WORDS: " ".join(search_words(passage.text)),
                    ROW: orjson.dumps(list(passage)),
                }
                writer.add_document(tantivy.Document.from_dict(content, schema))
    except InputError as error:  # one broken file does not keep the others from being found
        made.unreadable.append(str(error))
    return made


def _documents(place: Location, made: IndexedFile) -> Iterator[dict[str, str | None]]:
    for piece in reader_for(place)(place, Source(path=place.name)):
        if isinstance(piece, Unreadable):
            made.unreadable.append(f"{piece.where}: {piece.reason}")
        else:
            yield from piece.select(["identifier", "title", "license", "text"]).to_pylist()


def _passages(row: dict[str, str | None], file: str, number: int) -> Iterator[Passage]:
    text = row["text"] or ""
    name = row["identifier"] or f"{file}:{number}"
    for start, end in passages(text):
        yield Passage(text[start:end], file, name, row["title"], row["license"], start, end)


def _opened(home: Path) -> tantivy.Index:
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_text_field(FILE, tokenizer_name="raw", index_option="basic")
    builder.add_text_field(WORDS, tokenizer_name="whitespace", index_option="freq")
    builder.add_bytes_field(ROW, stored=True)
    try:
        home.mkdir(parents=True, exist_ok=True)
        return tantivy.Index(builder.build(), path=str(home))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{home}: no index can be opened or made here ({error}), expected a folder for it"
        ) from None


def _version_in(file: Path) -> int | None:
    """The version that an index states; None where the file is none of an index."""
    try:
        found = orjson.loads(file.read_bytes())
    except (FileNotFoundError, IsADirectoryError, ValueError):
        return None
    stated = found.get("version") if isinstance(found, dict) and isinstance(found.get("files"), dict) else None
    return stated if isinstance(stated, int) else None


def _known(home: Path) -> Files:
    """What the index in a folder was made of; where it is of another version, it is cleared away."""
    if not home.exists():
        return Files(version=VERSION)
    if not home.is_dir():
        raise InputError(f"{home}: found a file, expected a folder for the index")
    others = sorted(path.name for path in itertools.islice(home.iterdir(), 4))
    if not others:
        return Files(version=VERSION)
    begun = others == ["passages"] and (home / "passages" / "meta.json").is_file()  # it was broken off in between
    version = 0 if begun else _version_in(home / FILES)
    if version is None:
        raise InputError(f"{home}: found {', '.join(others)}, expected an empty folder or an index of octavo")
    if version == VERSION and (home / "passages" / "meta.json").is_file():
        with contextlib.suppress(ValidationError):
            return Files.model_validate_json((home / FILES).read_bytes())
    shutil.rmtree(home / "passages", ignore_errors=True)
    (home / FILES).unlink(missing_ok=True)
    return Files(version=VERSION)
