"""What a person sees of a run on stderr: a bar a stage on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator

from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from octavo.progress import Progress, now_and_then
from octavo.terminal import plain, plain_console

GRACE_SECONDS = 4.0
"""After Ctrl-C a stage has this long to begin to save; all it wrote is whole in any case."""


class Stop:
    """Turns Ctrl-C and SIGTERM into a wish to stop, and ends the process where the wish is not met in time.

    SIGUSR1, the warning that Slurm can send minutes before it ends a job, is the same wish without the haste.
    The signal is read from a pipe by a thread, as Python's own handlers wait for long calls into
    native code.
    """

    def __init__(self) -> None:
        self.wished = threading.Event()
        self.saving = threading.Lock()
        self.read, write = os.pipe()
        os.set_blocking(write, False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        number = 0
        while number not in (signal.SIGINT, signal.SIGTERM):
            number = os.read(self.read, 1)[0]
            if number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1) and not self.wished.is_set():
                print("\noctavo: stopping; what is done is kept, the same command goes on", file=sys.stderr)
                self.wished.set()
        time.sleep(GRACE_SECONDS)
        with self.saving:  # a stage that saves is given the time
            pass
        time.sleep(GRACE_SECONDS / 4)
        sys.stderr.write("\x1b[?25h" if sys.stderr.isatty() else "")  # show the cursor again
        sys.stderr.flush()
        os._exit(130)


class Display:
    """The reporter of a run."""

    def __init__(self, stop: Stop) -> None:
        self.console = plain_console(stderr=True)
        self.stop = stop

    def message(self, text: str) -> None:
        """Print a line."""
        self.console.print(text, markup=False, soft_wrap=not self.console.is_terminal)

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[Progress]:
        """Show a stage while it runs."""
        started = time.perf_counter()
        if self.console.is_terminal:
            columns = (
                TextColumn(f"{name:<13}"),
                BarColumn(24),
                TaskProgressColumn(),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                TextColumn("{task.fields[note]}", markup=False),
            )
            with RichProgress(*columns, console=self.console, transient=True) as bar:
                task = bar.add_task(name, total=None, note="")

                def update(done: float, total: float, note: str) -> None:
                    bar.update(task, completed=done, total=total, note=plain(note))

                yield Progress(update, self.message, self.stop.wished.is_set, lambda: self.stop.saving)
        else:
            tell = now_and_then(name, self.message)
            yield Progress(tell, self.message, self.stop.wished.is_set, lambda: self.stop.saving)
        self.message(f"{name}: done in {time.perf_counter() - started:.1f} s")
