"""Curation on a real Ray cluster: a head and a second node, each of processes of its own, that take a token."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest

from octavo.corpus.locations import expand
from octavo.curation import cluster, pipeline
from octavo.errors import InputError, OctavoError
from octavo.lineage import hash_files
from octavo.progress import Progress, StoppedError
from octavo.recipe.curation import Curation
from octavo.recipe.file import dump, validate
from octavo.recipe.schema import Recipe
from octavo.road import run_road
from tests.conftest import quiet_reporter

pytestmark = pytest.mark.skipif(find_spec("ray") is None, reason="needs octavo[ray]")

PARTS = 4
STARTED = "Ray runtime started"
SECONDS = 90.0
"""What starts or is waited for takes a tenth of it on an idle machine."""
PAUSE = 0.1
"""Between two looks at the machine's processes, as each takes a while: workers have a part for longer."""


@dataclass(frozen=True)
class Cluster:
    address: str
    environment: dict[str, str]
    nodes: list[psutil.Process]

    def at_work(self) -> Iterator[tuple[psutil.Process, str]]:
        """The workers that have a part just now, and its name."""
        for node in self.nodes:
            for worker in node.children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    title = "".join(worker.cmdline()[:1])
                    if title.startswith("ray::") and title.endswith(".parquet"):
                        yield worker, title.removeprefix("ray::")


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[Cluster]:
    with contextlib.ExitStack() as stack:
        # Not pytest's folder, whose path is too long for Ray's sockets.
        name = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        home = Path(name)
        (home / "token").write_text(secrets.token_hex(32))
        environment = {name: value for name, value in os.environ.items() if name != "DAFT_RUNNER"} | {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(home / "token"),
            "RAY_memory_monitor_refresh_ms": "0",  # other work on the machine is no reason to end ours
        }
        address = f"{own_address()}:{free_port()}"
        own = ["--temp-dir", name, "--include-dashboard", "false", "--ray-client-server-port", str(free_port())]
        head = stack.enter_context(
            node(home / "head.log", environment, ["--head", "--port", address.split(":")[1], *own])
        )
        second = stack.enter_context(node(home / "second.log", environment, ["--address", address]))
        yield Cluster(address, environment, [head, second])


@contextlib.contextmanager
def node(log: Path, environment: dict[str, str], arguments: list[str]) -> Iterator[psutil.Process]:
    """A node of a cluster, with one CPU; it ends with all that it has started."""
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats"]
    command += ["--num-cpus", "1", "--object-store-memory", "100000000", "--node-ip-address", own_address()]
    with log.open("w") as output:
        started = psutil.Popen([*command, *arguments], env=environment, stdout=output, stderr=output)
    try:
        wait_until(lambda: STARTED in log.read_text() or started.poll() is not None)
        assert STARTED in log.read_text(), log.read_text()
        yield started
    finally:
        family = [started]
        with contextlib.suppress(psutil.NoSuchProcess):
            family += started.children(recursive=True)
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(family, timeout=SECONDS)


def own_address() -> str:
    from ray.util import get_node_ip_address  # 2 s, which each of the suite's processes would take

    return str(get_node_ip_address())


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("", 0))
        return int(listener.getsockname()[1])


def wait_until(condition: Callable[[], bool], seconds: float = SECONDS) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(PAUSE)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the starter corpus, of which each part has more than the one before, and an evaluation set."""
    home = tmp_path_factory.mktemp("ray")
    (location,), _ = expand("builtin:starter")
    documents = pq.read_table(location.path)
    for part in range(PARTS):
        names = [f"{name} in {part}" for name in documents["identifier"].to_pylist()]
        copied = documents.set_column(documents.column_names.index("identifier"), "identifier", [names])
        pq.write_table(copied.slice(0, documents.num_rows * (part + 1) // PARTS), home / f"{part}.parquet")
    (home / "evaluation.txt").write_text(documents["text"][40].as_py())
    return home


def recipe(**curation: object) -> Recipe:
    sources = {"sources": [{"path": f"{part}.parquet"} for part in range(PARTS)]}
    sets = {"decontamination": {"sets": ["evaluation.txt"]}}  # a relative path means what it means here
    return validate({"name": "small", "corpus": sources, "curation": {**sets, **curation}}, {}, "recipe.yaml")


@pytest.fixture(scope="module")
def natively(home: Path) -> Path:
    """A run that was curated on this machine alone."""
    with contextlib.chdir(home):
        run_road(recipe(), home / "natively", "curation", quiet_reporter())
    return home / "natively"


def curate(home: Path, run: Path, nodes: Cluster, **environment: str) -> subprocess.Popen[str]:
    (home / "recipe.yaml").write_text(dump(recipe()))
    command = [
        Path(sys.executable).parent / "octavo",
        "curate",
        "recipe.yaml",
        "--out",
        run,
        "--ray",
        nodes.address,
    ]
    return subprocess.Popen(
        command,
        env=nodes.environment | environment,
        cwd=home,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def same_bytes(left: Path, right: Path) -> bool:
    files = (hash_files([run / "documents", run / "corpus"], run) for run in (left, right))
    here, there = ({name: record.blake3 for name, record in of.items()} for of in files)
    assert {Path(name).parts[1] for name in here} >= {"kept", "originals", "removed", "ledger.parquet"}
    return here == there


def test_begun_here_two_nodes_go_on_and_a_killed_worker_changes_no_byte(
    two_nodes: Cluster, home: Path, natively: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    stop = Progress(stopping=lambda: (run / "corpus").exists())
    with contextlib.chdir(home), pytest.raises(StoppedError):
        run_road(recipe(), run, "curation", quiet_reporter(progress=stop))
    for later in sorted((run / "corpus" / "verdicts").glob("*.parquet"))[1:]:  # those that it was quick enough for
        later.unlink()
    curating = curate(home, run, two_nodes)
    wait_until(lambda: killed_in_the_middle(two_nodes, run) or curating.poll() is not None)
    assert curating.poll() is None, curating.communicate()
    busy = set()
    while curating.poll() is None:
        time.sleep(PAUSE)
        busy |= {n for n, node in enumerate(two_nodes.nodes) for w, _ in two_nodes.at_work() if node in w.parents()}
    said, errors = curating.communicate()
    assert curating.returncode == 0, errors
    assert "curation      " in said
    assert busy == {0, 1}
    assert "goes on where it stopped" in errors
    assert "A worker died or was killed" in errors
    assert "A worker died" not in said
    assert same_bytes(run, natively)


def killed_in_the_middle(nodes: Cluster, run: Path) -> bool:
    """Kill a worker that has a part and has not done it."""
    for worker, part in nodes.at_work():
        with contextlib.suppress(psutil.NoSuchProcess):
            worker.suspend()
            if not (run / "corpus" / "verdicts" / part).exists() and any((run / "corpus" / "workspaces").iterdir()):
                worker.kill()
                return True
            worker.resume()
    return False


def test_what_another_node_has_made_must_appear_here(
    natively: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "documents").mkdir()
    part = next((natively / "documents").glob("*.parquet"))
    (tmp_path / "documents" / part.name).write_bytes(part.read_bytes())
    monkeypatch.setattr(pipeline, "_judge", lambda *_: None)
    monkeypatch.setattr(pipeline, "APPEAR_SECONDS", 0.0)
    with pytest.raises(OctavoError, match=f"{part.name}: was made, and does not appear"):
        pipeline.curate(recipe(), tmp_path / "documents", tmp_path / "corpus", Progress())


def test_the_engine_is_no_reason_to_curate_again(home: Path, natively: Path) -> None:
    said: list[str] = []
    on_ray = recipe(engine="ray", ray="cluster.example:6379")  # which nobody asks: all is done
    with contextlib.chdir(home):
        run_road(on_ray, natively, "curation", quiet_reporter(said))
    assert said == ["corpus: done already", "curation: done already"]


def test_a_node_that_does_not_see_the_run_directory_is_told(two_nodes: Cluster, home: Path) -> None:
    # Each process sees another folder under this path, as each machine does without a shared one.
    curating = curate(home, Path("/proc/self/cwd/not-shared"), two_nodes)
    said, errors = curating.communicate(timeout=SECONDS)
    assert curating.returncode == 2, errors
    assert (
        "does not see /proc/self/cwd/not-shared/corpus/workspaces, or may not write there; expected a run directory"
        in errors
    )
    assert "Traceback" not in errors
    assert said == ""


def test_a_node_with_another_version_is_told(two_nodes: Cluster, home: Path, tmp_path: Path) -> None:
    (tmp_path / "pyarrow-999.dist-info").mkdir()
    (tmp_path / "pyarrow-999.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: pyarrow\nVersion: 999\n"
    )
    path = f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    curating = curate(home, tmp_path / "run", two_nodes, PYTHONPATH=path)
    _, errors = curating.communicate(timeout=SECONDS)
    assert curating.returncode == 2, errors
    assert f"found pyarrow {version('pyarrow')}, expected 999 as on this machine" in errors


@pytest.mark.parametrize("mode", ["token", "disabled"])
def test_a_token_that_is_wrong_or_missing_is_told(
    two_nodes: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: str
) -> None:
    (tmp_path / "wrong").write_text(secrets.token_hex(32))
    monkeypatch.setenv("RAY_AUTH_MODE", mode)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "wrong"))
    with pytest.raises(InputError, match=f"found {two_nodes.address}, which does not take this process's token"):
        cluster.check(Curation(engine="ray", ray=two_nodes.address))


def test_an_address_where_nothing_listens_is_told() -> None:
    with pytest.raises(
        InputError, match=r"found localhost:\d+, which cannot be reached \(.*refused\); expected HOST:PORT"
    ):
        cluster.check(Curation(engine="ray", ray=f"localhost:{free_port()}"))


def test_an_address_where_something_else_listens_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "ANSWER_SECONDS", 4.0)
    with socket.create_server(("localhost", 0)) as silent:
        address = f"localhost:{silent.getsockname()[1]}"
        with pytest.raises(InputError, match=f"found {address}, which gave no answer of Ray's in 4 s"):
            cluster.check(Curation(engine="ray", ray=address))


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"which is not installed; pip install .\.\[ray\]. in octavo"):
        cluster.check(Curation(engine="ray"))
