"""`octavo serve` as a person starts and ends it."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import pytest

from octavo.errors import InputError
from octavo.inference.server.listening import bound
from octavo.inference.server.served_model import open_served_model

LONG = {"prompt": [40] * 8, "max_tokens": 119, "n": 20, "temperature": 1.0, "logprobs": 20}


@contextlib.contextmanager
def started(*arguments):
    """The process, and the first line that it prints."""
    process = subprocess.Popen(
        [sys.executable, "-m", "octavo", "serve", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process, process.stdout.readline()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def complete(address, **asked):
    request = urllib.request.Request(
        f"{address}/v1/completions", json.dumps(asked).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def metric(address, name):
    with urllib.request.urlopen(f"{address}/metrics") as answer:
        (line,) = [line for line in answer.read().decode().splitlines() if line.startswith(f"{name} ")]
    return float(line.split()[1])


def asked_early(port):
    """A connection that has asked as soon as the port was there."""
    while True:
        with contextlib.suppress(ConnectionRefusedError):
            early = socket.create_connection(("127.0.0.1", port), timeout=60)
            early.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return early
        time.sleep(0.02)


def test_it_tells_its_address_and_ends_once_running_requests_have(small_run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    early = []
    asking_early = threading.Thread(target=lambda: early.append(asked_early(port)), daemon=True)
    asking_early.start()
    with started(small_run, "--port", port, "--slots", 2, "--json") as (process, line):
        address = json.loads(line)["address"]
        asking_early.join()
        with early[0] as connection:  # who comes before the model is there waits, and is answered
            assert connection.recv(12) == b"HTTP/1.1 200"
        assert len(complete(address, prompt="The old", max_tokens=3)["choices"]) == 1
        answers = []
        asking = threading.Thread(target=lambda: answers.append(complete(address, **LONG)))
        asking.start()
        while metric(address, "octavo_choices_running") < 2:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        with pytest.raises(urllib.error.HTTPError) as refused:
            complete(address, prompt="a")
        assert refused.value.code == 503
        refused.value.close()
        asking.join()
        assert len(answers[0]["choices"]) == 20
        assert process.wait(10) == 0
        assert (process.stdout.read(), process.stderr.read()) == ("", "")


def test_a_second_signal_ends_at_once(small_run):
    with started(small_run / "release", "--port", 0) as (process, line):
        address = line.removeprefix("Open ").removesuffix(" in a browser.\n")

        def ask():
            with contextlib.suppress(OSError):
                complete(address, **LONG)

        asking = threading.Thread(target=ask)
        asking.start()
        while metric(address, "octavo_choices_running") < 1:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert process.wait(2) == 128 + signal.SIGINT
        asking.join()


def test_what_it_cannot_begin_with_is_told_in_a_line(small_run, tmp_path):
    (tmp_path / "keys").write_text("secret\n")
    os.chmod(tmp_path / "keys", 0o644)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for arguments, told in (
            (
                (small_run, "--port", port),
                f"--host 127.0.0.1 --port {port}: cannot be listened on (Address already",
            ),
            ((small_run, "--host", "0.0.0.0"), "--host 0.0.0.0: found no --api-key-file, expected one"),
            ((small_run, "--api-key-file", tmp_path / "keys"), "found mode 644, expected 600"),
        ):
            with started(*arguments) as (process, line):
                assert (process.wait(60), line) == (2, "")
                error = process.stderr.read()
                assert told in error
                assert error.count("\n") == 1


def test_a_host_that_is_no_name_is_told():
    with (
        pytest.raises(InputError, match=r"--host a\.\.b: cannot be listened on \(no name of a machine\)"),
        bound("a..b", 0),
    ):
        pass


def test_what_it_cannot_open_is_told(small_run, tmp_path):
    with pytest.raises(InputError, match="none: found no such folder"):
        open_served_model(tmp_path / "none", 1, None)
    with pytest.raises(InputError, match="found no trace index"):
        open_served_model(small_run, 1, tmp_path)
