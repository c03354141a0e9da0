"""A Slurm cluster of one machine, in a folder of its own, on loopback, without systemd; the tests' own."""

from __future__ import annotations

import contextlib
import getpass
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
CLIENTS = ("sbatch", "scancel", "scontrol", "sinfo", "srun")

CONFIGURATION = """\
ClusterName=octavo
SlurmctldHost=localhost(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CryptoType=crypto/munge
AuthInfo=socket={folder}/munge.socket
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
ReturnToService=2
SlurmctldPort={port}
SlurmdPort={other_port}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
NodeName=localhost NodeAddr=127.0.0.1 CPUs=4 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
"""Processes are told apart by the kernel's list of them, as there may be no cgroups to write to."""


def missing() -> list[str]:
    """Programs of Slurm that are not installed."""
    return [name for name in (*DAEMONS, *CLIENTS) if _find(name) is None]


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[dict[str, str]]:
    """A cluster with four cores, be they there or not; gives the environment in which Slurm's programs find it."""
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    key = folder / "munge.key"
    key.write_bytes(secrets.token_bytes(1024))
    key.chmod(0o600)
    port, other_port = _free_ports()
    written = CONFIGURATION.format(user=getpass.getuser(), folder=folder, port=port, other_port=other_port)
    (folder / "slurm.conf").write_text(written)
    environment = os.environ | {"SLURM_CONF": str(folder / "slurm.conf")}
    try:
        files = [f"--key-file={key}", f"--pid-file={folder}/munged.pid", f"--seed-file={folder}/munged.seed"]
        files += [f"--socket={folder}/munge.socket", f"--log-file={folder}/munged.log"]
        # Forced, as munged would have other users reach its socket, and the folder lies where they cannot.
        _start(["munged", "--force", *files], environment)
        _start(["slurmctld"], environment)
        _start(["slurmd", "-N", "localhost"], environment)
        _wait_for_node(environment)
        yield environment
    finally:
        for name in reversed(DAEMONS):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError):
                os.kill(int((folder / f"{name}.pid").read_text()), signal.SIGTERM)


def _find(name: str) -> str | None:
    """Daemons lie where only root's PATH looks."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


def _start(command: list[str], environment: dict[str, str]) -> None:
    program = _find(command[0])
    assert program
    subprocess.run([program, *command[1:]], env=environment, check=True, timeout=60)


def _wait_for_node(environment: dict[str, str]) -> None:
    patience = time.monotonic() + 60
    while time.monotonic() < patience:
        said = subprocess.run(["sinfo", "-h", "-o", "%T"], env=environment, capture_output=True, text=True)
        if said.stdout.strip() == "idle":
            return
        time.sleep(0.2)
    raise TimeoutError(f"the node did not come up: {said.stdout} {said.stderr}")


def _free_ports() -> list[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(2)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
