"""What befalls the files of a run: bytes that change, files that are cut short or gone, and a disk that is full."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path


def flip(file: Path) -> None:
    """Change a bit in the middle of a file."""
    with file.open("r+b") as opened:
        opened.seek(file.stat().st_size // 2)
        (byte,) = opened.read(1)
        opened.seek(-1, os.SEEK_CUR)
        opened.write(bytes([byte ^ 1]))


def halve(file: Path) -> None:
    """Cut a file short by half."""
    os.truncate(file, file.stat().st_size // 2)


def empty(file: Path) -> None:
    """Leave nothing of a file but its name, as a loss of power does."""
    os.truncate(file, 0)


DAMAGES: list[Callable[[Path], None]] = [flip, halve, empty, Path.unlink]

FILLER = "filler"

ROOT = ("unshare", "--map-root-user", "--mount")
"""Before a command: that may mount, where nobody else sees it, whoever starts it."""


def may_mount() -> bool:
    """Whether a process of ours may have mounts of its own."""
    return subprocess.run([*ROOT, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True).returncode == 0


def fill(disk: Path, room: int) -> None:
    """Leave so many bytes of room on a disk."""
    with (disk / FILLER).open("wb") as file:
        found = os.statvfs(disk)
        os.posix_fallocate(file.fileno(), 0, max(found.f_bavail * found.f_frsize - room, 1))


def make_room(disk: Path) -> None:
    """Have the disk as it was before."""
    (disk / FILLER).unlink()


def let_only_read(disk: Path) -> None:
    """Let nothing be written on a disk."""
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)


def let_write(disk: Path) -> None:
    """Have the disk as it was before."""
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
