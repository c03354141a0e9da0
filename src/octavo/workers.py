"""Work on many things at once on this machine: in threads, or in processes where Python code holds its lock."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from types import FrameType
from typing import Any, TypeVar

from octavo.progress import StoppedError

os.environ.setdefault("DAFT_PROGRESS_BAR", "0")
os.environ.setdefault("DAFT_SHOW_QUERY_ID", "0")
# Else Daft imports Ray, where it is installed, to see whether this is a job of it: 2 s of each process.
os.environ.setdefault("DAFT_RUNNER", "native")

Item = TypeVar("Item")

CORES = os.cpu_count() or 1


def in_threads(work: Callable[[Item], object], items: Sequence[Item]) -> Iterator[Item]:
    """Do the work of all items, as many at once as there are cores; yields each as it is done.

    An error ends it: what has not begun is not begun.
    """
    with ThreadPoolExecutor(min(CORES, max(len(items), 1))) as pool:
        running = {pool.submit(work, item): item for item in items}
        try:
            for done in as_completed(running):
                done.result()
                yield running[done]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def in_processes(work: Callable[[Item], object], items: Sequence[Item]) -> Iterator[Item]:
    """The same in processes, which Daft starts; what the work returns is not brought back."""
    if len(items) < 2:  # not worth a process
        for item in items:
            work(item)
            yield item
        return
    import daft
    from daft import DataType, col

    @daft.cls(use_process=True, max_concurrency=min(len(items), CORES))
    class Worker:
        def __init__(self) -> None:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it decides when it ends

        @daft.method.batch(return_dtype=DataType.binary(), batch_size=1)
        def do(self, numbers: daft.Series) -> list[bytes]:
            return [_failure(work, items[number]) for number in numbers.to_pylist()]

    frame = daft.from_pydict({"number": list(range(len(items)))})
    failure: Any = Worker().do(col("number"))  # type: ignore[arg-type]  # called with an expression
    with all_rows():
        for batch in frame.select("number", failure.alias("failure")).to_arrow_iter():
            for row in batch.to_pylist():
                if row["failure"]:
                    raise pickle.loads(row["failure"])
                yield items[row["number"]]


@contextlib.contextmanager
def all_rows() -> Iterator[None]:
    """Have what is asked of Daft within it answered in full.

    Daft takes a SIGINT for itself: it ends what it is at with the rows that it has by then, or none, and says
    nothing. So StoppedError is raised at the end, or in place of what came of such rows, where there was one.
    """
    if threading.current_thread() is not threading.main_thread():  # where Python knows of no signals
        yield
        return
    came = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal came
        came = True
        if callable(before):
            before(number, frame)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    except Exception as error:
        if came:
            raise StoppedError from error
        raise
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise StoppedError


def _failure(work: Callable[[Item], object], item: Item) -> bytes:
    """Do the work; the error that it raised, pickled, or nothing.

    Daft makes a traceback of an error that it sees, and of the process, now and then, an aborted one at its end.
    """
    try:
        work(item)
    except Exception as error:
        error.add_note(traceback.format_exc())
        try:
            told = pickle.dumps(error)
            pickle.loads(told)
        except Exception:  # of another package's kind, with more in it than a message
            told = pickle.dumps(RuntimeError(traceback.format_exc()))
        return told
    return b""
