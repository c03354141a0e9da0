"""SHA256SUMS: what `sha256sum -c` reads of a release, written when all else is there, and checked."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from octavo.errors import OctavoError
from octavo.lineage import write_atomically

SUMS = "SHA256SUMS"
SIGNATURE = "model.sig"
UNLISTED = (SUMS, SIGNATURE)
"""What SHA256SUMS cannot cover: itself, and the signature, which is made later and covers it."""

_LINE = re.compile(rb"(\\?)([0-9A-Fa-f]{64}) [ *](.+)", re.DOTALL)
_ESCAPES = {b"\\": b"\\\\", b"\n": b"\\n", b"\r": b"\\r"}
"""How sha256sum writes a name that has such characters; the line then begins with a backslash."""


class Problem(NamedTuple):
    """A file of a release that is not as it should be, and in what."""

    file: str
    what: str


def write_checksums(release: Path) -> None:
    """Write SHA256SUMS over every file of a release but itself and the signature, sorted by path.

    Raises OctavoError where something in it is no plain file, or cannot be read.
    """
    names, problems = files_of(release)
    # What an earlier call may have left when it was killed is replaced by this one.
    covered = [name for name in names if name not in (*UNLISTED, f"{SUMS}.partial")]
    found, unreadable = digests(release, covered)
    refuse(release, [*problems, *unreadable])
    write_atomically(release / SUMS, b"".join(_line(name, found[name]) for name in covered))


def check_checksums(release: Path) -> list[Problem]:
    """What of a release is not as its SHA256SUMS says, sorted by file; empty where it holds.

    Beside changed and missing files this finds those that are listed nowhere, lines that cannot be read, paths that
    lead out of the release, and symbolic links.
    """
    names, problems = files_of(release)
    if SUMS not in names:
        return sorted({Problem(SUMS, "is missing"), *problems})
    listed, unreadable = _read(release / SUMS)
    present = [name for name in names if name not in UNLISTED]
    found, damaged = digests(release, [name for name in present if name in listed])
    told = {*present, *(problem.file for problem in problems)}
    problems += [*unreadable, *damaged]
    problems += [Problem(name, f"is not listed in {SUMS}") for name in present if name not in listed]
    problems += [Problem(name, "is missing") for name in listed if name not in told]
    problems += [Problem(name, "is changed") for name, digest in found.items() if digest != listed[name]]
    return sorted(problems)


def refuse(release: Path, problems: list[Problem]) -> None:
    """Raise OctavoError that names each file and what is wrong with it, where there are any."""
    if problems:
        raise OctavoError("\n".join(f"{release / file}: {what}" for file, what in problems))


def files_of(release: Path) -> tuple[list[str], list[Problem]]:
    """The plain files of a directory as sorted POSIX paths relative to it, and what else lies there but folders."""
    names, problems = [], []
    for path in _walk(release):
        name = path.relative_to(release).as_posix()
        if path.is_symlink():
            problems.append(Problem(name, "is a symbolic link, expected a file"))
        elif path.is_file():
            names.append(name)
        else:
            problems.append(Problem(name, "is neither a file nor a folder"))
    return sorted(names), sorted(problems)


def _walk(folder: Path) -> Iterator[Path]:
    """All that lies under a folder; a link to a folder is not followed."""
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path))
        else:
            yield Path(entry.path)


def digests(folder: Path, names: list[str]) -> tuple[dict[str, str], list[Problem]]:
    """SHA-256 by file, and the files that cannot be read; threads hash several at once, without Python's lock."""

    def digest(name: str) -> str | Problem:
        try:
            return sha256(folder / name)
        except OSError as error:
            return Problem(name, f"cannot be read ({error.strerror})")

    with ThreadPoolExecutor() as threads:
        answers = dict(zip(names, threads.map(digest, names), strict=True))
    problems = [answer for answer in answers.values() if isinstance(answer, Problem)]
    return {name: answer for name, answer in answers.items() if isinstance(answer, str)}, problems


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _line(name: str, digest: str) -> bytes:
    plain = os.fsencode(name)
    escaped = re.sub(rb"[\\\n\r]", lambda found: _ESCAPES[found[0]], plain)
    return (b"\\" if escaped != plain else b"") + digest.encode() + b"  " + escaped + b"\n"


def _read(sums: Path) -> tuple[dict[str, str], list[Problem]]:
    """The digests that SHA256SUMS lists, by file, and what is wrong with its lines."""
    listed: dict[str, str] = {}
    problems = []
    for number, line in enumerate(sums.read_bytes().removesuffix(b"\n").split(b"\n"), 1):
        entry = _LINE.fullmatch(line)
        if not entry:
            problems.append(Problem(SUMS, f"line {number}: expected a SHA-256, two spaces and a path"))
            continue
        escaped, digest, path = entry.groups()
        name = os.fsdecode(_unescaped(path) if escaped else path)
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            problems.append(Problem(name, f"leads out of the release ({SUMS}, line {number})"))
        elif name in UNLISTED or name in listed or PurePosixPath(name).as_posix() != name:
            problems.append(Problem(SUMS, f"line {number}: found {name}, expected another file's plain path"))
        else:
            listed[name] = digest.decode().lower()
    return listed, problems


def _unescaped(path: bytes) -> bytes:
    names = {escape[1:]: plain for plain, escape in _ESCAPES.items()}
    return re.sub(rb"\\([\\nr])", lambda found: names[found[1]], path)
