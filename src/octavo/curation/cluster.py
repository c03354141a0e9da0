"""A Ray cluster as the place where curation is carried out: asked, joined, looked over, and left again.

Its nodes read and write the run's directory by path, with the octavo that is installed there. Whatever would
make them fail is told before the work starts. Ray does a killed worker's part again.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from octavo.errors import InputError, OctavoError
from octavo.recipe.curation import Curation
from octavo.recipe.schema import Recipe

ANSWER_SECONDS = 20.0
"""How long the cluster's head has to answer."""

LOOK_SECONDS = 120.0
"""How long all nodes have to say what they see; a node's first worker takes some seconds to start."""

RETRIES = 3
"""How many more workers get a part whose worker died."""

Part = tuple[Path, int]
"""A part of the corpus and its number."""

PACKAGES = ("octavo", "daft", "pyarrow")
"""What must be the same on all nodes for the same work and the same bytes."""

os.environ.setdefault("RAY_DISABLE_DASHBOARD", "1")  # Daft asks for its address in a way that Ray warns of


def check(settings: Curation) -> None:
    """Raise InputError where Ray is not installed, or the cluster does not answer or does not let us in."""
    if importlib.util.find_spec("ray") is None:
        raise InputError(
            "curation.engine: found ray, which is not installed; pip install '.[ray]' in octavo's checkout"
        )
    if settings.ray:
        _knock(settings)
    # In a process of its own, as Ray cannot be told when to give up.
    command = [sys.executable, "-m", "ray.scripts.scripts", "status"]
    command += ["--address", settings.ray] if settings.ray else []
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_SECONDS)
    except subprocess.TimeoutExpired:
        raise _unreachable(settings, f"gave no answer of Ray's in {ANSWER_SECONDS:.0f} s") from None
    if answer.returncode:
        said = _last_line(answer.stderr)
        if "AuthenticationError" in said:
            raise InputError(
                f"curation.ray: found {_address(settings)}, which does not take this process's token; expected "
                "RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH=FILE in the environment, as where it was started"
            )
        raise _unreachable(settings, f"cannot be asked ({said})")


@contextlib.contextmanager
def joined(settings: Curation, folder: Path) -> Iterator[None]:
    """Have Daft work on the cluster, once all its nodes are known to see `folder` and to have the same packages.

    Raises InputError where one does not, OctavoError where the cluster fails later. Daft stays on the first
    runner that a process gives it, so this is for a process that has not used Daft, and for once.
    """
    check(settings)
    import daft
    import ray
    from daft.exceptions import DaftCoreException

    with contextlib.redirect_stdout(sys.stderr):  # Ray prints what befalls its nodes
        _join(settings)
        try:
            _look_over(folder)
            daft.set_runner_ray()
            yield
        except (ray.exceptions.RayError, DaftCoreException) as error:
            raise OctavoError(
                f"curation: the Ray cluster failed ({_last_line(str(error))}); what is done is kept, "
                "and the same command goes on"
            ) from error
        finally:
            ray.shutdown()


def with_absolute_paths(recipe: Recipe) -> Recipe:
    """The recipe with paths that mean the same to a worker, which is in a directory of its own."""
    decontamination = recipe.curation.decontamination
    sets = [str(Path(name).absolute()) for name in decontamination.sets]
    decontamination = decontamination.model_copy(update={"sets": sets})
    toxicity = recipe.curation.toxicity
    if toxicity.classifier:
        toxicity = toxicity.model_copy(update={"classifier": str(Path(toxicity.classifier).absolute())})
    curation = recipe.curation.model_copy(update={"decontamination": decontamination, "toxicity": toxicity})
    return recipe.model_copy(update={"curation": curation})


def hand_out(work: Callable[[Part], None], pending: list[Part]) -> Iterator[Part]:
    """Do the work of the parts, as many at once as the joined cluster has CPUs; yields each as it is done.

    Ray does the part of a worker that died again, and on another node where the node died. Raises OctavoError
    for a part whose every worker dies.
    """
    import ray

    do = ray.remote(num_cpus=1, max_retries=RETRIES, scheduling_strategy="SPREAD")(_do)
    parts = {do.options(name=part[0].name).remote(work, part): part for part in pending}
    while parts:
        (done,), _ = ray.wait(list(parts))
        part = parts.pop(done)
        try:
            ray.get(done)
        except ray.exceptions.RayTaskError as error:
            raise error.cause from error
        except ray.exceptions.RayError as error:
            raise OctavoError(
                f"{part[0]}: the worker that had it died, and {RETRIES} more after it; does it fit into a node's "
                f"memory? ({_last_line(str(error))})"
            ) from error
        yield part


def _do(work: Callable[[Part], None], part: Part) -> None:
    work(part)


def _knock(settings: Curation) -> None:
    """Tell within seconds of an address that nothing listens at."""
    host, _, port = _address(settings).rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER_SECONDS).close()
    except TimeoutError:
        raise _unreachable(settings, f"did not answer in {ANSWER_SECONDS:.0f} s") from None
    except (OSError, OverflowError) as error:
        raise _unreachable(settings, f"cannot be reached ({error})") from None


def _join(settings: Curation) -> None:
    import ray

    on_sigterm = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address=settings.ray or "auto", log_to_driver=False, configure_logging=False)
    except (ray.exceptions.RayError, OSError, RuntimeError, ValueError) as error:
        raise _unreachable(settings, f"cannot be joined from this machine ({_last_line(str(error))})") from None
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, on_sigterm)  # Ray takes it, and ends the process with a status of its own


def _look_over(folder: Path) -> None:
    """Raise InputError for a node that does not see the directory, or where a package is another."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    def look(file: str, packages: tuple[str, ...]) -> tuple[bool, dict[str, str]]:
        # Sent to the nodes as it is, since octavo may not be there.
        import os
        from importlib.metadata import PackageNotFoundError, version

        there = {}
        for package in packages:
            try:
                there[package] = version(package)
            except PackageNotFoundError:
                there[package] = "not installed"
        return os.access(file, os.W_OK), there

    nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
    if not nodes:
        raise InputError("curation.ray: found a cluster without CPUs, expected nodes that can work")
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        _, here = look(file.name, PACKAGES)
        ask = ray.remote(num_cpus=0)(look)
        there_only = [NodeAffinitySchedulingStrategy(node["NodeID"], soft=False) for node in nodes]
        answers = [ask.options(scheduling_strategy=where).remote(file.name, PACKAGES) for where in there_only]
        for node, answer in zip(nodes, answers, strict=True):
            name = f"curation.ray: node {node['NodeManagerAddress']} ({node['NodeManagerHostname']})"
            try:
                sees, there = ray.get(answer, timeout=LOOK_SECONDS)
            except ray.exceptions.GetTimeoutError:
                raise InputError(f"{name} has started no worker in {LOOK_SECONDS:.0f} s") from None
            if not sees:
                raise InputError(
                    f"{name} does not see {folder}, or may not write there; expected a run directory (--out) on "
                    "storage that all nodes share, under the same path"
                )
            for package in PACKAGES:
                if there[package] != here[package]:
                    raise InputError(
                        f"{name}: found {package} {there[package]}, expected {here[package]} as on this machine"
                    )


def _address(settings: Curation) -> str:
    return settings.ray or os.environ.get("RAY_ADDRESS") or "null"


def _unreachable(settings: Curation, why: str) -> InputError:
    return InputError(
        f"curation.ray: found {_address(settings)}, which {why}; expected HOST:PORT of a Ray cluster that this "
        "machine is a node of"
    )


def _last_line(said: str) -> str:
    return said.strip().split("\n")[-1][:300]
