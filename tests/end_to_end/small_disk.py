"""Does commands of octavo on a small disk that only they see, in memory, whoever starts them."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from octavo.cli.app import main
from tests.distributed.processes import SERVER

NEW_USERS_AND_MOUNTS = 0x10000000 | 0x00020000


def on_a_disk(
    run: Path, spoil: Callable[[Path], None], mend: Callable[[Path], None], *arguments: object
) -> tuple[list[int], str]:
    """Do `octavo run` in a copy of `run` on a disk that is spoilt, then, when that is mended, again.

    The exit statuses and what was said; `run` is then what the two have made of the copy.
    """
    run.mkdir(exist_ok=True)
    process = SERVER.Process(target=_twice, args=(run, spoil, mend, [str(part) for part in arguments]))
    process.start()
    process.join()
    assert process.exitcode == 0
    *statuses, said = run.with_suffix(".txt").read_text().split("\n", 2)
    return [int(status) for status in statuses], said


def _twice(run: Path, spoil: Callable[[Path], None], mend: Callable[[Path], None], arguments: list[str]) -> None:
    _become_root_here()
    disk, said = run.with_name("disk"), run.with_suffix(".said")
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", disk], check=True)
    shutil.copytree(run, disk, dirs_exist_ok=True)
    statuses = []
    for prepare in (spoil, mend):
        prepare(disk)
        statuses.append(_status(["run", *arguments, "--out", str(disk)], said))
    shutil.rmtree(run)
    shutil.copytree(disk, run)
    run.with_suffix(".txt").write_text("\n".join([*map(str, statuses), said.read_text()]))


def _become_root_here() -> None:
    user, group = os.getuid(), os.getgid()
    if ctypes.CDLL(None, use_errno=True).unshare(NEW_USERS_AND_MOUNTS):
        raise OSError(ctypes.get_errno(), "may not have mounts of its own")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {user} 1")
    Path("/proc/self/gid_map").write_text(f"0 {group} 1")


def _status(arguments: list[str], said: Path) -> int:
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status = 1
    try:
        with said.open("ab") as file:
            for output in (1, 2):
                os.dup2(file.fileno(), output)
        sys.argv = ["octavo", *arguments]
        main()
        status = 0
    except SystemExit as left:
        status = int(left.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
