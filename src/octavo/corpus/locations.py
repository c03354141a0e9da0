"""Where documents lie: files, folders, globs, s3:// and hf:// locations, and the built-in starter corpus."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from pyarrow import fs

from octavo.errors import InputError

FORMATS = {
    ".parquet": "parquet",
    ".jsonl": "jsonl",
    ".jsonl.gz": "jsonl",
    ".jsonl.zst": "jsonl",
    ".txt": "plain_text",
    ".xml": "xml",
    ".xml.gz": "xml",
    ".tei": "xml",
    ".hocr": "hocr",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".md": "markdown",
    ".markdown": "markdown",
    ".epub": "epub",
    ".pdf": "pdf",
}
"""File name ending: the module with its reader."""

BUILTIN = "builtin:"

_HUB_CARD = re.compile(r"hf://datasets/[^/]+/[^/]+/README\.md")
"""A dataset's own description on a hub, which is none of its documents."""


@dataclass(frozen=True)
class Location:
    """One file of a source: the name people know it by, and how to open it."""

    name: str
    format: str
    filesystem: fs.FileSystem
    path: str
    size: int = 0
    """Bytes as stored; 0 where the filesystem does not tell."""

    @property
    def local(self) -> Path | None:
        """The file's path on this machine, or None where it lies elsewhere, or no record can hold it."""
        here = isinstance(self.filesystem, fs.LocalFileSystem) and is_utf8(self.path)
        return Path(self.path) if here else None


def is_remote(path: str) -> bool:
    """Whether a source's path names another place than this machine's disks."""
    return "://" in path and not path.startswith("file://")


def is_utf8(name: str) -> bool:
    """Whether a file's name is UTF-8; old archives and disks have others, which neither Arrow nor JSON takes."""
    return _shown(name) == name


def _shown(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def format_of(name: str) -> str | None:
    """The reader for a file name, or None where there is none."""
    matching = [ending for ending in FORMATS if name.lower().endswith(ending)]
    return FORMATS[max(matching, key=len)] if matching else None


def expand(path: str) -> tuple[list[Location], list[str]]:
    """The files of a source in a fixed order, and the names of those that no reader takes.

    Raises InputError where the place does not exist or holds no file that can be read.
    """
    if path.startswith(BUILTIN):
        return [_builtin(path)], []
    if not is_utf8(path):
        raise InputError(f"{_shown(path)}: found a name that is not UTF-8, expected one that is")
    filesystem, root = _open(path)
    literal = isinstance(filesystem, fs.LocalFileSystem) and os.path.exists(root)  # a name may hold a [
    pattern = root if not literal and any(c in root for c in "*?[") else None
    base = _literal_part(root) if pattern else root
    try:
        files = _files(filesystem, base)
    except Exception as error:  # each remote filesystem has errors of its own
        raise InputError(f"{path}: cannot be listed: {error}") from None
    if pattern:
        files = {name: size for name, size in files.items() if fnmatch.fnmatchcase(name, pattern)}
    if not files:
        raise InputError(
            f"{path}: found nothing there, expected a file, a folder with files or a glob that matches"
        )
    scheme = path.split("://", 1)[0] + "://" if "://" in path else ""
    readable, skipped = [], []
    for name, size in files.items():
        if (kind := format_of(name)) and not _HUB_CARD.fullmatch(scheme + name):
            readable.append(Location(scheme + _shown(name), kind, filesystem, name, size))
        else:
            skipped.append(scheme + _shown(name))
    if not readable:
        raise InputError(
            f"{path}: found {len(files)} files, none of which can be read; expected one ending in "
            f"{', '.join(FORMATS)}"
        )
    return readable, skipped


def _files(filesystem: fs.FileSystem, base: str) -> dict[str, int]:
    """The file at a path, or all files below it, sorted, with their sizes."""
    info = filesystem.get_file_info(base)
    if info.type == fs.FileType.NotFound:
        return {}
    if info.type != fs.FileType.Directory:
        return {base: info.size or 0}
    if isinstance(filesystem, fs.LocalFileSystem):
        return dict(sorted((name.removeprefix("./"), os.path.getsize(name)) for name in _local_files(base)))
    found = filesystem.get_file_info(fs.FileSelector(base, recursive=True))
    files = {i.path.removeprefix("./"): i.size or 0 for i in found if i.type == fs.FileType.File}
    return dict(sorted(files.items()))


def _local_files(base: str) -> Iterator[str]:
    """All files below a folder. Links are followed, but each folder is entered once: links can go round."""

    def refuse(error: OSError) -> None:
        raise error

    seen: set[str] = set()
    for folder, folders, names in os.walk(base, followlinks=True, onerror=refuse):
        folders.sort()
        if (place := os.path.realpath(folder)) in seen:
            folders.clear()
            continue
        seen.add(place)
        yield from (file for name in names if os.path.isfile(file := os.path.join(folder, name)))


def _builtin(path: str) -> Location:
    name = path.removeprefix(BUILTIN)
    file = resources.files("octavo.corpus") / f"{name}.parquet"
    if not file.is_file():
        raise InputError(f"{path}: found no such built-in corpus, expected builtin:starter")
    return Location(path, "parquet", fs.LocalFileSystem(), str(file))


def _open(path: str) -> tuple[fs.FileSystem, str]:
    scheme, _, rest = path.partition("://")
    user, at, _ = rest.split("/")[0].rpartition("@")
    if at and ":" in user:  # it would stand in recipes, records and messages
        raise InputError(f"{scheme}://: found a key or a password in the address, expected it in the environment")
    if path.startswith("hf://"):
        from huggingface_hub import HfFileSystem

        return fs.PyFileSystem(fs.FSSpecHandler(HfFileSystem())), path.removeprefix("hf://")
    if "://" in path:
        try:
            filesystem, _ = fs.FileSystem.from_uri(f"{scheme}://{path.split('://', 1)[1].split('/')[0]}")
        except (OSError, ValueError, NotImplementedError) as error:
            raise InputError(f"{path}: cannot be opened: {error}") from None
        return filesystem, path.split("://", 1)[1].rstrip("/")
    return fs.LocalFileSystem(), os.path.expanduser(str(Path(path))).rstrip("/") or "/"


def _literal_part(pattern: str) -> str:
    """The folder above the first component of a glob that has a wildcard."""
    parts = pattern.split("/")
    wild = next(n for n, part in enumerate(parts) if any(c in part for c in "*?["))
    return "/".join(parts[:wild]) or ("/" if pattern.startswith("/") else ".")
